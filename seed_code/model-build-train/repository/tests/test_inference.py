import json
import os
import subprocess
import sys
from http import HTTPStatus
from types import SimpleNamespace

import pytest

from abalone import inference, schema

ROW = "M,0.455,0.365,0.095,0.514,0.2245,0.101,0.15"
HEADER = ",".join(schema.FEATURES)
OBJECT = {
    name: value if name == "sex" else float(value) for name, value in zip(schema.FEATURES, ROW.split(","), strict=True)
}


@pytest.fixture(scope="module")
def model(trained):
    return inference.model_fn(str(trained.model))


@pytest.fixture(scope="module")
def expected(model):
    return model.predict(schema.features_from_rows([(1, ROW.split(","))], "test")).tolist()[0]


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (ROW, "text/csv"),
        (ROW.encode(), "text/csv; charset=utf-8"),
        (f"{HEADER}\n{ROW}\n", "Text/CSV"),
        (f"{HEADER},rings\n{ROW},15\n", "text/csv"),
        (json.dumps({"instances": [OBJECT]}), "application/json"),
        (json.dumps({"instances": [ROW.split(",")]}).encode(), "application/json"),
    ],
)
def test_raw_rows_are_served(model, expected, content, content_type):
    status, body, mimetype = inference.answer(model, content, content_type, "application/json")
    assert (status, mimetype) == (HTTPStatus.OK, "application/json")
    assert json.loads(body) == {"predictions": [expected]}


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        (None, "text/csv"),
        ("*/*", "text/csv"),
        ("text/*", "text/csv"),
        ("text/html, application/json;q=0.9", "application/json"),
        ("application/json", "application/json"),
    ],
)
def test_the_answer_is_what_the_client_accepts(model, accept, mimetype):
    assert inference.answer(model, ROW, "text/csv", accept)[2] == mimetype


def test_csv_answers_have_one_number_a_line(model, expected):
    _, body, _ = inference.answer(model, f"{ROW}\n{ROW}\n", "text/csv", None)
    assert [float(line) for line in body.splitlines()] == [expected, expected]


@pytest.mark.parametrize(
    ("content", "content_type", "accept", "status", "message"),
    [
        (ROW, "application/x-npy", None, 415, "content type 'application/x-npy' is not served; send text/csv or"),
        (ROW, "", None, 415, "send text/csv or application/json"),
        (ROW, "text/csv", "image/png", 406, "accept 'image/png' cannot be answered"),
        ("", "text/csv", None, 400, "request: the file is empty"),
        (b"\xff\xfe", "text/csv", None, 400, "not UTF-8"),
        ("M,0.4", "text/csv", None, 400, "request: line 1 has 2 columns, expected 8: sex, length"),
        (ROW.replace("0.455", "nan"), "text/csv", None, 400, "line 1, column length: 'nan' is not a finite number"),
        (ROW.replace("M", "male"), "text/csv", None, 400, "line 1, column sex: 'male' is none of F, I, M"),
        (f"{HEADER.replace(',height', '')}\n{ROW}", "text/csv", None, 400, "missing column height"),
        ("{", "application/json", None, 400, "request: not JSON"),
        ("[]", "application/json", None, 400, 'expected {"instances": [row, ...]} with at least one row'),
        ('{"instances": []}', "application/json", None, 400, "with at least one row"),
        ('{"instances": [{"sex": "M"}]}', "application/json", None, 400, "row 1 lacks length, diameter"),
        ('{"instances": ["M"]}', "application/json", None, 400, "row 1 must be an object or a list of 8 values"),
        (
            json.dumps({"instances": [OBJECT, OBJECT | {"height": None}]}),
            "application/json",
            None,
            400,
            "line 2, column height: an empty value",
        ),
        (json.dumps({"instances": [OBJECT | {"height": True}]}), "application/json", None, 400, "True is not a finite"),
        (json.dumps({"instances": [OBJECT | {"sex": ["M"]}]}), "application/json", None, 400, "is none of F, I, M"),
        (
            f'{{"instances": [{json.dumps(OBJECT | {"height": 10**400})}]}}',
            "application/json",
            None,
            400,
            "is not a finite number of 0 or more",
        ),
        (json.dumps({"instances": [OBJECT | {"height": float("inf")}]}), "application/json", None, 400, "inf is not"),
        (json.dumps({"instances": [OBJECT | {"height": {"a": 1}}]}), "application/json", None, 400, "is not a finite"),
        ('{"instances": ' + "[" * 100_000, "application/json", None, 400, "nested too deeply"),
        ("\0", "text/csv", None, 400, "request:"),
        (f"{ROW}\r{ROW}\n", "text/csv", None, 400, "request: "),
        ('"' + "x" * 200_000, "text/csv", None, 400, "is not CSV"),
        (ROW.replace("0.455", ""), "text/csv", None, 400, "column length: an empty value"),
    ],
)
def test_a_bad_request_is_answered_with_a_sentence(model, content, content_type, accept, status, message):
    answered, body, mimetype = inference.answer(model, content, content_type, accept)
    assert (answered, mimetype) == (status, "application/json")
    assert message in json.loads(body)["error"]


def test_the_server_gets_a_response_of_its_framework(model, monkeypatch):
    made = SimpleNamespace(Response=lambda body, status, mimetype: (body, status, mimetype))
    monkeypatch.setitem(sys.modules, "flask", made)
    assert inference.transform_fn(model, "", "image/png", None)[1:] == (415, "application/json")


def test_the_archive_serves_alone(trained, expected, tmp_path):
    """With nothing of this repository on the path but what the model directory holds, as behind an endpoint."""
    program = (
        "import inference, sys; model = inference.model_fn(sys.argv[1]);"
        "print(inference.__file__); print(inference.answer(model, sys.argv[2], 'text/csv', None)[1])"
    )
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program, str(trained.model), ROW],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(trained.model / "code")},
        capture_output=True,
        text=True,
        check=True,
    )
    location, prediction = result.stdout.split()
    assert location == str(trained.model / "code/inference.py")
    assert float(prediction) == expected


@pytest.mark.parametrize("value", [1e-300, 1e38, 1e300, 1.7e308])
def test_numbers_of_any_size_are_answered(model, value):
    status, body, _ = inference.answer(
        model, json.dumps({"instances": [OBJECT | {"length": value}]}), "application/json", None
    )
    assert status == HTTPStatus.OK, body


def test_a_model_that_has_seen_missing_values_takes_them(model, monkeypatch):
    monkeypatch.setattr(model, inference.TAKES_MISSING, True)
    for content, kind in (
        (ROW.replace("0.455", ""), "text/csv"),
        (json.dumps({"instances": [OBJECT | {"length": None, "sex": None}]}), "application/json"),
    ):
        assert inference.answer(model, content, kind, None)[0] == HTTPStatus.OK
