"""Records what the engine prints in each shape: `python -m tests.tools.previews.record` in the sandbox's checkout.

Each case deploys what was there before and previews what a change makes of it, with a real engine against the emulated
AWS. What differs from run to run, or tells of the machine, is left out of the files.
"""

import json
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import boto3
import yaml

from sandbox.world import World

HERE = Path(__file__).parent
FOLDER = HERE / "recorded"
STREAM = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
COMMIT = {"CODEBUILD_RESOLVED_SOURCE_VERSION": "c0ffee1"}
REGION = "eu-west-1"
Resources = Mapping[str, Mapping[str, Any]]

HOSTILE = "</details>\n```\n# not a heading <!-- --> @everyone | [x](http://evil.example) ````` <script>\u202e"
PASSWORD = "correct horse battery staple"  # noqa: S105 - the secret that must not show


def _resource(kind: str, args: Mapping[str, Any], **options: object) -> dict[str, Any]:
    return {"type": kind, "args": args, "options": options}


def _policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"json": {"Version": "2012-10-17", "Statement": list(statements)}}


def _allow(sid: str, action: object, resource: object, **more: object) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource, **more}


def topic(name: object, **args: object) -> dict[str, Any]:
    """A topic."""
    return _resource("sns.Topic", {"name": name, "region": REGION, **args})


def bucket(name: str, **options: object) -> dict[str, Any]:
    """A bucket."""
    return _resource("s3.Bucket", {"bucket": name, "region": REGION, "force_destroy": False}, **options)


def role(*actions: str, principal: str = "codepipeline.amazonaws.com") -> dict[str, Any]:
    """A role with a policy of these actions, a bucket policy and a key policy that name them, too."""
    trust = {"Sid": "Trust", "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": principal}}
    anyone = {"Principal": {"AWS": "123456789012"}}
    return {
        "role": _resource("iam.Role", {"name": "deployer", "assume_role_policy": _policy(trust)}),
        "role-policy": _resource(
            "iam.RolePolicy",
            {
                "name": "deploy",
                "role": {"of": "role", "output": "id"},
                "policy": _policy(_allow("Artifacts", [*actions], "arn:aws:s3:::samples/*")),
            },
        ),
        "store": bucket("samples"),
        "store-policy": _resource(
            "s3.BucketPolicy",
            {
                "bucket": {"of": "store", "output": "bucket"},
                "region": REGION,
                "policy": _policy(_allow("Readers", [*actions], "arn:aws:s3:::samples/*", **anyone)),
            },
        ),
    }


def version(name: str) -> dict[str, Any]:
    """A product with a version of this name."""
    url = "https://samples.s3.eu-west-1.amazonaws.com/model-build-train.yaml"
    first = {"name": "first", "template_url": url, "type": "CLOUD_FORMATION_TEMPLATE"}
    product = {
        "region": REGION,
        "name": "Model building",
        "owner": "ml",
        "type": "CLOUD_FORMATION_TEMPLATE",
        "provisioning_artifact_parameters": first,
    }
    args = {
        "region": REGION,
        "product_id": {"of": "product", "output": "id"},
        "version": name,
        "files": {"repository/README.md": "0", "template.yaml": name},
        "template_url": url,
        "keep_versions": 5,
    }
    return {
        "product": _resource("servicecatalog.Product", product),
        "catalog-eu-west-1-model-build-train-version": _resource("mlops.ProductVersion", args),
    }


@dataclass(frozen=True)
class Case:
    """What is deployed, and what is previewed then."""

    before: Resources = field(default_factory=dict)
    after: Resources = field(default_factory=dict)
    fault: str = ""
    outputs: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
    """Outputs of the stack before and after."""
    flags: tuple[str, ...] = ()
    first: Callable[[Any], object] | None = None
    """What is in AWS before that, given a way to clients."""
    meanwhile: Callable[[Any], object] | None = None
    """What somebody does to AWS in between."""


TEMPLATE = "Parameters: {A: {Type: String}}\nResources: {T: {Type: AWS::SNS::Topic}}\n"


def _store_template(aws: Any) -> None:
    place = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
    aws("s3").create_bucket(Bucket="samples", **place)
    aws("s3").put_object(Bucket="samples", Key="model-build-train.yaml", Body=TEMPLATE.encode())


def _sns(aws: Any) -> Any:
    return aws("sns")


CASES: Mapping[str, Case] = {
    "no-change": Case({"alarms": topic("alarms")}, {"alarms": topic("alarms")}),
    "create": Case({}, {"alarms": topic("alarms", tags={"team": "ml"}), "store": bucket("samples")}),
    "update": Case(
        {"alarms": topic("alarms", display_name="Alarms", tags={"team": "ml", "old.key": "gone"})},
        {"alarms": topic("alarms", display_name="All alarms", tags={"team": "platform", "new": "x"})},
    ),
    "replace": Case(
        {"alarms": topic("alarms"), "store": bucket("samples")},
        {"alarms": topic("alarms-2"), "store": bucket("samples-2")},
    ),
    "delete": Case({"alarms": topic("alarms"), "store": bucket("samples")}, {}),
    "protected": Case({"store": bucket("samples", protect=True)}, {}),
    "protected-replace": Case({"store": bucket("samples", protect=True)}, {"store": bucket("new", protect=True)}),
    "retained": Case({"store": bucket("samples", retain_on_delete=True)}, {}),
    "unprotected": Case(
        {"store": bucket("samples", protect=True), "logs": bucket("logs", retain_on_delete=True)},
        {"store": bucket("samples"), "logs": bucket("logs")},
    ),
    "kept-replace": Case(
        {"store": bucket("samples", retain_on_delete=True)}, {"store": bucket("new", retain_on_delete=True)}
    ),
    "renamed": Case(
        {"alarms": topic("alarms"), "store": bucket("samples")},
        {
            "alerts": _resource(
                "sns.Topic",
                {"name": "alarms", "region": REGION},
                aliases=["urn:pulumi:dev::samples::aws:sns/topic:Topic::alarms"],
            ),
            "archive": bucket("archive", aliases=["urn:pulumi:dev::samples::aws:s3/bucket:Bucket::store"]),
        },
    ),
    "outputs": Case(
        {"alarms": topic("alarms")},
        {"alarms": topic("alarms")},
        outputs=({"topic": "alarms", "gone": "x"}, {"topic": "alerts", "new": "y"}),
    ),
    "hidden": Case(
        {"alarms": topic("alarms", display_name="Alarms", tags={"team": "ml"})},
        {
            "alarms": _resource(
                "sns.Topic",
                {"name": "alarms", "region": REGION, "display_name": "All alarms", "tags": {"team": "platform"}},
                hide_diffs=["displayName"],
            )
        },
    ),
    "import": Case(
        {},
        {
            "alarms": _resource(
                "sns.Topic",
                {"name": "alarms", "region": REGION},
                import_=f"arn:aws:sns:{REGION}:123456789012:alarms",
            )
        },
        meanwhile=lambda aws: _sns(aws).create_topic(Name="alarms"),
    ),
    "drift": Case(
        {"alarms": topic("alarms", display_name="Alarms"), "gone": topic("gone")},
        {"alarms": topic("alarms", display_name="Alarms"), "gone": topic("gone")},
        flags=("--refresh",),
        meanwhile=lambda aws: (
            _sns(aws).set_topic_attributes(
                TopicArn=f"arn:aws:sns:{REGION}:123456789012:alarms",
                AttributeName="DisplayName",
                AttributeValue="By hand",
            ),
            _sns(aws).delete_topic(TopicArn=f"arn:aws:sns:{REGION}:123456789012:gone"),
        ),
    ),
    "error-before-steps": Case({}, {}, fault=f"the program gives up: {HOSTILE}"),
    "policies": Case(
        role("s3:GetObject", "s3:ListBucket"),
        role("s3:GetObject", "s3:PutObject", principal="codebuild.amazonaws.com"),
    ),
    "versions": Case(version("1.2.0-abc12345.e0e0e0e0"), version("1.2.0-def56789.e0e0e0e0"), first=_store_template),
    "secrets": Case(
        {"alarms": topic("alarms", display_name={"secret": PASSWORD})},
        {"alarms": topic("alarms", display_name={"secret": f"{PASSWORD} 2"}), "new": topic({"secret": PASSWORD})},
    ),
    "hostile": Case(
        {HOSTILE: topic("alarms", tags={HOSTILE: "x"}), "`": topic("gone")},
        {HOSTILE: topic("alarms-2", tags={HOSTILE: HOSTILE}, display_name=HOSTILE)},
    ),
}


def main() -> int:
    """Record every case, or those that the command line names."""
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or CASES:
        with tempfile.TemporaryDirectory() as folder:
            for suffix, text in record(CASES[name], Path(folder)).items():
                (FOLDER / f"{name}{suffix}").write_text(text, encoding="utf-8")
    return 0


def record(case: Case, folder: Path) -> dict[str, str]:
    """Both shapes of the preview, by the suffix of their file."""
    project = folder / "project"
    project.mkdir()
    settings = {"name": "samples", "runtime": {"name": "python"}, "main": str(HERE / "program")}
    (project / "Pulumi.yaml").write_text(yaml.safe_dump(settings))
    _configure(project, case.before, outputs=case.outputs[0])
    world = World(folder / "world", project)
    world.start()
    try:
        aws = partial(
            boto3.Session("sandbox", "sandbox", region_name=REGION).client,
            endpoint_url=world.environment()["AWS_ENDPOINT_URL"],
        )
        if case.first:
            case.first(aws)
        if case.before:
            world.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", env=COMMIT)
        if case.meanwhile:
            case.meanwhile(aws)
        _configure(project, case.after, case.fault, case.outputs[1])
        command = ("preview", "--stack", "dev", "--json", *case.flags)
        digest = world.pulumi(*command, check=False, env=COMMIT).stdout
        events = world.pulumi(*command, check=False, env=STREAM | COMMIT).stdout
    finally:
        world.stop()
    return {".json": _tidied(digest), ".jsonl": "".join(map(_tidied, events.splitlines(keepends=True)))}


def _configure(
    project: Path, resources: Resources, fault: str = "", outputs: Mapping[str, str] = MappingProxyType({})
) -> None:
    config = {"aws:region": REGION, "samples:resources": dict(resources), "samples:fault": fault}
    config |= {"samples:outputs": dict(outputs)} if outputs else {}
    (project / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}, sort_keys=False))


_NOISE = {"stackTrace", "sourcePosition", "created", "modified", "timestamp", "duration", "durationSeconds"}


def _tidied(text: str) -> str:
    """JSON without what differs from run to run; other text as it is."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    if found.get("diagnosticEvent", {}).get("severity") == "debug":
        return ""
    indent = 1 if "steps" in found or "diagnostics" in found else None
    return json.dumps(_without_noise(found), indent=indent, ensure_ascii=False) + "\n"


def _without_noise(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_noise(item) for key, item in value.items() if key not in _NOISE}
    if isinstance(value, str):
        return re.sub(r'File "[^"]*/', 'File "', value)
    return [_without_noise(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    sys.exit(main())
