"""A role of the account: used if it does what is needed, made if there is none, shared by the stacks that use it."""

import json
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from pulumi.runtime import rpc

from components.providers.adopted_role import AdoptedRoleProvider, added_trust
from components.providers.aws_access import AwsError
from tests.support.played_aws import Clients, KilledError, Refused

ACCOUNT = "111122223333"
NAME = "AmazonSageMakerServiceCatalogProductsUseRole"
PATH = "/service-role/"
ARN = f"arn:aws:iam::{ACCOUNT}:role{PATH}{NAME}"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/company"
CREATED = "2026-01-01T00:00:00Z"
CHANGING = ("Add", "Attach", "Create", "Delete", "Detach", "Put", "Set", "Tag", "Untag", "Update")
VERSION_LIMIT = 5
Json = dict[str, Any]


def policy(*statements: Json) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allows(action: str, resource: str = "*", **more: Any) -> Json:
    return {"Sid": "Any", "Effect": "Allow", "Action": [action], "Resource": [resource], **more}


def trusts(*services: str, **more: Any) -> Json:
    source = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    base = {"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}
    return {**base, "Condition": source, **more}


TRUST = policy(trusts("codebuild.amazonaws.com", "lambda.amazonaws.com"))
POLICIES = [policy(allows("s3:GetObject", "arn:aws:s3:::sagemaker-*")), policy(allows("logs:PutLogEvents"))]


@dataclass
class Account:
    """What IAM holds of one account; listings have one entry to a page."""

    roles: dict[str, Json] = field(default_factory=dict)
    attachments: dict[str, set[str]] = field(default_factory=dict)
    inline: dict[str, dict[str, str]] = field(default_factory=dict)
    policies: dict[str, dict[str, str]] = field(default_factory=dict)
    denied: str = ""
    calls: list[str] = field(default_factory=list)
    made: int = 0

    def holds(self) -> Json:
        """All of it but what AWS counts."""
        roles = {name: {key: role[key] for key in role if key != "RoleId"} for name, role in self.roles.items()}
        for role in roles.values():
            role["Tags"] = sorted(role["Tags"], key=lambda tag: tag["Key"])
        latest = {arn: json.loads(list(versions.values())[-1]) for arn, versions in self.policies.items()}
        return deepcopy({"roles": roles, "attached": self.attachments, "inline": self.inline, "policies": latest})

    def changes(self) -> list[str]:
        return [call for call in self.calls if call.startswith(CHANGING)]

    def make(self, trust: str, *policies: str, path: str = PATH, boundary: str = "") -> None:
        """A role of somebody else, with policies of its own and no tags."""
        bound = {"PermissionsBoundary": boundary} if boundary else {}
        self.CreateRole(RoleName=NAME, Path=path, AssumeRolePolicyDocument=trust, Tags=[], Description="", **bound)
        self.inline[NAME] = {f"own-{number}": text for number, text in enumerate(policies)}
        self.calls.clear()

    def _role(self, name: str) -> Json:
        if name not in self.roles:
            raise Refused("NoSuchEntity")
        return self.roles[name]

    def GetRole(self, *, RoleName: str) -> Json:
        if self.denied == "GetRole":
            raise Refused("AccessDenied", "not authorized")
        return {"Role": deepcopy(self._role(RoleName))}

    def CreateRole(
        self,
        *,
        RoleName: str,
        Path: str,
        AssumeRolePolicyDocument: str,
        Tags: list[Json],
        Description: str,
        PermissionsBoundary: str = "",
    ) -> Json:
        if RoleName in self.roles:
            raise Refused("EntityAlreadyExists")
        self.made += 1
        self.roles[RoleName] = {
            "RoleName": RoleName,
            "Path": Path,
            "RoleId": f"AROA{self.made:017}",
            "Arn": f"arn:aws:iam::{ACCOUNT}:role{Path}{RoleName}",
            "CreateDate": CREATED,
            "Description": Description,
            "AssumeRolePolicyDocument": AssumeRolePolicyDocument,
            "Tags": Tags,
        }
        self.attachments[RoleName], self.inline[RoleName] = set(), {}
        if PermissionsBoundary:
            self.PutRolePermissionsBoundary(RoleName=RoleName, PermissionsBoundary=PermissionsBoundary)
        return deepcopy({"Role": {key: value for key, value in self.roles[RoleName].items() if key != "Tags"}})

    def DeleteRole(self, *, RoleName: str) -> None:
        if self.attachments[RoleName] or self.inline[RoleName]:
            raise Refused("DeleteConflict")
        del self.roles[RoleName], self.attachments[RoleName], self.inline[RoleName]

    def TagRole(self, *, RoleName: str, Tags: list[Json]) -> None:
        self._role(RoleName)["Tags"] = [*self._role(RoleName)["Tags"], *Tags]

    def UntagRole(self, *, RoleName: str, TagKeys: list[str]) -> None:
        role = self._role(RoleName)
        role["Tags"] = [tag for tag in role["Tags"] if tag["Key"] not in TagKeys]

    def UpdateAssumeRolePolicy(self, *, RoleName: str, PolicyDocument: str) -> None:
        self._role(RoleName)["AssumeRolePolicyDocument"] = PolicyDocument

    def PutRolePermissionsBoundary(self, *, RoleName: str, PermissionsBoundary: str) -> None:
        bound = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": PermissionsBoundary}
        self._role(RoleName)["PermissionsBoundary"] = bound

    def DeleteRolePermissionsBoundary(self, *, RoleName: str) -> None:
        del self._role(RoleName)["PermissionsBoundary"]

    def ListAttachedRolePolicies(self, *, RoleName: str, **arguments: Any) -> Json:
        self._role(RoleName)
        arns = sorted(self.attachments[RoleName])
        rows = [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]
        return _page("AttachedPolicies", rows, arguments)

    def AttachRolePolicy(self, *, RoleName: str, PolicyArn: str) -> None:
        assert PolicyArn in self.policies
        self.attachments[RoleName].add(PolicyArn)

    def DetachRolePolicy(self, *, RoleName: str, PolicyArn: str) -> None:
        self.attachments[RoleName].remove(PolicyArn)

    def ListRolePolicies(self, *, RoleName: str, **arguments: Any) -> Json:
        return _page("PolicyNames", sorted(self.inline[RoleName]), arguments)

    def GetRolePolicy(self, *, RoleName: str, PolicyName: str) -> Json:
        document = self.inline[RoleName][PolicyName]
        return {"RoleName": RoleName, "PolicyName": PolicyName, "PolicyDocument": document}

    def DeleteRolePolicy(self, *, RoleName: str, PolicyName: str) -> None:
        del self.inline[RoleName][PolicyName]

    def CreatePolicy(self, *, PolicyName: str, Path: str, PolicyDocument: str, **_: str) -> Json:
        arn = f"arn:aws:iam::{ACCOUNT}:policy{Path}{PolicyName}"
        if arn in self.policies:
            raise Refused("EntityAlreadyExists")
        self.policies[arn] = {"v1": PolicyDocument}
        return self.GetPolicy(PolicyArn=arn)

    def GetPolicy(self, *, PolicyArn: str) -> Json:
        if PolicyArn not in self.policies:
            raise Refused("NoSuchEntity")
        path, _, name = PolicyArn.partition(":policy")[2].rpartition("/")
        return {
            "Policy": {
                "PolicyName": name,
                "Path": f"{path}/",
                "Arn": PolicyArn,
                "DefaultVersionId": list(self.policies[PolicyArn])[-1],
            }
        }

    def ListPolicies(self, *, Scope: str, PathPrefix: str, **arguments: Any) -> Json:
        assert Scope == "Local"
        found = [arn for arn in sorted(self.policies) if f":policy{PathPrefix}" in arn]
        return _page("Policies", [self.GetPolicy(PolicyArn=arn)["Policy"] for arn in found], arguments)

    def ListPolicyVersions(self, *, PolicyArn: str) -> Json:
        versions = list(self.policies[PolicyArn])
        return {"Versions": [{"VersionId": one, "IsDefaultVersion": one == versions[-1]} for one in versions]}

    def GetPolicyVersion(self, *, PolicyArn: str, VersionId: str) -> Json:
        return {"PolicyVersion": {"VersionId": VersionId, "Document": self.policies[PolicyArn][VersionId]}}

    def CreatePolicyVersion(self, *, PolicyArn: str, PolicyDocument: str, SetAsDefault: bool) -> Json:
        assert SetAsDefault
        versions = self.policies[PolicyArn]
        if len(versions) >= VERSION_LIMIT:
            raise Refused("LimitExceeded")
        number = int(list(versions)[-1].removeprefix("v")) + 1
        versions[f"v{number}"] = PolicyDocument
        return {"PolicyVersion": {"VersionId": f"v{number}", "IsDefaultVersion": True}}

    def DeletePolicyVersion(self, *, PolicyArn: str, VersionId: str) -> None:
        assert VersionId != list(self.policies[PolicyArn])[-1]
        del self.policies[PolicyArn][VersionId]

    def DeletePolicy(self, *, PolicyArn: str) -> None:
        if len(self.policies[PolicyArn]) > 1 or any(PolicyArn in arns for arns in self.attachments.values()):
            raise Refused("DeleteConflict")
        del self.policies[PolicyArn]


def _page(key: str, items: list[Any], arguments: Json) -> Json:
    start = int(arguments.get("Marker") or 0)
    more = start + 1 < len(items)
    return {key: items[start : start + 1], "IsTruncated": more, **({"Marker": str(start + 1)} if more else {})}


CLIENTS = Clients(Account())


class Provider(AdoptedRoleProvider):
    """The provider in an account of the test's own, for one operation."""

    def __init__(self, account: Account, **kill: int) -> None:
        self._clients = CLIENTS.play(account, **kill)

    def client(self, service: str, region: str) -> Any:
        return self._clients.client(service, region)


def props(claimant: str = "sm-mlops-dev", **changes: Any) -> Json:
    return {
        "region": "eu-west-1",
        "key": "use",
        "name": NAME,
        "path": PATH,
        "claimant": claimant,
        "purpose": "Works in SageMaker projects",
        "trust": TRUST,
        "policies": POLICIES,
        "boundaryArn": "",
        "otherPolicyArns": [],
        **changes,
    }


def created(account: Account, **changes: Any) -> Json:
    outs = Provider(account).create(props(**changes)).outs
    assert outs is not None
    return outs


def own_policy(number: int, claimant: str = "sm-mlops-dev") -> str:
    return f"arn:aws:iam::{ACCOUNT}:policy{PATH}ServiceCatalogProductsUseRole-{claimant}-{number}"


def refreshed(account: Account, outs: Json) -> Json:
    found = Provider(account).read("id", outs).outs
    assert found is not None
    return found


def tags(account: Account) -> set[str]:
    return {tag["Key"] for tag in account.roles[NAME]["Tags"]}


def test_a_role_that_is_not_there_is_made_as_a_document_says() -> None:
    account = Account()
    account.policies[BOUNDARY] = {"v1": POLICIES[0]}
    outs = created(account, boundaryArn=BOUNDARY)
    role = account.roles[NAME]
    assert (role["Arn"], role["AssumeRolePolicyDocument"]) == (ARN, TRUST)
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    assert tags(account) == {"sm-mlops:made", "sm-mlops:used-by:sm-mlops-dev"}
    assert account.attachments[NAME] == {own_policy(1), own_policy(2)}
    assert [account.policies[own_policy(number)]["v1"] for number in (1, 2)] == POLICIES
    assert (outs["arn"], outs["made"], outs["drift"], outs["differences"]) == (ARN, True, [], [])


def test_doing_it_again_changes_nothing() -> None:
    account = Account()
    outs = created(account)
    account.calls.clear()
    assert created(account) == outs
    assert refreshed(account, outs) == outs
    assert account.changes() == []
    assert Provider(account).diff("id", outs, props()).changes is False


def test_a_sufficient_role_of_somebody_else_is_used_and_never_changed() -> None:
    account = Account()
    account.make(TRUST, policy(allows("s3:*"), allows("logs:*")))
    before = account.holds()
    outs = created(account)
    assert (outs["arn"], outs["made"], outs["drift"]) == (ARN, False, [])
    assert outs["differences"] == ["may also s3:* on *", "may also logs:* on *"]
    assert Provider(account).update("id", outs, props(policies=POLICIES[:1])).outs
    assert refreshed(account, outs) == outs
    Provider(account).delete("id", outs)
    assert account.holds() == before
    assert account.changes() == []


SUFFICIENT = policy(allows("s3:Get*", "arn:aws:s3:::*"), allows("logs:*"))
EXTERNAL = {"Condition": {"StringEquals": {"sts:ExternalId": "x"}}}


@pytest.mark.parametrize(
    ("trust", "rights", "more", "gaps"),
    [
        (
            policy(trusts("codebuild.amazonaws.com")),
            SUFFICIENT,
            {},
            f"trust in lambda.amazonaws.com for aws:SourceAccount={ACCOUNT}",
        ),
        (
            policy(trusts("codebuild.amazonaws.com", "lambda.amazonaws.com", **EXTERNAL)),
            SUFFICIENT,
            {},
            f"trust in codebuild.amazonaws.com for aws:SourceAccount={ACCOUNT}; "
            f"trust in lambda.amazonaws.com for aws:SourceAccount={ACCOUNT}",
        ),
        (TRUST, POLICIES[0], {}, r"logs:PutLogEvents on \*"),
        (TRUST, policy(), {}, r"s3:GetObject on arn:aws:s3:::sagemaker-\*; logs:PutLogEvents on \*"),
        (
            TRUST,
            policy(allows("*"), {**allows("logs:*"), "Effect": "Deny"}),
            {},
            r"logs:PutLogEvents on \*",
        ),
        (TRUST, SUFFICIENT, {"boundary": BOUNDARY}, r"logs:PutLogEvents on \*"),
        (TRUST, SUFFICIENT, {"path": "/"}, r"the path /service-role/ \(it has /\)"),
    ],
)
def test_a_role_that_lacks_something_is_told_in_the_preview_already_and_never_changed(
    trust: str, rights: str, more: Json, gaps: str
) -> None:
    account = Account()
    account.policies[BOUNDARY] = {"v1": POLICIES[0]}
    account.make(trust, rights, **more)
    before = account.holds()
    (failure,) = Provider(account).check({}, props()).failures
    with pytest.raises(AwsError) as raised:
        created(account)
    for told in (failure.reason, str(raised.value)):
        assert re.search(rf"lacks what is needed: {gaps}\. Nothing of it was changed", told), told
    assert account.holds() == before
    assert account.changes() == []


@pytest.mark.parametrize("refresh", [True, False], ids=["refreshed", "not refreshed"])
def test_a_role_of_somebody_else_is_not_ours_by_a_tag_that_it_gets_later(refresh: bool) -> None:
    account = Account()
    account.make(TRUST, policy(allows("s3:*"), allows("logs:*")))
    outs = created(account)
    account.TagRole(RoleName=NAME, Tags=[{"Key": "sm-mlops:made", "Value": "true"}])
    before = account.holds()
    if refresh:
        outs = refreshed(account, outs)
    assert outs["made"] is False
    assert updated(account, outs, props(policies=POLICIES[:1]))["made"] is False
    Provider(account).delete("id", outs)
    assert account.holds() == before


def test_many_gaps_are_counted() -> None:
    account = Account()
    account.make(TRUST, policy())
    many = policy(*(allows(f"s3:Action{number}") for number in range(50)))
    with pytest.raises(AwsError, match=r"s3:Action19 on \*; and 30 more\. "):
        created(account, policies=[many])


def test_a_preview_that_does_not_know_everything_asks_nobody() -> None:
    account = Account()
    for unknown in ({"trust": rpc.UNKNOWN}, {"policies": rpc.UNKNOWN}, {"policies": [rpc.UNKNOWN]}):
        assert Provider(account).check({}, props(**unknown)).failures == []
    assert account.calls == []


def test_a_preview_says_nothing_of_a_role_that_is_ours_or_not_there_or_sufficient() -> None:
    account = Account()
    assert Provider(account).check({}, props()).failures == []
    created(account)
    assert Provider(account).check({}, props(policies=[policy(allows("kms:Decrypt"))])).failures == []
    other = Account()
    other.make(TRUST, SUFFICIENT)
    assert Provider(other).check({}, props()).failures == []


def test_what_cannot_be_judged_is_not_guessed() -> None:
    account = Account()
    account.make(TRUST, policy(allows("*", Condition={"StringInvented": {"aws:x": "y"}})))
    with pytest.raises(AwsError, match=r"UseRole cannot be judged: the condition operator 'StringInvented'"):
        created(account)


def test_an_update_sets_what_the_document_says() -> None:
    account = Account()
    account.policies[BOUNDARY] = {"v1": POLICIES[0]}
    outs = created(account)
    changed = props(trust=policy(trusts("lambda.amazonaws.com")), policies=POLICIES[1:], boundaryArn=BOUNDARY)
    outs = updated(account, outs, changed)
    assert account.roles[NAME]["AssumeRolePolicyDocument"] == changed["trust"]
    assert account.attachments[NAME] == {own_policy(1)}
    assert set(account.policies) == {BOUNDARY, own_policy(1)}
    assert account.holds()["policies"][own_policy(1)] == json.loads(POLICIES[1])
    assert account.roles[NAME]["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    updated(account, outs, props())
    assert "PermissionsBoundary" not in account.roles[NAME]


def updated(account: Account, olds: Json, news: Json) -> Json:
    outs = Provider(account).update("id", olds, news).outs
    assert outs is not None
    return outs


def test_a_policy_can_be_changed_as_often_as_one_likes() -> None:
    account = Account()
    outs = created(account)
    for number in range(2 * VERSION_LIMIT):
        outs = updated(account, outs, props(policies=[policy(allows(f"s3:Action{number}"))]))
    assert len(account.policies[own_policy(1)]) == 2


Damage = Callable[[Account], object]


def _recreate(account: Account) -> None:
    account.roles[NAME] = {**account.roles[NAME], "RoleId": "AROA99999999999999999"}


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda account: (account.roles.clear(), account.attachments.clear(), account.inline.clear()), "it is gone"),
        (_recreate, "it was deleted and made anew"),
        (lambda account: account.roles[NAME].update(AssumeRolePolicyDocument=policy()), "its trust was changed"),
        (lambda account: account.roles[NAME].pop("PermissionsBoundary"), "its permissions boundary was changed"),
        (
            lambda account: account.UntagRole(RoleName=NAME, TagKeys=["sm-mlops:used-by:sm-mlops-dev"]),
            "the tag sm-mlops:used-by:sm-mlops-dev is gone",
        ),
        (lambda account: account.attachments[NAME].remove(own_policy(2)), f"policy {own_policy(2)} is not attached"),
        (
            lambda account: account.policies.update({own_policy(1): {"v1": policy()}}),
            f"policy {own_policy(1)} was changed",
        ),
    ],
)
def test_drift_is_told_in_words_and_repaired(damage: Damage, words: str) -> None:
    account = Account()
    account.policies[BOUNDARY] = {"v1": POLICIES[0]}
    outs = created(account, boundaryArn=BOUNDARY)
    whole = account.holds()
    damage(account)
    found = refreshed(account, outs)
    assert found["drift"] == [words]
    assert Provider(account).diff("id", found, props(boundaryArn=BOUNDARY)).changes
    healed = updated(account, found, props(boundaryArn=BOUNDARY))
    assert account.holds() == whole
    assert refreshed(account, healed)["drift"] == []


def test_a_role_of_somebody_else_that_loses_a_right_is_told_and_not_repaired() -> None:
    account = Account()
    account.make(TRUST, SUFFICIENT)
    outs = created(account)
    account.inline[NAME] = {"own": POLICIES[0]}
    found = refreshed(account, outs)
    assert found["drift"] == ["logs:PutLogEvents on *"]
    with pytest.raises(AwsError, match="lacks what is needed"):
        updated(account, found, props())
    assert account.changes() == []


FOREIGN = f"arn:aws:iam::{ACCOUNT}:policy/administration"
AUDIT = "arn:aws:iam::aws:policy/SecurityAudit"


def added_to(account: Account) -> None:
    account.policies |= {arn: {"v1": policy(allows("*"))} for arn in (FOREIGN, AUDIT)}
    account.attachments[NAME] |= {FOREIGN, AUDIT}
    account.inline[NAME]["more"] = policy(allows("iam:*"))


def test_what_somebody_has_added_to_a_role_of_ours_is_drift_and_taken_away() -> None:
    account = Account()
    outs = created(account, otherPolicyArns=[AUDIT])
    added_to(account)
    found = refreshed(account, outs)
    assert found["drift"] == [f"it has the policy {FOREIGN}", "it has the inline policy more"]
    healed = updated(account, found, props(otherPolicyArns=[AUDIT]))
    assert account.attachments[NAME] == {own_policy(1), own_policy(2), AUDIT}, "others may attach what settings name"
    assert account.inline[NAME] == {}
    assert refreshed(account, healed)["drift"] == []
    assert Provider(account).diff("id", healed, props()).changes, "a policy that others may not attach any more"
    Provider(account).delete("id", healed)
    assert account.roles == {}
    assert set(account.policies) == {FOREIGN, AUDIT}


def test_a_role_of_an_earlier_release_is_not_changed_by_this_one() -> None:
    account = Account()
    outs = created(account)
    del outs["otherPolicyArns"]
    found = refreshed(account, outs)
    assert found["drift"] == []
    earlier = {key: value for key, value in props().items() if key != "otherPolicyArns"}
    # A refresh compares with the inputs of the state.
    assert not any(Provider(account).diff("id", found, inputs).changes for inputs in (props(), earlier))


INTRUDER = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "sts:AssumeRole"}


@pytest.mark.parametrize(
    "intruder",
    [
        INTRUDER,
        {**INTRUDER, "Principal": "*"},
        trusts("ec2.amazonaws.com"),
        trusts("codebuild.amazonaws.com", Condition={}),
        trusts("codebuild.amazonaws.com", Condition={"StringEquals": {"aws:SourceAccount": "444455556666"}}),
    ],
)
@pytest.mark.parametrize("shared", [False, True])
def test_nobody_beside_the_stacks_own_services_is_trusted(intruder: Json, *, shared: bool) -> None:
    account = Account()
    outs = created(account)
    if shared:
        created(account, claimant="sm-mlops-prod", trust=policy(trusts("events.amazonaws.com")))
    before = account.roles[NAME]["AssumeRolePolicyDocument"]
    account.roles[NAME]["AssumeRolePolicyDocument"] = policy(*json.loads(before)["Statement"], intruder)
    found = refreshed(account, outs)
    assert found["drift"] == ["its trust was changed"]
    updated(account, found, props())
    assert json.loads(account.roles[NAME]["AssumeRolePolicyDocument"]) == json.loads(before)


def test_the_order_in_which_iam_gives_principals_is_no_drift() -> None:
    account = Account()
    outs = created(account)
    account.roles[NAME]["AssumeRolePolicyDocument"] = policy(trusts("lambda.amazonaws.com", "codebuild.amazonaws.com"))
    assert refreshed(account, outs)["drift"] == []


def test_two_stacks_share_a_role_and_the_last_one_takes_it_away() -> None:
    account = Account()
    first = created(account)
    alone = account.holds()
    other = {"policies": [policy(allows("kms:Decrypt"))], "trust": policy(trusts("events.amazonaws.com"))}
    second = created(account, claimant="sm-mlops-prod", **other)
    assert tags(account) == {"sm-mlops:made", "sm-mlops:used-by:sm-mlops-dev", "sm-mlops:used-by:sm-mlops-prod"}
    assert account.attachments[NAME] == {own_policy(1), own_policy(2), own_policy(1, "sm-mlops-prod")}
    for outs in (first, second):
        found = refreshed(account, outs)
        assert (found["drift"], found["differences"]) == ([], [])
    account.calls.clear()
    updated(account, first, props())
    updated(account, second, props("sm-mlops-prod", **other))
    assert account.changes() == [], "neither takes the other's away"
    Provider(account).delete("id", second)
    assert tags(account) == {"sm-mlops:made", "sm-mlops:used-by:sm-mlops-dev"}
    updated(account, refreshed(account, first), props())
    assert account.holds() == alone
    Provider(account).delete("id", first)
    assert (account.roles, account.policies) == ({}, {})


def test_a_stack_without_a_boundary_leaves_that_of_another_alone() -> None:
    account = Account()
    account.policies[BOUNDARY] = {"v1": POLICIES[0]}
    created(account, boundaryArn=BOUNDARY)
    outs = created(account, claimant="sm-mlops-prod")
    assert account.roles[NAME]["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    assert refreshed(account, outs)["drift"] == []


def test_a_refused_call_names_the_permission() -> None:
    with pytest.raises(AwsError, match=r"UseRole in eu-west-1: GetRole failed: AccessDenied.* Grant iam:GetRole"):
        created(Account(denied="GetRole"))


def _shared() -> Account:
    account = Account()
    created(account, claimant="sm-mlops-prod")
    return account


def _deleted(provider: Provider, outs: Json) -> None:
    provider.delete("id", outs)


CHANGED = props(trust=policy(trusts("lambda.amazonaws.com")), policies=[POLICIES[1], *POLICIES[:1], POLICIES[1]])
Step = Callable[[Provider, Json], object]


@pytest.mark.parametrize("start", [Account, _shared])
@pytest.mark.parametrize("when", ["kill_before", "kill_after"])
@pytest.mark.parametrize(
    ("begun", "step"),
    [
        (False, lambda provider, _: provider.create(props())),
        (True, lambda provider, outs: provider.update("id", outs, CHANGED)),
        (True, lambda provider, outs: provider.update("id", outs, props(policies=POLICIES[:1]))),
        (True, _deleted),
    ],
    ids=["create", "update", "shrink", "delete"],
)
def test_whatever_call_is_cut_off_the_next_run_completes_it(
    start: Callable[[], Account], when: str, begun: bool, step: Step
) -> None:
    beginning = start()
    outs = created(beginning) if begun else {}
    undisturbed = deepcopy(beginning)
    step(Provider(undisturbed), outs)
    for number in count(1):
        account = deepcopy(beginning)
        try:
            step(Provider(account, **{when: number}), outs)
        except KilledError:
            step(Provider(account), outs)
            assert account.holds() == undisturbed.holds(), f"{when} {number}"
        else:
            break
    assert number > 3


@pytest.mark.parametrize(
    ("statement", "added"),
    [
        (trusts("cloudformation.amazonaws.com"), False),
        ({**trusts("servicecatalog.amazonaws.com"), "Condition": {}}, False),
        # What a release without the condition has made, and what somebody opens to other accounts.
        ({**trusts("cloudformation.amazonaws.com", "servicecatalog.amazonaws.com"), "Condition": {}}, True),
        (
            trusts("cloudformation.amazonaws.com", Condition={"StringEquals": {"aws:SourceAccount": "444455556666"}}),
            True,
        ),
        (trusts("lambda.amazonaws.com"), True),
    ],
)
def test_a_launch_role_that_stacks_share_lets_in_what_launches_for_its_account(statement: Json, added: bool) -> None:
    role = {"Arn": ARN, "AssumeRolePolicyDocument": json.loads(policy(statement))}
    own = {"key": "launch", "trust": policy({**trusts("servicecatalog.amazonaws.com"), "Condition": {}})}
    assert bool(added_trust(role, own)) is added
