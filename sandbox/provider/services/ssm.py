"""Handlers of `aws:ssm/*`."""
# ruff: noqa: ARG002 - the handlers share one signature

from typing import ClassVar

from sandbox.provider.aws import Aws
from sandbox.provider.resource import Change, Resource
from sandbox.provider.values import Properties, present, tag_list, tag_map

SERVICE = "ssm"


class Parameter(Resource):
    """A parameter that is no secret; its id is its name."""

    kind = "aws:ssm/parameter:Parameter"
    service = SERVICE
    replaces = frozenset({"name"})
    updates = frozenset({"description", "tags", "type", "value"})
    computed = frozenset({"arn", "version"})
    keeps = frozenset({"description"})
    defaults: ClassVar = {"type": "String"}
    name = "name"
    absent = frozenset({"ParameterNotFound"})
    tagged = True

    def create(self, aws: Aws, inputs: Properties) -> str:
        """PutParameter, which tags new parameters only."""
        aws.client(SERVICE).put_parameter(**_arguments(inputs), Tags=tag_list(inputs.get("tags", {})))
        return str(inputs["name"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """PutParameter again."""
        if change.old and change.any("description", "type", "value"):
            aws.client(SERVICE).put_parameter(**_arguments(dict(change.new)), Overwrite=True)

    def retag(self, aws: Aws, ident: str, tags: dict[str, str], gone: list[str]) -> None:
        """AddTagsToResource and RemoveTagsFromResource."""
        place = {"ResourceType": "Parameter", "ResourceId": ident}
        if gone:
            aws.client(SERVICE).remove_tags_from_resource(**place, TagKeys=gone)
        if tags:
            aws.client(SERVICE).add_tags_to_resource(**place, Tags=tag_list(tags))

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetParameter, DescribeParameters and ListTagsForResource."""
        ssm = aws.client(SERVICE)
        found = ssm.get_parameter(Name=ident)["Parameter"]
        named = {"Key": "Name", "Option": "Equals", "Values": [ident]}
        (described,) = ssm.describe_parameters(ParameterFilters=[named])["Parameters"]
        tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=ident)["TagList"]
        return {
            "arn": found["ARN"],
            "description": described.get("Description", ""),
            "name": ident,
            "tagsAll": tag_map(tags),
            "type": found["Type"],
            "value": found["Value"],
            "version": found["Version"],
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeleteParameter."""
        aws.client(SERVICE).delete_parameter(Name=ident)


def _arguments(inputs: Properties) -> Properties:
    return present(
        Name=inputs["name"], Type=inputs["type"], Value=inputs["value"], Description=inputs.get("description")
    )
