"""The image of jobs and endpoint: a parameter sets the image, and the rights to it and to nothing else."""

from typing import Any

import pytest

from awsmodel.cloudformation.evaluation import Evaluation
from tests.seed_code.product_templates import product_template

AWS = {"AWS::Region": "eu-west-1", "AWS::Partition": "aws", "AWS::AccountId": "111122223333"}
AWS |= {"AWS::URLSuffix": "amazonaws.com"}
CHINA = AWS | {"AWS::Region": "cn-north-1", "AWS::Partition": "aws-cn", "AWS::URLSuffix": "amazonaws.com.cn"}
DIGEST = f"sha256:{'0' * 64}"
PROJECT = {"SageMakerProjectName": "fraud", "SageMakerProjectId": "p-1"}


def statement(role: str, sid: str, pseudo: dict[str, str], **parameters: str) -> dict[str, Any] | None:
    """A statement of a role, as a launch with these parameters gives it."""
    parsed = product_template("model-build-train").parsed
    values = parsed.resolve_parameters(PROJECT | parameters)
    evaluated = Evaluation(parsed, values, pseudo, {"Environment": parsed.mappings["Environment"]})
    policies = parsed.resources[role]["Properties"]["Policies"]
    written = [one for policy in policies if "PolicyName" in policy for one in policy["PolicyDocument"]["Statement"]]
    (found,) = [one for one in written if (one["Fn::If"][1] if "Fn::If" in one else one)["Sid"] == sid]
    result: dict[str, Any] | None = evaluated.value(found)
    return result


@pytest.mark.parametrize(
    ("uri", "pseudo", "arn"),
    [
        ("", AWS, "arn:aws:ecr:eu-west-1:*:repository/sagemaker-scikit-learn"),
        (
            "763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-training:2.8-cpu-py312",
            AWS,
            "arn:aws:ecr:eu-west-1:763104351884:repository/pytorch-training",
        ),
        (
            f"444455556666.dkr.ecr.eu-west-1.amazonaws.com/acme.com/team/model@{DIGEST}",
            AWS,
            "arn:aws:ecr:eu-west-1:444455556666:repository/acme.com/team/model",
        ),
        (
            "444455556666.dkr.ecr.cn-north-1.amazonaws.com.cn/model:1",
            CHINA,
            "arn:aws-cn:ecr:cn-north-1:444455556666:repository/model",
        ),
    ],
)
@pytest.mark.parametrize(("role", "sid"), [("JobRole", "PullImages"), ("BuildRole", "PinImage")])
def test_the_uri_of_an_image_gives_the_right_to_its_repository_alone(
    role: str, sid: str, uri: str, pseudo: dict[str, str], arn: str
) -> None:
    given = statement(role, sid, pseudo, JobImageUri=uri)
    assert given is not None
    assert given["Resource"] == arn


@pytest.mark.parametrize("uri", ["model:1", "444455556666.dkr.ecr.eu-west-1.amazonaws.com/model", "docker.io/a/b:1"])
def test_what_is_no_image_in_ecr_is_no_value_of_the_parameter(uri: str) -> None:
    with pytest.raises(ValueError, match="JobImageUri"):
        statement("JobRole", "PullImages", AWS, JobImageUri=uri)


def test_an_mlflow_app_is_the_only_one_that_the_jobs_may_call() -> None:
    app = "arn:aws:sagemaker:eu-west-1:111122223333:mlflow-app/app-1"
    given = statement("JobRole", "Mlflow", AWS, MlflowAppArn=app)
    assert given is not None
    assert given["Resource"] == app
    assert statement("JobRole", "Mlflow", AWS) is None


def test_a_build_that_makes_the_image_pushes_it_to_that_repository_alone() -> None:
    uri = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-team/model:1"
    given = statement("BuildRole", "PushImage", AWS, JobImageUri=uri, BuildJobImage="true")
    assert given is not None
    assert given["Resource"] == "arn:aws:ecr:eu-west-1:111122223333:repository/sagemaker-team/model"
    for parameters in ({"JobImageUri": uri}, {"BuildJobImage": "true"}):
        assert statement("BuildRole", "PushImage", AWS, **parameters) is None
        assert statement("BuildRole", "LogInToPush", AWS, **parameters) is None


@pytest.mark.parametrize(("builds", "privileged"), [("false", False), ("true", True)])
def test_only_a_build_that_makes_the_image_has_docker(builds: str, privileged: bool) -> None:
    uri = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-team/model:1"
    parsed = product_template("model-build-train").parsed
    values = parsed.resolve_parameters(PROJECT | {"JobImageUri": uri, "BuildJobImage": builds})
    evaluated = Evaluation(parsed, values, AWS, {"Environment": parsed.mappings["Environment"]})
    environment = parsed.resources["BuildProject"]["Properties"]["Environment"]
    assert evaluated.value(environment["PrivilegedMode"]) is privileged
