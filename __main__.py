"""The platform of one environment: settings in, components out."""

import pulumi
import pulumi_aws as aws

import settings
from components.artifact_buckets import ArtifactBuckets, ArtifactBucketsArgs
from components.catalog import Catalog, CatalogArgs
from components.deployment_tests import DeploymentTests, DeploymentTestsArgs
from components.environment import Environment
from components.notifications import Notifications, NotificationsArgs
from components.platform_delivery import PlatformDelivery, PlatformDeliveryArgs
from components.sagemaker_projects import SageMakerProjects, SageMakerProjectsArgs
from components.source_repository import SourceRepository, SourceRepositoryArgs

stack = settings.load()
account_id, others = aws.get_caller_identity_output().account_id, settings.other_policies(stack)
environment = Environment(account_id=account_id, other_policies=others, **stack.surroundings)
artifacts = ArtifactBuckets("artifacts", ArtifactBucketsArgs(environment=environment, **dict(stack.artifacts)))
source = SourceRepository("source", SourceRepositoryArgs(environment=environment, **dict(stack.source)))
notifications = Notifications("notifications", NotificationsArgs(environment=environment, **stack.notifications.topic))
notifications.notify("repository", source.notifying_arn, stack.notifications.repository_event_type_ids)
pulumi.export("artifactStores", artifacts.summary)
pulumi.export("source", source.summary)
pulumi.export("notificationTopicArn", notifications.topic_arn)
if stack.catalog is not None:
    offer = CatalogArgs(environment=environment, topic_arn=notifications.topic_arn, **stack.catalog_offer)
    pulumi.export("catalog", Catalog("catalog", offer).summary)
if stack.projects is not None:
    switch = SageMakerProjectsArgs(environment=environment, **stack.projects_switch)
    pulumi.export("projects", SageMakerProjects("projects", switch).summary)
parts = {**stack.delivery_roles, "environment": environment, "source": source, "notifications": notifications}
if stack.delivery is not None:
    delivered = PlatformDeliveryArgs(stores=artifacts.stores, **parts, **dict(stack.delivery))
    pulumi.export("delivery", PlatformDelivery("delivery", delivered).summary)
if stack.delivery is not None and stack.deployment_tests is not None:
    tools = {**parts, "pulumi": stack.delivery, "stack": pulumi.get_stack(), "stores": artifacts.stores}
    tested = DeploymentTestsArgs(options=stack.deployment_tests.options, **tools)
    pulumi.export("deploymentTests", DeploymentTests("tests", tested).summary)
