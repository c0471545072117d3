"""A world whose dev stack tests deployment options: those of its example, with what they need beforehand."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.world import World
from settings.deployment_options import suffix
from tests.support.delivery_example import SECTION, TESTS, example, example_of_tests

from .conftest import alter
from .private_vpc import make_private_vpc
from .test_stacks import Aws

ACCOUNT = "123456789012"
EXAMPLES = "111122223333"
"""The account of the example."""
BY_HAND = "by-hand"
"""The execution of whoever names none."""
TESTER = "Tester"
"""Role of whoever runs the tests; the account's root cannot be let in to a portfolio."""


@dataclass(frozen=True)
class TestedOptions:
    """A world, and the tool that tests deployment options in it."""

    __test__ = False

    world: World
    credentials: Mapping[str, str]
    """Those of the tester, as environment variables."""

    @classmethod
    def of(cls, world: World, options: list[dict[str, Any]]) -> "TestedOptions":
        """Give dev the options, and the tester a role."""
        section = {TESTS: {"options": options}, SECTION: example()}
        alter(world, "dev", lambda config: config.update(json.loads(json.dumps(section).replace(EXAMPLES, ACCOUNT))))
        aws = Aws(world)
        role = aws.client("iam").create_role(RoleName=TESTER, AssumeRolePolicyDocument="{}")["Role"]
        given = aws.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return cls(world, {key: given[name] for key, name in zip(keys, names, strict=True)})

    @property
    def folder(self) -> Path:
        """Folder of the stack files."""
        return self.world.project.source

    @property
    def under_test(self) -> list[str]:
        """Stacks and stack files of tests that are still there."""
        files = [path.name for path in self.folder.glob("Pulumi.test-*")]
        return [name for name in self.world.stacks if name.startswith("test-")] + files

    def command(self, *arguments: str) -> list[str]:
        """The tool's command line."""
        start = [sys.executable, "-P", "-m", "tools", "deployment-test", *arguments]
        return [*start, "--stack", "dev", "--folder", str(self.folder), "--interval", "0.05"]

    def call(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the tool as the tester, and pass on what it printed where a test fails."""
        done = self.world.run(self.command(*arguments), check=False, env={**self.credentials, **variables})
        sys.stderr.write(done.stderr)
        return done

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start the tool as the tester; what it tells is read from its standard error."""
        return subprocess.Popen(
            self.command(*arguments),
            env={**self.world.environment(), **self.credentials, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def prefix(self, option: str, execution: str = BY_HAND) -> str:
        """What the names of a stack under test begin with."""
        return f"sm-mlops-{suffix(f'{option}:{execution}')}-dev"


def supply(tested: TestedOptions, option: str) -> None:
    """Make the roles that an option is supplied with, as an administrator does: from what `iam-policies` prints."""
    arguments = ["--stack", "dev", "--folder", str(tested.folder), "--account-id", ACCOUNT]
    command = [sys.executable, "-P", "-m", "tools", "iam-policies", *arguments, "--deployment-option", option]
    iam = Aws(tested.world).client("iam")
    for role in json.loads(tested.world.run(command).stdout):
        trust = json.dumps(role["trustPolicy"])
        iam.create_role(RoleName=role["name"], Path="/", AssumeRolePolicyDocument=trust)
        for policy in role["policies"]:
            text = json.dumps(policy["document"])
            if policy["kind"] == "inline":
                iam.put_role_policy(RoleName=role["name"], PolicyName=policy["name"], PolicyDocument=text)
            else:
                made = iam.create_policy(PolicyName=policy["name"], PolicyDocument=text)["Policy"]
                iam.attach_role_policy(RoleName=role["name"], PolicyArn=made["Arn"])


def example_options(world: World) -> list[dict[str, Any]]:
    """The options of dev's example, whose domain and VPC exist in this world."""
    aws = Aws(world)
    options: dict[str, dict[str, Any]] = {option["name"]: option for option in example_of_tests()["options"]}
    from_s3 = options["s3-templates"]
    domain = aws.client("sagemaker", from_s3["region"]).create_domain(
        DomainName="studio",
        AuthMode="IAM",
        DefaultUserSettings={"ExecutionRole": f"arn:aws:iam::{ACCOUNT}:role/{TESTER}"},
        SubnetIds=["subnet-1"],
        VpcId="vpc-1",
        Tags=[{"Key": "owner", "Value": "research"}],
    )["DomainArn"]
    from_s3["settings"]["catalog"]["studioDomains"] = {from_s3["region"]: [domain.rpartition("/")[2]]}
    options["existing-vpc"]["settings"]["network"] = make_private_vpc(aws.client("ec2")).section()
    # Their pipelines run in the test of projects that run; here it is the options that matter.
    return [
        {**option, "projects": "create" if option.get("projects") != "none" else "none"} for option in options.values()
    ]
