"""What a role that a stack has made has beyond what the stack gives it, as far as names and trust tell.

Pure functions over IAM's descriptions: the doctor asks IAM for them, a snapshot has them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from awsmodel.iam.evaluation import Statement, values
from components.core.naming import Names


def is_made_by(names: Names, tags: Iterable[Mapping[str, str]]) -> bool:
    """Whether a role's tags say that the stack of an environment has made it."""
    found = {tag["Key"]: tag["Value"] for tag in tags}
    return (found.get("mlops:project"), found.get("mlops:environment")) == (names.project, names.environment)


def added_policies(arns: Iterable[str], names: Names, other_policy_arns: Sequence[str] = ()) -> list[str]:
    """Managed policies that are neither the stack's own, by their names, nor among those that others may attach."""
    own = f":policy/{names.prefix}-"
    return sorted(arn for arn in arns if own not in arn and arn not in other_policy_arns)


def added_inline(policies: Iterable[str]) -> list[str]:
    """Inline policies beyond the one that the stack gives; its name tells, as far as a name can."""
    found = sorted(policies)
    own = next((name for name in found if "-policy" in name), None)
    return [name for name in found if name != own]


def added_trust(trust: Iterable[Statement], role_name: str, names: Names) -> list[Statement]:
    """Statements that let in anybody but services, or but the builds of tests where it is their role for projects."""
    return [
        statement
        for statement in trust
        if statement["Effect"] == "Allow"
        and not (isinstance(statement.get("Principal"), Mapping) and statement["Principal"].keys() == {"Service"})
        and not (role_name == names.test_scientist.value and _lets_in_tests(statement, names))
    ]


def _lets_in_tests(statement: Statement, names: Names) -> bool:
    """Whether nobody is let in but roles that are named as those of the builds of tests."""
    condition = statement.get("Condition", {})
    let_in = values(condition.get("ArnLike", {}).get("aws:PrincipalArn", ()))
    own = (f":role/{names.test_pipeline('').value}", f":role/{names.sweep_pipeline.value}-")
    return bool(let_in) and all(any(start in arn for start in own) for arn in let_in)


def boundary_of(role: Mapping[str, Any]) -> str | None:
    """Permissions boundary of a role."""
    found: str | None = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return found
