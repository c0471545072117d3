"""`docs/security.md` is what the policies decide of calls that AWS knows."""

import pytest

from tests.contract import reference, security_page
from tests.contract.security_page import DELIVERED, PROJECT, Reach


def test_the_page_is_what_the_policies_decide() -> None:
    assert security_page.PAGE.read_text() == security_page.page(), "run `make docs`"


@pytest.mark.parametrize("reach", [*PROJECT, *DELIVERED], ids=lambda reach: reach.what)
def test_what_is_refused_is_something_that_aws_would_do(reach: Reach) -> None:
    """A call that is misspelt, or made on what it cannot be made on, would be refused to everybody."""
    for action, on in reach.calls:
        statement = {"Effect": "Allow", "Action": [action], "Resource": [on if on == "*" else f"arn:aws:{on}"]}
        # Some calls are asked on a second resource, too; where the first is refused the call is.
        wrong = [one for one in reference.faults(reach.what, [statement]) if one.rule != reference.MISSING_TYPE]
        assert wrong == []
        assert reach.by([statement])
