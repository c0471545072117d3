"""The platform of one environment: settings in, components out."""

import gc

gc.disable()  # the process ends with the program: to look for garbage takes a sixth of its time
import pulumi
import pulumi_aws as aws

import settings
from components import preflight
from components.catalog.catalog import Catalog, CatalogArgs
from components.notifications.notifications import Notifications, NotificationsArgs
from components.projects.sagemaker_projects import SageMakerProjects, SageMakerProjectsArgs
from components.source.source_repository import SourceRepository, SourceRepositoryArgs
from components.storage.artifact_buckets import ArtifactBuckets, ArtifactBucketsArgs

stack = settings.load()
env = stack.environment_in(aws.get_caller_identity_output().account_id, other_policies=preflight.check(stack))
artifacts = ArtifactBuckets("artifacts", ArtifactBucketsArgs(environment=env, spec=stack.artifacts))
source = SourceRepository("source", SourceRepositoryArgs(environment=env, spec=stack.source))
topic = Notifications("notifications", NotificationsArgs(environment=env, spec=stack.notifications))
topic.notify("repository", source.notifying_arn, stack.notifications.repository_event_type_ids)
pulumi.export("artifactStores", artifacts.summary)
pulumi.export("source", source.summary)
pulumi.export("notificationTopicArn", topic.topic_arn)
if stack.catalog is not None:
    offer = CatalogArgs(environment=env, spec=stack.catalog, iam=stack.iam, topic_arn=topic.topic_arn)
    pulumi.export("catalog", Catalog("catalog", offer).summary)
if stack.projects is not None:
    switch = SageMakerProjectsArgs(environment=env, spec=stack.projects, regions=stack.project_regions)
    pulumi.export("projects", SageMakerProjects("projects", switch).summary)
if stack.delivery is not None:  # the largest part, which few stacks have
    from components.delivery import deployment_tests, platform_delivery

    delivery = platform_delivery.PlatformDeliveryArgs(
        environment=env, spec=stack.delivery, iam=stack.iam, source=source, stores=artifacts.stores, notifications=topic
    )
    pulumi.export("delivery", platform_delivery.PlatformDelivery("delivery", delivery).summary)
    if (spec := stack.deployment_tests) is not None:
        tests = deployment_tests.DeploymentTestsArgs(delivery=delivery, spec=spec, stack=pulumi.get_stack())
        pulumi.export("deploymentTests", deployment_tests.DeploymentTests("tests", tests).summary)
