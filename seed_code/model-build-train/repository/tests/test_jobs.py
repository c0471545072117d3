import json
import pickle
import re
import tarfile

import joblib
import numpy as np
import pytest
from conftest import ROWS, measured

from abalone import evaluate, inference, preprocess, schema, train
from pipelines.jobs import MOST_ERROR, MOST_SHARE_OF_BASELINE, algorithm
from pipelines.sample_data import sample_csv

MOST_SMALL_DATA_ERROR = 5.0
"""The bound that these tests hold on 600 made-up rows; the mean's error on them is about 10."""

QUICK = train.Hyperparameters(max_iter=20)


def test_the_splits_share_no_row_and_leave_none_out():
    splits = preprocess.split(np.arange(1000), seed=3)
    assert {name: len(rows) for name, rows in splits.items()} == {"train": 700, "validation": 150, "test": 150}
    assert sorted(np.concatenate(list(splits.values())).tolist()) == list(range(1000))


def test_the_seed_decides_the_split(raw, tmp_path):
    source = raw(sample_csv(200))
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        preprocess.preprocess(source, tmp_path / name, seed)
    texts = {name: (tmp_path / name / "test/test.csv").read_text() for name in "abc"}
    assert texts["a"] == texts["b"] != texts["c"]


def test_preprocessing_changes_no_value(raw, tmp_path):
    source = raw(sample_csv(200))
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
    report = measured(trained, tmp_path)
    metrics = {name: values["value"] for name, values in report["regression_metrics"].items()}
    assert metrics["mse"] <= MOST_SMALL_DATA_ERROR < MOST_ERROR
    assert metrics["mse"] < metrics["baseline_mse"] / 2
    assert json.loads((tmp_path / "evaluation.json").read_text()) == report


def test_the_report_is_right(trained, tmp_path):
    report = measured(trained, tmp_path)["regression_metrics"]
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


def test_the_job_finds_the_metrics_that_training_prints(trained, tmp_path, settings, capsys):
    train.train(trained.split / "train", trained.split / "validation", tmp_path, QUICK)
    output = capsys.readouterr().out
    for metric in algorithm(settings)["MetricDefinitions"]:
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
    (out / "approved").mkdir()
    (out / "approved/approved.json").write_text('{"version": null}')
    arguments = ["--model", f"{out}/model.tar.gz", *evaluation_arguments(out), "--output-dir", f"{out}/evaluation"]
    assert evaluate.main(arguments, message) == 0
    assert (out / "evaluation/evaluation.json").is_file()
    assert not message.exists()


def evaluation_arguments(root):
    limits = ["--max-error", "6", "--max-share-of-baseline", "0.9", "--max-share-of-approved", "1.1"]
    folders = [("--test-dir", "test"), ("--approved-dir", "approved"), ("--summary-dir", "summary")]
    return [*limits, *(word for option, name in folders for word in (option, f"{root}/{name}"))]


def test_bad_data_ends_a_job_with_one_sentence_where_sagemaker_shows_it(raw, tmp_path, capsys):
    source = raw("sex,length\nM,0.4\n")
    message = tmp_path / "message"
    assert preprocess.main(["--input-dir", f"{source}", "--output-dir", f"{tmp_path}/out"], message) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: preprocess: part-0.csv: missing columns diameter, height")
    assert "Traceback" not in error
    assert error == f"error: {message.read_text()}\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("rows", "message"), [(39, "validation 6, test 6"), (130, "test 19"), (5, "train 4")])
def test_splits_of_a_few_rows_are_refused(raw, tmp_path, capsys, rows, message):
    source = raw(sample_csv(rows))
    assert preprocess.main(["--input-dir", f"{source}", "--output-dir", f"{tmp_path}/out"], tmp_path / "m") == 1
    error = capsys.readouterr().err
    assert f"{rows} rows, of which {rows} differ, are too few to train, validate and test: " in error
    assert message in error


@pytest.mark.parametrize("seed", range(5))
def test_identical_rows_go_to_one_split(raw, tmp_path, seed):
    rows = sample_csv(150).splitlines()
    source = raw("\n".join([*rows, *rows[1:60], *rows[1:20]]))
    preprocess.preprocess(source, tmp_path / "out", seed)
    texts = {name: (tmp_path / "out" / name / f"{name}.csv").read_text().splitlines()[1:] for name in preprocess.SHARES}
    assert sum(len(lines) for lines in texts.values()) == 150 + 59 + 19
    assert sum(len(set(lines)) for lines in texts.values()) == 150, "a row and a copy of it are in two splits"
    summary = json.loads((tmp_path / "out/summary/summary.json").read_text())
    assert summary["identical_rows"] == 59 + 19


def test_the_rows_of_every_file_reach_a_split(raw, tmp_path):
    """Three files of the same rows, one in a sub-folder, one with a capital ending: none is left out."""
    source = raw(sample_csv(60))
    (source / "2024").mkdir()
    for path in ("2024/b.csv", "c.CSV"):
        (source / path).write_text(sample_csv(60))
    counts = preprocess.preprocess(source, tmp_path / "out", seed=0)
    assert counts == {"train": 126, "validation": 27, "test": 27}


def test_a_constant_label_is_refused(raw, tmp_path, capsys):
    rows = [line.rpartition(",")[0] for line in sample_csv(200).splitlines()[1:]]
    source = raw("".join(f"{row},7\n" for row in rows))
    assert preprocess.main(["--input-dir", f"{source}", "--output-dir", f"{tmp_path}/out"], tmp_path / "m") == 1
    assert "column rings: all 140 train rows have 7; there is nothing to learn" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def with_gaps(rows, every):
    """The small data set, with no height in every so many rows."""
    lines = [line.split(",") for line in sample_csv(rows).splitlines()]
    for line in lines[1::every]:
        line[3] = ""
    return "\n".join(",".join(line) for line in lines)


def test_missing_values_are_refused_unless_a_share_is_allowed(raw, tmp_path, capsys):
    source = raw(with_gaps(200, 10))
    arguments = ["--input-dir", f"{source}", "--output-dir", f"{tmp_path}/out"]
    assert preprocess.main(arguments, tmp_path / "m") == 1
    assert "line 2, column height: an empty value" in capsys.readouterr().err
    assert preprocess.main([*arguments, "--most-missing", "0.09"], tmp_path / "m") == 1
    assert "column height: 20 of 200 rows have no value: more than the share of 0.09" in capsys.readouterr().err
    assert preprocess.main([*arguments, "--most-missing", "nan"], tmp_path / "m") == 1
    assert "the largest share of missing values is nan" in capsys.readouterr().err
    assert preprocess.main([*arguments, "--most-missing", "0.1"], tmp_path / "m") == 0
    assert json.loads((tmp_path / "out/summary/summary.json").read_text())["missing_values"] == {"height": 20}


def test_a_model_learns_from_rows_with_gaps_and_the_report_counts_them(raw, trained, tmp_path):
    preprocess.preprocess(raw(with_gaps(ROWS, 4)), tmp_path / "split", seed=0, most_missing=0.3)
    train.train(tmp_path / "split/train", tmp_path / "split/validation", tmp_path / "model", QUICK)
    model = inference.model_fn(str(tmp_path / "model"))
    row = "M,0.455,0.365,,0.514,0.2245,0.101,0.15"
    assert inference.answer(model, row, "text/csv", None)[0] == 200
    assert inference.answer(inference.model_fn(str(trained.model)), row, "text/csv", None)[0] == 400
    report = evaluate.evaluate(
        packed(tmp_path / "model", tmp_path),
        test_dir=tmp_path / "split/test",
        approved_dir=trained.root / "approved",
        summary_dir=tmp_path / "split/summary",
        output_dir=tmp_path,
        limits=evaluate.Limits(error=9, share_of_baseline=1, share_of_approved=1),
    )
    assert report["data"]["missing_values"] == {"height": ROWS // 4}
    assert report["data"]["most_missing_share"] == 0.3


def packed(model_dir, folder):
    with tarfile.open(folder / "model.tar.gz", "w:gz") as tar:
        tar.add(model_dir, arcname=".")
    return folder / "model.tar.gz"


def approved_version(folder, archive):
    folder.mkdir()
    (folder / "model.tar.gz").write_bytes(archive.read_bytes())
    (folder / "approved.json").write_text(json.dumps({"version": 3, "model": "model.tar.gz"}))
    return folder


def conditions_met(report):
    return {name: condition["met"] for name, condition in report["conditions"].items()}


def test_the_report_tells_each_condition_with_its_limit(trained, tmp_path):
    report = measured(trained, tmp_path)
    metrics = report["regression_metrics"]
    conditions = report["conditions"]
    assert conditions["error"] == {"value": metrics["mse"]["value"], "limit": 6.0, "met": True}
    share = metrics["mse"]["value"] / metrics["baseline_mse"]["value"]
    assert conditions["share_of_baseline"] == {"value": pytest.approx(share), "limit": 0.9, "met": True}
    assert conditions["share_of_approved"] == {"value": 0.0, "limit": 1.1, "met": True}
    assert report["approved"] == {"compared": False, "why": "no version is approved"}


def test_a_model_that_is_no_better_than_the_mean_is_not_good_enough(raw, tmp_path, trained):
    """On noise its error is below the absolute limit: the rings of these rows say nothing."""
    generator = np.random.default_rng(0)
    lines = [line.rpartition(",")[0] for line in sample_csv(ROWS).splitlines()[1:]]
    source = raw("".join(f"{line},{ring}\n" for line, ring in zip(lines, generator.integers(7, 14, ROWS), strict=True)))
    preprocess.preprocess(source, tmp_path / "split", seed=0)
    train.train(tmp_path / "split/train", tmp_path / "split/validation", tmp_path / "model", QUICK)
    report = evaluate.evaluate(
        packed(tmp_path / "model", tmp_path),
        test_dir=tmp_path / "split/test",
        approved_dir=trained.root / "approved",
        summary_dir=tmp_path / "split/summary",
        output_dir=tmp_path,
        limits=evaluate.Limits(error=MOST_ERROR, share_of_baseline=MOST_SHARE_OF_BASELINE, share_of_approved=1.1),
    )
    assert conditions_met(report) == {"error": True, "share_of_baseline": False, "share_of_approved": True}


def test_a_model_is_measured_against_the_approved_version_on_the_same_rows(trained, tmp_path):
    train.train(
        trained.split / "train", trained.split / "validation", tmp_path / "bad", train.Hyperparameters(max_iter=1)
    )
    same = measured(trained, tmp_path, approved=approved_version(tmp_path / "same", trained.archive))
    assert same["approved"] == {
        "compared": True,
        "version": 3,
        "mse": pytest.approx(same["regression_metrics"]["mse"]["value"]),
    }
    assert same["conditions"]["share_of_approved"]["value"] == pytest.approx(1)
    worse = evaluate.evaluate(
        packed(tmp_path / "bad", tmp_path),
        test_dir=trained.split / "test",
        approved_dir=tmp_path / "same",
        summary_dir=trained.split / "summary",
        output_dir=tmp_path,
        limits=evaluate.Limits(error=20, share_of_baseline=2, share_of_approved=1.1),
    )
    assert conditions_met(worse) == {"error": True, "share_of_baseline": True, "share_of_approved": False}


def test_an_approved_version_that_cannot_answer_these_rows_is_no_measure_and_is_told(trained, tmp_path):
    archive = tmp_path / "model.tar.gz"
    joblib.dump({"no": "model"}, tmp_path / "model.joblib")
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "model.joblib", arcname="model.joblib")
    report = measured(trained, tmp_path / "out", approved=approved_version(tmp_path / "other", archive))
    assert report["approved"]["compared"] is False
    assert report["approved"]["version"] == 3
    assert report["approved"]["why"].startswith("it cannot answer these rows: ")
    assert report["conditions"]["share_of_approved"]["met"] is True


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0, -1.0])
def test_a_limit_that_compares_with_nothing_is_refused(trained, tmp_path, value):
    with pytest.raises(schema.DataError, match="the limits must be finite numbers above 0: share_of_baseline is"):
        measured(trained, tmp_path, share_of_baseline=value)


@pytest.mark.parametrize("text", ["", "[]", "\udcff", "[" * 100_000])
def test_what_the_build_leaves_for_evaluation_is_named_when_it_is_broken(trained, tmp_path, text):
    (tmp_path / "approved.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(schema.DataError, match=r"^approved\.json (cannot be read|must hold an object)"):
        measured(trained, tmp_path / "out", approved=tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"learning_rate": "fast"}', "learning_rate is 'fast', must be a number above 0, at most 1"),
        ('{"max_iter": "0"}', "max_iter is '0', must be a whole number from 1 to 5000"),
        ('{"seed": "-1"}', "seed is '-1', must be a whole number from 0 to 4294967295"),
        ('{"depth": "3"}', "depth is not a hyperparameter (they are learning_rate, max_iter, seed)"),
        ('{"seed": "x", "depth": "3"}', "4294967295; depth is not"),
        ("{", "cannot be read"),
        ("[]", "must hold an object, not []"),
        ('{"learning_rate": "nan"}', "learning_rate is 'nan', must be a number above 0"),
        ('{"max_iter": [1]}', "max_iter is [1], must be a whole number"),
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
    arguments = [*evaluation_arguments(trained.split), "--output-dir", f"{tmp_path}/out"]
    assert evaluate.main(["--model", f"{archive}", *arguments], tmp_path / "m") == 1
    assert "model.tar.gz holds no model.joblib; the training step makes it" in capsys.readouterr().err
    assert evaluate.main(["--model", f"{tmp_path}/none.tar.gz", *arguments], tmp_path / "m") == 1
    assert "none.tar.gz cannot be read" in capsys.readouterr().err
    archive.write_bytes(b"no archive")
    assert evaluate.main(["--model", f"{archive}", *arguments], tmp_path / "m") == 1
    assert "model.tar.gz cannot be read" in capsys.readouterr().err
    (tmp_path / "model.joblib").write_bytes(pickle.dumps([1, 2, 3])[:-4])
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "model.joblib", arcname="model.joblib")
    assert evaluate.main(["--model", f"{archive}", *arguments], tmp_path / "m") == 1
    assert "model.tar.gz cannot be read" in capsys.readouterr().err
