"""Questions to AWS whose answer may be withheld: one that is not answered takes no other with it."""

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from components.core.faults import UserError
from components.providers.aws_access import DENIED, action_of
from tools.doctor.account import Account
from tools.doctor.findings import SkipError
from tools.report.model import Known, NotKnown

T = TypeVar("T")
S = TypeVar("S")

SERVICES = (
    *("cloudformation", "cloudwatch", "codebuild", "codecommit", "codeconnections", "codepipeline", "iam", "kms"),
    *("logs", "mwaa-serverless", "s3", "sagemaker", "servicecatalog", "sns", "ssm", "stepfunctions", "sts"),
)
"""botocore's names of the services that are asked."""

_MISSING = re.compile(r"not authorized to perform: ([\w-]+:\w+)")
"""How AWS names the right that is missing; an operation's name alone may be several services'."""

SIDE_BY_SIDE = 8
"""Questions at a time: AWS throttles more."""


def asked(account: Account, look: Callable[[], T], what: str = "") -> T | NotKnown:
    """Return what a look finds, or why it finds nothing.

    Args:
        account: whom the look asks.
        look: finds something, or raises.
        what: name of what is looked at, where it stands among others.
    """
    try:
        return look()
    except (SkipError, UserError) as reason:
        return NotKnown(what=what, why=str(reason))
    except ClientError as error:
        return NotKnown(what=what, why=refusal(account, error))
    except (BotoCoreError, OSError) as error:
        return NotKnown(what=what, why=str(error))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # An answer of another form than AWS's models say, or a file in a bucket that is not what its name says.
        return NotKnown(what=what, why=f"the answer could not be read: {type(error).__name__}: {error}")


def refusal(account: Account, error: ClientError) -> str:
    """Tell what AWS has refused, and what to grant where a right is missing."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    missing = _MISSING.search(message)
    action = missing[1] if missing else action_of(SERVICES, error.operation_name)
    grant = f"; grant {action} to {account.caller}" if code in DENIED else ""
    return f"{error.operation_name} was answered with {code}: {message}{grant}"


def all_asked(account: Account, look: Callable[[], Sequence[Known[T]]], what: str) -> Sequence[Known[T]]:
    """Return the things that a look finds; where it finds none for a reason, that in their place.

    Args:
        account: whom the look asks.
        look: finds things, or raises.
        what: name of all that is looked for.
    """
    found = asked(account, look, what)
    return [found] if isinstance(found, NotKnown) else found


def each(look: Callable[[S], T], things: Iterable[S]) -> list[T]:
    """Look at things side by side; what is found is in their order."""
    with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
        return list(pool.map(look, things))


def moment(time: datetime | None) -> str:
    """Return date and time in UTC as people read it; empty where there is none."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}" if time else ""
