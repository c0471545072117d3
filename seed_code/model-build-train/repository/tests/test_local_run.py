import json
from pathlib import Path

import pytest
from conftest import ROWS

from abalone import schema
from pipelines import local_run
from pipelines.local_run import LocalRun
from pipelines.sample_data import sample_csv

NOTEBOOK = json.loads((Path(__file__).parent.parent / "local_run.ipynb").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(local_run, "sample_csv", lambda: sample_csv(ROWS))
    return tmp_path


@pytest.fixture
def data(tmp_path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "abalone.csv").write_text(sample_csv(ROWS), encoding="utf-8")
    return folder


def test_a_run_goes_from_data_to_an_answer_and_says_what_is_next(here, data, capsys):
    assert local_run.main(["--data", str(data)]) == 0
    output = capsys.readouterr().out
    assert "Preprocess: train 420, validation 90, test 90 rows" in output
    report = json.loads((here / "local-run/evaluate/evaluation.json").read_text())
    for name, told in report["conditions"].items():
        assert f"{name:<18} {told['value']:8.4f}  at most {told['limit']:<6g} met" in output
    assert f"request {local_run.EXAMPLE}: " in output
    assert "Next: commit and push." in output


def test_what_the_pipeline_would_not_register_is_said_and_is_an_error(data, capsys, monkeypatch):
    defaults = local_run.parameters("")
    worse = [each | ({"DefaultValue": 0.1} if each["Name"] == "MaxMeanSquaredError" else {}) for each in defaults]
    monkeypatch.setattr(local_run, "parameters", lambda _: worse)
    assert local_run.main(["--data", str(data)]) == 1
    output = capsys.readouterr().out
    assert "at most 0.1    NOT MET" in output
    assert "In SageMaker it would end in ErrorTooHigh." in output


def test_bad_data_is_one_sentence(here, capsys):
    assert local_run.main(["--data", str(here / "nowhere")]) == 1
    assert capsys.readouterr().err.startswith(f"error: {here / 'nowhere'}: there is no file")


def test_the_parameters_of_the_pipeline_hold_and_can_be_changed(here, data):
    run = LocalRun(folder=here / "out", data=data, parameters={"Seed": 3, "MaxIterations": 1})
    first = run.preprocess()
    rows = (here / "out/preprocess/test/test.csv").read_text()
    worse = run.train()
    run = LocalRun(folder=here / "out", data=data)
    assert run.preprocess() == first
    assert (here / "out/preprocess/test/test.csv").read_text() != rows
    assert run.train() < worse


def test_a_request_that_is_refused_is_told(data):
    run = LocalRun(data=data, parameters={"MaxIterations": 1})
    run.preprocess()
    run.train()
    with pytest.raises(schema.DataError, match=r"does not answer 'M,1': .*line 1 has 2 columns"):
        run.answer("M,1")


def test_the_notebook_holds_no_outputs_and_nothing_of_who_ran_it():
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    assert set(NOTEBOOK["metadata"]) == {"kernelspec", "language_info"}
    assert len({cell["id"] for cell in NOTEBOOK["cells"]}) == len(NOTEBOOK["cells"])
    for cell in NOTEBOOK["cells"]:
        assert cell["metadata"] == {}
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)


def test_the_cells_of_the_notebook_run_in_order_and_do_what_the_command_does(here, capsys):
    names: dict[str, object] = {}
    for cell in NOTEBOOK["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)  # noqa: S102 - our own
    assert "share_of_baseline" in capsys.readouterr().out
    left = {path.name for path in (here / "local-run").iterdir()}
    assert left == {"data", "preprocess", "train", "approved", "evaluate", "serve"}
