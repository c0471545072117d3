import re
from pathlib import Path

import pytest

from pipelines.settings import Settings, SettingsError

OWN_IMAGE = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/model:1"


def test_the_builds_environment_makes_settings(environment):
    settings = Settings.from_environment(environment)
    assert settings.pipeline_name == "sagemaker-p-0123456789ab-train"
    assert settings.image_uri.startswith("141502667606.dkr.ecr.eu-west-1.")
    assert settings.commit_id == "0a1b2c3d"
    assert (settings.subnet_ids, settings.security_group_ids, settings.kms_key_arn) == ((), (), "")
    assert {tag["Key"]: tag["Value"] for tag in settings.tags} == {
        "sagemaker:project-name": "Demo",
        "sagemaker:project-id": "p-0123456789ab",
        "project": "sm-mlops",
        "environment": "dev",
    }


def test_lists_are_split_and_an_image_of_ones_own_needs_no_table(environment):
    environment |= {
        "SUBNET_IDS": "subnet-0a,subnet-0b",
        "SECURITY_GROUP_IDS": "sg-0a",
        "AWS_REGION": "xx-south-1",
        "JOB_IMAGE_URI": OWN_IMAGE.replace("eu-west-1", "xx-south-1"),
    }
    settings = Settings.from_environment(environment)
    assert settings.subnet_ids == ("subnet-0a", "subnet-0b")
    assert settings.security_group_ids == ("sg-0a",)
    assert settings.image_uri == "111122223333.dkr.ecr.xx-south-1.amazonaws.com/team/model:1"


def test_nothing_is_spot_tuned_or_cached_unless_it_is_asked_for(environment):
    settings = Settings.from_environment(environment)
    assert (settings.spot, settings.tuning_jobs, settings.cache_days) == (False, 0, 0)
    environment |= {"SPOT_TRAINING": "true", "TUNING_JOBS": "12", "CACHE_DAYS": "30"}
    settings = Settings.from_environment(environment)
    assert (settings.spot, settings.tuning_jobs, settings.cache_days) == (True, 12, 30)


def test_the_build_asks_for_what_the_settings_take(environment):
    """The options stand in buildspec.yml with their defaults; what orders the steps may know fewer."""
    text = (Path(__file__).parent.parent / "buildspec.yml").read_text(encoding="utf-8")
    options = dict(re.findall(r'^    ([A-Z_]+): "(.*)"$', text, re.MULTILINE))
    assert set(options) <= {"SPOT_TRAINING", "TUNING_JOBS", "CACHE_DAYS"}
    assert Settings.from_environment(environment | options) == Settings.from_environment(environment)


def test_an_image_of_ones_own_is_built_only_where_a_project_may_push(environment):
    environment["BUILD_JOB_IMAGE"] = "true"
    for uri in ("", OWN_IMAGE, OWN_IMAGE.replace("team/model:1", f"sagemaker-a@sha256:{'0' * 64}")):
        with pytest.raises(SettingsError, match="JOB_IMAGE_URI: BUILD_JOB_IMAGE needs the URI of a repository of this"):
            Settings.from_environment(environment | {"JOB_IMAGE_URI": uri})
    own = OWN_IMAGE.replace("team/model", "sagemaker-team/model")
    assert Settings.from_environment(environment | {"JOB_IMAGE_URI": own}).build_image


def test_the_longest_project_id_stays_within_the_name_of_a_pipeline(environment):
    environment["SAGEMAKER_PROJECT_ID"] = "p" * 20
    assert len(Settings.from_environment(environment).pipeline_name) <= 256


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SAGEMAKER_PROJECT_NAME", "", "SAGEMAKER_PROJECT_NAME: not set; expected 1 to 32 letters"),
        ("SAGEMAKER_PROJECT_NAME", "a" * 33, "is not 1 to 32 letters, digits and inner hyphens"),
        ("SAGEMAKER_PROJECT_ID", "P-1", "SAGEMAKER_PROJECT_ID: 'P-1' is not 1 to 20 lower-case letters"),
        ("ENVIRONMENT", " ", "ENVIRONMENT: not set; expected not empty"),
        ("AWS_REGION", "Ireland", "AWS_REGION: 'Ireland' is not a region such as eu-west-1"),
        ("AWS_REGION", "xx-west-9", "AWS_REGION: no scikit-learn image account is known for 'xx-west-9'"),
        ("ARTIFACT_BUCKET", "s3://bucket", "ARTIFACT_BUCKET: 's3://bucket' is not a bucket name"),
        ("SAGEMAKER_ROLE_ARN", "sagemaker-jobs", "SAGEMAKER_ROLE_ARN: 'sagemaker-jobs' is not the ARN of a role"),
        ("MODEL_PACKAGE_GROUP_NAME", "a_b", "MODEL_PACKAGE_GROUP_NAME: 'a_b' is not 1 to 63 letters"),
        ("KMS_KEY_ARN", "alias/x", "KMS_KEY_ARN: 'alias/x' is not the ARN of a KMS key, or empty"),
        ("SUBNET_IDS", "subnet-1 subnet-2", "SUBNET_IDS: 'subnet-1 subnet-2' is not subnet ids with commas"),
        ("SUBNET_IDS", "subnet-1", "SUBNET_IDS, SECURITY_GROUP_IDS: set both to run the jobs in a VPC, or neither"),
        ("SECURITY_GROUP_IDS", "default", "SECURITY_GROUP_IDS: 'default' is not security group ids"),
        ("REPOSITORY_URL", "https://me:secret@x/y", "REPOSITORY_URL: the value is not https://..., with no name or"),
        ("JOB_IMAGE_URI", "team/model:1", "JOB_IMAGE_URI: 'team/model:1' is not the URI of an image in ECR with a tag"),
        ("JOB_IMAGE_URI", OWN_IMAGE.removesuffix(":1"), "is not the URI of an image in ECR with a tag or a digest"),
        (
            "JOB_IMAGE_URI",
            OWN_IMAGE.replace("eu-west-1", "us-east-1"),
            "JOB_IMAGE_URI: the image lies in us-east-1; SageMaker takes images of its own region, eu-west-1",
        ),
        ("MLFLOW_APP_ARN", "arn:aws:s3:::b", "MLFLOW_APP_ARN: 'arn:aws:s3:::b' is not the ARN of an MLflow app"),
        ("SPOT_TRAINING", "yes", "SPOT_TRAINING: 'yes' is not true or false"),
        ("TUNING_JOBS", "1", "TUNING_JOBS: '1' is not 0, or 2 to 100"),
        ("TUNING_JOBS", "101", "TUNING_JOBS: '101' is not 0, or 2 to 100"),
        ("CACHE_DAYS", "366", "CACHE_DAYS: '366' is not a number of days from 0 to 365"),
        ("INPUT_DATA_URL", "https://x/y.csv", "INPUT_DATA_URL: 'https://x/y.csv' is not s3://bucket/key-or-prefix"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(environment, variable, value, message):
    environment[variable] = value
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(environment)
    assert message in str(caught.value)


def test_all_faults_are_reported_at_once():
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({})
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "AWS_REGION",
        "SAGEMAKER_PROJECT_NAME",
        "SAGEMAKER_PROJECT_ID",
        "PLATFORM",
        "ENVIRONMENT",
        "ARTIFACT_BUCKET",
        "SAGEMAKER_ROLE_ARN",
        "MODEL_PACKAGE_GROUP_NAME",
    ]
