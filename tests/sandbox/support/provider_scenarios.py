"""One life of a resource of each dynamic provider: what is there before, what it is made, changed to, and leaves."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import boto3

from components.packaging import seed_code
from components.providers.adopted_role import AdoptedRoleProvider
from components.providers.aws_access import AwsResourceProvider
from components.providers.domain_tag import DomainTagProvider
from components.providers.product_files import ProductFilesProvider
from components.providers.product_version import ProductVersionProvider
from components.providers.projects_portfolio import ProjectsPortfolioProvider
from tests.sandbox.support.case import ACCOUNT, BUCKET, Clients

REGION = "eu-west-1"
SERVICES = ("iam", "s3", "sagemaker", "servicecatalog", "ssm")
Properties = dict[str, Any]

SESSION = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")  # noqa: S106
"""Has read the models of the services once, which takes longer than all else."""


@dataclass(frozen=True)
class Scenario:
    """A resource and what AWS has of it."""

    provider: type[AwsResourceProvider]
    prepare: Callable[[Clients], str]
    """Makes what is there before; gives an id that the resource refers to, or nothing."""
    first: Callable[[str], Properties]
    """Inputs when it is made; gets that id."""
    second: Callable[[str], Properties]
    """Inputs after a change."""
    state: Callable[[Clients, str], object]
    """All that AWS has of it."""
    undoes_updates: bool = True
    """Whether deleting also undoes an update that was killed. Versions end with their product, which another resource
    deletes; and a value that a killed update has given to somebody's domain is not known to be ours."""


def provider(kind: type[AwsResourceProvider], url: str) -> Any:
    """A provider that reaches AWS at an address, configured as the engine does it."""
    endpoints = json.dumps([dict.fromkeys(SERVICES, url)])
    made = kind()
    configuration = SimpleNamespace(config={"aws:region": REGION, "aws:endpoints": endpoints})
    made.configure(configuration)  # type: ignore[arg-type] # as much as providers use of it
    # Its own, not that of all: what one has learnt of throttling is nothing to the next.
    made._access = replace(made._access)
    vars(made._access)["_session"] = SESSION
    # The emulated AWS shows the portfolio at the second look, however soon that is.
    vars(made)["sleep"] = lambda _: None
    return made


def _role(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/studio/{name}"


def _make_roles(aws: Clients) -> str:
    for name in ("a", "b"):
        aws("iam").create_role(RoleName=name, Path="/studio/", AssumeRolePolicyDocument="{}")
    return ""


def _projects(*principals: str) -> Callable[[str], Properties]:
    return lambda _: {
        "region": REGION,
        "claimant": "sm-mlops-dev",
        "principals": sorted(principals),
        "disableOnDelete": True,
    }


def _projects_state(aws: Clients, _: str) -> object:
    status = aws("sagemaker").get_sagemaker_servicecatalog_portfolio_status()["Status"]
    claims = aws("ssm").get_parameters_by_path(Path="/sm-mlops", Recursive=True)["Parameters"]
    catalog = aws("servicecatalog")
    principals = [
        item["PrincipalARN"]
        for portfolio in catalog.list_accepted_portfolio_shares(PortfolioShareType="IMPORTED")["PortfolioDetails"]
        for item in catalog.list_principals_for_portfolio(PortfolioId=portfolio["Id"])["Principals"]
    ]
    return status, sorted(principals), {claim["Name"]: json.loads(claim["Value"]) for claim in claims}


def _make_bucket(aws: Clients) -> str:
    aws("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    return BUCKET


def _files(version: str) -> Callable[[str], Properties]:
    product = seed_code.product("model-deploy")
    environment = {group: dict(values) for group, values in product.environment.items()}
    return lambda bucket: {
        "region": REGION,
        "bucket": bucket,
        "product": product.slug,
        "environment": environment,
        "contentDigest": product.content_digest,
        "hashes": product.version_name(environment).hashes,
        "studioKey": f"studio/{product.slug}.{version}.yaml",
    }


def _files_state(aws: Clients, bucket: str) -> object:
    objects = aws("s3").list_objects_v2(Bucket=bucket).get("Contents", ())
    return {
        item["Key"]: (item["Size"], aws("s3").get_object_tagging(Bucket=bucket, Key=item["Key"])["TagSet"])
        for item in objects
    }


_TEMPLATE_URL = f"https://{BUCKET}.s3.{REGION}.amazonaws.com/template.json"


def _make_product(aws: Clients) -> str:
    _make_bucket(aws)
    template = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    aws("s3").put_object(Bucket=BUCKET, Key="template.json", Body=template)
    made = aws("servicecatalog").create_product(
        Name="model",
        Owner="platform",
        ProductType="CLOUD_FORMATION_TEMPLATE",
        ProvisioningArtifactParameters={"Name": "0.9.0", "Info": {"LoadTemplateFromURL": _TEMPLATE_URL}},
    )
    return str(made["ProductViewDetail"]["ProductViewSummary"]["ProductId"])


def _version(name: str) -> Callable[[str], Properties]:
    return lambda product: {
        "region": REGION,
        "productId": product,
        "version": name,
        "description": f"What is new in {name}",
        "templateUrl": _TEMPLATE_URL,
        "keepVersions": 2.0,
    }


def _versions_state(aws: Clients, product: str) -> object:
    listed = aws("servicecatalog").list_provisioning_artifacts(ProductId=product)["ProvisioningArtifactDetails"]
    return sorted((item["Name"], item["Active"], item["Guidance"]) for item in listed)


def _make_domain(aws: Clients) -> str:
    made = aws("sagemaker").create_domain(
        DomainName="research",
        AuthMode="IAM",
        DefaultUserSettings={"ExecutionRole": _role("a")},
        SubnetIds=["subnet-1"],
        VpcId="vpc-1",
        Tags=[{"Key": "owner", "Value": "research"}],
    )
    return str(made["DomainArn"].rpartition("/")[2])


def _tag(value: str) -> Callable[[str], Properties]:
    return lambda domain: {"region": REGION, "domainId": domain, "key": "location", "value": value}


def _tag_state(aws: Clients, domain: str) -> object:
    arn = aws("sagemaker").describe_domain(DomainId=domain)["DomainArn"]
    return {tag["Key"]: tag["Value"] for tag in aws("sagemaker").list_tags(ResourceArn=arn)["Tags"]}


def _document(*actions: str, **more: object) -> str:
    statement = {
        "Effect": "Allow",
        "Action": list(actions),
        **({} if "Principal" in more else {"Resource": "*"}),
        **more,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _adopted(purpose: str, *policies: str) -> Callable[[str], Properties]:
    return lambda _: {
        "region": REGION,
        "claimant": "sm-mlops-dev",
        "key": "use",
        "name": _ADOPTED,
        "path": "/service-role/",
        "purpose": purpose,
        "trust": _document("sts:AssumeRole", Principal={"Service": f"{purpose}.amazonaws.com"}),
        "policies": list(policies),
        "boundaryArn": "",
        "otherPolicyArns": [],
    }


_ADOPTED = "AmazonSageMakerServiceCatalogProductsUseRole"


def _adopted_state(aws: Clients, _: str) -> object:
    iam = aws("iam")
    versions = {
        policy["PolicyName"]: iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        for policy in iam.list_policies(Scope="Local")["Policies"]
    }
    roles = [role for role in iam.list_roles()["Roles"] if role["RoleName"] == _ADOPTED]
    return (
        {name: version["PolicyVersion"]["Document"] for name, version in versions.items()},
        [(role["AssumeRolePolicyDocument"], iam.list_role_tags(RoleName=_ADOPTED)["Tags"]) for role in roles],
        [iam.list_attached_role_policies(RoleName=_ADOPTED)["AttachedPolicies"] for _ in roles],
    )


SCENARIOS: Mapping[str, Scenario] = {
    "projects": Scenario(
        ProjectsPortfolioProvider,
        _make_roles,
        _projects(_role("a"), "arn:aws:iam:::role/*DataScientist*"),
        _projects(_role("a"), _role("b"), "arn:aws:iam:::role/*Engineer*"),
        _projects_state,
    ),
    "files": Scenario(ProductFilesProvider, _make_bucket, _files("1"), _files("2"), _files_state),
    "version": Scenario(
        ProductVersionProvider,
        _make_product,
        _version("1.0.0"),
        _version("1.1.0"),
        _versions_state,
        undoes_updates=False,
    ),
    "tag": Scenario(
        DomainTagProvider, _make_domain, _tag("s3://one/"), _tag("s3://two/"), _tag_state, undoes_updates=False
    ),
    "role": Scenario(
        AdoptedRoleProvider,
        lambda _: "",
        _adopted("sagemaker", _document("s3:GetObject"), _document("logs:PutLogEvents")),
        _adopted("glue", _document("s3:GetObject", "s3:PutObject")),
        _adopted_state,
    ),
}
"""By name: every dynamic provider."""
