"""`tools iam-policies`: what an administrator needs to make by hand the roles that a stack is to be given.

The documents are those that the program itself makes roles of, so that they cannot differ.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from components.core.naming import Names
from components.delivery import delivery_documents
from components.iam import role_documents
from components.iam.branch_policies import branch_policies
from components.iam.policies import Statement, document
from components.iam.role_documents import (
    ManagedPolicyDocument,
    RoleDocument,
    RoleFacts,
    fits_inline,
    fits_managed,
    managed_policies,
)
from components.sections.iam import RoleMode, SuppliedRole
from components.sections.source import CodeCommitSource
from settings import Settings
from settings.deployment_options import ANY_SUFFIX
from settings.roles import role_facts
from tools.atomic_writes import write_whole
from tools.deployment_test.stack_under_test import StackUnderTest
from tools.faults import ToolError
from tools.stack_file import StackFile, stack_options

INLINE_POLICY = "sm-mlops"
"""Name of a role's own policy."""

ANY_TEST = "t*"
"""Matches the suffix of every test, in the resources of policies."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A role, or the policy that bounds roles, as it is written down."""

    key: str
    """What it is: `launch`, `use.CodeBuild`, `boundary`, ..."""
    mode: RoleMode
    """Who makes it."""
    content: Mapping[str, Any]
    """All of it, for reading and for machines."""
    parts: Mapping[str, Mapping[str, Any]]
    """Its policy documents by the end of their files' names, as AWS takes them."""
    commands: Sequence[Sequence[str]]
    """Calls of the AWS CLI that make it; a part is written as `file://` and the end of its file's name."""

    @property
    def stem(self) -> str:
        """Start of the names of its files."""
        return self.key.replace(".", "-")


def documents(facts: RoleFacts) -> list[Document]:
    """Every role of a stack's catalog, and the boundary of the roles that its projects make."""
    found = [
        _role(role, facts, facts.iam.launch_mode if role.key == "launch" else facts.iam.use_mode)
        for role in role_documents.roles(facts)
    ]
    return [*_boundary(facts), *found]


def delivery_roles(settings: Settings, facts: RoleFacts) -> list[Document]:
    """Return the roles of the delivery that somebody else makes: those of the settings, and those of other accounts."""
    delivery = delivery_documents.delivery_facts(settings, facts.account_id)
    if delivery is None:
        return []
    bound = delivery_documents.boundary(delivery, facts)
    own = settings.iam.permissions_boundary_arn or facts.arns.policy(bound.name)
    found: list[Document] = []
    # Where others make the role that deploys, they know what bounds it.
    if settings.iam.delivery.supplied_arn is None:
        if fits_managed(bound):
            found.append(_managed(bound, own, RoleMode.SUPPLIED))
        else:
            click.echo("the boundary of the delivery is left out: so many roles and names fit into no policy", err=True)
    for role in delivery_documents.documents(delivery):
        arn = settings.iam.of_delivery[role.key].supplied_arn
        if arn:
            found.append(_role(delivery_documents.named_by(role, arn), facts, RoleMode.SUPPLIED))
    for arn, role in delivery_documents.account_documents(delivery).items():
        there = replace(facts, account_id=arn.split(":")[4])
        found.append(_role(role, there, RoleMode.SUPPLIED))
    return found


def studio_policy(facts: RoleFacts) -> list[Document]:
    """Return the policy of people who launch templates from S3; no stack makes or attaches it."""
    policy = role_documents.studio_policy(facts)
    return [] if policy is None else [_managed(policy, facts.arns.policy(policy.name), RoleMode.SUPPLIED)]


def of_branch(settings: Settings, facts: RoleFacts) -> list[Document]:
    """Return the policies that keep people from changing the branch that is delivered, past its approvals.

    Raises:
        ToolError: the source is at a Git provider, which has rules of its own for its branches.
    """
    source = settings.source
    if not isinstance(source, CodeCommitSource):
        raise ToolError(
            f"sm-mlops:source.provider is {source.provider}: protect the branch {source.branch} of "
            f"{source.repository} there; IAM has no say in it"
        )
    repository = facts.arns.repository(source.repository or settings.names.repository.value)
    return [
        _managed(one, facts.arns.policy(one.name), RoleMode.SUPPLIED)
        for one in branch_policies(settings.names.prefix, repository, source.branch)
    ]


def _boundary(facts: RoleFacts) -> Iterator[Document]:
    """Whoever makes the launch role makes the boundary, too: the one is worth nothing without the other."""
    bound = role_documents.boundary(facts)
    if bound is not None:
        supplied = facts.iam.launch_mode is RoleMode.SUPPLIED
        yield _managed(bound, facts.project_boundary_arn, RoleMode.SUPPLIED if supplied else RoleMode.CREATE)


def _managed(written: ManagedPolicyDocument, arn: str, mode: RoleMode) -> Document:
    policy, path = _policy(written.statements), f"{arn.split(':policy', 1)[1].rpartition('/')[0]}/"
    return Document(
        key=written.key,
        mode=mode,
        content={
            "key": written.key,
            "name": written.name,
            "path": path,
            "arn": arn,
            "description": written.purpose,
            "policy": policy,
        },
        parts={"policy": policy},
        commands=[_creation_of_policy(written.name, path, "policy", written.purpose)],
    )


def _role(role: RoleDocument, facts: RoleFacts, mode: RoleMode) -> Document:
    arn = role.arn(facts.home, facts.account_id)
    trust = _policy(role.trust)
    bound = ["--permissions-boundary", role.boundary_arn] if role.boundary_arn else []
    make = [
        *("create-role", "--role-name", role.name, "--path", role.path, "--description", role.purpose),
        *("--assume-role-policy-document", "file://trust", *bound),
    ]
    named = _named_policies(role)
    parts = {"trust": trust, **{end: policy for end, (_, policy) in named.items()}}
    commands = [make]
    for end, (name, _) in named.items():
        if fits_inline(role):
            commands.append(
                [
                    *("put-role-policy", "--role-name", role.name, "--policy-name", name),
                    *("--policy-document", f"file://{end}"),
                ]
            )
        else:
            policy_arn = f"{arn.partition(':role/')[0]}:policy{role.path}{name}"
            commands += [
                _creation_of_policy(name, role.path, end, f"What {role.name} may do"),
                ["attach-role-policy", "--role-name", role.name, "--policy-arn", policy_arn],
            ]
    return Document(
        key=role.key,
        mode=mode,
        content={
            "key": role.key,
            "name": role.name,
            "path": role.path,
            "arn": arn,
            "description": role.purpose,
            "permissionsBoundary": role.boundary_arn,
            "trustPolicy": trust,
            "policies": [
                {"name": name, "kind": "inline" if fits_inline(role) else "managed", "document": policy}
                for name, policy in named.values()
            ],
        },
        parts=parts,
        commands=commands,
    )


def _named_policies(role: RoleDocument) -> Mapping[str, tuple[str, dict[str, Any]]]:
    """Policies of a role by the end of their files' names, each with its own name."""
    if fits_inline(role):
        return {"policy": (INLINE_POLICY, _policy(role.statements))}
    return {
        f"policy-{number}": (f"{role.name}-{number}", _policy(part))
        for number, part in enumerate(managed_policies(role), 1)
    }


def _creation_of_policy(name: str, path: str, end: str, purpose: str) -> list[str]:
    return [
        *("create-policy", "--policy-name", name, "--path", path, "--description", purpose),
        *("--policy-document", f"file://{end}"),
    ]


def _policy(statements: Sequence[Statement]) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(document(statements))
    return loaded


def command_lines(found: Document, folder: Path) -> list[str]:
    """Return the calls of the AWS CLI that make it, from files in a folder."""
    return [
        shlex.join(
            [
                *("aws", "iam"),
                *(
                    f"file://{folder / found.stem}.{word.removeprefix('file://')}.json"
                    if word.startswith("file://")
                    else word
                    for word in words
                ),
            ]
        )
        for words in found.commands
    ]


def write(found: Sequence[Document], folder: Path) -> None:
    """Write each document to a file of its own, and beside it the policies that the commands name.

    Raises:
        ToolError: a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolError(f"{folder} cannot be made: {error.strerror}") from error
    for one in found:
        for end, content in {"": one.content, **{f".{end}": part for end, part in one.parts.items()}}.items():
            write_whole(folder / f"{one.stem}{end}.json", [json.dumps(content, indent=2), "\n"])


def account_of(file: StackFile, given: str | None) -> str:
    """Return the account that is meant: the one that is given, else the only one that the stack may deploy to.

    Raises:
        ToolError: none is given and the stack file does not name exactly one, or it is not an account's id.
    """
    allowed = file.values.get("aws:allowedAccountIds") or []
    if given is None and len(allowed) != 1:
        raise ToolError(f"--account-id is missing; {file.path.name} does not name one account in aws:allowedAccountIds")
    account_id = str(given or allowed[0])
    if not re.fullmatch(r"\d{12}", account_id, re.ASCII):
        raise ToolError(f"--account-id: {account_id!r} is not an AWS account id: twelve digits")
    return account_id


def facts_of(file: StackFile, account_id: str, settings: Settings | None = None) -> RoleFacts:
    """Tell what the documents of a stack depend on.

    Args:
        file: the stack's file.
        account_id: the account.
        settings: settings that are meant instead of the file's, such as those of a stack under test.

    Raises:
        ToolError: the stack has no catalog, or is to be given roles of another account or partition.
    """
    settings = settings or file.settings
    if settings.catalog is None:
        raise ToolError(f"{file.path.name} has no sm-mlops:catalog, so it needs no roles of projects")
    facts = role_facts(settings, account_id)
    start = facts.arns.role("")
    foreign = [arn for arn in _supplied(settings) if not arn.startswith(start)]
    if foreign:
        raise ToolError(
            f"{file.path.name}: {', '.join(foreign)}: not of account {account_id} in partition {facts.home.partition}, "
            f"to which the stack deploys"
        )
    return facts


def facts_of_option(file: StackFile, settings: Settings, account_id: str) -> RoleFacts:
    """Tell what the documents depend on for all stacks that test an option, whose names differ from test to test.

    Raises:
        ToolError: as `facts_of`.
    """
    facts = facts_of(file, account_id, settings)
    return replace(facts, names=Names(f"{file.settings.project}-{ANY_TEST}", file.settings.environment))


def _supplied(settings: Settings) -> list[str]:
    supplied = settings.iam.launch.supplied_arn
    launch = [supplied] if supplied else []
    return list(dict.fromkeys([*launch, *settings.iam.use_role_arns.values()]))


@click.command("iam-policies")
@stack_options
@click.option("--account-id", help="Account of the stack; by default the one that aws:allowedAccountIds names.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for a file of each document; without it, all are printed as one JSON list.",
)
@click.option("--deployment-option", metavar="NAME", help="Of the stacks that test this option, instead of STACK.")
@click.option(
    "--branch",
    is_flag=True,
    help="For people who push to the CodeCommit repository, instead: what protects its branch.",
)
def command(
    stack: str, folder: Path, account_id: str | None, out: Path | None, deployment_option: str | None, *, branch: bool
) -> None:
    """Print what an administrator needs to make the roles that the stack is to be given.

    Every role of the stack's catalog is there, also those that the stack makes itself; the commands are for the others.
    Where people launch templates from S3 there is the policy that they need: attach it to their roles.
    Of its delivery there are the boundary of its roles, and those roles that somebody else makes, in this account and
    in the accounts that it delivers to.
    """
    if branch and deployment_option:
        raise ToolError("--branch is of the stack's own repository: leave out --deployment-option")
    file = StackFile(stack, folder)
    account_id = account_of(file, account_id)
    if deployment_option is None:
        settings, facts = file.settings, facts_of(file, account_id)
    else:
        settings = StackUnderTest(file, deployment_option, ANY_SUFFIX).settings
        facts = facts_of_option(file, settings, account_id)
    found = of_branch(settings, facts) if branch else [*documents(facts), *delivery_roles(settings, facts)]
    if deployment_option is None and not branch:
        found += studio_policy(facts)
    if out is None:
        click.echo(json.dumps([one.content for one in found], indent=2))
        return
    write(found, out)
    for line in _summary(found, out, settings):
        click.echo(line)


def _summary(found: Sequence[Document], folder: Path, settings: Settings) -> Iterator[str]:
    makers = {
        RoleMode.CREATE: "the stack makes it",
        RoleMode.ADOPT: "the account's own, or the stack makes it",
        RoleMode.SUPPLIED: "an administrator makes it",
    }
    for one in found:
        yield f"{folder / one.stem}.json: {one.content['arn']}: {makers[one.mode]}"
    supplied = [one for one in found if one.mode is RoleMode.SUPPLIED]
    if supplied:
        yield ""
        yield "An administrator makes them like this, in this order:"
    for one in supplied:
        yield ""
        yield f"# {one.content['description']}"
        yield from command_lines(one, folder)
    later = [key for key, role in settings.iam.of_delivery.items() if isinstance(role, SuppliedRole)]
    if later and settings.delivery is None:
        yield ""
        yield (
            f"Not among them: {', '.join(f'iam.{key}' for key in later)}. What these roles need depends on the "
            f"pipelines, which this stack does not have."
        )
