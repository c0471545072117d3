"""AWS CodeCommit: repositories with tags and keys, and the account's templates for approval rules."""

import hashlib
import json
import re
from typing import Any

from moto.codecommit.models import CodeCommitBackend as MotoBackend
from moto.core.exceptions import JsonRESTError
from moto.core.utils import unix_time
from moto.kms.models import kms_backends
from moto.moto_api._internal import mock_random

from sandbox.emulator.codecommit.git_store import GitRepository
from sandbox.emulator.codecommit.pull_requests import PullRequests
from sandbox.emulator.core.errors import ServiceError

TEMPLATE_NAME = re.compile(r".{1,100}", re.DOTALL)
MAX_CONTENT = 3000
CONTENT_VERSION = "2018-11-08"
MAX_TEMPLATES_PER_REPOSITORY = 25


class CodeCommitBackend(MotoBackend):
    """Repositories with tags and keys, and the account's templates for approval rules, by name."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.tags: dict[str, dict[str, str]] = {}
        self.templates: dict[str, dict[str, Any]] = {}
        self.associations: dict[str, list[str]] = {}
        self.contents: dict[str, GitRepository] = {}
        self.pull_requests = PullRequests()

    def create_repository(
        self,
        repository_name: str,
        repository_description: str,
        tags: dict[str, str] | None = None,
        key: str | None = None,
    ) -> dict[str, str]:
        """Make a repository, encrypted with `key` where one is given."""
        key_id = self.encryption_key(key) if key else None
        metadata = super().create_repository(repository_name, repository_description)
        if key_id:
            metadata["kmsKeyId"] = key_id
        self.tags[metadata["Arn"]] = dict(tags or {})
        return metadata

    def delete_repository(self, repository_name: str) -> str | None:
        """Remove the repository, its tags and its associations; None when it is not there."""
        if repository_name in self.repositories:
            metadata = self.get_repository(repository_name)
            del self.tags[metadata["Arn"]]
            self.contents.pop(metadata["repositoryId"], None)
            for repositories in self.associations.values():
                if repository_name in repositories:
                    repositories.remove(repository_name)
        return super().delete_repository(repository_name)

    def content(self, metadata: dict[str, str]) -> GitRepository:
        """Return what a repository holds, by the description that `get_repository` gives."""
        identity = metadata["repositoryId"]
        if identity not in self.contents:
            self.contents.setdefault(identity, GitRepository())
        return self.contents[identity]

    def rename_repository(self, old: str, new: str) -> None:
        """Give the repository another name; its ARN and addresses follow."""
        if new in self.repositories:
            raise ServiceError("RepositoryNameExistsException", f"Repository named {new} already exists")
        metadata = self.get_repository(old)
        tags = self.tags.pop(metadata["Arn"])
        for field in ("repositoryName", "Arn", "cloneUrlHttp", "cloneUrlSsh"):
            metadata[field] = metadata[field].removesuffix(old) + new
        self.repositories[new] = self.repositories.pop(old)
        self.tags[metadata["Arn"]] = tags

    def encryption_key(self, key: str) -> str:
        """Return the ARN of a key that can encrypt a repository; the API's errors for one that cannot."""
        try:
            found = kms_backends[self.account_id][self.region_name].describe_key(key)
        except (JsonRESTError, KeyError) as error:
            raise ServiceError("EncryptionKeyNotFoundException", f"The KMS key {key} was not found") from error
        if found.key_state != "Enabled":
            raise ServiceError("EncryptionKeyDisabledException", f"The KMS key {key} is {found.key_state}")
        return found.arn

    def resource_tags(self, arn: str) -> dict[str, str]:
        """Return the tags of the repository with that ARN; they can be changed in place."""
        if arn not in self.tags:
            raise ServiceError("RepositoryDoesNotExistException", f"{arn} does not exist")
        return self.tags[arn]

    def create_template(self, name: str, content: str, description: str) -> dict[str, Any]:
        """Make a template for approval rules."""
        if not TEMPLATE_NAME.fullmatch(name):
            raise ServiceError(
                "InvalidApprovalRuleTemplateNameException", "The template name must have 1 to 100 characters."
            )
        if name in self.templates:
            raise ServiceError("ApprovalRuleTemplateNameAlreadyExistsException", f"{name} already exists")
        now = unix_time()
        self.templates[name] = {
            "approvalRuleTemplateId": str(mock_random.uuid4()),
            "approvalRuleTemplateName": name,
            "approvalRuleTemplateDescription": description,
            "creationDate": now,
        }
        self.associations[name] = []
        return self.change_template(name, content=content)

    def template(self, name: str) -> dict[str, Any]:
        """Return the template; `ApprovalRuleTemplateDoesNotExistException` where there is none."""
        if name not in self.templates:
            raise ServiceError("ApprovalRuleTemplateDoesNotExistException", f"{name} does not exist")
        return self.templates[name]

    def change_template(
        self, name: str, content: str | None = None, description: str | None = None, new_name: str | None = None
    ) -> dict[str, Any]:
        """Change one side of a template, and who changed it when."""
        template = self.template(name)
        if content is not None:
            template["approvalRuleTemplateContent"] = content
            template["ruleContentSha256"] = hashlib.sha256(content.encode()).hexdigest()
        if description is not None:
            template["approvalRuleTemplateDescription"] = description
        if new_name is not None:
            template["approvalRuleTemplateName"] = new_name
            self.templates[new_name] = self.templates.pop(name)
            self.associations[new_name] = self.associations.pop(name)
        template["lastModifiedDate"] = unix_time()
        template["lastModifiedUser"] = f"arn:{self.partition}:iam::{self.account_id}:root"
        return template

    def delete_template(self, name: str) -> str | None:
        """Remove a template that no repository uses; None when it is not there."""
        if self.associations.get(name):
            raise ServiceError(
                "ApprovalRuleTemplateInUseException", f"{name} is associated with {self.associations[name]}"
            )
        self.associations.pop(name, None)
        removed = self.templates.pop(name, None)
        return removed["approvalRuleTemplateId"] if removed else None

    def associate(self, template: str, repository: str) -> None:
        """Apply a template to a repository; again is no error."""
        self.template(template)
        self.get_repository(repository)
        if len(self.templates_of(repository)) >= MAX_TEMPLATES_PER_REPOSITORY:
            raise ServiceError(
                "MaximumRuleTemplatesAssociatedWithRepositoryException",
                f"{repository} has {MAX_TEMPLATES_PER_REPOSITORY} approval rule templates already",
            )
        if repository not in self.associations[template]:
            self.associations[template].append(repository)

    def disassociate(self, template: str, repository: str) -> None:
        """Take a template from a repository; where it is not applied is no error."""
        self.template(template)
        self.get_repository(repository)
        if repository in self.associations[template]:
            self.associations[template].remove(repository)

    def templates_of(self, repository: str) -> list[str]:
        """Return the names of the templates that are applied to a repository."""
        self.get_repository(repository)
        return [name for name, repositories in self.associations.items() if repository in repositories]


def check_content(content: str) -> str:
    """Return a template's content when it is what the API takes; else the API's error, with the reason."""

    def refuse(reason: str) -> ServiceError:
        return ServiceError("InvalidApprovalRuleTemplateContentException", f"The content is not valid: {reason}")

    if not 1 <= len(content) <= MAX_CONTENT:
        raise refuse(f"it must have 1 to {MAX_CONTENT} characters")
    try:
        rule = json.loads(content)
    except ValueError as error:
        raise refuse(str(error)) from error
    if not isinstance(rule, dict) or rule.get("Version") != CONTENT_VERSION:
        raise refuse(f"Version must be {CONTENT_VERSION}")
    unknown = sorted(rule.keys() - {"Version", "DestinationReferences", "Statements"})
    if unknown:
        raise refuse(f"unknown keys {unknown}")
    statements = rule.get("Statements")
    if not isinstance(statements, list) or len(statements) != 1:
        raise refuse("Statements must hold one statement")
    approvals = statements[0].get("NumberOfApprovalsNeeded")
    if statements[0].get("Type") != "Approvers" or not isinstance(approvals, int) or approvals < 1:
        raise refuse("the statement needs Type Approvers and a NumberOfApprovalsNeeded of 1 or more")
    return content
