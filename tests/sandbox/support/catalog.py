"""A small catalog for tests: roles, a bucket with templates, one product in one portfolio."""

import io
import json
import uuid
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from awsmodel.regions import known_regions
from components.iam import project_policies
from components.iam.policies import Statement, document
from components.packaging import read_product
from tests.sandbox.conftest import REGION, Client, Clients

ACCOUNT = "123456789012"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/project-boundary"
PROVISIONING = "servicecatalog:provisioning=true"

TEMPLATE = """
Parameters:
  SageMakerProjectName: {Type: String}
  SageMakerProjectId: {Type: String, MaxLength: 20}
  Size: {Type: String, Default: small, AllowedValues: [small, large], Description: How big.}
Mappings:
  Environment:
    Seed: {Bucket: BUCKET, Key: KEY}
Resources:
  Repository:
    Type: AWS::CodeCommit::Repository
    Properties:
      RepositoryName: !Sub sagemaker-${SageMakerProjectName}-${SageMakerProjectId}
      RepositoryDescription: DESCRIPTION
      Code:
        BranchName: main
        S3:
          Bucket: !FindInMap [Environment, Seed, Bucket]
          Key: !FindInMap [Environment, Seed, Key]
Outputs:
  RepositoryName: {Value: !GetAtt Repository.Name, Description: The repository.}
  Size: {Value: !Ref Size}
"""


def seed() -> bytes:
    """A zip with a file, an executable one and one in a folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("README.md", "Read me.\n")
        script = zipfile.ZipInfo("run.sh")
        script.external_attr = 0o100755 << 16
        archive.writestr(script, "#!/bin/sh\n")
        archive.writestr("pipelines/build.py", "print()\n")
    return buffer.getvalue()


def trust(*services: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def launch_policy() -> list[Statement]:
    """What the program's own launch role may do."""
    return project_policies.launch_statements(known_regions()[REGION], ACCOUNT, BOUNDARY, None)


@dataclass
class Catalog:
    """One product in one portfolio, and who may launch it."""

    aws: Clients
    url: str
    bucket: str
    portfolio: str
    product: str
    artifact: str
    launch_role: str
    scientist: str

    def role(self, name: str, *services: str) -> str:
        unique = f"{name}-{uuid.uuid4().hex[:8]}"
        made = self.aws("iam").create_role(RoleName=unique, AssumeRolePolicyDocument=trust(*services))
        arn: str = made["Role"]["Arn"]
        return arn

    def allow(self, policy: Sequence[Statement]) -> None:
        """Let the launch role do this and nothing else."""
        name = self.launch_role.rpartition("/")[2]
        self.aws("iam").put_role_policy(RoleName=name, PolicyName="launch", PolicyDocument=document(policy))

    def acting(self, role: str, service: str) -> Client:
        """A client of somebody who has assumed a role."""
        keys = self.aws("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        return boto3.client(  # type: ignore[call-overload]
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    def put_template(self, name: str, *, key: str = "seed.zip", description: str = "First") -> str:
        """Upload a template; its address."""
        text = TEMPLATE.replace("BUCKET", self.bucket).replace("KEY", key).replace("DESCRIPTION", description)
        return self.put_text(name, text)

    def put_text(self, name: str, text: str) -> str:
        self.aws("s3").put_object(Bucket=self.bucket, Key=name, Body=text.encode())
        return f"https://{self.bucket}.s3.{REGION}.amazonaws.com/{name}"

    def filled(self, product: Path) -> str:
        """The template of a product folder, told of the catalog's seed code and of the boundary of projects."""
        read = read_product(product)
        values = {group: dict(keys) for group, keys in read.environment.items()}
        values["Seed"] |= {"Bucket": self.bucket, "Key": "seed.zip"}
        values["Roles"]["PermissionsBoundary"] = BOUNDARY.rpartition("/")[2]
        return read.render(values)

    def add_version(self, name: str, url: str) -> str:
        parameters = {"Name": name, "Type": "CLOUD_FORMATION_TEMPLATE", "Info": {"LoadTemplateFromURL": url}}
        made = self.aws("servicecatalog").create_provisioning_artifact(ProductId=self.product, Parameters=parameters)
        identity: str = made["ProvisioningArtifactDetail"]["Id"]
        return identity

    def launch(self, client: Client, name: str, **more: Any) -> dict[str, Any]:
        """Provision the product; the record."""
        request = {
            "ProductId": self.product,
            "ProvisioningArtifactId": self.artifact,
            "ProvisionedProductName": name,
            "ProvisioningParameters": [
                {"Key": "SageMakerProjectName", "Value": name},
                {"Key": "SageMakerProjectId", "Value": "p-1"},
            ],
        }
        record: dict[str, Any] = client.provision_product(**request | more)["RecordDetail"]
        return record


def make_catalog(aws: Clients, url: str) -> Catalog:
    bucket = f"catalog-{uuid.uuid4().hex[:12]}"
    s3, servicecatalog = aws("s3"), aws("servicecatalog")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=bucket, Key="seed.zip", Body=seed(), Tagging=PROVISIONING)
    portfolio = servicecatalog.create_portfolio(DisplayName="Templates", ProviderName="Platform")
    catalog = Catalog(aws, url, bucket, portfolio["PortfolioDetail"]["Id"], "", "", "", "")
    catalog.launch_role = catalog.role("launch", "servicecatalog.amazonaws.com", "cloudformation.amazonaws.com")
    catalog.allow(launch_policy())
    catalog.scientist = catalog.role("scientist", "sagemaker.amazonaws.com")
    product = servicecatalog.create_product(
        Name=f"model-{bucket}",
        Owner="Platform",
        Description="A project.",
        ProductType="CLOUD_FORMATION_TEMPLATE",
        Tags=[{"Key": "sagemaker:studio-visibility", "Value": "true"}],
        ProvisioningArtifactParameters={
            "Name": "1.0.0",
            "Type": "CLOUD_FORMATION_TEMPLATE",
            "Info": {"LoadTemplateFromURL": catalog.put_template("first.yaml")},
        },
    )
    catalog.product = product["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
    catalog.artifact = product["ProvisioningArtifactDetail"]["Id"]
    servicecatalog.associate_product_with_portfolio(ProductId=catalog.product, PortfolioId=catalog.portfolio)
    servicecatalog.create_constraint(
        PortfolioId=catalog.portfolio,
        ProductId=catalog.product,
        Type="LAUNCH",
        Parameters=json.dumps({"RoleArn": catalog.launch_role}),
    )
    servicecatalog.associate_principal_with_portfolio(
        PortfolioId=catalog.portfolio, PrincipalARN=catalog.scientist, PrincipalType="IAM"
    )
    return catalog
