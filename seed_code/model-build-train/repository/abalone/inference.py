"""What the endpoint and batch transform run: raw rows in, rings out.

Request: `text/csv`, raw rows with or without a header; or `application/json`, `{"instances": [{"sex": "M", ...}]}`
or rows as lists. Answer: `text/csv`, one number a line; or `application/json`, `{"predictions": [...]}`.
A request that cannot be served is answered 400, 406 or 415 with a sentence, never 500.
"""

import json
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import joblib

from abalone import schema

if TYPE_CHECKING:
    from flask import Response
    from sklearn.pipeline import Pipeline

CSV = "text/csv"
JSON = "application/json"
SOURCE = "request"
TAKES_MISSING = "takes_missing_"
"""Attribute of a model that was trained on rows with missing values, and so takes them."""


def model_fn(model_dir: str) -> "Pipeline":
    """Load the model; the server calls this once per worker."""
    return joblib.load(Path(model_dir) / "model.joblib")


def transform_fn(model: "Pipeline", content: bytes | str, content_type: str, accept: str | None) -> "Response":
    """Answer one request; the server calls this."""
    from flask import Response  # the serving image has it; training and tests do not need it

    status, body, mimetype = answer(model, content, content_type, accept)
    return Response(body, status=int(status), mimetype=mimetype)


def answer(
    model: "Pipeline", content: bytes | str, content_type: str, accept: str | None
) -> tuple[HTTPStatus, str, str]:
    """Return status, body and content type of the answer to one request."""
    given = _media_type(content_type)
    if given not in (CSV, JSON):
        return _refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"content type {content_type!r} is not served; send {CSV} or {JSON}"
        )
    wanted = next((kind for kind in _accepted(accept, given) if kind in (CSV, JSON)), None)
    if wanted is None:
        return _refusal(HTTPStatus.NOT_ACCEPTABLE, f"accept {accept!r} cannot be answered; ask for {CSV} or {JSON}")
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        missing = getattr(model, TAKES_MISSING, False)
        features = _csv_features(text, missing=missing) if given == CSV else _json_features(text, missing=missing)
    except (UnicodeDecodeError, RecursionError, schema.DataError) as error:
        return _refusal(HTTPStatus.BAD_REQUEST, _fault(error))
    # A number near the largest that there is overflows when it is scaled; to the trees infinity is a large number.
    with schema.np.errstate(over="ignore"):
        predictions = model.predict(features).tolist()
    if wanted == CSV:
        return HTTPStatus.OK, "".join(f"{value}\n" for value in predictions), CSV
    return HTTPStatus.OK, json.dumps({"predictions": predictions}), JSON


def _csv_features(text: str, *, missing: bool) -> "schema.np.ndarray":
    return schema.features_from_rows(schema.read_csv_text(text, schema.FEATURES, SOURCE), SOURCE, missing=missing)


def _json_features(text: str, *, missing: bool) -> "schema.np.ndarray":
    try:
        document = json.loads(text)
    except ValueError as error:
        raise schema.DataError(f"{SOURCE}: not JSON: {error}") from error
    instances = document.get("instances") if isinstance(document, dict) else None
    if not isinstance(instances, list) or not instances:
        raise schema.DataError(f'{SOURCE}: expected {{"instances": [row, ...]}} with at least one row')
    return schema.features_from_rows(
        ((number, _json_cells(number, row)) for number, row in enumerate(instances, start=1)), SOURCE, missing=missing
    )


def _json_cells(number: int, row: object) -> list[object]:
    if isinstance(row, dict):
        missing = [column for column in schema.FEATURES if column not in row]
        if missing:
            raise schema.DataError(f"{SOURCE}: row {number} lacks {', '.join(missing)}")
        return [row[column] for column in schema.FEATURES]
    if isinstance(row, list) and len(row) == len(schema.FEATURES):
        return row
    raise schema.DataError(
        f"{SOURCE}: row {number} must be an object or a list of {len(schema.FEATURES)} values: "
        f"{', '.join(schema.FEATURES)}"
    )


def _media_type(value: str | None) -> str:
    return (value or "").split(";", maxsplit=1)[0].strip().lower()


def _accepted(accept: str | None, given: str) -> list[str]:
    """The answers a client takes, best first as it wrote them; anything means the kind it sent."""
    kinds = [_media_type(part) for part in (accept or "*/*").split(",")]
    wildcards = {"*/*": given, "text/*": CSV, "application/*": JSON}
    return [wildcards.get(kind, kind) for kind in kinds]


def _fault(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "the request is not UTF-8 text"
    if isinstance(error, RecursionError):
        return f"{SOURCE}: it is nested too deeply; a row is an object or a list of values"
    return str(error)


def _refusal(status: HTTPStatus, message: str) -> tuple[HTTPStatus, str, str]:
    return status, json.dumps({"error": message}), JSON
