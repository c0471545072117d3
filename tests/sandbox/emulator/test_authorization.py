"""A launch is judged by the policies of its launch role, call by call, as IAM judges it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from awsmodel.regions import known_regions
from components.iam.policies import Statement, document
from components.packaging import read_product
from tests.sandbox.conftest import REGION, REPOSITORY, Client, Clients
from tests.sandbox.support.catalog import ACCOUNT, BOUNDARY, Catalog, launch_policy, make_catalog
from tools.launch_permissions.needs import Launch
from tools.launch_permissions.resource_rights import LaunchScope

PRODUCTS = [REPOSITORY / "seed_code" / name for name in ("model-build-train", "model-deploy")]
DEPLOY = REPOSITORY / "seed_code" / "model-deploy"


@pytest.fixture(scope="module")
def catalog(aws: Clients, emulator: dict[str, Any]) -> Catalog:
    return make_catalog(aws, emulator["url"])


@pytest.fixture(scope="module")
def scientist(catalog: Catalog) -> Client:
    """Somebody who may launch."""
    return catalog.acting(catalog.scientist, "servicecatalog")


@pytest.fixture(autouse=True)
def restored(catalog: Catalog) -> Iterator[None]:
    """After each test the launch role may do again what the program lets it do."""
    yield
    catalog.allow(launch_policy())


@pytest.fixture(scope="module")
def version(catalog: Catalog) -> Callable[[Path], str]:
    """The version of the catalog's product that launches a product folder."""
    made: dict[Path, str] = {}

    def find(product: Path) -> str:
        if product not in made:
            made[product] = catalog.add_version(product.name, catalog.put_text(product.name, catalog.filled(product)))
        return made[product]

    return find


Version = Callable[[Path], str]


def without(*actions: str) -> list[Statement]:
    """The program's launch policy without some actions."""
    left = ({**one, "Action": [each for each in one["Action"] if each not in actions]} for one in launch_policy())
    return [one for one in left if one["Action"]]


def events(catalog: Catalog, record: dict[str, Any], ending: str) -> dict[str, str]:
    """Reasons of a stack's events with a status, by logical id."""
    name = f"SC-{ACCOUNT}-{record['ProvisionedProductId']}"
    found = catalog.aws("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return {
        one["LogicalResourceId"]: one.get("ResourceStatusReason", "")
        for one in found
        if one["ResourceStatus"].endswith(ending)
    }


def user(catalog: Catalog) -> str:
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{catalog.launch_role.rpartition('/')[2]}/servicecatalog"


@pytest.mark.parametrize(
    ("action", "logical_id", "resource"),
    [
        (
            "codebuild:CreateProject",
            "CheckProject",
            "codebuild:REGION:ACCOUNT:project/sagemaker-NAME-p-1-modeldeploy-check",
        ),
        ("codecommit:CreateCommit", "Repository", "codecommit:REGION:ACCOUNT:sagemaker-NAME-p-1-model-deploy"),
        ("events:PutTargets", "PushRule", "events:REGION:ACCOUNT:rule/sagemaker-p-1-deploy-push"),
        ("iam:PassRole", "PushRule", "iam::ACCOUNT:role/sagemaker-p-1-deploy-events"),
        ("iam:PutRolePolicy", "EventsRole", "iam::ACCOUNT:role/sagemaker-p-1-deploy-events"),
        ("lambda:InvokeFunction", "CleanUp", "lambda:REGION:ACCOUNT:function:sagemaker-p-1-deploy-clean-up"),
        (
            "logs:TagResource",
            "CheckLogs",
            "logs:REGION:ACCOUNT:log-group:/aws/codebuild/sagemaker-NAME-p-1-modeldeploy-check",
        ),
        ("s3:PutEncryptionConfiguration", "ArtifactBucket", "s3:::sagemaker-p-1-deploy-ACCOUNT"),
    ],
)
def test_one_right_less_fails_the_launch_on_exactly_its_resource(
    catalog: Catalog, scientist: Client, version: Version, action: str, logical_id: str, resource: str
) -> None:
    catalog.allow(without(action))
    name = "less"
    record = catalog.launch(scientist, name, ProvisioningArtifactId=version(DEPLOY))

    failed = events(catalog, record, "CREATE_FAILED")
    for word, value in (("REGION", REGION), ("ACCOUNT", ACCOUNT), ("NAME", name)):
        resource = resource.replace(word, value)
    asked = f"{action} on resource: arn:aws:{resource}"
    assert list(failed) == [logical_id]
    assert (
        f"User: {user(catalog)} is not authorized to perform: {asked} because no identity-based policy"
        in (failed[logical_id])
    )
    assert failed[logical_id].endswith("(HandlerErrorCode: AccessDenied)")
    (error,) = scientist.describe_record(Id=record["RecordId"])["RecordDetail"]["RecordErrors"]
    assert f"failed to create: [{logical_id}]" in error["Description"]
    assert scientist.describe_provisioned_product(Name=name)["ProvisionedProductDetail"]["Status"] == "ERROR"

    catalog.allow(launch_policy())
    ended = scientist.terminate_provisioned_product(ProvisionedProductName=name)["RecordDetail"]
    assert ended["Status"] == "SUCCEEDED"


def test_the_same_launch_passes_with_all_rights_after_those_that_failed(
    catalog: Catalog, scientist: Client, version: Version
) -> None:
    """What one of them had left behind would have the names of this one."""
    again = catalog.launch(scientist, "less", ProvisioningArtifactId=version(DEPLOY))
    assert again["Status"] == "SUCCEEDED", again.get("RecordErrors")
    ended = scientist.terminate_provisioned_product(ProvisionedProductName="less")["RecordDetail"]
    assert ended["Status"] == "SUCCEEDED"


def test_a_deletion_fails_on_the_resource_that_the_role_may_not_delete(
    catalog: Catalog, scientist: Client, version: Version
) -> None:
    record = catalog.launch(scientist, "kept", ProvisioningArtifactId=version(DEPLOY))
    catalog.allow(without("events:RemoveTargets"))
    ended = scientist.terminate_provisioned_product(ProvisionedProductName="kept")["RecordDetail"]
    assert ended["Status"] == "FAILED"
    (rule,) = events(catalog, record, "DELETE_FAILED").keys() - {f"SC-{ACCOUNT}-{record['ProvisionedProductId']}"}
    assert rule in {"PushRule", "ApprovedRule", "RejectedRule"}

    catalog.allow(launch_policy())
    ended = scientist.terminate_provisioned_product(ProvisionedProductName="kept")["RecordDetail"]
    assert ended["Status"] == "SUCCEEDED"


def test_the_stack_itself_takes_rights_too(catalog: Catalog, scientist: Client, version: Version) -> None:
    catalog.allow(without("cloudformation:CreateStack"))
    record = catalog.launch(scientist, "stackless", ProvisioningArtifactId=version(DEPLOY))
    (error,) = record["RecordErrors"]
    assert (
        "is not authorized to perform: cloudformation:CreateStack on resource: arn:aws:cloudformation"
        in (error["Description"])
    )
    scientist.terminate_provisioned_product(ProvisionedProductName="stackless")


def test_a_role_of_a_project_is_made_only_within_the_boundary(catalog: Catalog, scientist: Client) -> None:
    bound = f'PermissionsBoundary: "{BOUNDARY.rpartition("/")[2]}"'
    assert bound in catalog.filled(DEPLOY)
    text = catalog.filled(DEPLOY).replace(bound, 'PermissionsBoundary: ""')
    unbounded = catalog.add_version("unbounded", catalog.put_text("unbounded", text))
    record = catalog.launch(scientist, "unbounded", ProvisioningArtifactId=unbounded)
    (reason,) = events(catalog, record, "CREATE_FAILED").values()
    assert "is not authorized to perform: iam:CreateRole" in reason
    scientist.terminate_provisioned_product(ProvisionedProductName="unbounded")


@pytest.mark.parametrize(
    ("more", "boundary", "because"),
    [
        (
            [{"Effect": "Deny", "Action": "s3:CreateBucket", "Resource": "*"}],
            None,
            "with an explicit deny in an identity",
        ),
        ([], [{"Effect": "Allow", "NotAction": "s3:CreateBucket", "Resource": "*"}], "because no permissions boundary"),
    ],
)
def test_a_deny_and_the_boundary_of_the_launch_role_count(
    catalog: Catalog,
    scientist: Client,
    version: Version,
    more: Sequence[Statement],
    boundary: Sequence[Statement] | None,
    because: str,
) -> None:
    catalog.allow([*launch_policy(), *more])
    iam, role = catalog.aws("iam"), catalog.launch_role.rpartition("/")[2]
    if boundary:
        arn = iam.create_policy(PolicyName="launch-boundary", PolicyDocument=document(boundary))["Policy"]["Arn"]
        iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=arn)
    record = catalog.launch(scientist, "bounded", ProvisioningArtifactId=version(DEPLOY))
    if boundary:
        iam.delete_role_permissions_boundary(RoleName=role)
    (reason,) = events(catalog, record, "CREATE_FAILED").values()
    assert f"s3:CreateBucket on resource: arn:aws:s3:::sagemaker-p-1-deploy-{ACCOUNT} {because}" in reason
    scientist.terminate_provisioned_product(ProvisionedProductName="bounded")


def test_a_managed_policy_counts_like_an_inline_one(catalog: Catalog, scientist: Client, version: Version) -> None:
    iam, role = catalog.aws("iam"), catalog.launch_role.rpartition("/")[2]
    catalog.allow(without("s3:CreateBucket"))
    statement = {"Effect": "Allow", "Action": "s3:CreateBucket", "Resource": "*"}
    arn = iam.create_policy(PolicyName="launch-more", PolicyDocument=document([statement]))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    record = catalog.launch(scientist, "attached", ProvisioningArtifactId=version(DEPLOY))
    iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    assert record["Status"] == "SUCCEEDED", record.get("RecordErrors")
    scientist.terminate_provisioned_product(ProvisionedProductName="attached")


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda path: path.name)
def test_what_the_check_asks_for_is_enough_to_launch_update_and_delete(
    catalog: Catalog, scientist: Client, version: Version, product: Path
) -> None:
    scope = LaunchScope(region=known_regions()[REGION], account_id=ACCOUNT)
    environment = {"Roles.PermissionsBoundary": [BOUNDARY.rpartition("/")[2]], "Seed.Bucket": [catalog.bucket]}
    launch = Launch(read_product(product), scope, {**environment, "Seed.Key": ["seed.zip"]})
    wanted = sorted({(need.request.action, need.request.resource) for need in launch.needs()})
    catalog.allow([{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in wanted])
    newer = catalog.filled(product).replace("RetentionInDays: 365", "RetentionInDays: 180")
    second = catalog.add_version("newer", catalog.put_text(f"{product.name}-newer", newer))

    record = catalog.launch(scientist, "exact", ProvisioningArtifactId=version(product))
    assert record["Status"] == "SUCCEEDED", record.get("RecordErrors")
    update = scientist.update_provisioned_product(ProvisionedProductName="exact", ProvisioningArtifactId=second)
    assert update["RecordDetail"]["Status"] == "SUCCEEDED", update
    ended = scientist.terminate_provisioned_product(ProvisionedProductName="exact")["RecordDetail"]
    assert ended["Status"] == "SUCCEEDED", ended.get("RecordErrors")
