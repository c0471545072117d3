import json
import re
import tarfile

import joblib
import numpy as np
import pytest

from abalone import evaluate, preprocess, schema, train
from pipelines.definition import MOST_ERROR, build_definition
from pipelines.sample_data import sample_csv

MOST_SMALL_DATA_ERROR = 5.0
"""The bound that these tests hold on 600 made-up rows; the mean's error on them is about 10."""

QUICK = train.Hyperparameters(max_iter=20)


def test_the_splits_share_no_row_and_leave_none_out():
    splits = preprocess.split(1000, seed=3)
    assert {name: len(rows) for name, rows in splits.items()} == {"train": 700, "validation": 150, "test": 150}
    assert sorted(np.concatenate(list(splits.values())).tolist()) == list(range(1000))


def test_the_seed_decides_the_split(raw, tmp_path):
    source = raw(sample_csv(100))
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        preprocess.preprocess(source, tmp_path / name, seed)
    texts = {name: (tmp_path / name / "test/test.csv").read_text() for name in "abc"}
    assert texts["a"] == texts["b"] != texts["c"]


def test_preprocessing_changes_no_value(raw, tmp_path):
    source = raw(sample_csv(100))
    preprocess.preprocess(source, tmp_path / "out", seed=0)
    before = schema.read_labelled(source)
    after = [schema.read_labelled(tmp_path / "out" / name) for name in ("train", "validation", "test")]
    rows = sorted([*row, label] for row, label in zip(before[0].tolist(), before[1].tolist(), strict=True))
    assert rows == sorted(
        [*row, label]
        for features, labels in after
        for row, label in zip(features.tolist(), labels.tolist(), strict=True)
    )


def test_the_model_reaches_the_error_bound(trained, tmp_path):
    report = evaluate.evaluate(trained.archive, trained.split / "test", tmp_path)
    metrics = {name: values["value"] for name, values in report["regression_metrics"].items()}
    assert metrics["mse"] <= MOST_SMALL_DATA_ERROR < MOST_ERROR
    assert metrics["mse"] < metrics["baseline_mse"] / 2
    assert json.loads((tmp_path / "evaluation.json").read_text()) == report


def test_the_report_is_right(trained, tmp_path):
    report = evaluate.evaluate(trained.archive, trained.split / "test", tmp_path)["regression_metrics"]
    features, labels = schema.read_labelled(trained.split / "test")
    errors = joblib.load(trained.model / "model.joblib").predict(features) - labels
    assert report["mse"]["value"] == pytest.approx(np.mean(errors**2))
    assert report["mae"]["value"] == pytest.approx(np.mean(np.abs(errors)))
    assert report["mse"]["standard_deviation"] == pytest.approx(np.std(errors**2))


def test_the_transformers_saw_the_training_rows_only(trained):
    scaler = joblib.load(trained.model / "model.joblib")[0].named_transformers_["measures"]
    train_features, _ = schema.read_labelled(trained.split / "train")
    assert scaler.n_samples_seen_ == len(train_features)
    assert scaler.mean_ == pytest.approx(train_features[:, 1:].astype(float).mean(axis=0))


def test_the_validation_rows_choose_the_candidate(trained, tmp_path, capsys):
    best = train.train(trained.split / "train", trained.split / "validation", tmp_path, QUICK)
    output = capsys.readouterr().out
    errors = {
        int(size): float(error) for size, error in re.findall(r"max_leaf_nodes=(\d+): validation mse (.+)", output)
    }
    assert list(errors) == list(train.TREE_SIZES)
    assert best == pytest.approx(min(errors.values()), abs=1e-4)
    assert joblib.load(tmp_path / "model.joblib")[1].max_leaf_nodes == min(errors, key=errors.get)


def test_the_same_seed_trains_the_same_model(trained, tmp_path):
    for name in "ab":
        train.train(trained.split / "train", trained.split / "validation", tmp_path / name, QUICK)
    features, _ = schema.read_labelled(trained.split / "test")
    first, second = (joblib.load(tmp_path / name / "model.joblib").predict(features) for name in "ab")
    assert first.tolist() == second.tolist()


def test_the_definition_finds_the_metrics_that_training_prints(trained, tmp_path, settings, capsys):
    train.train(trained.split / "train", trained.split / "validation", tmp_path, QUICK)
    output = capsys.readouterr().out
    step = build_definition(settings, "s3://b/code", "s3://b/data")["Steps"][1]
    for metric in step["Arguments"]["AlgorithmSpecification"]["MetricDefinitions"]:
        assert len(re.findall(metric["Regex"], output)) == 1, metric


def test_the_command_lines_of_the_jobs_run_one_after_the_other(raw, tmp_path, capsys):
    message = tmp_path / "message"
    hyperparameters = tmp_path / "hyperparameters.json"
    hyperparameters.write_text('{"learning_rate": "0.1", "max_iter": "20", "seed": "5"}')
    out = tmp_path / "out"
    source = raw(sample_csv(200))
    assert preprocess.main(["--input-dir", f"{source}", "--output-dir", f"{out}", "--seed", "5"], message) == 0
    assert "rows: train 140, validation 30, test 30" in capsys.readouterr().out
    arguments = ["--train-dir", f"{out}/train", "--validation-dir", f"{out}/validation", "--model-dir", f"{out}/model"]
    assert train.main([*arguments, "--hyperparameters", f"{hyperparameters}"], message) == 0
    model = joblib.load(out / "model/model.joblib")[1]
    assert (model.learning_rate, model.max_iter, model.random_state) == (0.1, 20, 5)
    with tarfile.open(out / "model.tar.gz", "w:gz") as tar:
        tar.add(out / "model/model.joblib", arcname="model.joblib")
    arguments = ["--model", f"{out}/model.tar.gz", "--test-dir", f"{out}/test", "--output-dir", f"{out}/evaluation"]
    assert evaluate.main(arguments, message) == 0
    assert (out / "evaluation/evaluation.json").is_file()
    assert not message.exists()


def test_bad_data_ends_a_job_with_one_sentence_where_sagemaker_shows_it(raw, tmp_path, capsys):
    source = raw("sex,length\nM,0.4\n")
    message = tmp_path / "message"
    assert preprocess.main(["--input-dir", f"{source}", "--output-dir", f"{tmp_path}/out"], message) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: preprocess: part-0.csv: missing columns diameter, height")
    assert "Traceback" not in error
    assert error == f"error: {message.read_text()}\n"
    assert not (tmp_path / "out").exists()


def test_too_few_rows_are_refused(raw, tmp_path, capsys):
    source = raw(sample_csv(39))
    assert preprocess.main(["--input-dir", f"{source}", "--output-dir", f"{tmp_path}/out"], tmp_path / "m") == 1
    assert "39 rows are too few to train, validate and test; at least 40 are needed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"learning_rate": "fast"}', "learning_rate is 'fast', must be a number above 0, at most 1"),
        ('{"max_iter": "0"}', "max_iter is '0', must be a whole number from 1 to 5000"),
        ('{"seed": "-1"}', "seed is '-1', must be a whole number from 0 to 4294967295"),
        ('{"depth": "3"}', "depth is not a hyperparameter (they are learning_rate, max_iter, seed)"),
        ('{"seed": "x", "depth": "3"}', "4294967295; depth is not"),
        ("{", "cannot be read"),
    ],
)
def test_bad_hyperparameters_are_named(trained, tmp_path, capsys, text, message):
    path = tmp_path / "hyperparameters.json"
    path.write_text(text)
    split = trained.split
    arguments = ["--train-dir", f"{split}/train", "--validation-dir", f"{split}/validation"]
    failure = tmp_path / "failure"
    assert train.main([*arguments, "--model-dir", f"{tmp_path}", "--hyperparameters", f"{path}"], failure) == 1
    assert message in capsys.readouterr().err
    assert message in failure.read_text()


def test_an_archive_without_the_model_is_refused(trained, tmp_path, capsys):
    archive = tmp_path / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(trained.split / "test/test.csv", arcname="other.csv")
    arguments = ["--test-dir", f"{trained.split}/test", "--output-dir", f"{tmp_path}/out"]
    assert evaluate.main(["--model", f"{archive}", *arguments], tmp_path / "m") == 1
    assert "model.tar.gz holds no model.joblib; the training step makes it" in capsys.readouterr().err
    assert evaluate.main(["--model", f"{tmp_path}/none.tar.gz", *arguments], tmp_path / "m") == 1
    assert "none.tar.gz cannot be read" in capsys.readouterr().err
    archive.write_bytes(b"no archive")
    assert evaluate.main(["--model", f"{archive}", *arguments], tmp_path / "m") == 1
    assert "model.tar.gz cannot be read" in capsys.readouterr().err
