"""Environment variables."""

import pytest
import yaml
from conftest import ACCOUNT, OTHER, ROOT, VARIABLES, environment

from model_deploy.environment import Environment
from model_deploy.errors import UserError


def test_names_stay_within_the_limits_for_the_longest_project():
    longest = environment(SAGEMAKER_PROJECT_NAME="n" * 32, SAGEMAKER_PROJECT_ID="i" * 20)
    assert len(longest.stack_name("staging")) == 78
    assert len(longest.endpoint_name("staging")) == 38


def test_empty_optional_values_mean_none():
    found = environment(SUBNET_IDS="", SECURITY_GROUP_IDS="", KMS_KEY_ARN="", MODEL_PACKAGE_ARN="", TRIGGER="")
    assert found.subnet_ids == ()
    assert found.kms_key_arn == ""
    assert found.requested == "newest"
    assert found.trigger == "push"


def test_accounts_default_to_the_own_one():
    found = environment(STAGING_ACCOUNT_IDS="", PROD_ACCOUNT_IDS=f"{ACCOUNT},{OTHER}")
    assert found.accounts == {"staging": (ACCOUNT,), "prod": (ACCOUNT, OTHER)}
    assert found.other_accounts("staging") == ()
    assert found.other_accounts("prod") == (OTHER,)


def test_all_faults_come_in_one_message():
    with pytest.raises(UserError) as caught:
        Environment.load({**VARIABLES, "AWS_REGION": " ", "TRIGGER": "retry", "DEPLOYMENT_TARGET": "stack"})
    assert str(caught.value).splitlines()[1:] == [
        "  AWS_REGION is not set",
        "  DEPLOYMENT_TARGET is 'stack'; allowed: STACK, STACKSET",
        "  TRIGGER is 'retry'; allowed: push, approved, rejected",
    ]


def test_readme_lists_every_variable():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in VARIABLES if f"`{name}`" not in readme] == []


@pytest.mark.parametrize("name", ["buildspec.yml", "buildspec-test.yml"])
def test_buildspecs_use_a_current_python(name):
    buildspec = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    assert buildspec["phases"]["install"]["runtime-versions"]["python"] == 3.13


def test_what_the_build_installed_is_not_handed_on_to_the_deploy_stages():
    buildspec = yaml.safe_load((ROOT / "buildspec.yml").read_text(encoding="utf-8"))
    assert buildspec["artifacts"] == {"files": ["**/*"], "exclude-paths": [".venv/**/*"]}
