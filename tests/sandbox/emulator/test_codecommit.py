"""CodeCommit's repositories and templates for approval rules, as an AWS client sees them."""

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Client, Clients
from tests.sandbox.support.cases import approvals
from tests.sandbox.support.refusals import code_of


@pytest.fixture
def codecommit(aws: Clients) -> Client:
    return aws("codecommit")


@pytest.mark.parametrize("name", ["a b", "x" * 101, "name.git", "é"])
def test_repository_name_is_checked(codecommit: Client, name: str) -> None:
    with pytest.raises(ClientError) as raised:
        codecommit.create_repository(repositoryName=name)
    assert code_of(raised) in {"InvalidRepositoryNameException", "ParamValidation"}


def test_repository_of_a_name_exists_once(codecommit: Client) -> None:
    codecommit.create_repository(repositoryName="once")
    with pytest.raises(ClientError) as raised:
        codecommit.create_repository(repositoryName="once")
    assert code_of(raised) == "RepositoryNameExistsException"


def test_repository_key_must_exist_and_be_enabled(aws: Clients, codecommit: Client) -> None:
    with pytest.raises(ClientError) as raised:
        codecommit.create_repository(repositoryName="keyless", kmsKeyId="00000000-0000-0000-0000-000000000000")
    assert code_of(raised) == "EncryptionKeyNotFoundException"
    key = aws("kms").create_key()["KeyMetadata"]
    aws("kms").disable_key(KeyId=key["KeyId"])
    with pytest.raises(ClientError) as raised:
        codecommit.create_repository(repositoryName="keyless", kmsKeyId=key["Arn"])
    assert code_of(raised) == "EncryptionKeyDisabledException"
    aws("kms").enable_key(KeyId=key["KeyId"])
    made = codecommit.create_repository(repositoryName="keyed", kmsKeyId=key["KeyId"])["repositoryMetadata"]
    assert made["kmsKeyId"] == key["Arn"]


def test_repository_can_be_renamed_with_its_tags(codecommit: Client) -> None:
    codecommit.create_repository(repositoryName="before", tags={"a": "b"})
    codecommit.update_repository_name(oldName="before", newName="after")
    renamed = codecommit.get_repository(repositoryName="after")["repositoryMetadata"]
    assert renamed["Arn"].endswith(":after")
    assert renamed["cloneUrlHttp"].endswith("/after")
    assert codecommit.list_tags_for_resource(resourceArn=renamed["Arn"])["tags"] == {"a": "b"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "Expecting"),
        ("[]", "Version must be"),
        ('{"Version": "2012-10-17", "Statements": []}', "Version must be"),
        ('{"Version": "2018-11-08", "Statements": []}', "one statement"),
        (approvals(0), "NumberOfApprovalsNeeded"),
        (approvals(1).replace("Statements", "Statement"), "unknown keys"),
        (approvals(1) + " " * 3000, "3000 characters"),
    ],
)
def test_template_content_is_checked(codecommit: Client, content: str, reason: str) -> None:
    with pytest.raises(ClientError, match=reason) as raised:
        codecommit.create_approval_rule_template(approvalRuleTemplateName="bad", approvalRuleTemplateContent=content)
    assert code_of(raised) == "InvalidApprovalRuleTemplateContentException"


def test_template_in_use_is_not_deleted(codecommit: Client) -> None:
    codecommit.create_repository(repositoryName="used")
    codecommit.create_approval_rule_template(approvalRuleTemplateName="used", approvalRuleTemplateContent=approvals(1))
    names = {"approvalRuleTemplateName": "used", "repositoryName": "used"}
    for _ in range(2):
        codecommit.associate_approval_rule_template_with_repository(**names)
    assert codecommit.list_repositories_for_approval_rule_template(approvalRuleTemplateName="used")[
        "repositoryNames"
    ] == ["used"]
    with pytest.raises(ClientError) as raised:
        codecommit.delete_approval_rule_template(approvalRuleTemplateName="used")
    assert code_of(raised) == "ApprovalRuleTemplateInUseException"
    codecommit.delete_repository(repositoryName="used")
    codecommit.delete_approval_rule_template(approvalRuleTemplateName="used")
    assert "used" not in codecommit.list_approval_rule_templates()["approvalRuleTemplateNames"]


def test_template_changes_one_side_at_a_time(codecommit: Client) -> None:
    made = codecommit.create_approval_rule_template(
        approvalRuleTemplateName="first", approvalRuleTemplateContent=approvals(1)
    )["approvalRuleTemplate"]
    codecommit.update_approval_rule_template_name(
        oldApprovalRuleTemplateName="first", newApprovalRuleTemplateName="renamed"
    )
    codecommit.update_approval_rule_template_description(
        approvalRuleTemplateName="renamed", approvalRuleTemplateDescription="said"
    )
    stale = {"existingRuleContentSha256": "0" * 64, "newRuleContent": approvals(2)}
    with pytest.raises(ClientError) as raised:
        codecommit.update_approval_rule_template_content(approvalRuleTemplateName="renamed", **stale)
    assert code_of(raised) == "InvalidRuleContentSha256Exception"
    changed = codecommit.update_approval_rule_template_content(
        approvalRuleTemplateName="renamed", newRuleContent=approvals(2)
    )["approvalRuleTemplate"]
    assert changed["approvalRuleTemplateId"] == made["approvalRuleTemplateId"]
    assert changed["approvalRuleTemplateDescription"] == "said"
    assert changed["ruleContentSha256"] != made["ruleContentSha256"]
