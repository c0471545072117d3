"""What an administrator is given to make roles by hand: what the program itself would make, in IAM's limits."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import settings
from components.core.network import Network
from components.sections.iam import RoleMode, UseRole
from tests.support.delivery_example import SECTION, TESTS, example, example_of_tests
from tests.support.recording import EXAMPLE, run_program, stack_values
from tools.faults import ToolError
from tools.iam_policies import Document, account_of, command, command_lines, documents, facts_of, write
from tools.stack_file import StackFile

ACCOUNT = "111122223333"
LAUNCH = f"arn:aws:iam::{ACCOUNT}:role/team/Launch"
USE = {str(role): f"arn:aws:iam::{ACCOUNT}:role/team/Use{role}" for role in UseRole}
SUPPLIED = {
    "launch": {"mode": "supplied", "roleArn": LAUNCH},
    "use": {"mode": "supplied", "roleArns": USE},
    "pipeline": {"mode": "supplied", "roleArn": f"arn:aws:iam::{ACCOUNT}:role/team/Pipeline"},
}
REGIONS = ["us-east-2", "eu-central-1", "eu-west-1", "eu-west-2"]
NETWORK = Network(
    vpc_id="vpc-0a1b2c3d4e5f60718",
    subnet_ids=tuple(f"subnet-{digit}a1b2c3d4e5f60718" for digit in "012"),
    security_group_ids=("sg-0a1b2c3d4e5f60718",),
)


def stack_file(folder: Path, iam: dict[str, Any], **changes: Any) -> StackFile:
    """Dev with other roles."""
    config = {**stack_values("dev"), "sm-mlops:iam": iam, **changes}
    (folder / "Pulumi.own.yaml").write_text(yaml.safe_dump({"config": config}))
    return StackFile("own", folder)


def by_key(found: list[Document]) -> dict[str, Document]:
    return {one.key: one for one in found}


def test_the_documents_are_what_the_program_makes_roles_of(tmp_path: Path) -> None:
    dev = run_program(stack_values("dev"))
    facts = facts_of(StackFile("dev", EXAMPLE), ACCOUNT)
    launch, bound = (by_key(documents(facts))[key].content for key in ("launch", "boundary"))
    role = dev.named("catalog-roles-launch").inputs
    assert (launch["name"], launch["description"]) == (role["name"], role["description"])
    assert launch["trustPolicy"] == json.loads(role["assumeRolePolicy"])
    assert [policy["document"] for policy in launch["policies"]] == [dev.named("catalog-roles-launch-policy").policy()]
    assert bound["policy"] == dev.named("catalog-roles-boundary").policy()
    own = stack_file(tmp_path, {"use": {"mode": "create"}})
    made = run_program(own.values)
    for key, one in by_key(documents(facts_of(own, ACCOUNT))).items():
        name = f"catalog-roles-{key.replace('.', '-').lower()}"
        assert one.content["policies"][0]["document"] == made.named(f"{name}-policy").policy()
        assert one.content["trustPolicy"] == json.loads(made.named(name).inputs["assumeRolePolicy"])
        assert one.mode is RoleMode.CREATE


def test_supplied_roles_carry_the_names_and_paths_of_their_arns(tmp_path: Path) -> None:
    found = by_key(documents(facts_of(stack_file(tmp_path, SUPPLIED), ACCOUNT)))
    assert {key: one.content["arn"] for key, one in found.items()} == {
        "launch": LAUNCH,
        **{f"use.{key}": arn for key, arn in USE.items()},
    }
    assert {one.content["path"] for one in found.values()} == {"/team/"}
    assert {one.mode for one in found.values()} == {RoleMode.SUPPLIED}


def test_one_role_for_several_services_is_one_document(tmp_path: Path) -> None:
    arns = {**dict.fromkeys(USE, LAUNCH.replace("Launch", "Use")), "Lambda": USE["Lambda"]}
    iam = {"use": {"mode": "supplied", "roleArns": arns}}
    found = by_key(documents(facts_of(stack_file(tmp_path, iam), ACCOUNT)))
    assert sorted(found) == ["launch", "use", "use.Lambda"]
    services = found["use"].content["trustPolicy"]["Statement"][0]["Principal"]["Service"]
    assert services == [role.service for role in UseRole if role is not UseRole.LAMBDA]


def test_whoever_makes_the_launch_role_makes_the_boundary_of_projects(tmp_path: Path) -> None:
    found = by_key(documents(facts_of(stack_file(tmp_path, {"launch": SUPPLIED["launch"]}), ACCOUNT)))
    assert {key: one.mode for key, one in found.items()} == {"boundary": "supplied", "launch": "supplied"}
    assert found["boundary"].content["arn"] == f"arn:aws:iam::{ACCOUNT}:policy/sm-mlops-dev-project-boundary"
    assert next(iter(found)) == "boundary", "the first command makes it"


@pytest.mark.parametrize(
    "iam", [{}, SUPPLIED, {"use": {"mode": "create"}}, {"launch": {"mode": "adopt"}, "use": {"mode": "adopt"}}]
)
def test_every_document_fits_into_iams_limits(tmp_path: Path, iam: dict[str, Any]) -> None:
    """Names of 64 characters (128 of policies), 2,048 of trust, 10,240 inline in all, ten managed ones of 6,144."""
    catalog = {**stack_values("dev")["sm-mlops:catalog"], "regions": REGIONS, "notifyLaunches": True}
    catalog["stackSetRoleArn"] = f"arn:aws:iam::{ACCOUNT}:role/AWSCloudFormationStackSetAdministrationRole"
    key = f":{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
    catalog["projectKeyArns"] = {region: f"arn:aws:kms:{region}{key}" for region in REGIONS}
    network = {
        region: {
            "vpcId": NETWORK.vpc_id,
            "subnetIds": NETWORK.subnet_ids,
            "securityGroupIds": NETWORK.security_group_ids,
        }
        for region in REGIONS
    }
    file = stack_file(tmp_path, iam, **{"sm-mlops:catalog": catalog, "sm-mlops:network": network})
    found = documents(facts_of(file, ACCOUNT))
    kinds = set()
    for one in found:
        assert len(one.content["description"]) <= 1000
        if one.key == "boundary":
            assert size(one.content["policy"]) <= 6144
            continue
        assert len(one.content["name"]) <= 64
        assert size(one.content["trustPolicy"]) <= 2048, one.key
        policies = one.content["policies"]
        kinds |= {policy["kind"] for policy in policies}
        if policies[0]["kind"] == "inline":
            assert sum(size(policy["document"]) for policy in policies) <= 10240, one.key
        else:
            assert len(policies) <= 10
            assert all(size(policy["document"]) <= 6144 for policy in policies), one.key
            assert all(len(policy["name"]) <= 128 for policy in policies)
    if iam.get("use"):
        assert kinds == {"inline", "managed"}, "the limits are really reached"


def size(policy: dict[str, Any]) -> int:
    return len("".join(json.dumps(policy).split()))


@pytest.mark.parametrize("bound", [None, f"arn:aws:iam::{ACCOUNT}:policy/company-boundary"])
def test_the_commands_name_files_that_are_there_and_hold_the_policies(tmp_path: Path, bound: str | None) -> None:
    iam = {**SUPPLIED, **({"permissionsBoundaryArn": bound} if bound else {})}
    found, out = documents(facts_of(stack_file(tmp_path, iam), ACCOUNT)), tmp_path / "the documents"
    write(found, out)
    for one in found:
        content = json.loads((out / f"{one.stem}.json").read_text())
        assert content == one.content
        make, give = (shlex.split(line) for line in command_lines(one, out))
        assert make[:3] == ["aws", "iam", "create-role"]
        assert loaded(make, "--assume-role-policy-document") == content["trustPolicy"]
        assert option(make, "--role-name") == option(give, "--role-name") == content["name"]
        assert option(make, "--path") == content["path"]
        assert loaded(give, "--policy-document") == content["policies"][0]["document"]
        assert option(make, "--permissions-boundary") == bound
    write(found, out)
    assert not list(out.glob(".*")), "no draft is left"


def option(words: list[str], name: str) -> str | None:
    return words[words.index(name) + 1] if name in words else None


def loaded(words: list[str], name: str) -> Any:
    given = option(words, name)
    assert given is not None
    return json.loads(Path(given.removeprefix("file://")).read_text())


def test_what_is_too_long_for_a_roles_own_policy_is_made_and_attached(tmp_path: Path) -> None:
    file = stack_file(tmp_path, {"launch": {"mode": "adopt"}, "use": {"mode": "adopt"}})
    use = by_key(documents(facts_of(file, ACCOUNT)))["use"]
    made = [shlex.split(line) for line in command_lines(use, tmp_path)]
    arns = [
        f"arn:aws:iam::{ACCOUNT}:policy{option(words, '--path')}{option(words, '--policy-name')}"
        for words in made
        if words[2] == "create-policy"
    ]
    assert len(arns) == len(use.content["policies"]) > 1
    assert [option(words, "--policy-arn") for words in made if words[2] == "attach-role-policy"] == arns


def test_the_command_tells_who_makes_what_and_what_is_not_there(tmp_path: Path) -> None:
    file = stack_file(tmp_path, {**SUPPLIED, "use": {"mode": "create"}})
    arguments = ["--stack", "own", "--folder", str(tmp_path), "--account-id", ACCOUNT]
    told = CliRunner().invoke(command, [*arguments, "--out", str(tmp_path / "out")])
    assert told.exit_code == 0
    lines = told.output.splitlines()
    assert f"{tmp_path / 'out' / 'launch'}.json: {LAUNCH}: an administrator makes it" in lines
    assert sum(line.endswith("the stack makes it") for line in lines) == 6
    assert sum(line.startswith("aws iam create-role ") for line in lines) == 1
    assert "Not among them: iam.pipeline." in lines[-1]
    printed = CliRunner().invoke(command, arguments)
    assert json.loads(printed.output) == [one.content for one in documents(facts_of(file, ACCOUNT))]


def test_the_account_is_the_one_that_the_stack_may_deploy_to(tmp_path: Path) -> None:
    file = stack_file(tmp_path, {}, **{"aws:allowedAccountIds": [ACCOUNT]})
    assert account_of(file, None) == ACCOUNT
    assert account_of(file, "444455556666") == "444455556666"


@pytest.mark.parametrize(
    ("given", "fault"), [(None, "is missing"), ("1111", "twelve digits"), ("\u0661" * 12, "twelve")]
)
def test_an_account_that_nobody_names_is_asked_for(tmp_path: Path, given: str | None, fault: str) -> None:
    with pytest.raises(ToolError, match=fault):
        account_of(stack_file(tmp_path, {}), given)


def test_roles_of_another_account_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=rf"own\.yaml: {LAUNCH}, .*UseLambda: not of account 444455556666"):
        facts_of(stack_file(tmp_path, SUPPLIED), "444455556666")


def test_a_stack_without_catalog_has_no_roles_of_projects(tmp_path: Path) -> None:
    values = {key: value for key, value in stack_values("dev").items() if key != f"{settings.NAMESPACE}:catalog"}
    (tmp_path / "Pulumi.own.yaml").write_text(yaml.safe_dump({"config": values}))
    with pytest.raises(ToolError, match=r"Pulumi\.own\.yaml has no sm-mlops:catalog"):
        facts_of(StackFile("own", tmp_path), ACCOUNT)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    found = documents(facts_of(stack_file(tmp_path, {}), ACCOUNT))
    with pytest.raises(ToolError, match="file/out cannot be made"):
        write(found, tmp_path / "file" / "out")
    (tmp_path / "out" / "launch.json").mkdir(parents=True)
    with pytest.raises(ToolError, match=r"launch\.json cannot be written"):
        write(found, tmp_path / "out")
    assert not list((tmp_path / "out").glob(".*")), "no draft is left"


def test_the_deliverys_supplied_roles_and_those_of_other_accounts_are_written_down(tmp_path: Path) -> None:
    given = "arn:aws:iam::111122223333:role/given/builds"
    iam = {"build": {"mode": "supplied", "roleArn": given}}
    file = stack_file(tmp_path, iam, **{SECTION: example()})
    arguments = ["--stack", file.stack, "--folder", str(tmp_path), "--account-id", ACCOUNT]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    found = {one["key"]: one["arn"] for one in json.loads(done.output)}
    assert found["build"] == given
    assert "pipeline" not in found, "the stack makes it"
    assert found["delivery.prod.read"] == "arn:aws:iam::444455556666:role/sm-mlops-prod-delivery-read"
    assert found["delivery.prod.change"] == "arn:aws:iam::444455556666:role/sm-mlops-prod-delivery-change"


def test_roles_for_a_deployment_option_fit_every_stack_that_tests_it(tmp_path: Path) -> None:
    stack_file(tmp_path, {}, **{SECTION: example(), TESTS: example_of_tests()})
    arguments = ["--stack", "own", "--folder", str(tmp_path), "--account-id", ACCOUNT]
    done = CliRunner().invoke(command, [*arguments, "--deployment-option", "supplied-roles"], catch_exceptions=False)
    found = {one["key"]: one for one in json.loads(done.output)}
    assert found["launch"]["arn"] == f"arn:aws:iam::{ACCOUNT}:role/mlops-test-launch"
    assert set(found) == {"launch", *(f"use.{role}" for role in UseRole)}
    (policy,) = found["use.CodePipeline"]["policies"]
    (tells,) = [one for one in policy["document"]["Statement"] if one["Sid"] == "AskForApproval"]
    assert f"arn:aws:sns:eu-central-1:{ACCOUNT}:sm-mlops-t*-dev-notifications" in tells["Resource"]
    (key,) = [one for one in policy["document"]["Statement"] if one["Sid"] == "KeyOfTopic"]
    assert set(key["Condition"]) == {"StringLike"}, "a pattern equals no name"


def test_an_unknown_deployment_option_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    stack_file(tmp_path, {}, **{SECTION: example(), TESTS: example_of_tests()})
    arguments = ["--stack", "own", "--folder", str(tmp_path), "--account-id", ACCOUNT, "--deployment-option", "none"]
    with pytest.raises(ToolError, match=r"no deployment option .none. \(its options: everything, supplied-roles"):
        CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_the_boundary_of_the_delivery_is_printed_with_the_command_that_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(yaml.safe_dump({"config": {**stack_values("dev"), SECTION: example()}}))
    arguments = ["-s", "dev", "--folder", str(tmp_path), "--account-id", ACCOUNT]
    printed = CliRunner().invoke(command, [*arguments, "--out", str(tmp_path / "out")])
    assert printed.exit_code == 0, printed.output
    (line,) = [one for one in printed.stdout.splitlines() if "delivery-boundary.policy.json" in one]
    assert line.startswith("aws iam create-policy --policy-name delivery-boundary-sm-mlops-dev --path /")
    roles = {key: f"arn:aws:iam::444455556666:role/{key}-{{}}" for key in ("roleArn", "previewRoleArn")}
    many = [{"stack": f"s{n}", **{key: arn.format("x" * 50 + str(n)) for key, arn in roles.items()}} for n in range(20)]
    path.write_text(yaml.safe_dump({"config": {**stack_values("dev"), SECTION: example(stacks=many)}}))
    told = CliRunner().invoke(command, arguments)
    assert "the boundary of the delivery is left out" in told.stderr
    assert "delivery.boundary" not in told.stdout


def test_what_protects_the_branch_is_printed_when_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(yaml.safe_dump({"config": stack_values("dev")}))
    arguments = ["-s", "dev", "--folder", str(tmp_path), "--account-id", ACCOUNT, "--branch"]
    found = json.loads(CliRunner().invoke(command, arguments).stdout)
    assert [one["name"] for one in found] == ["branch-of-sm-mlops-dev-no-changes", "branch-of-sm-mlops-dev-merges-only"]
    assert {statement["Effect"] for one in found for statement in one["policy"]["Statement"]} == {"Deny"}
    told = CliRunner().invoke(command, [*arguments, "--deployment-option", "everything"])
    assert "leave out --deployment-option" in str(told.exception)
    source = {"provider": "GitHub", "repository": "acme/platform"}
    path.write_text(yaml.safe_dump({"config": {**stack_values("dev"), "sm-mlops:source": source}}))
    told = CliRunner().invoke(command, arguments)
    assert isinstance(told.exception, ToolError)
    assert "protect the branch main of acme/platform there" in str(told.exception)
