"""The doctor tells each fault by itself, with what was seen and what to do; what it cannot see is not well."""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import EndpointConnectionError
from click.testing import CliRunner
from rich.console import Console

from components.catalog.publication import studio_location
from components.iam import role_documents
from components.iam.branch_policies import branch_policies
from components.iam.policies import document
from components.iam.project_policies import launch_trust
from components.packaging import Product, ProductFolderError, seed_code
from components.packaging.faults import Fault
from components.providers.aws_access import AwsError
from components.providers.product_files import template_key
from settings.roles import role_facts
from tests.support.delivery_example import SECTION, example
from tests.support.played_aws import Clients
from tests.support.recording import EXAMPLE, ROOT
from tests.tools.healthy_aws import (
    ACCOUNT,
    BOUNDARY,
    BUCKET,
    HOME,
    IMAGE,
    LAUNCH_ROLE,
    LONG_AGO,
    NAMES,
    NOW,
    PATTERN,
    PROVISIONING,
    STUDIO,
    TAGS,
    TOPIC,
    HealthyAws,
    rendered,
    version_name,
)
from tools.doctor import command as doctor
from tools.doctor import report
from tools.doctor.checks.registry import RULES
from tools.doctor.examination import examine
from tools.doctor.findings import Finding, Status
from tools.faults import ToolError
from tools.stack_file import StackFile

Spoil = Callable[[HealthyAws], object]
Edit = Callable[[dict[str, Any]], object]
BUILD, DEPLOY = "prod-model-build-train", "prod-model-deploy"
SERVICE_ROLE = "AWSServiceRoleForCodeStarNotifications"
LAUNCH = NAMES.launch_role.value
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
BOUNDARY_OF_ALL = f"arn:aws:iam::{ACCOUNT}:policy/company"
EVERYTHING = json.dumps({"Effect": "Allow", "Action": "*", "Resource": "*"})
ANYTHING = document([json.loads(EVERYTHING)])
CONNECTION = f"arn:aws:codeconnections:{HOME}:{ACCOUNT}:connection/1"
CLIENTS = Clients(HealthyAws())
RECENT = NOW - timedelta(days=3)
SEVERITIES = {rule.id: rule.severities for rule in RULES}


@pytest.fixture
def aws() -> HealthyAws:
    return HealthyAws()


def stack(folder: Path, edit: Edit = lambda _: None, name: str = "dev") -> StackFile:
    """The example's stack with some settings changed."""
    values = yaml.safe_load((EXAMPLE / f"Pulumi.{name}.yaml").read_text())
    edit(values["config"])
    (folder / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump(values))
    return StackFile(name, folder)


def looked(aws: HealthyAws, file: StackFile | None = None, **more: Any) -> list[Finding]:
    findings = examine(file or StackFile("dev", EXAMPLE), access=CLIENTS.play(aws), now=NOW, **more)
    for finding in findings:
        assert finding.status in (Status.OK, Status.SKIPPED, Status.UNKNOWN, *SEVERITIES[finding.check]), finding
    return findings


def of(findings: list[Finding], status: Status) -> dict[str, Finding]:
    return {finding.check: finding for finding in findings if finding.status is status}


def test_a_healthy_stack_is_well_throughout(aws: HealthyAws) -> None:
    findings = looked(aws)
    assert {finding.status for finding in findings} == {Status.OK, Status.SKIPPED}
    assert all(finding.evidence and not finding.fix for finding in findings)
    assert set(of(findings, Status.SKIPPED)) == {
        "branch-protection",
        "connection",
        "project-connection",
        "delivery-accounts",
        "principal-identities",
        "studio-cors",
        "studio-domain-tag",
        "studio-object",
        "use-roles",
        "use-roles-permissions",
        "use-roles-trust",
    }


def test_every_rule_is_looked_at_and_stands_in_its_documentation(aws: HealthyAws) -> None:
    person(aws)
    found = {finding.check for finding in looked(aws, principal_arn=SCIENTIST)}
    assert sorted(found) == sorted(rule.id for rule in RULES)
    rows = [f"| [`{rule.id}`]({rule.url}) | {rule.holds} | {', '.join(rule.severities)} |" for rule in RULES]
    page = (ROOT / "docs/doctor.md").read_text()
    assert re.findall(r"^\| \[`.*\|$", page, re.MULTILINE) == rows, "\n" + "\n".join(rows)


def test_every_rule_has_a_page_of_aws_and_a_fix_that_can_be_told() -> None:
    for rule in RULES:
        assert rule.url.startswith("https://docs.aws.amazon.com/")
        assert rule.fix.format(up="U", deploy="D")


def test_nothing_is_changed_by_looking(aws: HealthyAws) -> None:
    looked(aws, principal_arn=LAUNCH_ROLE)
    assert all(call.startswith(("Get", "List", "Describe", "Search", "Lookup")) for call in aws.calls)


def test_findings_are_the_same_and_in_the_same_order_every_time(aws: HealthyAws) -> None:
    assert looked(aws) == looked(HealthyAws())


def role_without(action: str) -> Spoil:
    def spoil(aws: HealthyAws) -> None:
        policies = aws.inline[NAMES.launch_role.value]
        policies["own-policy"] = policies["own-policy"].replace(f'"{action}", ', "")

    return spoil


def bound(aws: HealthyAws) -> None:
    trust = aws.roles[NAMES.launch_role.value]["AssumeRolePolicyDocument"]
    aws.add_role(LAUNCH_ROLE, trust, boundary=BOUNDARY)


def other_version(aws: HealthyAws) -> None:
    """Somebody has edited the checkout since the last release."""
    aws.versions[DEPLOY] = [aws.version("0.9.0-01234567")]
    key = template_key("model-deploy", "0123456789abcdef")
    aws.objects[key] = dict(PROVISIONING)
    aws.bodies[key] = rendered("model-deploy")


BROKEN: dict[str, tuple[Spoil, str, str]] = {
    "projects off": (lambda aws: setattr(aws, "enabled", "Disabled"), "projects-enabled", "says Disabled"),
    "projects without a portfolio": (lambda aws: aws.imported.clear(), "projects-enabled", "no imported portfolio"),
    "two that could be AWS's": (
        lambda aws: aws.imported.append(("port-2", "Amazon SageMaker")),
        "projects-enabled",
        "several imported portfolios",
    ),
    "nobody finds AWS's templates": (
        lambda aws: aws.principals["port-imported"].clear(),
        "projects-principals",
        f"port-imported is not associated with {PATTERN}",
    ),
    "nobody may launch": (
        lambda aws: aws.principals["port-own"].clear(),
        "catalog-principals",
        f"port-own is not associated with {PATTERN}",
    ),
    "no portfolio": (lambda aws: aws.portfolios.clear(), "portfolio", NAMES.portfolio.value),
    "no product": (lambda aws: aws.products.pop(DEPLOY), "product", "MLOps model deployment (sm-mlops-dev)"),
    "no product tag": (lambda aws: aws.product_tags[DEPLOY].clear(), "product-tag", "not at all"),
    "product tag false": (
        lambda aws: aws.product_tags[DEPLOY].update({"sagemaker:studio-visibility": "false"}),
        "product-tag",
        "false",
    ),
    "not offered": (lambda aws: aws.offered_by[DEPLOY].clear(), "product-association", "no portfolio, not in port-own"),
    "version off": (
        lambda aws: aws.versions[DEPLOY][0].update(Active=False),
        "product-version",
        "is switched off",
    ),
    "version deprecated": (
        lambda aws: aws.versions[DEPLOY][0].update(Guidance="DEPRECATED"),
        "product-version",
        "is deprecated",
    ),
    "no version": (lambda aws: aws.versions[DEPLOY].clear(), "product-version", "no version"),
    "no constraint": (lambda aws: aws.constraints.pop(DEPLOY), "launch-constraint", "no launch constraint"),
    "another launch role": (
        lambda aws: aws.constraints.update({DEPLOY: {"RoleArn": "arn:aws:iam::123456789012:role/other"}}),
        "launch-constraint",
        "role/other, not as",
    ),
    "no template": (
        lambda aws: aws.objects.pop(next(key for key in aws.objects if "model-deploy/template" in key)),
        "template-object",
        "is not there",
    ),
    "template without tag": (
        lambda aws: aws.objects[next(key for key in aws.objects if "model-deploy/template" in key)].clear(),
        "template-object",
        "not at all",
    ),
    "no seed": (
        lambda aws: aws.objects.pop(next(key for key in aws.objects if "model-deploy/seed" in key)),
        "seed-object",
        "is not there",
    ),
    "seed without tag": (
        lambda aws: aws.objects[next(key for key in aws.objects if "model-deploy/seed" in key)].update(
            {"servicecatalog:provisioning": "false"}
        ),
        "seed-object",
        "false",
    ),
    "no launch role": (lambda aws: aws.roles.pop(NAMES.launch_role.value), "launch-role", LAUNCH_ROLE),
    "launch role with another path": (
        lambda aws: aws.add_role(LAUNCH_ROLE.replace("role/", "role/other/")),
        "launch-role",
        LAUNCH_ROLE,
    ),
    "launch role trusts somebody else": (
        lambda aws: aws.add_role(LAUNCH_ROLE, document([])),
        "launch-role-trust",
        "does not trust servicecatalog.amazonaws.com",
    ),
    "launch role lacks a permission": (
        role_without("codepipeline:CreatePipeline"),
        "launch-role-permissions",
        "lacks codepipeline:CreatePipeline on arn:aws:codepipeline:us-east-2:123456789012:sagemaker-",
    ),
    "a boundary takes rights away": (
        bound,
        "launch-role-permissions",
        "more",
    ),
    "no boundary of projects": (lambda aws: aws.policies.clear(), "project-boundary", BOUNDARY),
    "a narrow boundary of projects": (
        lambda aws: aws.policies.update({BOUNDARY: document([])}),
        "project-boundary",
        "does not allow s3:*",
    ),
    "no repository": (lambda aws: aws.repositories.clear(), "source-repository", "sm-mlops-dev"),
    "no service-linked role": (lambda aws: aws.roles.pop(SERVICE_ROLE), "notifications-role", SERVICE_ROLE),
    "no rule": (lambda aws: setattr(aws, "rule", None), "notification-rule", "no notification rule"),
    "rule off": (
        lambda aws: setattr(aws, "rule", {"Status": "DISABLED", "Targets": [aws.target("ACTIVE")]}),
        "notification-rule",
        "is DISABLED",
    ),
    "target not reached": (
        lambda aws: setattr(aws, "rule", {"Status": "ENABLED", "Targets": [aws.target("UNREACHABLE")]}),
        "notification-rule",
        f"{TOPIC} is UNREACHABLE",
    ),
    "no target": (
        lambda aws: setattr(aws, "rule", {"Status": "ENABLED", "Targets": []}),
        "notification-rule",
        "no target",
    ),
    "image gone": (lambda aws: aws.images.clear(), "build-images", f"does not offer {IMAGE}"),
    "no CodeCommit": (
        lambda aws: aws.refused.update(ListRepositories="OperationNotAllowedException"),
        "codecommit",
        "does not admit 123456789012",
    ),
    "no roles left": (lambda aws: aws.summary.update(Roles=1000), "quota-roles", "1000 of 1000"),
    "no pipelines left": (lambda aws: aws.quotas.update({"L-78D200AD": 3}), "quota-pipelines", "3 of 3"),
    "no topic": (lambda aws: setattr(aws, "subscribers", None), "notification-topic", f"there is no topic {TOPIC}"),
    "nobody subscribed": (
        lambda aws: setattr(aws, "subscribers", {}),
        "subscriptions",
        "ml-platform-dev@example.com: not subscribed",
    ),
    "a policy more": (
        lambda aws: (
            aws.attached.update({LAUNCH: [ADMINISTRATOR]}),
            aws.policies.update({ADMINISTRATOR: ANYTHING}),
        ),
        "made-roles",
        f"{LAUNCH_ROLE} has the policy {ADMINISTRATOR}",
    ),
    "an inline policy more": (
        lambda aws: aws.inline[LAUNCH].update(star=ANYTHING),
        "made-roles",
        f"{LAUNCH_ROLE} has the inline policy star",
    ),
    "an inline policy more that is named like the stack's": (
        lambda aws: aws.inline[LAUNCH].update({"zeal-policy-0a1b2c3": ANYTHING}),
        "made-roles",
        f"{LAUNCH_ROLE} has the inline policy zeal-policy-0a1b2c3",
    ),
    "more in the stack's own policy": (
        lambda aws: aws.inline[LAUNCH].update(
            {"own-policy": aws.inline[LAUNCH]["own-policy"].replace('"Statement": [', f'"Statement": [{EVERYTHING}, ')}
        ),
        "made-roles",
        f"{LAUNCH_ROLE} may also * on *",
    ),
    "a boundary that nobody asked for": (
        lambda aws: (
            aws.roles[LAUNCH].update(PermissionsBoundary={"PermissionsBoundaryArn": BOUNDARY_OF_ALL}),
            aws.policies.update({BOUNDARY_OF_ALL: ANYTHING}),
        ),
        "made-roles",
        f"has the boundary {BOUNDARY_OF_ALL}, and the stack gives it no boundary",
    ),
}


def trusting(aws: HealthyAws, *more: dict[str, Any]) -> None:
    trust = document(
        [*launch_trust(ACCOUNT), *({"Effect": "Allow", "Action": "sts:AssumeRole", **one} for one in more)]
    )
    aws.roles[LAUNCH]["AssumeRolePolicyDocument"] = trust


@pytest.mark.parametrize(
    ("principal", "named"),
    [
        ({"Principal": {"AWS": "arn:aws:iam::444455556666:root"}}, "trusts arn:aws:iam::444455556666:root"),
        ({"Principal": "*"}, "trusts *"),
        ({"NotPrincipal": {"AWS": STUDIO}}, "trusts everybody but some"),
        ({"Principal": {"Service": "ec2.amazonaws.com"}}, "has another trust policy than the stack gives it"),
    ],
)
def test_whoever_else_may_act_as_a_role_is_told(aws: HealthyAws, principal: dict[str, Any], named: str) -> None:
    trusting(aws, principal)
    (finding,) = of(looked(aws), Status.BROKEN).values()
    assert finding.check == "made-roles"
    assert f"{LAUNCH_ROLE} {named}" in finding.evidence
    assert finding.fix == "pulumi up --refresh -s dev"


def test_every_role_with_the_environments_tags_is_looked_at_and_no_other(aws: HealthyAws) -> None:
    builds, neighbour = (f"arn:aws:iam::{ACCOUNT}:role/sm-mlops-dev-{name}" for name in ("deliver-up-dev", "eu-launch"))
    aws.add_role(builds, document(launch_trust(ACCOUNT)), tags=TAGS)
    aws.add_role(neighbour, document([{"Effect": "Allow", "Principal": "*"}]), tags={**TAGS, "mlops:environment": "eu"})
    own = f"arn:aws:iam::{ACCOUNT}:policy/sm-mlops-dev-deliver-change-1"
    for role in (builds, neighbour):
        aws.attached[role.rpartition("/")[2]] = [ADMINISTRATOR, own]
    aws.policies |= {ADMINISTRATOR: ANYTHING, own: ANYTHING}
    assert of(looked(aws), Status.BROKEN)["made-roles"].evidence == f"{builds} has the policy {ADMINISTRATOR}"


def test_what_others_may_attach_is_in_order_and_a_boundary_that_is_gone_is_not(aws: HealthyAws, tmp_path: Path) -> None:
    def edit(config: dict[str, Any]) -> None:
        config["sm-mlops:iam"] = {"otherPolicyArns": [ADMINISTRATOR], "permissionsBoundaryArn": BOUNDARY_OF_ALL}

    aws.attached[LAUNCH].append(ADMINISTRATOR)
    aws.policies |= {ADMINISTRATOR: ANYTHING, BOUNDARY_OF_ALL: ANYTHING}
    file = stack(tmp_path, edit)
    gone = of(looked(aws, file), Status.BROKEN)["made-roles"].evidence
    assert gone == f"{LAUNCH_ROLE} has no boundary, and the stack gives it the boundary {BOUNDARY_OF_ALL}"
    aws.roles[LAUNCH]["PermissionsBoundary"] = {"PermissionsBoundaryArn": BOUNDARY_OF_ALL}
    assert not of(looked(aws, file), Status.BROKEN)


def test_a_well_known_role_that_stacks_have_made_is_looked_at_and_somebody_elses_is_not(
    aws: HealthyAws, tmp_path: Path
) -> None:
    file = stack(tmp_path, lambda config: config.update({"sm-mlops:iam": {"launch": {"mode": "adopt"}}}))
    role = role_facts(file.settings, ACCOUNT).launch_role_arn
    name = role.rpartition("/")[2]
    intruder = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    own = f"arn:aws:iam::{ACCOUNT}:policy/service-role/ServiceCatalogProductsLaunchRole-sm-mlops-prod-1"
    aws.attached[name] = [own, ADMINISTRATOR]
    aws.policies |= {ADMINISTRATOR: ANYTHING, own: ANYTHING}
    aws.add_role(role, document([*launch_trust(ACCOUNT, studio=True), intruder]))
    assert "made-roles" not in of(looked(aws, file), Status.BROKEN)
    aws.add_role(role, document([*launch_trust(ACCOUNT, studio=True), intruder]), tags={"sm-mlops:made": "true"})
    told = of(looked(aws, file), Status.BROKEN)["made-roles"].evidence
    assert told == f"{role} has the policy {ADMINISTRATOR}; {role} trusts *"


def test_examples_of_accounts_are_found_in_the_delivery(aws: HealthyAws, tmp_path: Path) -> None:
    file = stack(tmp_path, lambda config: config.update({SECTION: example()}))
    told = of(looked(aws, file), Status.BROKEN)["delivery-accounts"].evidence
    assert "secretsProvider names 111122223333" in told
    assert "stacks[1].roleArn names 444455556666" in told
    text = json.dumps(example()).replace("444455556666", "219837465019").replace("111122223333", ACCOUNT)
    file = stack(tmp_path, lambda config: config.update({SECTION: json.loads(text)}))
    assert "delivery-accounts" in of(looked(aws, file), Status.OK), "the account that is looked at is no example"


NO_CHANGES = f"arn:aws:iam::{ACCOUNT}:policy/branch-of-sm-mlops-dev-no-changes"


def test_a_branch_that_is_delivered_and_that_nobody_is_kept_from_is_a_warning(aws: HealthyAws, tmp_path: Path) -> None:
    assert "branch-protection" in of(looked(aws), Status.SKIPPED), "no pipeline delivers it"
    text = json.dumps(example()).replace("444455556666", "219837465019").replace("111122223333", ACCOUNT)
    file = stack(tmp_path, lambda config: config.update({SECTION: json.loads(text)}))
    told = of(looked(aws, file), Status.WARNING)["branch-protection"]
    assert "nobody has branch-of-sm-mlops-dev-no-changes or branch-of-sm-mlops-dev-merges-only" in told.evidence
    assert "iam-policies -s dev --branch" in told.fix
    aws.policies[NO_CHANGES] = "{}"
    assert "branch-protection" in of(looked(aws, file), Status.WARNING), "there is one, and nobody has it"
    aws.attached["Developer"] = [NO_CHANGES]
    assert (
        "branch-of-sm-mlops-dev-no-changes: Developer" in of(looked(aws, file), Status.OK)["branch-protection"].evidence
    )


def test_whether_a_role_pushes_past_the_approvals_is_told_of_the_role(aws: HealthyAws) -> None:
    aws.add_role(STUDIO)
    name = STUDIO.rpartition("/")[2]
    aws.inline[name]["all"] = document([{"Effect": "Allow", "Action": "*", "Resource": "*"}])
    told = of(looked(aws, principal_arn=STUDIO), Status.WARNING)["principal-branch"]
    assert "codecommit:GitPush" in told.evidence
    assert "codecommit:OverridePullRequestApprovalRules" in told.evidence
    assert "codecommit:MergePullRequestBySquash" not in told.evidence
    repository = f"arn:aws:codecommit:{HOME}:{ACCOUNT}:sm-mlops-dev"
    _, mergers = branch_policies("sm-mlops-dev", repository, "main")
    aws.inline[name]["branch"] = document(mergers.statements)
    assert "principal-branch" in of(looked(aws, principal_arn=STUDIO), Status.OK)


@pytest.mark.parametrize(("spoil", "check", "evidence"), BROKEN.values(), ids=BROKEN)
def test_each_fault_makes_exactly_its_own_line_red(aws: HealthyAws, spoil: Spoil, check: str, evidence: str) -> None:
    spoil(aws)
    findings = looked(aws)
    (finding,) = [finding for finding in findings if finding.status not in (Status.OK, Status.SKIPPED)]
    assert (finding.check, finding.status) == (check, Status.BROKEN)
    assert evidence in finding.evidence
    assert finding.fix


WARNINGS: dict[str, tuple[Spoil, str, str]] = {
    "another version is live": (other_version, "product-version", "people launch 0.9.0-01234567"),
    "few products left": (lambda aws: aws.quotas.update({"L-764CF6A1": 2.5}), "quota-products", "2 of 2.5"),
    "few portfolios left": (lambda aws: aws.quotas.update({"L-C6458716": 1.2}), "quota-portfolios", "1 of 1.2"),
    "few principals left": (lambda aws: aws.quotas.update({"L-E8959660": 1.2}), "quota-principals", "1 of 1.2"),
    "few build projects left": (lambda aws: aws.quotas.update({"L-ACCF6C0D": 5}), "quota-build-projects", "4 of 5"),
    "few versions left": (
        lambda aws: aws.versions[DEPLOY].extend(aws.version(f"0.{n}", active=False, age=n) for n in range(1, 80)),
        "quota-versions",
        "80 of 100 versions per product of 'MLOps model deployment (sm-mlops-dev)'",
    ),
    "a subscriber who has not confirmed": (
        lambda aws: setattr(aws, "subscribers", {"ml-platform-dev@example.com": "PendingConfirmation"}),
        "subscriptions",
        "ml-platform-dev@example.com: not confirmed",
    ),
    "few roles left": (lambda aws: aws.summary.update(Roles=800), "quota-roles", "800 of 1000"),
    "an endpoint without its project": (
        lambda aws: aws.deploying.clear(),
        "project-endpoints",
        "no project here has it: sagemaker-p-one-prod",
    ),
    "an endpoint that nobody asks": (
        lambda aws: aws.requests.clear(),
        "project-endpoints",
        "not asked for 14 days: sagemaker-p-one-prod",
    ),
}


@pytest.mark.parametrize(("spoil", "check", "evidence"), WARNINGS.values(), ids=WARNINGS)
def test_what_works_but_not_for_long_is_a_warning(aws: HealthyAws, spoil: Spoil, check: str, evidence: str) -> None:
    spoil(aws)
    (finding,) = [finding for finding in looked(aws) if finding.status not in (Status.OK, Status.SKIPPED)]
    assert (finding.check, finding.status) == (check, Status.WARNING)
    assert evidence in finding.evidence
    assert finding.fix


def test_a_new_endpoint_is_not_idle_yet_and_many_are_told_in_short(aws: HealthyAws) -> None:
    aws.endpoints |= {"sagemaker-p-one-staging": NOW - timedelta(days=13)}
    assert not of(looked(aws), Status.WARNING)
    aws.endpoints |= {f"sagemaker-p-{number}-prod": LONG_AGO for number in range(600)}
    aws.deploying += [f"p-{number}" for number in range(600)]
    told = of(looked(aws), Status.WARNING)["project-endpoints"].evidence
    assert told.endswith("sagemaker-p-101-prod and 595 more")


def test_just_below_four_fifths_of_a_quota_nothing_is_said(aws: HealthyAws) -> None:
    aws.summary.update(Roles=799)
    assert not of(looked(aws), Status.WARNING)


def test_a_version_tells_its_content_and_its_environment(aws: HealthyAws) -> None:
    (finding,) = [one for one in looked(aws) if one.check == "product-version" and "model-deploy" in one.subject]
    wanted = version_name("model-deploy")
    assert finding.evidence.endswith(f"; content {wanted.of_content}, environment {wanted.environment}")


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("environment", "the content is the same, what the environment fills in is not (00000000)"),
        ("content", "the content is not the same ({version}-00000000)"),
    ],
)
def test_where_people_launch_another_version_the_part_that_differs_is_told(
    aws: HealthyAws, part: str, told: str
) -> None:
    live = replace(version_name("model-deploy"), **{part: "00000000"})
    aws.versions[DEPLOY] = [aws.version(str(live))]
    aws.objects[template_key("model-deploy", live.hashes)] = dict(PROVISIONING)
    aws.bodies[template_key("model-deploy", live.hashes)] = rendered("model-deploy")
    (finding,) = of(looked(aws), Status.WARNING).values()
    assert finding.evidence.endswith(told.format(version=live.stated))


def test_seed_code_is_that_of_the_version_that_people_launch(aws: HealthyAws) -> None:
    other_version(aws)
    key = template_key("model-deploy", "0123456789abcdef")
    seed = next(key for key in aws.objects if "model-deploy/seed" in key)
    aws.bodies[key] = aws.bodies[key].replace(seed, "products/model-deploy/seed/old.zip")
    (finding,) = of(looked(aws), Status.BROKEN).values()
    assert finding.check == "seed-object"
    assert "seed/old.zip is not there" in finding.evidence


def test_a_refused_call_names_itself_and_its_permission_and_hides_nothing(aws: HealthyAws) -> None:
    aws.refused.update(ListConstraintsForPortfolio="AccessDeniedException", GetServiceQuota="AccessDenied")
    aws.objects.clear()
    findings = looked(aws)
    assert set(of(findings, Status.BROKEN)) == {"seed-object", "template-object"}
    dark = of(findings, Status.UNKNOWN)
    assert {"launch-constraint", "quota-products"} <= set(dark)
    constraint = dark["launch-constraint"]
    assert "ListConstraintsForPortfolio was answered with AccessDeniedException" in constraint.evidence
    assert constraint.fix == (
        f"grant servicecatalog:ListConstraintsForPortfolio to arn:aws:iam::{ACCOUNT}:user/operator"
    )
    assert "servicequotas:GetServiceQuota" in dark["quota-products"].fix


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("GetObjectTagging", "s3:GetObjectTagging"),
        ("GetRole", "iam:GetRole"),
        ("DescribeNotificationRule", "codestar-notifications:DescribeNotificationRule"),
        ("ListCuratedEnvironmentImages", "codebuild:ListCuratedEnvironmentImages"),
        ("GetSagemakerServicecatalogPortfolioStatus", "sagemaker:GetSagemakerServicecatalogPortfolioStatus"),
        ("ListRepositories", "codecommit:ListRepositories"),
        ("ListPortfolios", "servicecatalog:ListPortfolios"),
        ("ListPipelines", "codepipeline:ListPipelines"),
        ("ListProjects", "codebuild:ListProjects"),
    ],
)
def test_any_call_may_be_refused(aws: HealthyAws, operation: str, action: str) -> None:
    aws.refused[operation] = "AccessDenied"
    findings = looked(aws)
    assert not of(findings, Status.BROKEN)
    assert all(action in finding.fix for finding in of(findings, Status.UNKNOWN).values())
    assert of(findings, Status.UNKNOWN)
    assert of(findings, Status.OK)


def test_a_check_that_dies_of_what_it_does_not_know_takes_no_other_with_it(aws: HealthyAws) -> None:
    odd = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringSoundsLike": {"k": "x"}}}
    aws.inline[LAUNCH]["own-policy"] = document([odd])
    aws.policies[BOUNDARY] = json.dumps({"Version": "2012-10-17"})
    findings = looked(aws)
    unknown = of(findings, Status.UNKNOWN)
    assert set(unknown) == {"launch-role-permissions", "project-boundary"}
    assert "not known: UnknownElementError: the condition operator 'StringSoundsLike' is not one of" in (
        unknown["launch-role-permissions"].evidence
    )
    assert "a policy has statements, and this is none" in unknown["project-boundary"].evidence
    assert {finding.check for finding in findings} == {finding.check for finding in looked(HealthyAws())}


def test_a_product_that_cannot_be_read_takes_no_other_with_it(aws: HealthyAws, monkeypatch: pytest.MonkeyPatch) -> None:
    role_without("codepipeline:CreatePipeline")(aws)
    whole = looked(aws)
    real = seed_code.product

    def product(slug: str) -> Product:
        if slug == "model-build-train":
            raise ProductFolderError(slug, [Fault("template.yaml", 3, "is not YAML")])
        return real(slug)

    monkeypatch.setattr(seed_code, "product", product)
    findings = looked(aws)
    assert "of model-deploy" in of(findings, Status.BROKEN)["launch-role-permissions"].evidence
    told = [finding for finding in findings if "template.yaml, line 3: is not YAML" in finding.evidence]
    assert told
    assert all(finding.subject.endswith(" model-build-train") for finding in told)
    assert {(one.check, one.subject) for one in findings} == {(one.check, one.subject) for one in whole}


def test_another_error_of_aws_is_no_missing_permission(aws: HealthyAws) -> None:
    aws.refused["GetAccountSummary"] = "ServiceFailure"
    finding = of(looked(aws), Status.UNKNOWN)["quota-roles"]
    assert "ServiceFailure" in finding.evidence
    assert "grant" not in finding.fix


def test_a_service_that_no_network_leads_to_is_not_taken_for_well(aws: HealthyAws) -> None:
    def unreachable() -> None:
        raise EndpointConnectionError(endpoint_url="https://codebuild.example")

    aws.ListCuratedEnvironmentImages = unreachable  # type: ignore[method-assign]
    findings = looked(aws)
    finding = of(findings, Status.UNKNOWN)["build-images"]
    assert "https://codebuild.example" in finding.evidence
    assert "network" in finding.fix
    assert "codecommit" in of(findings, Status.OK)


# Settings


def test_without_catalog_and_projects_their_checks_have_nothing_to_say(aws: HealthyAws, tmp_path: Path) -> None:
    def edit(config: dict[str, Any]) -> None:
        del config["sm-mlops:catalog"], config["sm-mlops:projects"]

    findings = looked(aws, stack(tmp_path, edit))
    assert set(of(findings, Status.OK)) == {
        "made-roles",
        "notification-rule",
        "notification-topic",
        "notifications-role",
        "quota-roles",
        "source-repository",
        "subscriptions",
    }
    assert not of(findings, Status.BROKEN)


def test_without_projects_the_switch_is_nobodys_business(aws: HealthyAws, tmp_path: Path) -> None:
    aws.enabled = "Disabled"
    findings = looked(aws, stack(tmp_path, lambda config: config.pop("sm-mlops:projects")))
    assert {"projects-enabled", "projects-principals"} <= set(of(findings, Status.SKIPPED))
    assert not of(findings, Status.BROKEN)


def test_a_catalog_without_principals_is_seen_by_nobody(aws: HealthyAws, tmp_path: Path) -> None:
    findings = looked(aws, stack(tmp_path, lambda config: config["sm-mlops:catalog"].pop("principals")))
    assert "catalog.principals is empty" in of(findings, Status.WARNING)["catalog-principals"].evidence


def test_a_shared_portfolio_names_the_role_of_the_launching_account(aws: HealthyAws, tmp_path: Path) -> None:
    share = {"shares": [{"type": "ACCOUNT", "principalId": "210987654321"}]}
    findings = looked(aws, stack(tmp_path, lambda config: config["sm-mlops:catalog"].update(share)))
    assert "not as sm-mlops-dev-project-launch" in of(findings, Status.BROKEN)["launch-constraint"].evidence


def supplied(role: str) -> Edit:
    return lambda config: config.update({"sm-mlops:iam": {"launch": {"mode": "supplied", "roleArn": role}}})


def test_a_supplied_launch_role_is_whoever_supplies_its_to_mend(aws: HealthyAws, tmp_path: Path) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/team/launches"
    aws.constraints = {product: {"RoleArn": role} for product in aws.products}
    file = stack(tmp_path, supplied(role))
    missing = of(looked(aws, file), Status.BROKEN)["launch-role"]
    assert role in missing.evidence
    assert "iam-policies" in missing.fix
    aws.add_role(role, aws.roles[NAMES.launch_role.value]["AssumeRolePolicyDocument"])
    policy = f"arn:aws:iam::{ACCOUNT}:policy/launches"
    aws.policies[policy] = aws.inline[NAMES.launch_role.value]["own-policy"]
    aws.attached["launches"] = [policy]
    assert not of(looked(aws, file), Status.BROKEN)


def test_a_launch_role_of_another_account_cannot_be_asked(aws: HealthyAws, tmp_path: Path) -> None:
    role = "arn:aws:iam::210987654321:role/launches"
    aws.constraints = {product: {"RoleArn": role} for product in aws.products}
    assert "another account" in of(looked(aws, stack(tmp_path, supplied(role))), Status.SKIPPED)["launch-role"].evidence


@pytest.mark.parametrize("mode", ["create", "adopt"])
def test_use_roles_are_looked_at_where_projects_make_none(aws: HealthyAws, tmp_path: Path, mode: str) -> None:
    file = stack(tmp_path, lambda config: config.update({"sm-mlops:iam": {"use": {"mode": mode}}}))
    facts = role_facts(file.settings, ACCOUNT)
    documents = role_documents.use_roles(facts)
    gone = looked(aws, file)
    assert {"use-roles", "product-version"} <= {one.check for one in gone if one.status is not Status.OK}
    assert "project-boundary" in of(gone, Status.SKIPPED)
    for wanted in documents:
        aws.add_role(wanted.arn(facts.home, ACCOUNT), document(wanted.trust))
        aws.inline[wanted.name]["own-policy"] = document(wanted.statements)
    aws.inline[NAMES.launch_role.value]["own-policy"] = document(role_documents.launch_role(facts).statements)
    findings = looked(aws, file)
    assert {"use-roles", "use-roles-trust", "use-roles-permissions"} <= set(of(findings, Status.OK))
    first = documents[0]
    aws.add_role(first.arn(facts.home, ACCOUNT), document([]))
    assert first.name in of(looked(aws, file), Status.BROKEN)["use-roles-trust"].evidence
    aws.add_role(first.arn(facts.home, ACCOUNT), document(first.trust))
    aws.inline[first.name]["own-policy"] = document([])
    lacking = of(looked(aws, file), Status.BROKEN)
    assert set(lacking) == {"use-roles-permissions"}
    assert first.name in lacking["use-roles-permissions"].evidence


def with_studio(config: dict[str, Any]) -> None:
    config["sm-mlops:catalog"]["studioDomains"] = {HOME: ["d-1", "d-2"]}


def open_studio(aws: HealthyAws) -> None:
    location = {"sagemaker:projectS3TemplatesLocation": studio_location(BUCKET)}
    aws.roles[NAMES.launch_role.value]["AssumeRolePolicyDocument"] = document(launch_trust(ACCOUNT, studio=True))
    aws.domains = {"d-1": dict(location), "d-2": dict(location)}
    aws.cors = [{"AllowedOrigins": ["https://*.sagemaker.aws"], "AllowedMethods": ["GET"]}]
    for product, slug in ((BUILD, "model-build-train"), (DEPLOY, "model-deploy")):
        key = f"studio/{slug}.{aws.versions[product][0]['Name']}.yaml"
        aws.objects[key] = {**PROVISIONING, "sagemaker:studio-visibility": "true"}


@pytest.mark.parametrize(
    ("spoil", "check", "evidence"),
    [
        (lambda aws: aws.cors.clear(), "studio-cors", "no CORS rule"),
        (lambda aws: aws.cors[0].update(AllowedOrigins=["https://example.com"]), "studio-cors", "no CORS rule"),
        (lambda aws: aws.domains["d-2"].clear(), "studio-domain-tag", "domain/d-2 has"),
        (lambda aws: aws.domains.pop("d-1"), "studio-domain-tag", "there is no domain d-1"),
        (
            lambda aws: aws.objects[next(key for key in aws.objects if key.startswith("studio/model-d"))].pop(
                "sagemaker:studio-visibility"
            ),
            "studio-object",
            "studio-visibility not at all",
        ),
    ],
)
def test_studios_own_list_needs_bucket_domain_and_object(
    aws: HealthyAws, tmp_path: Path, spoil: Spoil, check: str, evidence: str
) -> None:
    open_studio(aws)
    file = stack(tmp_path, with_studio)
    assert not of(looked(aws, file), Status.BROKEN)
    spoil(aws)
    (finding,) = of(looked(aws, file), Status.BROKEN).values()
    assert finding.check == check
    assert evidence in finding.evidence


def test_without_service_catalog_only_studios_list_is_looked_at(aws: HealthyAws, tmp_path: Path) -> None:
    def edit(config: dict[str, Any]) -> None:
        with_studio(config)
        del config["sm-mlops:projects"]
        for key in ("principals", "keepVersions"):
            del config["sm-mlops:catalog"][key]
        config["sm-mlops:catalog"]["serviceCatalog"] = False

    file = stack(tmp_path, edit)
    open_studio(aws)
    aws.portfolios.clear()
    trust = document(launch_trust(ACCOUNT, service_catalog=False, studio=True))
    aws.roles[NAMES.launch_role.value]["AssumeRolePolicyDocument"] = trust
    findings = looked(aws, file)
    assert {"studio-cors", "studio-object", "template-object", "seed-object"} <= set(of(findings, Status.OK))
    assert {"portfolio", "product", "launch-constraint", "quota-versions"} <= set(of(findings, Status.SKIPPED))
    assert not of(findings, Status.BROKEN)
    aws.objects = {key: tags for key, tags in aws.objects.items() if "deploy/seed" not in key}
    assert set(of(looked(aws, file), Status.BROKEN)) == {"seed-object"}


def at_github(config: dict[str, Any]) -> None:
    config["sm-mlops:source"] = {"provider": "GitHub", "repository": "team/platform"}


def test_a_connection_must_be_completed(aws: HealthyAws, tmp_path: Path) -> None:
    file = stack(tmp_path, at_github)
    assert "no connection sm-mlops-dev" in of(looked(aws, file), Status.BROKEN)["connection"].evidence
    mine = {"ConnectionArn": CONNECTION, "ConnectionName": "sm-mlops-dev", "ConnectionStatus": "PENDING"}
    aws.connections = [{**mine, "ConnectionName": "another", "ConnectionStatus": "AVAILABLE"}, mine]
    pending = of(looked(aws, file), Status.BROKEN)["connection"]
    assert "is PENDING" in pending.evidence
    assert "Update pending connection" in pending.fix
    mine["ConnectionStatus"] = "AVAILABLE"
    findings = looked(aws, file)
    assert "connection" in of(findings, Status.OK)
    assert {"source-repository", "notifications-role", "notification-rule"} <= set(of(findings, Status.SKIPPED))


def test_a_connection_of_the_settings_is_looked_up_by_its_arn(aws: HealthyAws, tmp_path: Path) -> None:
    def edit(config: dict[str, Any]) -> None:
        at_github(config)
        config["sm-mlops:source"]["connectionArn"] = CONNECTION

    file = stack(tmp_path, edit)
    assert CONNECTION in of(looked(aws, file), Status.BROKEN)["connection"].evidence
    aws.connections = [{"ConnectionArn": CONNECTION, "ConnectionName": "any", "ConnectionStatus": "AVAILABLE"}]
    assert "connection" in of(looked(aws, file), Status.OK)


def test_the_connection_of_projects_must_be_completed(aws: HealthyAws, tmp_path: Path) -> None:
    def edit(config: dict[str, Any]) -> None:
        config["sm-mlops:catalog"]["projectSource"] = {"connectionArn": CONNECTION}

    file = stack(tmp_path, edit)
    assert CONNECTION in of(looked(aws, file), Status.BROKEN)["project-connection"].evidence
    mine = {"ConnectionArn": CONNECTION, "ConnectionName": "any", "ConnectionStatus": "PENDING"}
    aws.connections = [mine]
    assert "is PENDING" in of(looked(aws, file), Status.BROKEN)["project-connection"].evidence
    mine["ConnectionStatus"] = "AVAILABLE"
    assert "project-connection" in of(looked(aws, file), Status.OK)


def test_an_account_without_any_repository_may_not_be_admitted(aws: HealthyAws, tmp_path: Path) -> None:
    aws.repositories.clear()
    assert "no repository there" in of(looked(aws, stack(tmp_path, at_github)), Status.WARNING)["codecommit"].evidence


def test_codecommit_is_not_offered_everywhere(aws: HealthyAws, tmp_path: Path) -> None:
    def edit(config: dict[str, Any]) -> None:
        config["sm-mlops:catalog"]["regions"] = ["ap-southeast-5"]
        config["sm-mlops:projects"]["regions"] = [HOME]

    finding = of(looked(aws, stack(tmp_path, edit), regions=["ap-southeast-5"]), Status.BROKEN)["codecommit"]
    assert "not offered in ap-southeast-5" in finding.evidence


def test_an_image_is_told_before_its_support_ends_and_known_by_either_name(aws: HealthyAws) -> None:
    aws.images = [IMAGE.replace("amazonlinux-", "amazonlinux2-")]
    assert "build-images" in of(looked(aws), Status.OK)
    late = examine(StackFile("dev", EXAMPLE), access=CLIENTS.play(aws), now=NOW.replace(year=2029, month=3))
    assert "2029-06-30" in of(late, Status.WARNING)["build-images"].evidence
    aws.images.clear()
    gone = examine(StackFile("dev", EXAMPLE), access=CLIENTS.play(aws), now=NOW.replace(year=2030))
    assert "build-images" in of(gone, Status.WARNING), "a deprecated image still builds"


# Principals


def with_role(config: dict[str, Any]) -> None:
    config["sm-mlops:catalog"]["principals"] = [STUDIO, PATTERN]
    config["sm-mlops:projects"]["principals"] = [STUDIO]


def associate(aws: HealthyAws, *portfolios: str) -> None:
    for portfolio in portfolios:
        aws.principals[portfolio].add(STUDIO)


def test_an_associated_role_must_exist(aws: HealthyAws, tmp_path: Path) -> None:
    associate(aws, "port-own", "port-imported")
    findings = looked(aws, stack(tmp_path, with_role))
    (finding,) = of(findings, Status.BROKEN).values()
    assert (finding.check, finding.subject) == ("principal-identities", HOME)
    assert f"IAM has no {STUDIO}" in finding.evidence


def test_a_role_made_anew_after_its_association_is_found_out(aws: HealthyAws, tmp_path: Path) -> None:
    associate(aws, "port-own", "port-imported")
    file = stack(tmp_path, with_role)
    aws.add_role(STUDIO, made=LONG_AGO)
    assert "principal-identities" in of(looked(aws, file), Status.OK)
    assert "LookupEvents" not in aws.calls, "a role older than the history needs no look at it"
    aws.add_role(STUDIO, made=RECENT)
    aws.history = [(RECENT - timedelta(hours=1), STUDIO, "port-own"), (RECENT, STUDIO, "port-imported")]
    (finding,) = of(looked(aws, file), Status.BROKEN).values()
    assert finding.check == "principal-identities"
    assert "nobody has associated it with port-own since" in finding.evidence
    assert "port-imported" not in finding.evidence
    aws.history.append((RECENT + timedelta(seconds=1), STUDIO, "port-own"))
    assert "principal-identities" in of(looked(aws, file), Status.OK)


def test_the_event_history_may_be_late(aws: HealthyAws, tmp_path: Path) -> None:
    associate(aws, "port-own", "port-imported")
    aws.add_role(STUDIO, made=NOW - timedelta(minutes=10))
    assert "principal-identities" in of(looked(aws, stack(tmp_path, with_role)), Status.WARNING)


def test_a_principal_that_nobody_associated_is_one_line(aws: HealthyAws, tmp_path: Path) -> None:
    aws.add_role(STUDIO)
    associate(aws, "port-imported")
    (finding,) = of(looked(aws, stack(tmp_path, with_role)), Status.BROKEN).values()
    assert (finding.check, finding.evidence) == ("catalog-principals", f"port-own is not associated with {STUDIO}")


SCIENTIST = f"arn:aws:iam::{ACCOUNT}:role/teams/DataScientist-1"
MAY_LAUNCH = document([{"Effect": "Allow", "Action": ["servicecatalog:*", "sagemaker:*"], "Resource": "*"}])


def person(aws: HealthyAws, arn: str = SCIENTIST, policy: str = MAY_LAUNCH) -> None:
    aws.add_role(arn)
    aws.inline[arn.rpartition("/")[2]]["own-policy"] = policy


def test_a_role_that_matches_a_pattern_finds_the_products(aws: HealthyAws) -> None:
    person(aws)
    findings = looked(aws, principal_arn=SCIENTIST)
    found = {finding.check: finding for finding in findings if finding.check.startswith("principal-f")}
    assert {finding.status for finding in found.values()} == {Status.OK}
    assert found["principal-finds-products"].evidence == f"port-own lets in {PATTERN}"
    assert found["principal-finds-products"].subject == f"{HOME} DataScientist-1"


def test_a_session_is_known_as_its_role(aws: HealthyAws) -> None:
    person(aws)
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/DataScientist-1/SageMaker"
    assert looked(aws, principal_arn=session) == looked(aws, principal_arn=SCIENTIST)


def test_a_role_that_matches_nothing_is_told_what_it_was_compared_with(aws: HealthyAws) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/DataAnalyst"
    person(aws, arn)
    broken = of(looked(aws, principal_arn=arn), Status.BROKEN)
    assert set(broken) == {"principal-finds-products", "principal-finds-projects"}
    assert f"{arn} matches none of {PATTERN} of port-own" in broken["principal-finds-products"].evidence
    assert "catalog.principals" in broken["principal-finds-products"].fix


def test_a_path_is_part_of_what_must_match(aws: HealthyAws) -> None:
    for principals in aws.principals.values():
        principals.clear()
        principals.add("arn:aws:iam:::role/DataScientist*")
    person(aws)
    assert (
        "its path /teams/ is part"
        in of(looked(aws, principal_arn=SCIENTIST), Status.BROKEN)["principal-finds-products"].evidence
    )
    wrong = f"arn:aws:iam::{ACCOUNT}:role/DataScientist-1"
    assert (
        f"IAM has {SCIENTIST}, not" in of(looked(aws, principal_arn=wrong), Status.BROKEN)["principal-exists"].evidence
    )


def test_a_pattern_of_a_portfolio_is_no_pattern_over_accounts(aws: HealthyAws) -> None:
    """An exact ARN lets in that role alone: its letters are no pattern."""
    for principals in aws.principals.values():
        principals.clear()
        principals.add(f"arn:aws:iam::{ACCOUNT}:role/teams/DataScientist-?")
    person(aws)
    assert "principal-finds-products" in of(looked(aws, principal_arn=SCIENTIST), Status.BROKEN)


def test_a_role_needs_permissions_of_its_own(aws: HealthyAws, tmp_path: Path) -> None:
    person(aws, policy=MAY_LAUNCH.replace("servicecatalog:*", "servicecatalog:Search*"))
    evidence = of(looked(aws, principal_arn=SCIENTIST), Status.BROKEN)["principal-permissions"].evidence
    assert "servicecatalog:DescribeProduct on *" in evidence
    person(aws)
    open_studio(aws)
    findings = looked(aws, stack(tmp_path, with_studio), principal_arn=SCIENTIST)
    assert "s3:ListBucket" in of(findings, Status.BROKEN)["principal-permissions"].evidence


def test_a_role_that_does_not_exist_is_one_line(aws: HealthyAws) -> None:
    broken = of(looked(aws, principal_arn=SCIENTIST), Status.BROKEN)
    assert set(broken) == {"principal-exists"}


def test_an_empty_portfolio_shows_nothing_to_anybody(aws: HealthyAws) -> None:
    person(aws)
    for portfolios in aws.offered_by.values():
        portfolios.clear()
    assert (
        "offers nothing" in of(looked(aws, principal_arn=SCIENTIST), Status.BROKEN)["principal-finds-products"].evidence
    )


@pytest.mark.parametrize(
    ("arn", "message"),
    [
        ("Lisa", "not the ARN of a role"),
        (f"arn:aws:iam::{ACCOUNT}:user/lisa", "not the ARN of a role"),
        ("arn:aws:iam::210987654321:role/lisa", f"not a role of account {ACCOUNT}"),
    ],
)
def test_only_a_role_of_the_account_can_be_asked_about(aws: HealthyAws, arn: str, message: str) -> None:
    with pytest.raises(ToolError, match=message):
        looked(aws, principal_arn=arn)


# The call


def test_a_region_that_the_stack_does_not_have_is_refused(aws: HealthyAws) -> None:
    with pytest.raises(ToolError, match=f"eu-west-1: not a region of dev's catalog or projects, which are in {HOME}"):
        looked(aws, regions=["eu-west-1"])


def test_regions_are_looked_at_side_by_side_and_told_in_the_order_of_the_settings(
    aws: HealthyAws, tmp_path: Path
) -> None:
    regions = ["us-west-2", HOME, "eu-west-1"]
    file = stack(tmp_path, lambda config: config["sm-mlops:catalog"].update(regions=regions))
    threads: set[int] = set()
    findings = looked(aws, file, progress=lambda _: threads.add(threading.get_ident()))
    assert len(threads) > 1
    told = [finding.subject for finding in findings if finding.check == "portfolio"]
    assert told == regions
    only = looked(aws, file, regions=["eu-west-1"])
    assert [finding.subject for finding in only if finding.check == "portfolio"] == ["eu-west-1"]


def run(monkeypatch: pytest.MonkeyPatch, aws: HealthyAws, *arguments: str) -> tuple[int, str]:
    def played(file: StackFile, **more: Any) -> list[Finding]:
        return examine(file, access=CLIENTS.play(aws), now=NOW, **more)

    monkeypatch.setattr(doctor, "examine", played)
    done = CliRunner().invoke(
        doctor.command, ["-s", "dev", "--folder", str(EXAMPLE), *arguments], catch_exceptions=False
    )
    return done.exit_code, done.stdout


def test_the_exit_code_tells_how_it_stands(monkeypatch: pytest.MonkeyPatch, aws: HealthyAws) -> None:
    assert run(monkeypatch, aws)[0] == 0
    aws.summary.update(Roles=900)
    assert run(monkeypatch, aws)[0] == 0
    aws.refused["GetAccountSummary"] = "AccessDenied"
    assert run(monkeypatch, aws)[0] == 2
    aws.enabled = "Disabled"
    assert run(monkeypatch, aws)[0] == 1


def test_the_report_has_the_worst_first_and_every_value_whole(monkeypatch: pytest.MonkeyPatch, aws: HealthyAws) -> None:
    aws.summary.update(Roles=900)
    aws.constraints.clear()
    _, text = run(monkeypatch, aws)
    lines = text.splitlines()
    assert lines[0].split() == ["broken", "launch-constraint", f"{HOME}", "model-build-train"]
    assert lines[1].strip() == f"port-own has no launch constraint for {BUILD}"
    assert lines[2].strip() == "Fix: pulumi up --refresh -s dev"
    assert "35 ok, 2 broken, 1 warning, 12 skipped" in lines
    assert lines[-1] == "Next: set right what is broken, then run `.venv/bin/python -m tools doctor -s dev` again."
    assert all(line == line.rstrip() for line in lines)
    assert "…" not in text
    for finding in looked(aws):
        assert finding.evidence in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_terminal_gets_every_word_within_its_width(aws: HealthyAws, width: int) -> None:
    aws.constraints.clear()
    findings = looked(aws)
    terminal = Console(force_terminal=True, width=width, color_system=None)
    with terminal.capture() as captured:
        report.show(findings, "again", terminal, asked_for_principal=False)
    told = captured.get()
    for finding in findings:
        assert "".join(finding.evidence.split()) in "".join(told.split())
    long = [line for line in told.splitlines()[:-2] if len(line) > width]
    assert all(max(map(len, line.split())) > width - 12 for line in long), "only a word that fits no line is longer"


def test_a_terminal_gets_colours_and_a_pipe_does_not(aws: HealthyAws) -> None:
    findings = looked(aws)
    terminal = Console(force_terminal=True, width=100, color_system="standard")
    with terminal.capture() as captured:
        report.show(findings, "again", terminal, asked_for_principal=False)
    assert "\x1b[" in captured.get()


@pytest.mark.parametrize(
    ("spoil", "arguments", "said"),
    [
        (lambda _: None, (), "--principal <ARN of their execution role>"),
        (person, ("--principal", SCIENTIST), "this role sees the products"),
        (lambda aws: aws.refused.update(GetAccountSummary="AccessDenied"), (), "grant what could not be looked at"),
        (lambda aws: setattr(aws, "enabled", "Disabled"), ("-r", HOME), f"doctor -s dev -r {HOME}` again"),
    ],
)
def test_the_last_line_says_what_to_do_next(
    monkeypatch: pytest.MonkeyPatch, aws: HealthyAws, spoil: Spoil, arguments: tuple[str, ...], said: str
) -> None:
    spoil(aws)
    assert said in run(monkeypatch, aws, *arguments)[1].splitlines()[-1]


def test_machines_get_every_finding_and_the_counts(monkeypatch: pytest.MonkeyPatch, aws: HealthyAws) -> None:
    aws.constraints.pop(DEPLOY)
    code, text = run(monkeypatch, aws, "--json")
    told = json.loads(text)
    assert code == 1
    assert told["stack"] == "dev"
    assert told["counts"] == {"broken": 1, "unknown": 0, "warning": 0, "ok": 37, "skipped": 12}
    assert len(told["findings"]) == 50
    (red,) = [finding for finding in told["findings"] if finding["status"] == "broken"]
    assert (red["check"], red["subject"]) == ("launch-constraint", f"{HOME} model-deploy")


def test_missing_credentials_are_a_fault_of_the_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(AwsError, match="who asks in us-east-2: Unable to locate credentials"):
        examine(StackFile("dev", EXAMPLE), now=NOW)
