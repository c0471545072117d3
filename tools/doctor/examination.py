"""The examination: every check on everything that it concerns, regions side by side, findings in a stable order."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from botocore import exceptions
from botocore.exceptions import ClientError

from awsmodel.regions import known_regions
from components.providers.aws_access import DENIED, action_of, explained
from tools.doctor import catalog, principal, projects, quotas, roles, source
from tools.doctor.builds import build_images
from tools.doctor.findings import Finding, SkipError, Verdict, skipped, unknown
from tools.doctor.made_roles import made_roles
from tools.doctor.places import Access, Account, Offer, Place
from tools.faults import ToolError
from tools.stack_file import StackFile

SERVICES = (
    "codecommit",
    "codebuild",
    "codepipeline",
    "codeconnections",
    "codestar-notifications",
    "servicecatalog",
    "sagemaker",
    "iam",
    "s3",
    "cloudtrail",
    "service-quotas",
    "sns",
)
"""botocore's names of the services that are asked. Of two that have the same operation, the first is the one."""

PATIENCE = {"connect_timeout": 5, "read_timeout": 20, "retries": {"mode": "standard", "total_max_attempts": 4}}
"""A service that no network leads to must not hold up the others for minutes."""

Progress = Callable[[str], None]
Thing = TypeVar("Thing", Account, Place, Offer, principal.Person)


@dataclass(frozen=True)
class _Look:
    """A check and what it is to look at."""

    check: str
    subject: str
    run: Callable[[], Verdict]


def examine(
    file: StackFile,
    *,
    regions: Sequence[str] = (),
    principal_arn: str | None = None,
    now: datetime | None = None,
    access: Access | None = None,
    progress: Progress = lambda _: None,
) -> list[Finding]:
    """Look at a stack as AWS has it; nothing is changed.

    Args:
        file: the stack's file.
        regions: looks only at these regions of the stack; at all of them where none is named.
        principal_arn: a role that is to find the products: its ARN, or that of a session of it.
        now: the moment for what ends at a date; the clock's where left out.
        access: gives clients; the stack's own access where left out.
        progress: is told what is looked at.

    Returns:
        Findings of every check, in the same order for the same stack file.

    Raises:
        ToolError: a region, or the principal, is none that can be looked at.
        AwsError: nobody can be called: credentials are missing, or another account's.
    """
    account = Account.of(file, access or replace(file.access, patience=PATIENCE), now)
    groups = _groups(account, _chosen(account, regions), _person(account, principal_arn))
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = pool.map(partial(_look, account, progress), groups)
        return [finding for findings in found for finding in findings]


def _chosen(account: Account, regions: Sequence[str]) -> list[str]:
    wanted = account.wanted
    known = list(dict.fromkeys((*account.catalog_regions, *(wanted.project_regions if wanted.projects else ()))))
    strange = [region for region in regions if region not in known]
    if strange:
        raise ToolError(
            f"{', '.join(strange)}: not a region of {account.stack}'s catalog or projects, which are in "
            f"{', '.join(known) or 'none'}"
        )
    return [region for region in known if region in regions or not regions]


def _person(account: Account, arn: str | None) -> principal.Person | None:
    """The role behind an ARN. A session's ARN lacks the role's path, so IAM is asked for it."""
    if arn is None:
        return None
    parts = arn.split(":", 5)
    kind, _, name = parts[-1].partition("/")
    if len(parts) != 6 or kind not in ("role", "assumed-role") or not name:
        raise ToolError(f"--principal {arn}: not the ARN of a role, arn:<partition>:iam::<account>:role/<name>")
    if parts[4] != account.id:
        raise ToolError(f"--principal {arn}: not a role of account {account.id}, which is looked at")
    if kind == "role":
        return principal.Person(account, arn)
    session = principal.Person(account, account.arns.role(name.partition("/")[0]))
    with explained(f"role of {arn}", "iam", account.home.name):
        return session if session.role is None else principal.Person(account, session.role["Arn"])


def _groups(account: Account, regions: Iterable[str], person: principal.Person | None) -> Iterator[list[_Look]]:
    """What is looked at one after the other, in groups that can be looked at side by side."""
    yield [_of(check, account.wanted.home_region, account) for check in source.CHECKS]
    yield [_of(check, account.names.prefix, account) for check in (*roles.CHECKS, *quotas.ACCOUNT_CHECKS)]
    yield [_of(made_roles, account.names.prefix, account)]
    if person is not None:
        yield [_of(check, person.name, person) for check in principal.PERSON_CHECKS]
    for region in regions:
        place = Place(account, known_regions()[region])
        yield list(_in_region(place, person))


def _in_region(place: Place, person: principal.Person | None) -> Iterator[_Look]:
    account, name = place.account, place.name
    if account.wanted.projects is None or name in account.wanted.project_regions:
        yield from (_of(check, name, place) for check in projects.CHECKS)
    if name in account.catalog_regions:
        yield from (_of(check, name, place) for check in catalog.PLACE_CHECKS)
        for slug in account.catalog.products:
            offer = Offer(place, slug)
            yield from (_of(check, f"{name} {slug}", offer) for check in catalog.OFFER_CHECKS)
        yield from (_of(check, name, place) for check in (build_images, source.codecommit, *quotas.PLACE_CHECKS))
    yield _of(projects.principal_identities, name, place)
    if person is not None:
        for check in (principal.principal_finds_products, principal.principal_finds_projects):
            yield _Look(_id(check), f"{name} {person.name}", partial(check, person, place))


def _of(check: Callable[[Thing], Verdict], subject: str, thing: Thing) -> _Look:
    return _Look(_id(check), subject, partial(check, thing))


def _id(check: Callable[..., Verdict]) -> str:
    return check.__name__.replace("_", "-")


def _look(account: Account, progress: Progress, group: Iterable[_Look]) -> list[Finding]:
    findings = []
    for look in group:
        progress(f"{look.check} {look.subject}")
        verdict = _verdict(account, look)
        findings.append(Finding(check=look.check, subject=look.subject, **vars(verdict)))
    return findings


def _verdict(account: Account, look: _Look) -> Verdict:
    try:
        return look.run()
    except SkipError as reason:
        return skipped(str(reason))
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        evidence = f"{error.operation_name} was answered with {code}: {message}"
        if code in DENIED:
            return unknown(evidence, f"grant {action_of(SERVICES, error.operation_name)} to {account.caller}")
        return unknown(evidence, "run this again; AWS's own message says what else can be done")
    except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
        return unknown(str(error), "look at the network between here and AWS")


_ALL: tuple[Callable[..., Verdict], ...] = (
    *source.CHECKS,
    *roles.CHECKS,
    *quotas.ACCOUNT_CHECKS,
    made_roles,
    *projects.CHECKS,
    *catalog.PLACE_CHECKS,
    *catalog.OFFER_CHECKS,
    build_images,
    source.codecommit,
    *quotas.PLACE_CHECKS,
    projects.principal_identities,
    *principal.PERSON_CHECKS,
    principal.principal_finds_products,
    principal.principal_finds_projects,
)

CHECKS = tuple(map(_id, _ALL))
"""Ids of all checks."""
