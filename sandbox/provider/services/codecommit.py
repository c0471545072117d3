"""Handlers of `aws:codecommit/*`."""
# ruff: noqa: ARG002 - the handlers share one signature

from typing import Any

from sandbox.provider.aws import Aws
from sandbox.provider.resource import Change, Resource, Tagging
from sandbox.provider.values import Properties, present

NO_REPOSITORY = "RepositoryDoesNotExistException"
NO_TEMPLATE = "ApprovalRuleTemplateDoesNotExistException"


class Repository(Resource):
    """A repository."""

    kind = "aws:codecommit/repository:Repository"
    service = "codecommit"
    # As in the official plugin another name is an update, after which the state still has the old one as its id.
    replaces = frozenset()
    updates = frozenset({"defaultBranch", "description", "kmsKeyId", "repositoryName", "tags"})
    computed = frozenset({"arn", "cloneUrlHttp", "cloneUrlSsh", "repositoryId"})
    keeps = frozenset({"defaultBranch", "kmsKeyId"})
    unread = frozenset({"defaultBranch"})
    absent = frozenset({NO_REPOSITORY})
    tagged = True
    tagging = Tagging(member="resourceArn", arn="{}", keys="tagKeys", tags="tags", form=dict)

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreateRepository."""
        aws.client("codecommit").create_repository(
            repositoryName=inputs["repositoryName"],
            **present(
                repositoryDescription=inputs.get("description"),
                kmsKeyId=inputs.get("kmsKeyId"),
                tags=inputs.get("tags"),
            ),
        )
        return str(inputs["repositoryName"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """Description, key, and the default branch of a repository that has branches."""
        codecommit, created = aws.client("codecommit"), not change.old
        if not created and "repositoryName" in change:
            ident = str(change["repositoryName"])
            codecommit.update_repository_name(oldName=change.old["repositoryName"], newName=ident)
        if not created and "description" in change:
            codecommit.update_repository_description(
                repositoryName=ident, repositoryDescription=change["description"] or ""
            )
        if not created and "kmsKeyId" in change and change["kmsKeyId"]:
            codecommit.update_repository_encryption_key(repositoryName=ident, kmsKeyId=change["kmsKeyId"])
        branch = change["defaultBranch"]
        # The official plugin too leaves an empty repository alone: AWS refuses a branch that is not there.
        if branch and "defaultBranch" in change and codecommit.list_branches(repositoryName=ident)["branches"]:
            codecommit.update_default_branch(repositoryName=ident, defaultBranchName=branch)

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetRepository."""
        codecommit = aws.client("codecommit")
        found = codecommit.get_repository(repositoryName=ident)["repositoryMetadata"]
        return {
            "arn": found["Arn"],
            "cloneUrlHttp": found["cloneUrlHttp"],
            "cloneUrlSsh": found["cloneUrlSsh"],
            "description": found.get("repositoryDescription"),
            "kmsKeyId": found.get("kmsKeyId"),
            "repositoryId": found["repositoryId"],
            "repositoryName": ident,
            "tagsAll": codecommit.list_tags_for_resource(resourceArn=found["Arn"])["tags"],
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeleteRepository."""
        aws.client("codecommit").delete_repository(repositoryName=ident)


class ApprovalRuleTemplate(Resource):
    """A template for the approval rules of pull requests."""

    kind = "aws:codecommit/approvalRuleTemplate:ApprovalRuleTemplate"
    service = "codecommit"
    # As for a repository.
    replaces = frozenset()
    updates = frozenset({"content", "description", "name"})
    computed = frozenset(
        {"approvalRuleTemplateId", "creationDate", "lastModifiedDate", "lastModifiedUser", "ruleContentSha256"}
    )
    name = "name"
    absent = frozenset({NO_TEMPLATE})

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreateApprovalRuleTemplate."""
        aws.client("codecommit").create_approval_rule_template(
            approvalRuleTemplateName=inputs["name"],
            approvalRuleTemplateContent=inputs["content"],
            **present(approvalRuleTemplateDescription=inputs.get("description")),
        )
        return str(inputs["name"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """Content and description, each by its own call."""
        codecommit = aws.client("codecommit")
        if change.old and "name" in change:
            ident = str(change["name"])
            codecommit.update_approval_rule_template_name(
                oldApprovalRuleTemplateName=change.old["name"], newApprovalRuleTemplateName=ident
            )
        if change.old and "content" in change:
            codecommit.update_approval_rule_template_content(
                approvalRuleTemplateName=ident, newRuleContent=change["content"]
            )
        if change.old and "description" in change:
            codecommit.update_approval_rule_template_description(
                approvalRuleTemplateName=ident, approvalRuleTemplateDescription=change["description"] or ""
            )

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetApprovalRuleTemplate."""
        answer = aws.client("codecommit").get_approval_rule_template(approvalRuleTemplateName=ident)
        found: dict[str, Any] = answer["approvalRuleTemplate"]
        return {
            "approvalRuleTemplateId": found["approvalRuleTemplateId"],
            "content": found["approvalRuleTemplateContent"],
            "creationDate": found["creationDate"].isoformat(),
            "description": found.get("approvalRuleTemplateDescription"),
            "lastModifiedDate": found["lastModifiedDate"].isoformat(),
            "lastModifiedUser": found["lastModifiedUser"],
            "name": ident,
            "ruleContentSha256": found["ruleContentSha256"],
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeleteApprovalRuleTemplate."""
        aws.client("codecommit").delete_approval_rule_template(approvalRuleTemplateName=ident)


class ApprovalRuleTemplateAssociation(Resource):
    """A template applied to a repository; its id is `<template>,<repository>`."""

    kind = "aws:codecommit/approvalRuleTemplateAssociation:ApprovalRuleTemplateAssociation"
    service = "codecommit"
    replaces = frozenset({"approvalRuleTemplateName", "repositoryName"})
    absent = frozenset({NO_REPOSITORY, NO_TEMPLATE})

    def create(self, aws: Aws, inputs: Properties) -> str:
        """AssociateApprovalRuleTemplateWithRepository."""
        aws.client("codecommit").associate_approval_rule_template_with_repository(**inputs_of(inputs))
        return f"{inputs['approvalRuleTemplateName']},{inputs['repositoryName']}"

    def read(self, aws: Aws, ident: str) -> Properties | None:
        """Look for the repository among those of the template."""
        template, repository = ident.split(",", 1)
        found = aws.client("codecommit").list_repositories_for_approval_rule_template(approvalRuleTemplateName=template)
        if repository not in found["repositoryNames"]:
            return None
        return {"approvalRuleTemplateName": template, "repositoryName": repository}

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DisassociateApprovalRuleTemplateFromRepository."""
        aws.client("codecommit").disassociate_approval_rule_template_from_repository(**inputs_of(state))


def inputs_of(properties: Properties) -> dict[str, str]:
    """Return the two names that an association's calls take."""
    return {name: properties[name] for name in ("approvalRuleTemplateName", "repositoryName")}
