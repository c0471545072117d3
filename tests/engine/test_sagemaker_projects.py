"""SageMaker Projects on the real engine: drift shows and is repaired, and two stacks of an account share the switch."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.world import World

from .conftest import MakeWorld, alter, copy_project, destroy, stay_at_home
from .test_stacks import HOME, Aws, preview, up

pytestmark = pytest.mark.engine

STUDIO = "arn:aws:iam::123456789012:role/studio/Execution"
TEAM = "arn:aws:iam:::role/*DataScientist*"
FOREIGN = "arn:aws:iam:::role/foreign-*"
SECTION = "sm-mlops:projects"


def make_role(aws: Aws) -> None:
    aws.client("iam").create_role(RoleName="Execution", Path="/studio/", AssumeRolePolicyDocument="{}")


def portfolio(aws: Aws) -> str:
    catalog = aws.client("servicecatalog")
    (found,) = catalog.list_accepted_portfolio_shares(PortfolioShareType="IMPORTED")["PortfolioDetails"]
    return str(found["Id"])


def principals(aws: Aws) -> set[str]:
    listed = aws.client("servicecatalog").list_principals_for_portfolio(PortfolioId=portfolio(aws))["Principals"]
    return {item["PrincipalARN"] for item in listed}


@pytest.fixture(scope="module")
def world(make_world: MakeWorld, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Dev with SageMaker Projects on for a role and a pattern, and beside it what somebody else has associated."""
    project: Path = copy_project(tmp_path_factory.mktemp("projects"))
    world = make_world(project)
    stay_at_home(world)
    make_role(Aws(world))
    alter(world, "dev", lambda config: config.update({SECTION: {"principals": [STUDIO, TEAM]}}))
    up(world)
    Aws(world).client("servicecatalog").associate_principal_with_portfolio(
        PortfolioId=portfolio(Aws(world)), PrincipalARN=FOREIGN, PrincipalType="IAM_PATTERN"
    )
    return world


@pytest.fixture
def aws(world: World) -> Aws:
    return Aws(world)


def test_the_outputs_tell_whether_it_worked(world: World, aws: Aws) -> None:
    told = json.loads(world.pulumi("stack", "output", "projects", "--json", "--stack", "dev").stdout)
    assert told == {
        HOME: {
            "portfolioId": portfolio(aws),
            "displayName": "Amazon SageMaker AI Solutions and ML Ops products",
            "status": "Enabled",
            "principals": sorted([STUDIO, TEAM]),
        }
    }
    assert principals(aws) == {STUDIO, TEAM, FOREIGN}
    assert preview(world, "--refresh") == {}


def disable(aws: Aws) -> None:
    aws.client("sagemaker").disable_sagemaker_servicecatalog_portfolio()


def remove_principal(aws: Aws) -> None:
    aws.client("servicecatalog").disassociate_principal_from_portfolio(
        PortfolioId=portfolio(aws), PrincipalARN=TEAM, PrincipalType="IAM_PATTERN"
    )


def make_role_anew(aws: Aws) -> None:
    aws.client("iam").delete_role(RoleName="Execution")
    make_role(aws)


@pytest.mark.parametrize("change", [remove_principal, make_role_anew, disable])
def test_drift_shows_and_is_repaired(world: World, aws: Aws, change: Callable[[Aws], None]) -> None:
    change(aws)
    assert preview(world, "--refresh") == {"update": {f"projects-{HOME}"}}
    assert up(world, "--refresh") == {"update": 1}
    assert principals(aws) >= {STUDIO, TEAM}
    assert aws.client("sagemaker").get_sagemaker_servicecatalog_portfolio_status()["Status"] == "Enabled"
    assert preview(world, "--refresh") == {}


def test_two_stacks_share_the_switch_and_the_last_one_out_turns_it_off(world: World, aws: Aws) -> None:
    """What one stack made and the other needs stays, and is the other's to remove."""
    shared = {"principals": [STUDIO], "disableOnDestroy": True}
    alter(world, "prod", lambda config: config.update({SECTION: shared, "aws:region": HOME}))
    stay_at_home(world, "prod")
    alter(world, "prod", lambda config: config.update({"sm-mlops:protection": {"protect": False, "retain": False}}))
    up(world, stack="prod")
    destroy(world)
    assert STUDIO in principals(aws)
    assert TEAM not in principals(aws)
    destroy(world, "prod")
    assert aws.client("sagemaker").get_sagemaker_servicecatalog_portfolio_status()["Status"] == "Disabled"
    assert not aws.client("ssm").get_parameters_by_path(Path="/sm-mlops", Recursive=True)["Parameters"]
