"""The function that settles what a run deploys: builds say what they like; the registry and the stack decide."""

import io
import json
import zipfile
from types import ModuleType
from typing import Any

import pytest
from botocore.stub import Stubber

from components.packaging import seed_code

ACCOUNT, OTHER, GROUP = "111122223333", "444455556666", "sagemaker-fraud"
PROD = "sagemaker-fraud-deploy-p-abcdefghijkl-deploy-prod"
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "DEPLOYMENT_TARGET": "STACK",
    "KMS_KEY_ARN": "",
    "MODEL_PACKAGE_GROUP_NAME": GROUP,
    "PROD_STACK_NAME": PROD,
    "PROJECT_ACCOUNT_ID": ACCOUNT,
    "ROLLBACK_NEEDS_APPROVAL": "NO",
    "SAGEMAKER_PROJECT_ID": "p-abcdefghijkl",
    "STAGE_ACCOUNT_IDS": f"{ACCOUNT},{ACCOUNT}",
    "TARGET_MODEL_ROLE_NAME": "",
}
GROUP_ARN = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:model-package-group/{GROUP}"
LIVE_TEMPLATE = "Resources: {Endpoint: {Type: what-was-approved}}\n"
TAGS = {"sagemaker:project-id": "p-abcdefghijkl"}


def arn(version: int) -> str:
    return f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:model-package/{GROUP}/{version}"


class Function:
    """The function in an environment, with the answers of AWS, and what it says to CodePipeline."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **environment: str) -> None:
        for name, value in (ENVIRONMENT | environment).items():
            monkeypatch.setenv(name, value)
        (code,) = [text for path, text in seed_code.product("model-deploy").functions.items() if "/confirm_" in path]
        self.module: Any = ModuleType("index")
        exec(compile(code, "index.py", "exec"), self.module.__dict__)  # noqa: S102 - our own code
        self.sagemaker, self.cloudformation, self.codepipeline, self.kms = (
            Stubber(getattr(self.module, name)) for name in ("sagemaker", "cloudformation", "codepipeline", "kms")
        )
        self.bucket: dict[str, bytes] = {}
        self.encryption: dict[str, str] = {}
        monkeypatch.setitem(self.module.__dict__, "store", lambda _data: self)
        self.kind = "stack" if environment.get("DEPLOYMENT_TARGET", "STACK") == "STACK" else "stackset"
        self.built()

    # As the client of S3 does.
    def download_fileobj(self, _bucket: str, key: str, file: io.BytesIO) -> None:
        file.write(self.bucket[key])

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **encryption: str) -> None:
        assert Bucket == "artifacts"
        self.bucket[Key], self.encryption = Body, encryption

    def built(self, package: str | None = arn(4), **files: str) -> None:
        """What the build leaves: anything that the repository's code likes."""
        content = io.BytesIO()
        parameters = {"ModelPackageArn": arn(666), "InstanceType": "ml.evil"}
        listed = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        left = {
            "build/decision.json": json.dumps({"package_arn": package}),
            "build/variables.sh": "export DEPLOY=yes STAGE=no\n",
            "endpoint.yaml": "Resources: {Endpoint: {Type: what-was-pushed}}\n",
            **{
                f"build/{stage}-{kind}.json": json.dumps(text)
                for stage in ("staging", "prod")
                for kind, text in (("stack", {"Parameters": parameters, "Tags": TAGS}), ("stackset", listed))
            },
            **files,
        }
        with zipfile.ZipFile(content, "w") as archive:
            for name, text in left.items():
                archive.writestr(name, text)
        self.bucket["in"] = content.getvalue()

    def has(
        self, version: int, approval: str = "Approved", *, group: str = GROUP, status: str = "Completed", by: str = ""
    ) -> None:
        """A version in the registry, with the URL of its baseline where it has one."""
        quality = {"ModelDataQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": by}}}
        self.sagemaker.add_response(
            "describe_model_package",
            {
                "ModelPackageName": group,
                "ModelPackageGroupName": group,
                "ModelPackageArn": arn(version),
                "ModelPackageVersion": version,
                "ModelPackageStatus": status,
                "ModelPackageStatusDetails": {"ValidationStatuses": []},
                "ModelApprovalStatus": approval,
                "CreationTime": 0,
                **({"DriftCheckBaselines": quality} if by else {}),
            },
            {"ModelPackageName": arn(version)},
        )

    def lists(self, *versions: int) -> None:
        found = [
            {
                "ModelPackageArn": arn(version),
                "ModelPackageVersion": version,
                "ModelPackageStatus": "Completed",
                "CreationTime": 0,
            }
            for version in versions
        ]
        asked = {"ModelPackageGroupName": GROUP, "ModelApprovalStatus": "Approved"}
        self.sagemaker.add_response("list_model_packages", {"ModelPackageSummaryList": found}, asked)

    def runs(self, version: int | None, *, looks: int = 1, **others: str) -> None:
        """What prod runs, at each look at it."""
        for _ in range(looks):
            if version is None:
                message = f"Stack with id {PROD} does not exist"
                self.cloudformation.add_client_error("describe_stacks", "ValidationError", message)
                continue
            parameters = [
                {"ParameterKey": "ModelPackageArn", "ParameterValue": arn(version)},
                {"ParameterKey": "InstanceType", "ParameterValue": "ml.m5.large"},
                *({"ParameterKey": name, "ParameterValue": value} for name, value in others.items()),
            ]
            tags = [{"Key": key, "Value": value} for key, value in TAGS.items()]
            stack = {"StackName": PROD, "CreationTime": 0, "StackStatus": "UPDATE_COMPLETE"}
            self.cloudformation.add_response(
                "describe_stacks", {"Stacks": [{**stack, "Parameters": parameters, "Tags": tags}]}, {"StackName": PROD}
            )

    def asked(self, step: str = "confirm", trigger: str = "approved", package: str = arn(4), **data: Any) -> Any:
        """The variables that the function answers with, or the reason of its failure."""
        answers: dict[str, Any] = {}
        said = {"step": step, "trigger": trigger, "package": package}
        place = [{"location": {"s3Location": {"bucketName": "artifacts", "objectKey": key}}} for key in ("in", "out")]
        job = {
            "actionConfiguration": {"configuration": {"UserParameters": json.dumps(said)}},
            "inputArtifacts": place[:1],
            "outputArtifacts": place[1:],
            "artifactCredentials": {"accessKeyId": "x", "secretAccessKey": "secret", "sessionToken": "x"},
            **data,
        }
        pipeline = self.module.codepipeline
        for name in ("put_job_success_result", "put_job_failure_result"):
            setattr(pipeline, name, lambda **given: answers.update(given))
        with self.sagemaker, self.cloudformation, self.kms:
            self.module.handler({"CodePipeline.job": {"id": "1", "data": job}}, None)
            self.kms.assert_no_pending_responses()
            self.sagemaker.assert_no_pending_responses()
            self.cloudformation.assert_no_pending_responses()
        assert answers["jobId"] == "1"
        return answers["outputVariables"] if "outputVariables" in answers else answers["failureDetails"]["message"]

    @property
    def handed_on(self) -> dict[str, str]:
        with zipfile.ZipFile(io.BytesIO(self.bucket["out"])) as archive:
            return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Function:
    """The function of a project that deploys in its own account and rolls back unasked."""
    return Function(monkeypatch)


@pytest.mark.parametrize(
    ("trigger", "reason"),
    [("approved", "Version 4 was approved."), ("push", "The repository changed; version 4 is approved.")],
)
def test_a_person_is_asked_whatever_the_build_exports(function: Function, trigger: str, reason: str) -> None:
    function.has(4)
    if trigger == "push":
        function.runs(4)
    assert function.asked(trigger=trigger) == {
        "DEPLOY": "yes",
        "STAGE": "yes",
        "PACKAGE_ARN": arn(4),
        "PACKAGE_VERSION": "4",
        "REASON": reason,
    }
    assert function.handed_on["endpoint.yaml"] == "Resources: {Endpoint: {Type: what-was-pushed}}\n"
    for stage in ("staging", "prod"):
        assert json.loads(function.handed_on[f"{stage}-stack.json"]) == {
            "Parameters": {"ModelPackageArn": arn(4), "InstanceType": "ml.evil"},
            "Tags": {**TAGS, "stage": stage},
        }


def test_without_a_package_nothing_is_deployed(function: Function) -> None:
    function.built(None)
    answered = function.asked(trigger="push", package="newest")
    assert (answered["DEPLOY"], answered["STAGE"]) == ("no", "no")
    assert "endpoint.yaml" not in function.handed_on


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"approval": "PendingManualApproval"}, "Version 4 of sagemaker-fraud is PendingManualApproval, not Approved."),
        ({"approval": "Rejected"}, "Version 4 of sagemaker-fraud is Rejected, not Approved."),
        ({"group": "sagemaker-other"}, f"{arn(4)} is no version of sagemaker-fraud."),
        ({"status": "Failed"}, f"{arn(4)} is Failed, not Completed."),
    ],
)
def test_what_the_registry_does_not_approve_is_not_deployed(
    function: Function, given: dict[str, str], reason: str
) -> None:
    function.has(4, **given)
    assert function.asked() == reason
    assert "out" not in function.bucket


def rollback(function: Function, *, chosen: int = 4, rejected: str = "Rejected", runs: int | None = 5) -> None:
    """Version 5 was rejected; 6 and 4 are approved."""
    function.built(arn(chosen))
    function.has(chosen)
    function.has(5, rejected)
    function.runs(runs)
    function.lists(6, 4, 3)


def test_a_rollback_goes_to_prod_unasked_and_changes_nothing_but_the_package(function: Function) -> None:
    rollback(function)
    function.runs(5)
    function.cloudformation.add_response("get_template", {"TemplateBody": LIVE_TEMPLATE}, {"StackName": PROD})
    answered = function.asked(trigger="rejected", package=arn(5))
    assert (answered["DEPLOY"], answered["STAGE"], answered["PACKAGE_VERSION"]) == ("yes", "no", "4")
    assert answered["REASON"] == "Version 5, which prod runs, was rejected; version 4 replaces it."
    assert function.handed_on.keys() == {"endpoint.yaml", "prod-stack.json"}
    assert function.handed_on["endpoint.yaml"] == LIVE_TEMPLATE
    assert json.loads(function.handed_on["prod-stack.json"]) == {
        "Parameters": {"ModelPackageArn": arn(4), "InstanceType": "ml.m5.large"},
        "Tags": TAGS,
    }


OF_OLD, OF_NEW = (f"s3://bucket/executions/{name}/baseline.json" for name in ("k3", "x9"))


@pytest.mark.parametrize(
    ("of_old", "of_new", "by"),
    [(OF_OLD, OF_NEW, OF_OLD), ("", OF_NEW, None), (OF_OLD, "", "")],
    ids=["by its own baseline", "no more where it has none", "as before where the rejected one had none"],
)
def test_a_rollback_has_its_version_monitored(function: Function, of_old: str, of_new: str, by: str | None) -> None:

    def definition(baseline: str) -> str:
        return json.dumps({"Steps": [{"Arguments": ["--baseline", baseline, "--hours", "24"]}]}, separators=(",", ":"))

    function.built()
    function.has(4, by=of_old)
    function.has(5, "Rejected", by=of_new)
    function.runs(5, looks=2, MonitoringDefinition=definition(of_new), MonitoringSchedule="rate(1 day)")
    function.lists(4)
    function.cloudformation.add_response("get_template", {"TemplateBody": LIVE_TEMPLATE}, {"StackName": PROD})
    assert function.asked(trigger="rejected", package=arn(5))["STAGE"] == "no"
    assert json.loads(function.handed_on["prod-stack.json"])["Parameters"] == {
        "ModelPackageArn": arn(4),
        "InstanceType": "ml.m5.large",
        "MonitoringDefinition": "" if by is None else definition(by),
        "MonitoringSchedule": "" if by is None else "rate(1 day)",
    }


@pytest.mark.parametrize(
    "given",
    [
        {"runs": 6},
        {"runs": None},
        {"rejected": "Approved"},
        {"rejected": "PendingManualApproval", "runs": 4},
        {"chosen": 3},
        {"chosen": 6},
    ],
    ids=str,
)
def test_what_is_no_rollback_by_the_registry_and_the_stack_asks_a_person(
    function: Function, given: dict[str, Any]
) -> None:
    rollback(function, **given)
    answered = function.asked(trigger="rejected", package=arn(5))
    assert answered["STAGE"] == "yes"
    assert "what-was-pushed" in function.handed_on["endpoint.yaml"]


def test_a_push_is_no_rollback_though_prod_runs_what_was_rejected(function: Function) -> None:
    function.has(4)
    function.runs(5)
    answered = function.asked(trigger="push", package="newest")
    assert answered["STAGE"] == "yes"
    assert answered["REASON"] == (
        "The repository changed; version 4 is approved. Prod runs version 5, so this moves it to another version as "
        "well."
    )


def test_the_first_push_moves_prod_from_nothing(function: Function) -> None:
    function.has(4)
    function.runs(None)
    assert function.asked(trigger="push")["REASON"] == "The repository changed; version 4 is approved."


def test_a_rollback_waits_for_a_person_where_the_project_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    function = Function(monkeypatch, ROLLBACK_NEEDS_APPROVAL="YES")
    function.has(4)
    answered = function.asked(trigger="rejected", package=arn(5))
    assert (answered["STAGE"], answered["REASON"]) == (
        "yes",
        "Version 4 takes the place of one that was rejected.",
    )


def test_stack_sets_roll_back_with_their_own_template(monkeypatch: pytest.MonkeyPatch) -> None:
    function = Function(monkeypatch, DEPLOYMENT_TARGET="STACKSET")
    function.has(4)
    function.has(5, "Rejected")
    parameters = [{"ParameterKey": "ModelPackageArn", "ParameterValue": arn(5)}]
    for _ in range(2):
        function.cloudformation.add_response(
            "describe_stack_set",
            {"StackSet": {"StackSetName": PROD, "TemplateBody": LIVE_TEMPLATE, "Parameters": parameters}},
            {"StackSetName": PROD},
        )
    function.lists(4)
    assert function.asked(trigger="rejected", package=arn(5))["STAGE"] == "no"
    assert function.handed_on["endpoint.yaml"] == LIVE_TEMPLATE
    assert json.loads(function.handed_on["prod-stackset.json"]) == [
        {"ParameterKey": "ModelPackageArn", "ParameterValue": arn(4)}
    ]


def test_an_approval_that_was_withdrawn_while_the_run_waited_stops_it(function: Function) -> None:
    function.has(4, "Rejected")
    said = function.asked("recheck")
    assert "Version 4 of sagemaker-fraud is Rejected: its approval was withdrawn" in said
    assert "Prod was not changed" in said
    function.has(4)
    assert function.asked("recheck") == {}


def test_what_is_handed_on_is_encrypted_as_the_pipeline_says(function: Function) -> None:
    function.has(4)
    function.asked()
    assert function.encryption == {}
    function.has(4)
    function.asked(encryptionKey={"id": "the-key", "type": "KMS"})
    assert function.encryption == {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "the-key"}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"build/decision.json": "{}"}, "KeyError: 'package_arn'"),
        ({"build/decision.json": "no JSON"}, "JSONDecodeError: "),
        ({"endpoint.yaml": "x" * 1_048_577}, "endpoint.yaml is longer than 1048576 bytes."),
    ],
    ids=["no package", "no JSON", "too long"],
)
def test_a_build_that_leaves_something_else_fails_the_run_and_nothing_is_told_of_its_credentials(
    function: Function, files: dict[str, str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    function.built(**files)
    assert function.asked().startswith(reason)
    assert "out" not in function.bucket
    assert "secret" not in capsys.readouterr().out


class Policy:
    """The policy of the group that is shared."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        accounts = {"STAGE_ACCOUNT_IDS": f"{ACCOUNT},{OTHER}", "DEPLOYMENT_TARGET": "STACKSET"}
        self.function = Function(monkeypatch, **accounts)
        self.wanted = {"Version": "2012-10-17", "Statement": self.function.module.statements(GROUP_ARN)}

    def shared(self, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
        stub = self.function.sagemaker
        self.function.has(4)
        described = {
            "ModelPackageGroupName": GROUP,
            "ModelPackageGroupArn": GROUP_ARN,
            "CreationTime": 0,
            "CreatedBy": {},
            "ModelPackageGroupStatus": "Completed",
        }
        stub.add_response("describe_model_package_group", described, {"ModelPackageGroupName": GROUP})
        if before is None:
            stub.add_client_error("get_model_package_group_policy", "ValidationException", "no policy")
        else:
            stub.add_response("get_model_package_group_policy", {"ResourcePolicy": json.dumps(before)})
        if after:
            asked = {"ModelPackageGroupName": GROUP, "ResourcePolicy": json.dumps(after)}
            stub.add_response("put_model_package_group_policy", {"ModelPackageGroupArn": GROUP_ARN}, asked)
        assert self.function.asked()["DEPLOY"] == "yes"


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> Policy:
    """The policy of a group whose versions are deployed to another account."""
    return Policy(monkeypatch)


def test_other_accounts_may_read_versions_and_approve_none(policy: Policy) -> None:
    policy.shared(None, policy.wanted)
    group, packages = policy.wanted["Statement"]
    assert group["Principal"] == {"AWS": [f"arn:aws:iam::{OTHER}:root"]}
    assert (group["Action"], group["Resource"]) == (["sagemaker:DescribeModelPackageGroup"], GROUP_ARN)
    assert packages["Action"] == ["sagemaker:CreateModel", "sagemaker:DescribeModelPackage"]
    assert packages["Resource"] == f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:model-package/{GROUP}/*"


def test_statements_of_others_stay_and_what_is_there_is_not_written_again(policy: Policy) -> None:
    theirs = {"Sid": "Theirs", "Effect": "Allow", "Principal": "*", "Action": "sagemaker:X", "Resource": "*"}
    both = {**policy.wanted, "Statement": [theirs, *policy.wanted["Statement"]]}
    policy.shared({"Version": "2012-10-17", "Statement": theirs}, both)
    policy.shared(both, None)


KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
GRANT = {
    "KeyId": KEY,
    "GranteePrincipal": f"arn:aws:iam::{OTHER}:role/serving/models",
    "Operations": ["Decrypt", "DescribeKey"],
    "Name": f"p-abcdefghijkl-{OTHER}",
}


@pytest.mark.parametrize(
    ("given", "shares"),
    [
        ({}, True),
        ({"KMS_KEY_ARN": ""}, False),
        ({"TARGET_MODEL_ROLE_NAME": ""}, False),
        ({"STAGE_ACCOUNT_IDS": ACCOUNT}, False),
    ],
)
def test_the_model_roles_of_other_accounts_may_decrypt_and_nothing_else(
    given: dict[str, str], shares: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time with the same name, with which KMS answers with the grant that there is."""
    environment = {
        "DEPLOYMENT_TARGET": "STACKSET",
        "KMS_KEY_ARN": KEY,
        "STAGE_ACCOUNT_IDS": f"{ACCOUNT},{OTHER}",
        "TARGET_MODEL_ROLE_NAME": "serving/models",
    }
    function = Function(monkeypatch, **(environment | given))
    if shares:
        function.kms.add_response("create_grant", {"GrantId": "1"}, GRANT)
    with function.kms:
        function.module.share_key("aws")
        function.kms.assert_no_pending_responses()
    if shares:
        function.kms.add_client_error("create_grant", "InvalidArnException", "no such principal")
        with (
            function.kms,
            pytest.raises(RuntimeError, match=r"role/serving/models cannot be let use key .* Make the role"),
        ):
            function.module.share_key("aws")
