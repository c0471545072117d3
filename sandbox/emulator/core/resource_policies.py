"""Whether a resource policy lets a service act, as far as the emulated services need to know."""

import json
from fnmatch import fnmatchcase
from typing import Any


def allows_service(policy: str | None, service: str, action: str, account: str) -> bool:
    """Say whether a statement of the policy allows `service` the `action` on behalf of `account`.

    Of the conditions only `aws:SourceAccount` is judged: others are taken as met by an Allow, and as not met
    by a Deny (a Deny is commonly for requests without TLS).
    """
    statements = _as_list(json.loads(policy or "{}").get("Statement"))
    fitting = [s for s in statements if _covers(s, service, action, account)]
    denied = any(s.get("Effect") == "Deny" and not s.get("Condition") for s in fitting)
    return not denied and any(s.get("Effect") == "Allow" for s in fitting)


def allows_account(policy: str | None, account: str, action: str, resource: str) -> bool:
    """Say whether a statement of the policy lets another account do the `action` on the `resource`; see above."""
    statements = [
        one
        for one in _as_list(json.loads(policy or "{}").get("Statement"))
        if any(fnmatchcase(action.lower(), name.lower()) for name in _as_list(one.get("Action")))
        and any(fnmatchcase(resource, name) for name in _as_list(one.get("Resource")))
    ]
    denied = any(one.get("Effect") == "Deny" and not one.get("Condition") for one in statements)
    return not denied and any(one.get("Effect") == "Allow" and _names(one, account) for one in statements)


def _names(statement: dict[str, Any], account: str) -> bool:
    principal = statement.get("Principal")
    named = _as_list(principal.get("AWS")) if isinstance(principal, dict) else []
    return any(one == account or one.endswith(f"::{account}:root") for one in named)


def _covers(statement: dict[str, Any], service: str, action: str, account: str) -> bool:
    principal = statement.get("Principal")
    services = [principal] if isinstance(principal, str) else _as_list((principal or {}).get("Service"))
    return (
        any(name in {"*", service} for name in services)
        and any(fnmatchcase(action.lower(), name.lower()) for name in _as_list(statement.get("Action")))
        and _account_fits(statement, account)
    )


def _account_fits(statement: dict[str, Any], account: str) -> bool:
    for operator, tests in statement.get("Condition", {}).items():
        wanted = {key.lower(): _as_list(value) for key, value in tests.items()}.get("aws:sourceaccount")
        if (
            wanted is not None
            and operator.startswith("String")
            and not any(fnmatchcase(account, pattern) for pattern in wanted)
        ):
            return False
    return True


def _as_list(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
