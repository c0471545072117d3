"""Who may be let in to a role of the stack: services, and the builds of tests to the role of their projects."""

from typing import Any

import pytest

from components.core.naming import Names
from components.iam.made_roles import added_trust

NAMES = Names("acme", "dev")
ROLE = "arn:aws:iam::111122223333:role/{}"


def trust(*let_in: str) -> dict[str, Any]:
    condition = {"ArnLike": {"aws:PrincipalArn": [ROLE.format(name) for name in let_in]}}
    root = {"AWS": "arn:aws:iam::111122223333:root"}
    return {"Effect": "Allow", "Principal": root, "Action": "sts:AssumeRole", "Condition": condition}


@pytest.mark.parametrize(
    ("role", "statement", "added"),
    [
        ("acme-dev-tests-scientist", trust("acme-dev-test-*", "acme-dev-tests-sweep-*"), False),
        ("acme-dev-tests-scientist", trust("acme-dev-test-*", "admin"), True),
        ("acme-dev-tests-scientist", trust("*"), True),
        ("acme-dev-tests-scientist", {**trust("acme-dev-test-*"), "Condition": {}}, True),
        ("acme-dev-project-launch", trust("acme-dev-test-*"), True),
        ("acme-dev-project-launch", {"Effect": "Allow", "Principal": {"Service": "x"}, "Action": "x"}, False),
    ],
)
def test_only_builds_of_tests_are_let_in_beside_services_and_only_to_their_role(
    role: str, statement: dict[str, Any], added: bool
) -> None:
    assert bool(added_trust([statement], role, NAMES)) is added
