"""What SageMaker asks of an image, for a model that `abalone.inference` serves.

    serve   answers on port 8080: GET /ping with 200 once the model is loaded, and POST /invocations (the endpoint)
    train   is one job of a tuning job; other jobs bring their own command, for which the image needs `python3`

The model and its code are in /opt/ml/model, and PYTHONPATH names the code: the environment of the version, and that of
the jobs, set it.
"""

import os
import sys
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

PORT = 8080
LARGEST = 6 * 2**20
"""SageMaker takes no larger request."""


def application(model_dir: str = "/opt/ml/model") -> Callable[..., Iterable[bytes]]:
    """Load the model and return the WSGI application that serves it; each worker of the server calls this once."""
    import inference  # what the archive holds

    model = inference.model_fn(model_dir)

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, body, kind = HTTPStatus.NOT_FOUND, "", "text/plain"
        match environ["REQUEST_METHOD"], environ["PATH_INFO"]:
            case "GET", "/ping":
                status = HTTPStatus.OK
            case "POST", "/invocations":
                size = int(environ.get("CONTENT_LENGTH") or 0)
                if size > LARGEST:
                    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                else:
                    content = environ["wsgi.input"].read(size)
                    kinds = environ.get("CONTENT_TYPE", ""), environ.get("HTTP_ACCEPT")
                    status, body, kind = inference.answer(model, content, *kinds)
        start_response(f"{status.value} {status.phrase}", [("Content-Type", kind)])
        return [body.encode()]

    return answer


def command(argv: list[str]) -> list[str]:
    """Return what the container runs for the word that SageMaker starts it with.

    Raises:
        SystemExit: another word.
    """
    if argv == ["train"]:
        return ["python3", "-m", "abalone.tuned"]
    if argv == ["serve"]:
        here = os.path.dirname(os.path.abspath(__file__))
        workers = os.cpu_count() or 1
        return ["gunicorn", f"--chdir={here}", f"--bind=0.0.0.0:{PORT}", f"--workers={workers}", "serve:application()"]
    raise SystemExit(f"error: started with {argv}; SageMaker starts an image with 'serve' or 'train'")


if __name__ == "__main__":
    words = command(sys.argv[1:])
    os.execvp(words[0], words)
