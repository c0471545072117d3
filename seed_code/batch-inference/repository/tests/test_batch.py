"""Runs of the pipeline, one after another, against an AWS in memory."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from batch_inference import __main__ as program
from batch_inference import settings
from batch_inference.project import Project
from model_deploy.errors import UserError
from tests.conftest import VARIABLES, arn
from tests.fake_aws import STARTED, Aws

BUCKET, DATA = VARIABLES["ARTIFACT_BUCKET"], "acme-data"
OURS = {
    **VARIABLES,
    "SAGEMAKER_PROJECT_NAME": "fraud-batch",
    "PIPELINE_EXECUTION_ID": "94fb261b-9be3-4b45-a5cc-3e2a4d5f1c11",
    "INPUT_BUCKET": DATA,
    "INPUT_PREFIX": "new/",
    "START_ON_NEW_DATA": "NO",
    "STARTED_BY": "schedule",
}
RUN = "sagemaker-p-abcdefghijkl-batch-20261127030200-94fb261b"
CONFIG = Path(__file__).parent.parent / "config" / "batch.toml"


@pytest.fixture
def aws() -> Aws:
    made = Aws()
    made.approved = [3, 7]
    made.objects = {(DATA, "new/a.csv"): b"1,2\n", (DATA, "new/b/c.csv"): b"3,4\n", (DATA, "new/_SUCCESS"): b""}
    return made


def carry_on(aws: Aws, started_by: str = "schedule", *, config: str = "", now: datetime = STARTED, **more: str) -> int:
    given = settings.load(CONFIG)
    if config:
        path, value = config.split("=")
        given = settings.Settings({**given.values, path: type(settings.SETTINGS[path].default)(value)})
    project = Project.load({**OURS, "STARTED_BY": started_by, **more})
    return program.carry_on(aws, project, given, now)


def summary(aws: Aws, run: str = RUN) -> dict[str, Any]:
    return json.loads(aws.objects[BUCKET, f"runs/{run}/summary.json"])


def test_a_run_answers_the_files_that_wait_with_the_newest_approved_version(aws: Aws) -> None:
    assert carry_on(aws) == 0
    assert aws.jobs[RUN] == {"TransformJobStatus": "InProgress"}
    assert len(RUN) <= 63
    (model,) = aws.asked("CreateModel")
    assert model["PrimaryContainer"] == {"ModelPackageName": arn(7)}
    assert model["EnableNetworkIsolation"] is True
    assert model["VpcConfig"] == {"Subnets": ["subnet-0a1", "subnet-0b2"], "SecurityGroupIds": ["sg-0c3"]}
    (job,) = aws.asked("CreateTransformJob")
    manifest = f"runs/{RUN}/manifest.json"
    assert job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] == f"s3://{BUCKET}/{manifest}"
    assert json.loads(aws.objects[BUCKET, manifest]) == [{"prefix": f"s3://{DATA}/new/"}, "a.csv", "b/c.csv"]
    assert job["TransformOutput"]["KmsKeyId"] == job["TransformResources"]["VolumeKmsKeyId"] == OURS["KMS_KEY_ARN"]
    assert "BatchStrategy" not in job, "SageMaker takes one only where it cuts files"


def test_what_came_of_it_is_written_down_told_and_cleared_away(aws: Aws) -> None:
    carry_on(aws, config="price.usd_per_instance_hour=2")
    aws.ends(a=b"0.5\n0.7\n", b__c=b"0.1\n")
    assert carry_on(aws, "ended") == 0
    found = summary(aws)
    assert (found["model_package_version"], found["model_package_arn"]) == (7, arn(7))
    assert (found["rows"], found["failed"]) == (3, {})
    assert found["results"]["new/b/c.csv"] == f"s3://{BUCKET}/runs/{RUN}/output/b/c.csv.out"
    assert (found["instance_seconds"], found["usd"]) == (180, 0.1)
    assert aws.models == set()
    (mail,) = aws.mails
    assert mail["TopicArn"] == OURS["NOTIFICATION_TOPIC_ARN"]
    assert mail["Subject"] == "Batch run of fraud-batch: 2 of 2 files"
    assert "2 files answered, 3 predictions, 0 failed." in mail["Message"]
    # All is done: neither the clock nor another event starts a job.
    for trigger in ("schedule", "data", "ended", "push"):
        assert carry_on(aws, trigger) == 0
    assert len(aws.jobs) == 1


def test_a_file_that_the_model_refuses_is_told_with_the_models_words(aws: Aws) -> None:
    carry_on(aws)
    place = f"[sagemaker logs]: {DATA}/new/b/c.csv"
    lines = (f"{place}: Bad HTTP status received from algorithm: 400", f"{place}: ", f"{place}: Message:")
    aws.log = [(f"{RUN}/i-1/data-log", f"2026-11-27T03:03:00.000:{line}") for line in lines]
    aws.log.append((f"{RUN}/i-1/data-log", f'2026-11-27T03:03:00.000:{place}: {{"error": "line 1: no sex"}}'))
    aws.log.append(("another-run/i-1/data-log", f"2026-11-27T03:03:00.000:{place}: of another day"))
    aws.ends("Failed", "ClientError: See job logs for more information", a=b"0.5\n")
    assert carry_on(aws, "ended") == 0
    told = 'Bad HTTP status received from algorithm: 400 {"error": "line 1: no sex"}'
    assert summary(aws)["failed"] == {"new/b/c.csv": told}
    assert summary(aws)["rows"] == 1
    assert f"  new/b/c.csv: {told}" in aws.mails[0]["Message"]
    assert "1 of 2 files" in aws.mails[0]["Subject"]


@pytest.mark.parametrize(("topic", "failing"), [("", ""), (OURS["NOTIFICATION_TOPIC_ARN"], "Publish")])
def test_failures_of_which_nobody_is_told_fail_the_pipeline(aws: Aws, topic: str, failing: str) -> None:
    carry_on(aws)
    aws.ends("Failed", "ClientError: no such image", a=b"1\n")
    aws.failing = {failing: "AuthorizationError"}
    assert carry_on(aws, "ended", NOTIFICATION_TOPIC_ARN=topic) == 1
    assert "no such image" in summary(aws)["failed"]["new/b/c.csv"]
    assert (BUCKET, "state/run.json") not in aws.objects


def test_a_log_that_cannot_be_read_hinders_nothing(aws: Aws) -> None:
    carry_on(aws)
    aws.ends("Failed", a=b"1\n")
    aws.failing = {"FilterLogEvents": "AccessDeniedException"}
    assert carry_on(aws, "ended") == 0
    assert "Allow FilterLogEvents" in summary(aws)["failed"]["new/b/c.csv"]


@pytest.mark.parametrize(
    ("trigger", "on_new_data", "taken"),
    [
        ("schedule", "NO", ["a.csv", "d.csv"]),
        ("push", "NO", ["a.csv", "d.csv"]),
        ("data", "YES", ["d.csv"]),
        ("ended", "YES", ["d.csv"]),
        ("ended", "NO", None),
    ],
)
def test_a_file_that_failed_is_tried_again_by_the_clock_and_by_people(
    aws: Aws, trigger: str, on_new_data: str, taken: list[str] | None
) -> None:
    carry_on(aws)
    aws.ends("Failed", b__c=b"1\n")
    carry_on(aws, "ended")
    aws.objects[DATA, "new/d.csv"] = b"5\n"
    carry_on(aws, trigger, now=STARTED.replace(day=28), START_ON_NEW_DATA=on_new_data)
    later = [json.loads(body)[1:] for (_, key), body in aws.objects.items() if "/manifest.json" in key][1:]
    assert later == ([] if taken is None else [taken])


def test_a_file_that_changes_waits_again_and_all_files_do_if_asked(aws: Aws) -> None:
    carry_on(aws)
    aws.ends(a=b"1\n", b__c=b"1\n")
    carry_on(aws, "ended")
    assert carry_on(aws, "ended", config="input.files=all", START_ON_NEW_DATA="YES") == 0
    assert len(aws.jobs) == 1, "the end of a run would start the next without end"
    aws.objects[DATA, "new/a.csv"] = b"9\n"
    carry_on(aws, "data", now=STARTED.replace(day=28))
    assert aws.ends(a=b"1\n").startswith("sagemaker-p-abcdefghijkl-batch-20261128")
    carry_on(aws, config="input.files=all", now=STARTED.replace(day=29))
    last = max(key for _, key in aws.objects if key.endswith("manifest.json"))
    assert json.loads(aws.objects[BUCKET, last])[1:] == ["a.csv", "b/c.csv"]


def test_a_run_that_is_not_over_is_left_alone(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    carry_on(aws)
    aws.objects[DATA, "new/d.csv"] = b"5\n"
    assert carry_on(aws, "data") == 0
    assert len(aws.jobs) == 1
    assert f"{RUN} is InProgress" in capsys.readouterr().out


def test_a_build_that_was_cut_off_is_made_up_for(aws: Aws) -> None:
    aws.failing = {"CreateTransformJob": "ThrottlingException"}
    with pytest.raises(Exception, match="ThrottlingException"):
        carry_on(aws)
    assert aws.models == {RUN}
    aws.failing = {}
    later = STARTED.replace(minute=30)
    assert carry_on(aws, "data", now=later) == 0
    assert list(aws.jobs) == [RUN.replace("0302", "0330")]
    assert aws.models == set(aws.jobs)
    assert aws.mails == []


def test_a_file_that_is_too_large_for_one_request_is_not_sent(aws: Aws) -> None:
    aws.objects = {(DATA, "new/large.csv"): b"x" * 1_048_577}
    assert carry_on(aws, config="requests.max_payload_mb=1") == 0
    assert aws.jobs == {}
    assert "1,048,577 bytes" in summary(aws)["failed"]["new/large.csv"]
    assert aws.mails[0]["Subject"] == "Batch run of fraud-batch: 0 of 1 files"
    carry_on(aws, config="input.split=line")
    (job,) = aws.asked("CreateTransformJob")
    assert (job["BatchStrategy"], job["TransformInput"]["SplitType"]) == ("MultiRecord", "Line")
    assert job["TransformOutput"]["AssembleWith"] == "Line"


def test_without_an_approved_version_files_wait(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.approved = []
    assert carry_on(aws) == 0
    assert "2 files of s3://acme-data/new/ wait, and sagemaker-fraud has no Approved version" in capsys.readouterr().out
    aws.objects.clear()
    assert carry_on(aws) == 0
    assert aws.jobs == {}


def test_the_projects_own_bucket_tells_of_new_files_beside_what_it_tells_already(aws: Aws) -> None:
    before = aws.notifications
    for changes in ({"START_ON_NEW_DATA": "YES"}, {"INPUT_BUCKET": BUCKET}):
        carry_on(aws, **changes)
        assert aws.notifications == before, "another bucket is not the project's to set up"
    for _ in range(2):
        carry_on(aws, START_ON_NEW_DATA="YES", INPUT_BUCKET=BUCKET)
    assert aws.notifications == {**before, "EventBridgeConfiguration": {}}
    assert len(aws.asked("PutBucketNotificationConfiguration")) == 1


def test_volumes_of_types_with_local_storage_take_no_key(aws: Aws) -> None:
    carry_on(aws, config="instances.type=ml.g5.xlarge", SUBNET_IDS="", SECURITY_GROUP_IDS="")
    (job,) = aws.asked("CreateTransformJob")
    assert "VolumeKmsKeyId" not in job["TransformResources"]
    assert "VpcConfig" not in aws.asked("CreateModel")[0]


def test_answers_without_lines_are_not_counted(aws: Aws) -> None:
    carry_on(aws, config="output.accept=application/json")
    aws.ends(a=b"{}", b__c=b"{}")
    carry_on(aws, "ended")
    assert summary(aws)["rows"] is None
    assert "2 files answered, 0 failed" in aws.mails[0]["Message"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"STARTED_BY": "moon"}, "Trigger is 'moon'; allowed: push, schedule, data, ended"),
        ({"INPUT_PREFIX": "new"}, "must end with a slash"),
        ({"INPUT_BUCKET": BUCKET, "INPUT_PREFIX": "runs/x/"}, "choose another folder, such as input/"),
        ({"ARTIFACT_BUCKET": ""}, "ARTIFACT_BUCKET is not set"),
    ],
)
def test_what_the_build_project_says_is_checked(changes: dict[str, str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        Project.load({**OURS, **changes})


def test_a_fault_of_the_settings_is_a_sentence_not_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").mkdir()
    text = "top = 1\n[instances]\ntyp = 'x'\ncount = 0\n[requests]\nmax_payload_mb = true\n[input]\nsplit = 'word'\n"
    (tmp_path / "config" / "batch.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert program.main(OURS) == 1
    told = capsys.readouterr().err
    assert "top is not a setting" in told
    assert "instances.typ is not a setting; did you mean instances.type?" in told
    assert "instances.count is 0; allowed: a whole number from 1 to 100" in told
    assert "requests.max_payload_mb is True" in told
    assert "input.split is 'word'; allowed: 'file' or 'line'" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[requests]\nmax_payload_mb = 60\nconcurrent = 2", "is 120; SageMaker takes 100 at most"),
        ("[price]\nusd_per_instance_hour = 0.1", "price.as_of is empty"),
        ("[", "not valid TOML"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "batch.toml").write_text(text)
    with pytest.raises(UserError, match=told):
        settings.load(tmp_path / "batch.toml")
    with pytest.raises(UserError, match="the file is missing"):
        settings.load(tmp_path / "none.toml")


def test_the_file_says_what_holds_without_it() -> None:
    assert settings.load(CONFIG).values == {key: one.default for key, one in settings.SETTINGS.items()}
    readme = (CONFIG.parent.parent / "README.md").read_text()
    for key, one in settings.SETTINGS.items():
        shown = str(one.default).lower() if isinstance(one.default, bool) else json.dumps(one.default)
        assert f"| `{key}` | `{shown}` |" in readme
