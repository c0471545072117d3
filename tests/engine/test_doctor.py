"""The doctor on the real engine: a stack as deployed is well throughout, and each fault makes its own line red.

One world serves all: each test breaks one thing with a call or two, looks, and puts it back; the last test looks again.
"""
# ruff: noqa: S310 - the URLs are the emulator's

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import Request, urlopen

import pytest

from sandbox.world import World
from tools.doctor.examination import examine
from tools.doctor.findings import Finding, Status
from tools.stack_file import StackFile

from .conftest import MakeWorld, alter, copy_project
from .test_stacks import HOME, Aws, up

pytestmark = pytest.mark.engine

ACCOUNT = "123456789012"
STUDIO = f"arn:aws:iam::{ACCOUNT}:role/studio/Execution"
TEAM = "arn:aws:iam:::role/*DataScientist*"
LAUNCH, BOUNDARY = "sm-mlops-dev-project-launch", f"arn:aws:iam::{ACCOUNT}:policy/sm-mlops-dev-project-boundary"
BUCKET = f"sm-mlops-dev-products-{ACCOUNT}-{HOME}-an"
PORTFOLIO, PRODUCT = "sm-mlops-dev machine learning projects", "MLOps model deployment (sm-mlops-dev)"
VISIBILITY = "sagemaker:studio-visibility"
LOCATION = "sagemaker:projectS3TemplatesLocation"
IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:6.0"

USE_ROLES = {"use-roles", "use-roles-trust", "use-roles-permissions"}
"""What is looked at where projects make no roles of their own."""

Repair = Callable[[], object]
Break = Callable[["Account"], Repair]


class Account(Aws):
    """The world's account, and what is found by name in it."""

    def __init__(self, world: World, domain: str) -> None:
        super().__init__(world)
        self.url = world.environment()["AWS_ENDPOINT_URL"]
        self.folder = world.project.source
        self.domain = domain
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str = HOME) -> Any:
        """A client, made once: that takes longer than a call."""
        if (service, region) not in self._clients:
            self._clients[service, region] = super().client(service, region)
        return self._clients[service, region]

    @property
    def catalog(self) -> Any:
        return self.client("servicecatalog")

    @property
    def portfolio(self) -> str:
        (found,) = [
            one for one in self.catalog.list_portfolios()["PortfolioDetails"] if one["DisplayName"] == PORTFOLIO
        ]
        return str(found["Id"])

    @property
    def imported(self) -> str:
        (found,) = self.catalog.list_accepted_portfolio_shares(PortfolioShareType="IMPORTED")["PortfolioDetails"]
        return str(found["Id"])

    @property
    def product(self) -> str:
        return str(
            self.catalog.describe_product_as_admin(Name=PRODUCT)["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
        )

    def constraints(self) -> list[dict[str, Any]]:
        listed = self.catalog.list_constraints_for_portfolio(PortfolioId=self.portfolio, ProductId=self.product)
        return [self.catalog.describe_constraint(Id=one["ConstraintId"]) for one in listed["ConstraintDetails"]]

    def constrain(self, constraint: dict[str, Any]) -> None:
        self.catalog.create_constraint(
            PortfolioId=self.portfolio,
            ProductId=self.product,
            Type=constraint["ConstraintDetail"]["Type"],
            Parameters=constraint["ConstraintParameters"],
        )

    def key(self, start: str) -> str:
        (found,) = self.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=start)["Contents"]
        return str(found["Key"])

    def rule(self) -> dict[str, Any]:
        client = self.client("codestar-notifications")
        (rule,) = client.list_notification_rules()["NotificationRules"]
        described: dict[str, Any] = client.describe_notification_rule(Arn=rule["Arn"])
        return described

    def post(self, address: str, body: str = "{}") -> None:
        with urlopen(Request(f"{self.url}/sandbox/{address}", data=body.encode(), method="POST")):
            pass


@pytest.fixture(scope="module")
def world(make_world: MakeWorld, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Dev, with a role by name and a Studio domain beside what is committed; prod with a connection and no catalog."""
    world = make_world(copy_project(tmp_path_factory.mktemp("doctor")))
    aws = Aws(world)
    make_studio_role(aws)
    domain = aws.client("sagemaker").create_domain(
        DomainName="studio",
        AuthMode="IAM",
        DefaultUserSettings={"ExecutionRole": STUDIO},
        SubnetIds=["subnet-1"],
        VpcId="vpc-1",
        Tags=[{"Key": "owner", "Value": "research"}],
    )["DomainArn"]

    def dev(config: dict[str, Any]) -> None:
        config["sm-mlops:catalog"] |= {
            "principals": [STUDIO, TEAM],
            "studioDomains": {HOME: [domain.rpartition("/")[2]]},
        }
        config["sm-mlops:projects"] = {"principals": [STUDIO, TEAM]}

    def prod(config: dict[str, Any]) -> None:
        del config["sm-mlops:catalog"], config["sm-mlops:projects"]
        config["sm-mlops:artifacts"]["regions"] = [HOME]
        config["sm-mlops:source"] = {"provider": "GitHub", "repository": "team/platform"}

    alter(world, "dev", dev)
    alter(world, "prod", prod)
    up(world)
    up(world, stack="prod")
    return world


@pytest.fixture(scope="module")
def aws(world: World) -> Account:
    (domain,) = Aws(world).client("sagemaker").list_domains()["Domains"]
    return Account(world, domain["DomainArn"])


def make_studio_role(aws: Aws) -> None:
    aws.client("iam").create_role(RoleName="Execution", Path="/studio/", AssumeRolePolicyDocument="{}")


def looked(aws: Account, stack: str = "dev", **more: Any) -> list[Finding]:
    return examine(StackFile(stack, aws.folder), access=aws, **more)


def troubles(findings: list[Finding]) -> dict[str, Status]:
    found: dict[str, Status] = {
        one.check: one.status for one in findings if one.status not in (Status.OK, Status.SKIPPED)
    }
    # Nobody reads the mail that asks for a confirmation.
    assert found.pop("subscriptions") is Status.WARNING
    return found


def test_a_stack_as_deployed_is_well_throughout(aws: Account) -> None:
    findings = looked(aws)
    assert troubles(findings) == {}
    assert {one.check for one in findings if one.status is Status.SKIPPED} == {
        "branch-protection",
        "connection",
        "delivery-accounts",
        "project-connection",
        *USE_ROLES,
    }


def test_it_runs_in_the_sandbox_as_a_person_types_it(world: World) -> None:
    command = [sys.executable, "-P", "-m", "tools", "doctor", "-s", "dev"]
    done = world.run(command)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-2].endswith(" ok, 1 warning, 7 skipped")
    told = json.loads(world.run([*command, "--json"]).stdout)
    assert told["counts"]["ok"] == len(told["findings"]) - 8
    assert told["counts"]["broken"] == told["counts"]["unknown"] == 0


def test_a_fault_of_the_call_is_told_in_a_sentence(world: World) -> None:
    done = world.run([sys.executable, "-P", "-m", "tools", "doctor", "-s", "staging"], check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no Pulumi.staging.yaml" in done.stderr
    assert "dev, locked-down, prod" in done.stderr


# What can break: each does it with a call or two, and gives what puts it back.


def projects_off(aws: Account) -> Repair:
    sagemaker = aws.client("sagemaker")
    sagemaker.disable_sagemaker_servicecatalog_portfolio()

    def repair() -> None:
        sagemaker.enable_sagemaker_servicecatalog_portfolio()
        aws.catalog.list_accepted_portfolio_shares(PortfolioShareType="IMPORTED")  # it shows a little later
        for principal, kind in ((STUDIO, "IAM"), (TEAM, "IAM_PATTERN")):
            aws.catalog.associate_principal_with_portfolio(
                PortfolioId=aws.imported, PrincipalARN=principal, PrincipalType=kind
            )

    return repair


def disassociated(portfolio: str) -> Break:
    def spoil(aws: Account) -> Repair:
        principal = {"PortfolioId": getattr(aws, portfolio), "PrincipalARN": TEAM, "PrincipalType": "IAM_PATTERN"}
        aws.catalog.disassociate_principal_from_portfolio(**principal)
        return lambda: aws.catalog.associate_principal_with_portfolio(**principal)

    return spoil


def role_gone(aws: Account) -> Repair:
    aws.client("iam").delete_role(RoleName="Execution")

    def repair() -> None:
        make_studio_role(aws)
        for portfolio in (aws.portfolio, aws.imported):
            principal = {"PortfolioId": portfolio, "PrincipalARN": STUDIO, "PrincipalType": "IAM"}
            aws.catalog.disassociate_principal_from_portfolio(**principal)
            aws.catalog.associate_principal_with_portfolio(**principal)

    return repair


def portfolio_renamed(aws: Account) -> Repair:
    portfolio = aws.portfolio
    aws.catalog.update_portfolio(Id=portfolio, DisplayName="another")
    return lambda: aws.catalog.update_portfolio(Id=portfolio, DisplayName=PORTFOLIO)


def product_renamed(aws: Account) -> Repair:
    product = aws.product
    aws.catalog.update_product(Id=product, Name="another")
    return lambda: aws.catalog.update_product(Id=product, Name=PRODUCT)


def product_tag_gone(aws: Account) -> Repair:
    product = aws.product
    aws.catalog.update_product(Id=product, RemoveTags=[VISIBILITY])
    return lambda: aws.catalog.update_product(Id=product, AddTags=[{"Key": VISIBILITY, "Value": "true"}])


def product_taken_out(aws: Account) -> Repair:
    constraints, place = aws.constraints(), {"PortfolioId": aws.portfolio, "ProductId": aws.product}
    for constraint in constraints:
        aws.catalog.delete_constraint(Id=constraint["ConstraintDetail"]["ConstraintId"])
    aws.catalog.disassociate_product_from_portfolio(**place)

    def repair() -> None:
        aws.catalog.associate_product_with_portfolio(**place)
        for constraint in constraints:
            aws.constrain(constraint)

    return repair


def version_off(aws: Account) -> Repair:
    product = aws.product
    (version,) = aws.catalog.list_provisioning_artifacts(ProductId=product)["ProvisioningArtifactDetails"]
    place = {"ProductId": product, "ProvisioningArtifactId": version["Id"]}
    aws.catalog.update_provisioning_artifact(**place, Active=False)
    return lambda: aws.catalog.update_provisioning_artifact(**place, Active=True)


def constraint_gone(aws: Account) -> Repair:
    (launch,) = [one for one in aws.constraints() if one["ConstraintDetail"]["Type"] == "LAUNCH"]
    aws.catalog.delete_constraint(Id=launch["ConstraintDetail"]["ConstraintId"])
    return lambda: aws.constrain(launch)


def object_gone(start: str) -> Break:
    def spoil(aws: Account) -> Repair:
        s3, key = aws.client("s3"), aws.key(start)
        body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        tags = s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]
        s3.delete_object(Bucket=BUCKET, Key=key)
        pairs = "&".join(f"{tag['Key']}={tag['Value']}" for tag in tags)
        return lambda: s3.put_object(Bucket=BUCKET, Key=key, Body=body, Tagging=pairs)

    return spoil


def object_without_tag(start: str) -> Break:
    def spoil(aws: Account) -> Repair:
        s3, place = aws.client("s3"), {"Bucket": BUCKET, "Key": aws.key(start)}
        tags = s3.get_object_tagging(**place)["TagSet"]
        s3.delete_object_tagging(**place)
        return lambda: s3.put_object_tagging(**place, Tagging={"TagSet": tags})

    return spoil


def cors_gone(aws: Account) -> Repair:
    s3 = aws.client("s3")
    rules = s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
    s3.delete_bucket_cors(Bucket=BUCKET)
    return lambda: s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": rules})


def domain_tag_gone(aws: Account) -> Repair:
    sagemaker = aws.client("sagemaker")
    sagemaker.delete_tags(ResourceArn=aws.domain, TagKeys=[LOCATION])
    tag = {"Key": LOCATION, "Value": f"s3://{BUCKET}/studio/"}
    return lambda: sagemaker.add_tags(ResourceArn=aws.domain, Tags=[tag])


def launch_role_gone(aws: Account) -> Repair:
    iam = aws.client("iam")
    role = iam.get_role(RoleName=LAUNCH)["Role"]
    (name,) = iam.list_role_policies(RoleName=LAUNCH)["PolicyNames"]
    policy = json.dumps(iam.get_role_policy(RoleName=LAUNCH, PolicyName=name)["PolicyDocument"])
    iam.delete_role_policy(RoleName=LAUNCH, PolicyName=name)
    iam.delete_role(RoleName=LAUNCH)

    def repair() -> None:
        trust = json.dumps(role["AssumeRolePolicyDocument"])
        iam.create_role(RoleName=LAUNCH, AssumeRolePolicyDocument=trust, Tags=role["Tags"])
        iam.put_role_policy(RoleName=LAUNCH, PolicyName=name, PolicyDocument=policy)

    return repair


def launch_role_trusts_another(aws: Account) -> Repair:
    iam = aws.client("iam")
    trust = json.dumps(iam.get_role(RoleName=LAUNCH)["Role"]["AssumeRolePolicyDocument"])
    other = trust.replace("servicecatalog.amazonaws.com", "lambda.amazonaws.com")
    iam.update_assume_role_policy(RoleName=LAUNCH, PolicyDocument=other)
    return lambda: iam.update_assume_role_policy(RoleName=LAUNCH, PolicyDocument=trust)


def launch_role_lacks_a_right(aws: Account) -> Repair:
    iam = aws.client("iam")
    (name,) = iam.list_role_policies(RoleName=LAUNCH)["PolicyNames"]
    policy = json.dumps(iam.get_role_policy(RoleName=LAUNCH, PolicyName=name)["PolicyDocument"])
    less = policy.replace('"codebuild:CreateProject", ', "")
    iam.put_role_policy(RoleName=LAUNCH, PolicyName=name, PolicyDocument=less)
    return lambda: iam.put_role_policy(RoleName=LAUNCH, PolicyName=name, PolicyDocument=policy)


def boundary_gone(aws: Account) -> Repair:
    iam = aws.client("iam")
    version = iam.get_policy(PolicyArn=BOUNDARY)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=BOUNDARY, VersionId=version)["PolicyVersion"]["Document"]
    iam.delete_policy(PolicyArn=BOUNDARY)
    return lambda: iam.create_policy(PolicyName=BOUNDARY.rpartition("/")[2], PolicyDocument=json.dumps(document))


def repository_gone(aws: Account) -> Repair:
    aws.client("codecommit").delete_repository(repositoryName="sm-mlops-dev")
    return lambda: aws.client("codecommit").create_repository(repositoryName="sm-mlops-dev")


def service_linked_role_gone(aws: Account) -> Repair:
    iam = aws.client("iam")
    iam.delete_service_linked_role(RoleName="AWSServiceRoleForCodeStarNotifications")
    return lambda: iam.create_service_linked_role(AWSServiceName="codestar-notifications.amazonaws.com")


def target_unreachable(aws: Account) -> Repair:
    """The topic refuses the service at the moment at which somebody edits the rule."""
    sns, notifications, rule = aws.client("sns"), aws.client("codestar-notifications"), aws.rule()
    (target,) = rule["Targets"]
    topic = target["TargetAddress"]
    policy = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]

    def tried_with(text: str) -> None:
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=text)
        notifications.update_notification_rule(Arn=rule["Arn"], Targets=[{"TargetType": "SNS", "TargetAddress": topic}])

    tried_with(policy.replace("codestar-notifications.amazonaws.com", "lambda.amazonaws.com"))
    return lambda: tried_with(policy)


def rule_off(aws: Account) -> Repair:
    notifications, arn = aws.client("codestar-notifications"), aws.rule()["Arn"]
    notifications.update_notification_rule(Arn=arn, Status="DISABLED")
    return lambda: notifications.update_notification_rule(Arn=arn, Status="ENABLED")


def decided(**decisions: object) -> Break:
    def spoil(aws: Account) -> Repair:
        aws.post("decisions", json.dumps(decisions))
        return lambda: aws.post("decisions")

    return spoil


FAULTS: dict[str, tuple[Break, str]] = {
    "projects are switched off": (projects_off, "projects-enabled"),
    "the team does not find AWS's templates": (disassociated("imported"), "projects-principals"),
    "the team may not launch": (disassociated("portfolio"), "catalog-principals"),
    "an associated role is deleted": (role_gone, "principal-identities"),
    "there is no portfolio": (portfolio_renamed, "portfolio"),
    "there is no product": (product_renamed, "product"),
    "the product has no tag": (product_tag_gone, "product-tag"),
    "the portfolio does not offer the product": (product_taken_out, "product-association"),
    "the version is off": (version_off, "product-version"),
    "there is no launch constraint": (constraint_gone, "launch-constraint"),
    "the template is gone": (object_gone("products/model-deploy/template/"), "template-object"),
    "the template has no tag": (object_without_tag("products/model-deploy/template/"), "template-object"),
    "the seed code is gone": (object_gone("products/model-deploy/seed/"), "seed-object"),
    "the seed code has no tag": (object_without_tag("products/model-deploy/seed/"), "seed-object"),
    "Studio's copy has no tag": (object_without_tag("studio/model-deploy."), "studio-object"),
    "the bucket has no CORS": (cors_gone, "studio-cors"),
    "the domain has no tag": (domain_tag_gone, "studio-domain-tag"),
    "the launch role is gone": (launch_role_gone, "launch-role"),
    "the launch role does not trust Service Catalog": (launch_role_trusts_another, "launch-role-trust"),
    "the launch role lacks a right": (launch_role_lacks_a_right, "launch-role-permissions"),
    "the boundary is gone": (boundary_gone, "project-boundary"),
    "the repository is gone": (repository_gone, "source-repository"),
    "the service-linked role is gone": (service_linked_role_gone, "notifications-role"),
    "the rule's target is not reached": (target_unreachable, "notification-rule"),
    "the rule is off": (rule_off, "notification-rule"),
    "CodeBuild has retired the image": (decided(retired_images=[IMAGE]), "build-images"),
    "CodeCommit does not admit the account": (decided(codecommit=False), "codecommit"),
    "no portfolio more": (decided(quotas={"L-C6458716": 1}), "quota-portfolios"),
    "no product more": (decided(quotas={"L-764CF6A1": 2}), "quota-products"),
    "no version more": (decided(quotas={"L-A5846085": 1}), "quota-versions"),
    "no principal more": (decided(quotas={"L-E8959660": 2}), "quota-principals"),
}


@pytest.mark.parametrize(("spoil", "check"), FAULTS.values(), ids=FAULTS)
def test_each_fault_makes_exactly_its_own_line_red(aws: Account, spoil: Break, check: str) -> None:
    repair = spoil(aws)
    try:
        findings = looked(aws)
    finally:
        repair()
    red = [one for one in findings if one.status is Status.BROKEN]
    # Whoever trusts another service trusts one that the stack does not.
    more = {"made-roles": Status.BROKEN} if check == "launch-role-trust" else {}
    assert troubles(findings) == {check: Status.BROKEN, **more}
    assert len(red) == 1 + len(more)
    assert all(one.evidence and one.fix for one in red)


def test_a_role_made_anew_is_found_out_though_every_listing_looks_the_same(aws: Account) -> None:
    aws.client("iam").delete_role(RoleName="Execution")
    make_studio_role(aws)
    later = datetime.now(UTC) + timedelta(hours=1)
    findings = looked(aws, now=later)
    assert troubles(findings) == {"principal-identities": Status.BROKEN}
    assert troubles(looked(aws)) == {"principal-identities": Status.WARNING}, "the history may be late"
    for portfolio in (aws.portfolio, aws.imported):
        principal = {"PortfolioId": portfolio, "PrincipalARN": STUDIO, "PrincipalType": "IAM"}
        aws.catalog.disassociate_principal_from_portfolio(**principal)
        aws.catalog.associate_principal_with_portfolio(**principal)
    assert troubles(looked(aws, now=later)) == {}


def test_a_connection_waits_for_a_person(aws: Account) -> None:
    assert troubles(looked(aws, "prod")) == {"connection": Status.BROKEN}
    (connection,) = aws.client("codeconnections").list_connections()["Connections"]
    aws.post("connections/handshake", connection["ConnectionArn"])
    assert troubles(looked(aws, "prod")) == {}


def test_a_person_is_told_whether_their_role_finds_the_products(aws: Account) -> None:
    iam = aws.client("iam")
    rights = {"Effect": "Allow", "Action": ["sagemaker:*", "servicecatalog:*", "s3:*", "iam:PassRole"], "Resource": "*"}
    for name in ("TeamDataScientist", "Accountant"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
        iam.put_role_policy(
            RoleName=name,
            PolicyName="own",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [rights]}),
        )
    assert troubles(looked(aws, principal_arn=f"arn:aws:iam::{ACCOUNT}:role/TeamDataScientist")) == {}
    assert troubles(looked(aws, principal_arn=f"arn:aws:iam::{ACCOUNT}:role/Accountant")) == {
        "principal-finds-products": Status.BROKEN,
        "principal-finds-projects": Status.BROKEN,
    }


def test_after_all_that_everything_is_as_it_was(aws: Account) -> None:
    assert troubles(looked(aws)) == {}
