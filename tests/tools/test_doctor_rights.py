"""The role that delivers a stack may look at all that the doctor looks at: nothing stays unknown in the pipeline."""

from pathlib import Path
from typing import Any

import pytest

from awsmodel.arns import ArnScope
from awsmodel.iam import evaluation
from awsmodel.iam.evaluation import Request
from awsmodel.regions import known_regions
from components.iam import delivery_policies
from components.providers.aws_access import action_of
from tests.tools.healthy_aws import ACCOUNT, HOME, NAMES, STUDIO, HealthyAws
from tests.tools.test_doctor import RECENT, associate, at_github, looked, of, open_studio, stack, with_role, with_studio
from tools.doctor.examination import SERVICES
from tools.doctor.findings import Status

TARGET = delivery_policies.StackScope(
    scope=ArnScope.of(known_regions()[HOME], ACCOUNT), project=NAMES.project, environment=NAMES.environment
)
SERVICE_LINKED = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/codestar-notifications.amazonaws.com/"
    "AWSServiceRoleForCodeStarNotifications"
)


def everything(config: dict[str, Any]) -> None:
    with_role(config)
    with_studio(config)


def test_every_call_is_granted_to_the_role_that_previews(tmp_path: Path) -> None:
    calls: set[str] = set()
    for edit in (everything, at_github):
        aws = HealthyAws()
        open_studio(aws)
        aws.add_role(STUDIO, made=RECENT)
        aws.history = [(RECENT, STUDIO, portfolio) for portfolio in ("port-own", "port-imported")]
        associate(aws, "port-own", "port-imported")
        assert not of(looked(aws, stack(tmp_path, edit)), Status.UNKNOWN)
        calls |= set(aws.calls)
    granted = [
        pattern
        for statement in delivery_policies.preview_statements(TARGET)
        for pattern in evaluation.values(statement["Action"])
    ]
    # Everybody may ask who they are.
    needed = {action_of(SERVICES, call) for call in calls - {"GetCallerIdentity"}}
    assert {"LookupEvents", "GetBucketCors", "ListConnections", "DescribeDomain"} <= calls
    assert {
        action for action in needed if not any(evaluation.action_matches(pattern, action) for pattern in granted)
    } == set()


@pytest.mark.parametrize("arn", [STUDIO, SERVICE_LINKED, f"arn:aws:iam::{ACCOUNT}:role/service-role/Any"])
def test_roles_that_the_settings_name_may_be_read_whatever_their_name(arn: str) -> None:
    statements = delivery_policies.preview_statements(TARGET)
    for action in ("iam:GetRole", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies"):
        assert evaluation.allowed(statements, Request(action, arn))
    assert not evaluation.allowed(statements, Request("iam:PassRole", arn))
