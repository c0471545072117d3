"""The catalog of the baseline: the same resources, registered one after another without any component."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from awsmodel.regions import Region, known_regions
from components import packaging
from components.core.naming import Names
from components.iam import project_policies, role_documents
from components.iam.policies import document
from components.packaging import seed_code
from components.providers.offered_products import OfferedProducts
from components.providers.product_files import ProductFiles, seed_key, template_key
from components.providers.product_version import ProductVersion
from components.providers.release_note import FIRST
from components.sections.catalog import CatalogSpec


def register(
    settings: Mapping[str, Any],
    *,
    prefix: str,
    names: Mapping[str, str],
    home: str,
    account_id: pulumi.Output[str],
    topic_arn: pulumi.Output[str],
    guarded: pulumi.ResourceOptions,
    tags: Mapping[str, str],
) -> Mapping[str, Any]:
    """Register the catalog of the home region; what the stack tells of it."""
    region, name = known_regions()[home], f"catalog-{home}"
    bucket_name = account_id.apply(lambda account: f"{prefix}-products-{account}-{home}-an")
    bucket = aws.s3.Bucket(
        f"{name}-bucket",
        region=home,
        bucket=bucket_name,
        bucket_namespace="account-regional",
        force_destroy=not guarded.retain_on_delete,
        tags=tags,
        opts=guarded,
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        f"{name}-encryption",
        region=home,
        bucket=bucket.bucket,
        rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}, "bucket_key_enabled": False}],
    )
    aws.s3.BucketOwnershipControls(
        f"{name}-ownership", region=home, bucket=bucket.bucket, rule={"object_ownership": "BucketOwnerEnforced"}
    )
    public_access = aws.s3.BucketPublicAccessBlock(
        f"{name}-public-access",
        region=home,
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
    )
    aws.s3.BucketPolicy(
        f"{name}-policy",
        region=home,
        bucket=bucket.bucket,
        policy=bucket_name.apply(_bucket_policy),
        opts=pulumi.ResourceOptions(depends_on=[public_access]),
    )
    aws.s3.BucketVersioning(
        f"{name}-versioning", region=home, bucket=bucket.bucket, versioning_configuration={"status": "Enabled"}
    )
    boundary = aws.iam.Policy(
        "catalog-roles-boundary",
        name=f"{prefix}-project-boundary",
        description=f"The most that a role of a project of {prefix} can have",
        policy=account_id.apply(
            lambda account: document(role_documents.project_boundary(_facts(region, account, names, settings)))
        ),
        tags=tags,
    )
    role = aws.iam.Role(
        "catalog-roles-launch",
        name=f"{prefix}-project-launch",
        description="Launches SageMaker projects through Service Catalog",
        assume_role_policy=account_id.apply(lambda account: document(project_policies.launch_trust(account))),
        tags=tags,
    )
    policy = aws.iam.RolePolicy(
        "catalog-roles-launch-policy",
        role=role.name,
        policy=pulumi.Output.all(boundary.arn, account_id).apply(
            lambda known: document(project_policies.launch_statements(region, known[1], known[0], None, services=()))
        ),
    )
    aws.iam.RolePoliciesExclusive("catalog-roles-launch-only-policies", role_name=role.name, policy_names=[policy.name])
    aws.iam.RolePolicyAttachmentsExclusive("catalog-roles-launch-only-attachments", role_name=role.name, policy_arns=[])
    portfolio = aws.servicecatalog.Portfolio(
        f"{name}-portfolio",
        region=home,
        name=f"{prefix} machine learning projects",
        provider_name="ML platform team",
        description="Project templates for machine learning",
        tags=tags,
    )
    access = [
        aws.servicecatalog.PrincipalPortfolioAssociation(
            f"{name}-any-account/{principal.rpartition(':')[2]}",
            region=home,
            portfolio_id=portfolio.id,
            principal_arn=principal,
            principal_type="IAM_PATTERN",
        )
        for principal in settings["principals"]
    ]
    known, versions = pulumi.Output.all(bucket_name, topic_arn), {}
    offered = {}
    for slug in settings["products"]:
        source = seed_code.product(slug)
        values = known.apply(lambda facts, source=source: _values(prefix, names, source, facts))  # type: ignore[misc]
        version = values.apply(source.version_name)
        versions[slug] = version.apply(str)
        url = pulumi.Output.all(bucket_name, version).apply(
            lambda facts, slug=slug: f"https://{facts[0]}.s3.{home}.amazonaws.com/{template_key(slug, facts[1].hashes)}"  # type: ignore[misc]
        )
        files = ProductFiles(
            f"{name}-{slug}-files",
            region=home,
            bucket=bucket_name,
            product=slug,
            environment=values,
            content_digest=source.content_digest,
            hashes=version.apply(lambda name: name.hashes),
            studio_key=None,
            files=None,
            opts=pulumi.ResourceOptions(depends_on=[policy]),
        )
        product = aws.servicecatalog.Product(
            f"{name}-{slug}-product",
            region=home,
            name=f"{source.name} ({prefix})",
            owner=source.owner,
            type="CLOUD_FORMATION_TEMPLATE",
            description=source.description,
            support_description=source.support_description,
            support_email=source.support_email,
            support_url=source.support_url,
            provisioning_artifact_parameters={
                "name": versions[slug],
                "description": FIRST,
                "template_url": url,
                "type": "CLOUD_FORMATION_TEMPLATE",
            },
            tags={**tags, "sagemaker:studio-visibility": "true"},
            opts=pulumi.ResourceOptions(depends_on=[files], ignore_changes=["provisioningArtifactParameters"]),
        )
        offered[f"{home}/{slug}"] = product.id
        association = aws.servicecatalog.ProductPortfolioAssociation(
            f"{name}-{slug}-association", region=home, product_id=product.id, portfolio_id=portfolio.id
        )
        update = {"Version": "2.0", "Properties": {"TagUpdateOnProvisionedProduct": "ALLOWED"}}
        constraints = [
            aws.servicecatalog.Constraint(
                f"{name}-{slug}-{kind.lower().replace('_', '-')}",
                region=home,
                product_id=product.id,
                portfolio_id=portfolio.id,
                type=kind,
                parameters=parameters,
                opts=pulumi.ResourceOptions(depends_on=[association]),
            )
            for kind, parameters in {
                "LAUNCH": pulumi.Output.json_dumps({"RoleArn": role.arn}),
                "RESOURCE_UPDATE": pulumi.Output.json_dumps(update),
            }.items()
        ]
        ProductVersion(
            f"{name}-{slug}-version",
            region=home,
            product_id=product.id,
            version=versions[slug],
            files=source.manifest,
            template_url=url,
            keep_versions=settings["keepVersions"],
            opts=pulumi.ResourceOptions(depends_on=[files, *constraints, *access]),
        )
    OfferedProducts("catalog-offered", region=home, products=offered, opts=pulumi.ResourceOptions())
    contents = {slug: seed_code.product(slug).content_version for slug in settings["products"]}
    return {"bucket": bucket_name, "portfolioId": portfolio.id, "versions": versions, "contents": contents}


def _bucket_policy(bucket: str) -> str:
    arn = f"arn:aws:s3:::{bucket}"
    whole = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"]}
    return document(
        [
            {"Sid": "RefusePlainHttp", **whole, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Sid": "RefuseOldTls", **whole, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
        ]
    )


def _values(
    prefix: str, names: Mapping[str, str], source: packaging.Product, facts: list[str]
) -> Mapping[str, Mapping[str, str]]:
    values = {
        ("Names", "Project"): names["project"],
        ("Names", "Environment"): names["environment"],
        ("Seed", "Bucket"): facts[0],
        ("Seed", "Key"): seed_key(source),
        ("Roles", "PermissionsBoundary"): f"{prefix}-project-boundary",
        ("Notifications", "TopicArn"): facts[1],
    }
    return {group: {key: values.get((group, key), "") for key in keys} for group, keys in source.environment.items()}


def _facts(
    region: Region, account: str, names: Mapping[str, str], settings: Mapping[str, Any]
) -> role_documents.RoleFacts:
    offered = CatalogSpec(products=tuple(settings["products"]), data_buckets=tuple(settings["dataBuckets"]))
    own = Names(names["project"], names["environment"])
    return role_documents.RoleFacts(names=own, home=region, account_id=account, catalog=offered)
