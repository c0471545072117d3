"""AWS::CloudWatch: alarms."""

from sandbox.emulator.core.callers import Client
from sandbox.emulator.resource_types.base import Api, Resource, ResourceType


def _alarm(client: Client, name: str) -> Resource:
    (alarm,) = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return Resource(name=name, physical_id=name, attributes={"Arn": alarm["AlarmArn"]})


TYPES: dict[str, ResourceType] = {
    "AWS::CloudWatch::Alarm": Api(
        service="cloudwatch",
        create_operation="put_metric_alarm",
        update_operation="put_metric_alarm",
        delete_operation="delete_alarms",
        describe=_alarm,
        name="AlarmName",
        key="AlarmNames",
    ),
}
