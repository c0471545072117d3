"""Handlers of `aws:codeconnections/*`."""
# ruff: noqa: ARG002 - the handlers share one signature

from sandbox.provider.aws import Aws
from sandbox.provider.resource import Resource
from sandbox.provider.values import Properties, present, tag_list, tag_map


class Connection(Resource):
    """A connection to a provider of repositories; pending until a person completes its handshake."""

    kind = "aws:codeconnections/connection:Connection"
    awaits_end = True
    service = "codeconnections"
    replaces = frozenset({"hostArn", "name", "providerType"})
    updates = frozenset({"tags"})
    computed = frozenset({"arn", "connectionStatus", "ownerAccountId"})
    keeps = frozenset({"providerType"})
    name = "name"
    absent = frozenset({"ResourceNotFoundException"})
    tagged = True

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreateConnection."""
        made = aws.client("codeconnections").create_connection(
            ConnectionName=inputs["name"],
            Tags=tag_list(inputs.get("tags", {})),
            **present(ProviderType=inputs.get("providerType"), HostArn=inputs.get("hostArn")),
        )
        return str(made["ConnectionArn"])

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetConnection."""
        client = aws.client("codeconnections")
        found = client.get_connection(ConnectionArn=ident)["Connection"]
        return {
            "arn": ident,
            "connectionStatus": found["ConnectionStatus"],
            "hostArn": found.get("HostArn"),
            "name": found["ConnectionName"],
            "ownerAccountId": found["OwnerAccountId"],
            "providerType": found.get("ProviderType"),
            "tagsAll": tag_map(client.list_tags_for_resource(ResourceArn=ident)["Tags"]),
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeleteConnection."""
        aws.client("codeconnections").delete_connection(ConnectionArn=ident)
