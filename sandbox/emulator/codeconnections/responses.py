"""AWS CodeConnections: requests and answers."""

import json

from moto.core.responses import BaseResponse

from sandbox.emulator.codeconnections.models import CodeConnectionsBackend, codeconnections_backends


class CodeConnectionsResponse(BaseResponse):
    """One method per operation, as moto dispatches them."""

    def __init__(self) -> None:
        super().__init__(service_name="codeconnections")

    @property
    def backend(self) -> CodeConnectionsBackend:
        """The backend of the request's account and region."""
        return codeconnections_backends[self.current_account][self.region]

    def create_connection(self) -> str:
        """CreateConnection."""
        tags = self._get_param("Tags", [])
        arn = self.backend.create(
            self._get_param("ConnectionName"),
            self._get_param("ProviderType"),
            self._get_param("HostArn"),
            tags,
        )
        return json.dumps({"ConnectionArn": arn, "Tags": tags})

    def get_connection(self) -> str:
        """GetConnection."""
        return json.dumps({"Connection": self.backend.get(self._get_param("ConnectionArn"))})

    def list_connections(self) -> str:
        """ListConnections, filtered by provider type or host."""
        provider_type, host = self._get_param("ProviderTypeFilter"), self._get_param("HostArnFilter")
        found = [
            connection
            for connection in self.backend.connections.values()
            if provider_type in {None, connection["ProviderType"]} and host in {None, connection.get("HostArn")}
        ]
        return json.dumps({"Connections": found})

    def delete_connection(self) -> str:
        """DeleteConnection."""
        self.backend.delete(self._get_param("ConnectionArn"))
        return "{}"

    def list_tags_for_resource(self) -> str:
        """ListTagsForResource."""
        arn = self._get_param("ResourceArn")
        self.backend.get(arn)
        return json.dumps({"Tags": [{"Key": k, "Value": v} for k, v in self.backend.tags[arn].items()]})

    def tag_resource(self) -> str:
        """TagResource."""
        arn = self._get_param("ResourceArn")
        self.backend.get(arn)
        self.backend.tags[arn] |= {tag["Key"]: tag["Value"] for tag in self._get_param("Tags")}
        return "{}"

    def untag_resource(self) -> str:
        """UntagResource."""
        arn = self._get_param("ResourceArn")
        self.backend.get(arn)
        for key in self._get_param("TagKeys"):
            self.backend.tags[arn].pop(key, None)
        return "{}"
