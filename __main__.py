"""The platform of one environment: settings in, components out."""

import pulumi
import pulumi_aws as aws

import settings
from components import network_check
from components.artifact_buckets import ArtifactBuckets, ArtifactBucketsArgs
from components.catalog import Catalog, CatalogArgs
from components.deployment_tests import DeploymentTests, DeploymentTestsArgs
from components.environment import Environment
from components.notifications import Notifications, NotificationsArgs
from components.platform_delivery import PlatformDelivery, PlatformDeliveryArgs
from components.regions import known_regions
from components.sagemaker_projects import SageMakerProjects, SageMakerProjectsArgs
from components.source_repository import SourceRepository, SourceRepositoryArgs

stack = settings.load()
environment = Environment(
    names=stack.names,
    home=known_regions()[stack.home_region],
    account_id=aws.get_caller_identity_output().account_id,
    tags=stack.all_tags,
    networks=network_check.checked(stack.networks, stack.called_services, settings.aws_access()),
    **dict(stack.protection),
)
artifacts = ArtifactBuckets("artifacts", ArtifactBucketsArgs(environment=environment, **dict(stack.artifacts)))
source = SourceRepository("source", SourceRepositoryArgs(environment=environment, **dict(stack.source)))
notifications = Notifications(
    "notifications",
    NotificationsArgs(environment=environment, emails=stack.notifications.emails, detail=stack.notifications.detail),
)
if source.notifying_arn is not None:
    notifications.notify("repository", source.notifying_arn, stack.notifications.repository_event_type_ids)
if stack.catalog is not None:
    catalog_args = CatalogArgs(
        environment=environment,
        topic_arn=notifications.topic_arn,
        role_facts=stack.role_facts,
        **dict(stack.catalog),
    )
    pulumi.export("catalog", Catalog("catalog", catalog_args).summary)
if stack.projects is not None:
    switch = {**dict(stack.projects), "regions": stack.project_regions}
    projects_args = SageMakerProjectsArgs(environment=environment, **switch)
    pulumi.export("projects", SageMakerProjects("projects", projects_args).summary)
if stack.delivery is not None:
    parts = {"source": source, "stores": artifacts.stores, "notifications": notifications, **dict(stack.delivery)}
    delivery_args = PlatformDeliveryArgs(environment=environment, roles=stack.iam.delivery_roles, **parts)
    pulumi.export("delivery", PlatformDelivery("delivery", delivery_args).summary)
if stack.deployment_tests is not None and stack.delivery is not None:
    tests_args = DeploymentTestsArgs(
        environment=environment,
        stack=pulumi.get_stack(),
        source=source,
        stores=artifacts.stores,
        notifications=notifications,
        options=stack.deployment_tests.options,
        pulumi=stack.delivery,
    )
    pulumi.export("deploymentTests", DeploymentTests("tests", tests_args).summary)

pulumi.export("artifactStores", artifacts.summary)
pulumi.export("source", source.summary)
pulumi.export("notificationTopicArn", notifications.topic_arn)
