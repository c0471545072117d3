"""The monitoring job: captured requests against the baseline."""

import base64
import io
import json
import random
from datetime import UTC, datetime

import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY

from monitoring import drift

NOW = datetime(2026, 3, 1, 1, 30, tzinfo=UTC)
CAPTURED = "s3://bucket/data-capture/prod/endpoint/AllTraffic"
BASELINE = {
    "version": 1,
    "rows": 3000,
    "columns": {
        "sex": {"kind": "category", "missing": 0.0, "values": {"F": 0.5, "M": 0.5}},
        "length": {
            "kind": "numeric",
            "missing": 0.0,
            "edges": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
            "shares": [0.1] * 10,
        },
    },
}


def record(data, encoding="CSV", kind="text/csv"):
    given = {"observedContentType": kind, "mode": "INPUT", "data": data, "encoding": encoding}
    return json.dumps({"captureData": {"endpointInput": given}, "eventMetadata": {}, "eventVersion": "0"})


def traffic(count, length=lambda dice: dice.random(), sex="FM"):
    dice = random.Random(0)  # noqa: S311 - no secret
    return [record(f"{dice.choice(sex)},{length(dice):.4f}\n") for _ in range(count)]


def judged(lines, least_rows=500, index=0.25):
    seen, baseline = drift.Seen(), drift.Baseline.read(json.dumps(BASELINE))
    seen.add(lines, baseline)
    return seen, drift.judge(baseline, seen, least_rows, index)


def drifted(lines):
    return [one.name for one in judged(lines)[1] if one.drifted]


def test_the_same_data_has_not_drifted():
    assert drifted(traffic(2000)) == []


def test_another_distribution_of_a_number_has():
    assert drifted(traffic(2000, length=lambda dice: dice.random() ** 3)) == ["length"]


def test_other_categories_have_also_new_ones():
    assert drifted(traffic(2000, sex="F")) == ["sex"]
    assert drifted(traffic(2000, sex="FMI")) == ["sex"]


def test_values_that_are_gone_have():
    lines = [record("F,\n") for _ in range(600)] + traffic(1400)
    assert drifted(lines) == ["length"]


def test_a_feature_that_had_no_value_and_has_none_has_not_drifted():
    baseline = json.loads(json.dumps(BASELINE))
    baseline["columns"]["length"] |= {"missing": 1.0, "edges": [], "shares": []}
    baseline["columns"]["sex"] |= {"missing": 1.0, "values": {}}
    read, seen = drift.Baseline.read(json.dumps(baseline)), drift.Seen()
    seen.add([record(",\n")] * 600, read)
    assert [one.drifted for one in drift.judge(read, seen, 500, 0.25)] == [False, False]
    seen = drift.Seen()
    seen.add([record("F,1\n")] * 600, read)
    assert [one.drifted for one in drift.judge(read, seen, 500, 0.25)] == [True, True]


def test_a_small_shift_that_is_certain_is_no_drift():
    found = {one.name: one for one in judged(traffic(50_000, length=lambda dice: min(1, dice.random() * 1.05)))[1]}
    assert found["length"].probability < drift.SIGNIFICANCE
    assert not found["length"].drifted


def test_a_large_shift_that_may_be_chance_is_no_drift():
    (sex, _) = judged(traffic(12, sex="FFFM"), least_rows=10, index=0.05)[1]
    assert sex.stability_index >= 0.05
    assert not sex.drifted


def test_a_value_that_is_an_edge_is_in_the_bin_above_it():
    column = drift.Baseline.read(json.dumps(BASELINE)).columns[1]
    assert [column.bin(cell) for cell in ("0.0999", "0.1", 0.9, "7")] == [0, 1, 9, 9]


@pytest.mark.parametrize("cell", ["", " NA ", "nan", None, "inf"])
def test_a_cell_without_a_value_is_counted_as_missing(cell):
    assert drift.Baseline.read(json.dumps(BASELINE)).columns[1].bin(cell) is None


@pytest.mark.parametrize(
    "line",
    [
        record("F,0.25\nM,0.5\n"),
        record("length,sex\n0.25,F\n0.5,M\n"),
        record('{"instances": [["F", 0.25], {"length": 0.5, "sex": "M"}]}', "JSON", "application/json"),
        record('[["F", 0.25], ["M", 0.5]]', "JSON", "application/json"),
        record(base64.b64encode(b"F,0.25\nM,0.5\n").decode(), "BASE64", "text/csv; charset=utf-8"),
    ],
    ids=["csv", "header", "json", "list", "base64"],
)
def test_requests_are_read_as_clients_write_them(line):
    rows = [[str(cell) for cell in row] for row in drift.rows(line, ["sex", "length"])]
    assert rows == [["F", "0.25"], ["M", "0.5"]]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("no json", "not a captured request"),
        ("{}", "not a captured request"),
        ("[]", "not a captured request"),
        (record("F,0.1,9\n"), "a row has 3 cells, the baseline has 2 columns"),
        (record("F,0.1\nF\n"), "a row has 1 cells, too few"),
        (record("F,tall\n"), "length is 'tall', which is no number"),
        (record("{}", "JSON", "application/json"), "not a captured request"),
        (record("a", "BASE64", "text/csv"), "not a captured request"),
        (record("aGVsbG8=", "BASE64", "image/png"), "content type image/png is neither CSV nor JSON"),
    ],
)
def test_what_cannot_be_read_is_counted_and_the_first_told(line, reason):
    seen, _ = judged([*traffic(600), line, record("x")])
    assert (seen.rows, seen.unreadable) == (600, 2)
    assert seen.example.startswith(reason)


def test_a_record_counts_whole_or_not_at_all():
    seen = drift.Seen()
    seen.add([record("F,0.1\nF,tall\n")], drift.Baseline.read(json.dumps(BASELINE)))
    assert (seen.rows, seen.unreadable, seen.bins) == (0, 1, {})


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "No request was captured in this time, so nothing is judged: no traffic is not health."),
        (traffic(10, sex="F"), "Only 10 rows were captured, fewer than monitoring.least_rows = 500"),
        (["x"] * 700 + traffic(600, sex="F"), "700 captured records cannot be read and 600 rows can"),
    ],
    ids=["no traffic", "few rows", "unreadable"],
)
def test_what_cannot_be_judged_is_one_sentence(lines, sentence):
    with pytest.raises(drift.NothingToSayError) as caught:
        judged(lines)
    assert str(caught.value).startswith(sentence)
    assert str(caught.value).count("\n") == 0


@pytest.fixture
def job(stub, tmp_path):
    """Stubbed services, and the job's options."""
    s3, bucket = stub("s3")
    cloudwatch, metrics = stub("cloudwatch")
    put = []
    cloudwatch.meta.events.register(
        "provide-client-params.cloudwatch.PutMetricData", lambda params, **_: put.extend(params["MetricData"])
    )
    metrics.add_response("put_metric_data", {}, {"Namespace": drift.NAMESPACE, "MetricData": ANY})
    options = drift.argparse.Namespace(
        endpoint="endpoint",
        captured=CAPTURED,
        baseline="s3://build/executions/1/baseline.json",
        output=str(tmp_path),
        hours=2,
        least_rows=500,
        stability_index=0.25,
    )

    def run():
        sentence = drift.run(s3, cloudwatch, options, NOW)
        return sentence, put, json.loads((tmp_path / "drift.json").read_text())

    return bucket, run


def answers(bucket, key, text, name="bucket"):
    content = text.encode()
    body = StreamingBody(io.BytesIO(content), len(content))
    bucket.add_response("get_object", {"Body": body}, {"Bucket": name, "Key": key})


def has_baseline(bucket, text=None):
    answers(bucket, "executions/1/baseline.json", json.dumps(BASELINE) if text is None else text, "build")


def lists(bucket, hour, *keys):
    prefix = f"data-capture/prod/endpoint/AllTraffic/{hour}/"
    found = {"Contents": [{"Key": prefix + key} for key in keys]} if keys else {}
    bucket.add_response("list_objects_v2", found, {"Bucket": "bucket", "Prefix": prefix})
    return [prefix + key for key in keys]


def test_the_hours_before_are_read_and_drift_is_told(job):
    bucket, run = job
    has_baseline(bucket)
    lists(bucket, "2026/03/01/01")
    (first,) = lists(bucket, "2026/03/01/00", "a.jsonl")
    answers(bucket, first, "\n".join(traffic(400, sex="F")))
    (second,) = lists(bucket, "2026/02/28/23", "b.jsonl")
    answers(bucket, second, "\n".join(traffic(400, sex="F")))
    sentence, metrics, report = run()
    assert sentence == "sex (4.60) of endpoint drifted, by 800 captured rows."
    told = {(one["MetricName"], len(one["Dimensions"])): one["Value"] for one in metrics[:3]}
    assert told == {("CapturedRows", 1): 800, ("UnreadableRecords", 1): 0, ("DriftedFeatures", 1): 1}
    assert [one["Dimensions"][1]["Value"] for one in metrics[3:]] == ["sex", "length"]
    assert [name for name, one in report["features"].items() if one["drifted"]] == ["sex"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "There is no baseline s3://build/executions/1/baseline.json, so nothing is judged."),
        ("no json", "The baseline s3://build/executions/1/baseline.json is none that this job knows"),
        ('{"version": 2}', "The baseline s3://build/executions/1/baseline.json is none that this job knows"),
        ('{"version": 1, "rows": 1, "columns": {}}', "The baseline s3://build/executions/1/baseline.json is none"),
        (json.dumps(BASELINE).replace("0.9]", "]").replace("0.8, ]", "0.8]"), "The baseline"),
    ],
    ids=["missing", "no json", "later version", "no columns", "edges and shares"],
)
def test_without_a_baseline_there_is_a_sentence_and_no_metric_that_alarms(job, text, sentence):
    bucket, run = job
    if text is None:
        bucket.add_client_error("get_object", "NoSuchKey")
    else:
        has_baseline(bucket, text)
    told, metrics, report = run()
    assert told.startswith(sentence)
    assert report["sentence"] == told
    assert "DriftedFeatures" not in [one["MetricName"] for one in metrics]


def test_no_traffic_writes_no_metric_that_alarms(job):
    bucket, run = job
    has_baseline(bucket)
    for hour in ("2026/03/01/01", "2026/03/01/00", "2026/02/28/23"):
        lists(bucket, hour)
    told, metrics, _ = run()
    assert told.startswith("No request was captured")
    assert [one["MetricName"] for one in metrics] == ["CapturedRows", "UnreadableRecords"]


def test_many_features_are_told_in_several_calls(stub):
    cloudwatch, metrics = stub("cloudwatch")
    for _ in range(2):
        metrics.add_response("put_metric_data", {})
    found = [drift.Drift(str(number), 0, 1, False) for number in range(600)]
    drift.tell(cloudwatch, "endpoint", drift.Seen(), found)
