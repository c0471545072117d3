"""Questions to AWS whose answer may be withheld: one that is not answered takes no other with it."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from components.core.faults import UserError
from components.providers.aws_access import DENIED, action_of
from tools.doctor.account import Account
from tools.doctor.findings import SkipError
from tools.report.model import NotKnown

T = TypeVar("T")
S = TypeVar("S")

SERVICES = (
    *("cloudformation", "cloudwatch", "codebuild", "codecommit", "codeconnections", "codepipeline", "iam", "kms"),
    *("logs", "s3", "sagemaker", "servicecatalog", "sns", "ssm", "sts"),
)
"""botocore's names of the services that are asked."""

_MISSING = re.compile(r"not authorized to perform: ([\w-]+:\w+)")
"""How AWS names the right that is missing; an operation's name alone may be several services'."""

SIDE_BY_SIDE = 8
"""Questions at a time: AWS throttles more."""


def asked(account: Account, look: Callable[[], T]) -> T | NotKnown:
    """Return what a look finds, or why it finds nothing."""
    try:
        return look()
    except (SkipError, UserError) as reason:
        return NotKnown(why=str(reason))
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        missing = _MISSING.search(message)
        action = missing[1] if missing else action_of(SERVICES, error.operation_name)
        grant = f"; grant {action} to {account.caller}" if code in DENIED else ""
        return NotKnown(why=f"{error.operation_name} was answered with {code}: {message}{grant}")
    except (BotoCoreError, OSError) as error:
        return NotKnown(why=str(error))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # An answer of another form than AWS's models say, or a file in a bucket that is not what its name says.
        return NotKnown(why=f"the answer could not be read: {type(error).__name__}: {error}")


def each(look: Callable[[S], T], things: Iterable[S]) -> list[T]:
    """Look at things side by side; what is found is in their order."""
    with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
        return list(pool.map(look, things))


def listed(found: T | NotKnown, otherwise: T) -> T:
    """Return what is known, else something in its place."""
    return otherwise if isinstance(found, NotKnown) else found


def moment(time: datetime | None) -> str:
    """Return date and time in UTC as people read it; empty where there is none."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}" if time else ""


def together(found: Mapping[str, Sequence[T] | NotKnown]) -> Sequence[T] | NotKnown:
    """Join what several regions have; where none of them tells anything, why."""
    answers = list(found.values())
    if answers and all(isinstance(one, NotKnown) for one in answers):
        return answers[0]
    return [item for one in answers if not isinstance(one, NotKnown) for item in one]


def gaps(what: str, found: Mapping[str, Sequence[object] | NotKnown]) -> Iterator[NotKnown]:
    """Tell which regions are missing in what is joined, where others have told something."""
    if isinstance(together(found), NotKnown):
        return
    for region, one in found.items():
        if isinstance(one, NotKnown):
            yield NotKnown(why=f"{what} in {region}: {one.why}")
