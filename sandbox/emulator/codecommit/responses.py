"""AWS CodeCommit: requests that moto lacks, on repositories and on templates for approval rules."""

import json
import re
from typing import Any, cast

from moto.codecommit.exceptions import InvalidRepositoryNameException
from moto.codecommit.models import codecommit_backends
from moto.codecommit.responses import CodeCommitResponse as MotoResponse

from sandbox.emulator.codecommit.content import ContentOperations
from sandbox.emulator.codecommit.models import CodeCommitBackend, check_content
from sandbox.emulator.codecommit.pull_requests import PullRequestOperations
from sandbox.emulator.core import decisions
from sandbox.emulator.core.errors import ServiceError

REPOSITORY_NAME = re.compile(r"[\w.-]{1,100}(?<!\.git)", re.ASCII)


class CodeCommitResponse(ContentOperations, PullRequestOperations, MotoResponse):
    """moto's operations on repositories, and the ones beside them."""

    @property
    def backend(self) -> CodeCommitBackend:
        """The backend of the request's account and region."""
        return cast("CodeCommitBackend", codecommit_backends[self.current_account][self.region])

    def _repository(self) -> dict[str, Any]:
        return self.backend.get_repository(self._get_param("repositoryName"))

    def create_repository(self) -> str:
        """CreateRepository."""
        self._check_admitted()
        name = self._get_param("repositoryName")
        if not REPOSITORY_NAME.fullmatch(name):
            raise InvalidRepositoryNameException
        metadata = self.backend.create_repository(
            name,
            self._get_param("repositoryDescription"),
            self._get_param("tags"),
            self._get_param("kmsKeyId"),
        )
        return json.dumps({"repositoryMetadata": metadata})

    @staticmethod
    def _check_admitted() -> None:
        if not decisions.current().codecommit:
            raise ServiceError(
                "OperationNotAllowedException",
                "The request is not allowed because there is no existing repository in this AWS account or AWS "
                "Organization.",
            )

    def list_repositories(self) -> str:
        """ListRepositories."""
        self._check_admitted()
        found = [
            {"repositoryName": name, "repositoryId": repository.repository_metadata["repositoryId"]}
            for name, repository in sorted(self.backend.repositories.items())
        ]
        return json.dumps({"repositories": found})

    def update_repository_description(self) -> str:
        """UpdateRepositoryDescription."""
        self._repository()["repositoryDescription"] = self._get_param("repositoryDescription", "")
        return "{}"

    def update_repository_name(self) -> str:
        """UpdateRepositoryName."""
        new = self._get_param("newName")
        if not REPOSITORY_NAME.fullmatch(new):
            raise InvalidRepositoryNameException
        self.backend.rename_repository(self._get_param("oldName"), new)
        return "{}"

    def update_repository_encryption_key(self) -> str:
        """UpdateRepositoryEncryptionKey."""
        metadata = self._repository()
        original, new = metadata.get("kmsKeyId"), self.backend.encryption_key(self._get_param("kmsKeyId"))
        metadata["kmsKeyId"] = new
        return json.dumps({"repositoryId": metadata["repositoryId"], "kmsKeyId": new, "originalKmsKeyId": original})

    def list_tags_for_resource(self) -> str:
        """ListTagsForResource."""
        return json.dumps({"tags": self.backend.resource_tags(self._get_param("resourceArn"))})

    def tag_resource(self) -> str:
        """TagResource."""
        self.backend.resource_tags(self._get_param("resourceArn")).update(self._get_param("tags"))
        return "{}"

    def untag_resource(self) -> str:
        """UntagResource."""
        tags = self.backend.resource_tags(self._get_param("resourceArn"))
        for key in self._get_param("tagKeys"):
            tags.pop(key, None)
        return "{}"

    def create_approval_rule_template(self) -> str:
        """CreateApprovalRuleTemplate."""
        return self._template(
            self.backend.create_template(
                self._get_param("approvalRuleTemplateName"),
                check_content(self._get_param("approvalRuleTemplateContent")),
                self._get_param("approvalRuleTemplateDescription", ""),
            )
        )

    def get_approval_rule_template(self) -> str:
        """GetApprovalRuleTemplate."""
        return self._template(self.backend.template(self._get_param("approvalRuleTemplateName")))

    def update_approval_rule_template_content(self) -> str:
        """UpdateApprovalRuleTemplateContent; refused where the content is not the one that the caller saw."""
        name, seen = self._get_param("approvalRuleTemplateName"), self._get_param("existingRuleContentSha256")
        if seen and seen != self.backend.template(name)["ruleContentSha256"]:
            raise ServiceError("InvalidRuleContentSha256Exception", f"{name} has another content by now")
        content = check_content(self._get_param("newRuleContent"))
        return self._template(self.backend.change_template(name, content=content))

    def update_approval_rule_template_description(self) -> str:
        """UpdateApprovalRuleTemplateDescription."""
        return self._template(
            self.backend.change_template(
                self._get_param("approvalRuleTemplateName"),
                description=self._get_param("approvalRuleTemplateDescription"),
            )
        )

    def update_approval_rule_template_name(self) -> str:
        """UpdateApprovalRuleTemplateName."""
        old, new = self._get_param("oldApprovalRuleTemplateName"), self._get_param("newApprovalRuleTemplateName")
        if new in self.backend.templates:
            raise ServiceError("ApprovalRuleTemplateNameAlreadyExistsException", f"{new} already exists")
        return self._template(self.backend.change_template(old, new_name=new))

    def delete_approval_rule_template(self) -> str:
        """DeleteApprovalRuleTemplate."""
        removed = self.backend.delete_template(self._get_param("approvalRuleTemplateName"))
        return json.dumps({"approvalRuleTemplateId": removed or ""})

    def list_approval_rule_templates(self) -> str:
        """ListApprovalRuleTemplates."""
        return json.dumps({"approvalRuleTemplateNames": sorted(self.backend.templates)})

    def associate_approval_rule_template_with_repository(self) -> str:
        """AssociateApprovalRuleTemplateWithRepository."""
        self.backend.associate(self._get_param("approvalRuleTemplateName"), self._get_param("repositoryName"))
        return "{}"

    def disassociate_approval_rule_template_from_repository(self) -> str:
        """DisassociateApprovalRuleTemplateFromRepository."""
        self.backend.disassociate(self._get_param("approvalRuleTemplateName"), self._get_param("repositoryName"))
        return "{}"

    def list_associated_approval_rule_templates_for_repository(self) -> str:
        """ListAssociatedApprovalRuleTemplatesForRepository."""
        names = self.backend.templates_of(self._get_param("repositoryName"))
        return json.dumps({"approvalRuleTemplateNames": names})

    def list_repositories_for_approval_rule_template(self) -> str:
        """ListRepositoriesForApprovalRuleTemplate."""
        name = self._get_param("approvalRuleTemplateName")
        self.backend.template(name)
        return json.dumps({"repositoryNames": self.backend.associations[name]})

    @staticmethod
    def _template(template: dict[str, Any]) -> str:
        return json.dumps({"approvalRuleTemplate": template})
