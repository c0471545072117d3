"""What a product is in one place: its name, where Studio finds it, and what its template is told of the environment.

Pure, so that whoever publishes a product and whoever looks at a published one mean the same, and that who only looks
need not wait for the AWS plugin's package.
"""

from collections.abc import Mapping

from components.core.naming import Names
from components.core.network import Network
from components.packaging import Product
from components.providers.product_files import seed_key
from components.sections.iam import UseRole

STUDIO_ORIGIN = "https://*.sagemaker.aws"
"""Where Studio's pages come from."""

STUDIO_VISIBILITY = {"sagemaker:studio-visibility": "true"}
"""Tag of a product without which Studio does not offer it."""


def product_name(source: Product, names: Names) -> str:
    """Name of a product, as people see it; two environments of an account do not mix up theirs."""
    return f"{source.name} ({names.prefix})"


def studio_location(bucket: str) -> str:
    """Where Studio finds the templates of a distribution bucket."""
    return f"s3://{bucket}/studio/"


def template_values(
    source: Product,
    names: Names,
    *,
    bucket: str,
    connection_arn: str,
    key_arn: str,
    topic_arn: str,
    network: Network | None,
    use_role_arns: Mapping[UseRole, str],
) -> Mapping[str, Mapping[str, str]]:
    """Tell what a template asks for in its mapping; what the environment does not have stays empty.

    Args:
        source: the product's folder.
        names: the environment's physical names.
        bucket: distribution bucket of the region.
        connection_arn: connection to the Git provider of projects; empty where there is none.
        key_arn: customer key for what projects make in the region; empty for AWS's own keys.
        topic_arn: topic that projects tell; empty where there is none.
        network: where projects of the region run; none for outside any VPC.
        use_role_arns: roles that work in projects; none where each project makes its own, within the boundary.
    """
    values = {
        ("Names", "Project"): names.project,
        ("Names", "Environment"): names.environment,
        ("Seed", "Bucket"): bucket,
        ("Seed", "Key"): seed_key(source),
        ("Source", "ConnectionArn"): connection_arn,
        ("Encryption", "KmsKeyArn"): key_arn,
        ("Roles", "PermissionsBoundary"): "" if use_role_arns else names.project_boundary.value,
        **{("Roles", str(role)): arn for role, arn in use_role_arns.items()},
        ("Notifications", "TopicArn"): topic_arn,
        **({("Network", key): value for key, value in network.values.items()} if network else {}),
    }
    return {group: {key: values.get((group, key), "") for key in keys} for group, keys in source.environment.items()}
