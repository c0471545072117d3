"""AWS CodeConnections: connections to repositories at GitHub, GitLab, Bitbucket and others, and these repositories."""

from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend
from moto.moto_api._internal import mock_random

from sandbox.emulator.codecommit.git_store import GitRepository
from sandbox.emulator.core.errors import ServiceError


class CodeConnectionsBackend(BaseBackend):
    """The connections of one account and region, by ARN."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.connections: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.repositories: dict[tuple[str, str], GitRepository] = {}
        """What the provider has and the connection's app may use, by connection and full name."""

    def create(self, name: str, provider_type: str | None, host_arn: str | None, tags: list[dict[str, str]]) -> str:
        """Make a connection that waits for its handshake; its ARN."""
        if not provider_type and not host_arn:
            raise ServiceError("ValidationException", "Either ProviderType or HostArn is needed.")
        if any(connection["ConnectionName"] == name for connection in self.connections.values()):
            raise ServiceError("InvalidInputException", f"A connection named {name} exists already in this account.")
        arn = (
            f"arn:{self.partition}:codeconnections:{self.region_name}:{self.account_id}"
            f":connection/{mock_random.uuid4()}"
        )
        self.connections[arn] = {
            "ConnectionArn": arn,
            "ConnectionName": name,
            "ConnectionStatus": "PENDING",
            "OwnerAccountId": self.account_id,
            "ProviderType": provider_type,
        } | ({"HostArn": host_arn} if host_arn else {})
        self.tags[arn] = {tag["Key"]: tag["Value"] for tag in tags}
        return arn

    def get(self, arn: str) -> dict[str, Any]:
        """Return the connection; `ResourceNotFoundException` where there is none."""
        if arn not in self.connections:
            raise ServiceError("ResourceNotFoundException", f"Connection {arn} not found")
        return self.connections[arn]

    def complete_handshake(self, arn: str) -> None:
        """Do what a person does in the console: accept the connection at the provider."""
        self.get(arn)["ConnectionStatus"] = "AVAILABLE"

    def make_repository(self, arn: str, name: str) -> None:
        """Do what a person does at the provider: make an empty repository that the connection's app may use."""
        self.get(arn)
        self.repositories.setdefault((arn, name), GitRepository())

    def repository(self, arn: str, name: str) -> GitRepository:
        """Return a repository at the provider, as far as the connection reaches it."""
        if self.get(arn)["ConnectionStatus"] != "AVAILABLE":
            raise ServiceError("ConnectionUnavailableException", f"Connection {arn} is not available")
        if (arn, name) not in self.repositories:
            raise ServiceError("ResourceNotFoundException", f"Could not access the repository {name}")
        return self.repositories[arn, name]

    def delete(self, arn: str) -> None:
        """Remove the connection and its tags."""
        self.get(arn)
        del self.connections[arn], self.tags[arn]


# botocore lists no regions of this service; it is offered where EC2 is.
codeconnections_backends = BackendDict(CodeConnectionsBackend, "ec2")
