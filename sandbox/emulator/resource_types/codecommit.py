"""AWS::CodeCommit: repositories."""

import zipfile

from moto.codecommit.models import codecommit_backends
from typing_extensions import override

from sandbox.emulator.codecommit.content import first_commit
from sandbox.emulator.core.callers import Client
from sandbox.emulator.resource_types.base import Api, HandlerError, Properties, Resource, ResourceType, Scope, Tagging


class Repository(Api):
    """AWS::CodeCommit::Repository, whose first commit comes from S3."""

    @override
    def complete(self, scope: Scope, name: str, properties: Properties) -> Resource:
        repository = super().complete(scope, name, properties)
        if "Code" in properties:
            code = properties["Code"]
            wanted = {_OBJECT[key]: value for key, value in code["S3"].items()}
            archive = scope.caller.client("s3").get_object(**wanted)["Body"].read()
            scope.caller.judge("codecommit", "CreateCommit", repositoryName=name)
            backend = codecommit_backends[scope.caller.account][scope.caller.region]
            metadata = backend.get_repository(name)
            branch = code.get("BranchName", "main")
            try:
                first_commit(backend.content(metadata), archive, branch)  # type: ignore[attr-defined] # see codecommit.models
            except zipfile.BadZipFile as error:
                raise HandlerError(str(error)) from None
            metadata["defaultBranch"] = branch
        return repository

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        client = scope.caller.client(self.service)
        name = self.custom_name(new) or resource.name
        if name != resource.name:
            client.update_repository_name(oldName=resource.name, newName=name)
        if new.get("RepositoryDescription") != old.get("RepositoryDescription"):
            description = new.get("RepositoryDescription", "")
            client.update_repository_description(repositoryName=name, repositoryDescription=description)
        return super().update(scope, self.describe(client, name), old, new)

    @override
    def must_replace(self, old: Properties, new: Properties) -> bool:
        return False


_OBJECT = {"Bucket": "Bucket", "Key": "Key", "ObjectVersion": "VersionId"}


def _repository(client: Client, name: str) -> Resource:
    found = client.get_repository(repositoryName=name)["repositoryMetadata"]
    attributes = {
        "Arn": found["Arn"],
        "Name": name,
        "CloneUrlHttp": found["cloneUrlHttp"],
        "CloneUrlSsh": found["cloneUrlSsh"],
        "KmsKeyId": found.get("kmsKeyId", ""),
    }
    return Resource(name=name, physical_id=found["repositoryId"], attributes=attributes)


TYPES: dict[str, ResourceType] = {
    "AWS::CodeCommit::Repository": Repository(
        service="codecommit",
        create_operation="create_repository",
        delete_operation="delete_repository",
        describe=_repository,
        name="RepositoryName",
        name_limit=100,
        tagging=Tagging(),
        template_only=frozenset({"Code"}),
    ),
}
