"""Answer one request as the scikit-learn image does: `serve.py MODEL REQUEST CONTENT_TYPE ACCEPT ANSWER`.

The image imports the program that SAGEMAKER_PROGRAM names, calls its `model_fn` and then its `transform_fn`, which
returns a response of Flask. There is no Flask here, so a class of that shape takes its place.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from types import ModuleType


class Response:
    """What the program makes of its answer."""

    def __init__(self, response: str, status: int = 200, mimetype: str = "text/html") -> None:
        self.response, self.status, self.mimetype = response, status, mimetype


def main() -> None:
    """Answer."""
    model, request, content_type, accept, answer = sys.argv[1:]
    flask = ModuleType("flask")
    flask.Response = Response  # type: ignore[attr-defined] # it stands for Flask's
    sys.modules["flask"] = flask
    sys.path.insert(0, os.environ["SAGEMAKER_SUBMIT_DIRECTORY"])
    program = importlib.import_module(os.environ["SAGEMAKER_PROGRAM"].removesuffix(".py"))
    loaded = program.model_fn(model)
    given = program.transform_fn(loaded, Path(request).read_bytes(), content_type, accept or None)
    told = {"status": int(given.status), "body": given.response, "content_type": given.mimetype}
    Path(answer).write_text(json.dumps(told))


if __name__ == "__main__":
    main()
