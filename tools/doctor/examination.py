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
from components.core.faults import UserError
from components.providers.aws_access import DENIED, action_of, explained
from tools.doctor.account import Access, Account, CatalogProduct, StackRegion
from tools.doctor.checks import registry
from tools.doctor.checks.principal import PrincipalRole
from tools.doctor.checks.registry import Rule
from tools.doctor.findings import Finding, SkipError, Status, Verdict, skipped, unknown
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
    "cloudwatch",
)
"""botocore's names of the services that are asked. Of two that have the same operation, the first is the one."""

PATIENCE = {"connect_timeout": 5, "read_timeout": 20, "retries": {"mode": "standard", "total_max_attempts": 4}}
"""A service that no network leads to must not hold up the others for minutes."""

Progress = Callable[[str], None]
Subject = TypeVar("Subject", Account, StackRegion, CatalogProduct, PrincipalRole)


@dataclass(frozen=True)
class _Check:
    """A rule and what it is checked on."""

    rule: Rule[...]
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
        found = pool.map(partial(_checked, account, progress), groups)
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


def _person(account: Account, arn: str | None) -> PrincipalRole | None:
    """Return the role behind an ARN. A session's ARN lacks the role's path, so IAM is asked for it."""
    if arn is None:
        return None
    parts = arn.split(":", 5)
    kind, _, name = parts[-1].partition("/")
    if len(parts) != 6 or kind not in ("role", "assumed-role") or not name:
        raise ToolError(f"--principal {arn}: not the ARN of a role, arn:<partition>:iam::<account>:role/<name>")
    if parts[4] != account.id:
        raise ToolError(f"--principal {arn}: not a role of account {account.id}, which is looked at")
    if kind == "role":
        return PrincipalRole(account, arn)
    session = PrincipalRole(account, account.arns.role(name.partition("/")[0]))
    with explained(f"role of {arn}", "iam", account.home.name):
        return session if session.role is None else PrincipalRole(account, session.role["Arn"])


def _groups(account: Account, regions: Iterable[str], person: PrincipalRole | None) -> Iterator[list[_Check]]:
    """Tell what is looked at one after the other, in groups that can be looked at side by side."""
    yield [_of(rule, account.wanted.home_region, account) for rule in registry.SOURCE]
    yield [_of(rule, account.names.prefix, account) for rule in registry.ROLES]
    yield [_of(rule, account.names.prefix, account) for rule in registry.MADE_ROLES]
    if person is not None:
        yield [_of(rule, person.name, person) for rule in registry.PRINCIPAL]
    for name in regions:
        yield list(_in_region(StackRegion(account, known_regions()[name]), person))


def _in_region(region: StackRegion, person: PrincipalRole | None) -> Iterator[_Check]:
    account, name = region.account, region.name
    if account.wanted.projects is None or name in account.wanted.project_regions:
        yield from (_of(rule, name, region) for rule in registry.PROJECTS)
    if name in account.catalog_regions:
        yield from (_of(rule, name, region) for rule in registry.CATALOG)
        for slug in account.catalog.products:
            product = CatalogProduct(region, slug)
            yield from (_of(rule, f"{name} {slug}", product) for rule in registry.PRODUCT)
        yield from (_of(rule, name, region) for rule in registry.SERVICES)
    yield from (_of(rule, name, region) for rule in registry.IDENTITIES)
    if person is not None:
        for rule in registry.ACCESS:
            yield _Check(rule, f"{name} {person.name}", partial(rule.check, person, region))


def _of(rule: Rule[Subject], name: str, subject: Subject) -> _Check:
    return _Check(rule, name, partial(rule.check, subject))


def _checked(account: Account, progress: Progress, group: Iterable[_Check]) -> list[Finding]:
    findings = []
    for check in group:
        progress(f"{check.rule.id} {check.subject}")
        try:
            verdict = _verdict(account, check)
        except UserError as error:
            verdict = unknown(str(error), "set it right, and run this again")
        except Exception as error:
            # What one check does not know takes no other with it.
            verdict = unknown(f"not known: {type(error).__name__}: {error}", "report it; all else is told")
        fix = verdict.fix or (_fix(account, check.rule) if verdict.status is Status.BROKEN else "")
        findings.append(
            Finding(
                check=check.rule.id,
                subject=check.subject,
                status=verdict.status,
                evidence=verdict.evidence,
                fix=fix,
            )
        )
    return findings


def _fix(account: Account, rule: Rule[...]) -> str:
    return rule.fix.format(up=account.up, deploy=account.deploy)


def _verdict(account: Account, check: _Check) -> Verdict:
    try:
        return check.run()
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
