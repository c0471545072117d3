"""Every policy that the platform makes or prints, in each of its variants: what the reference judges."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from awsmodel.cloudformation.evaluation import Evaluation
from awsmodel.cloudformation.template import Template
from components.packaging import seed_code
from components.sections.source import CodeCommitSource
from settings import parse
from settings.roles import role_facts
from tests.seed_code.product_templates import PRODUCTS, SEED_CODE
from tests.support.delivery_example import SECTION, TESTS, example, example_of_tests
from tests.support.recording import ACCOUNT_ID, Recording, run_program, stack_values
from tools import iam_policies
from tools.check.recording import nothing_looked_up

Document = Mapping[str, Any]

NETWORK = {
    "us-east-2": {
        "vpcId": "vpc-0a1b2c3d4e5f60718",
        "subnetIds": ["subnet-0a1b2c3d4e5f60718", "subnet-1a2b3c4d5e6f70819"],
        "securityGroupIds": ["sg-0a1b2c3d4e5f60718"],
    }
}
CONNECTION = f"arn:aws:codestar-connections:us-east-2:{ACCOUNT_ID}:connection/8f14e45f-ceea-467f-9d1a-0c3b2a1d4e5f"
KEY = f"arn:aws:kms:us-east-2:{ACCOUNT_ID}:key/8f14e45f-ceea-467f-9d1a-0c3b2a1d4e5f"
ORGANIZATION = "o-abcdefghij"
_ORGANIZATIONS = "arn:aws:organizations::444455556666"
SHARES = [
    {"type": "ACCOUNT", "principalId": "444455556666"},
    {"type": "ORGANIZATION", "principalId": f"{_ORGANIZATIONS}:organization/{ORGANIZATION}"},
    {"type": "ORGANIZATIONAL_UNIT", "principalId": f"{_ORGANIZATIONS}:ou/{ORGANIZATION}/ou-abcd-12345678"},
]


@dataclass
class Role:
    """One role, or one resource with a policy: what is judged together."""

    where: str
    trust: list[Document] = field(default_factory=list)
    inline: list[Document] = field(default_factory=list)
    managed: list[Document] = field(default_factory=list)
    attached: int = 0
    """Managed policies that are attached, also those of others."""
    of_resource: bool = False
    """Whether it is a bucket's, a key's or a topic's own policy, which has other limits."""

    @property
    def statements(self) -> list[Mapping[str, Any]]:
        """All that it may do."""
        return [statement for one in (*self.inline, *self.managed) for statement in one["Statement"]]


def variants() -> dict[str, tuple[str, dict[str, Any]]]:
    """Stack and values of each variant of the program."""
    dev, prod, locked = (stack_values(stack) for stack in ("dev", "prod", "locked-down"))
    catalog = dev["sm-mlops:catalog"]
    github = {"provider": "GitHub", "repository": "acme/platform", "branch": "main"}
    plain = {key: value for key, value in example().items() if key != "pullRequests"}
    whole = {SECTION: example(pullRequests="approve"), TESTS: example_of_tests()}
    return {
        "dev": ("dev", dev),
        "prod": ("prod", prod),
        "locked-down": ("locked-down", locked),
        "dev with delivery and tests": ("dev", {**dev, **whole}),
        "dev from GitHub": ("dev", {**dev, "sm-mlops:source": github, SECTION: plain}),
        "dev from a supplied connection": (
            "dev",
            {
                **dev,
                "sm-mlops:source": {**github, "connectionArn": CONNECTION},
                SECTION: plain,
            },
        ),
        "dev shared": ("dev", {**dev, "sm-mlops:catalog": {**catalog, "shares": SHARES}}),
        "dev from templates in S3": (
            "dev",
            {
                **dev,
                "sm-mlops:catalog": {
                    **catalog,
                    "studioDomains": {"us-east-2": ["d-abcdefghijkl"]},
                    "dataBuckets": ["acme-data"],
                    "projectKeyArns": {"us-east-2": KEY},
                },
            },
        ),
        "dev in a VPC": ("dev", {**dev, **whole, "sm-mlops:network": NETWORK}),
        "dev with use roles": (
            "dev",
            {**dev, "sm-mlops:iam": {"use": {"mode": "create"}}, "sm-mlops:network": NETWORK},
        ),
        "locked-down with delivery": ("locked-down", {**locked, SECTION: example(pullRequests="comment")}),
    }


@cache
def recording(variant: str) -> Recording:
    """A run of a variant."""
    stack, values = variants()[variant]
    with nothing_looked_up():
        return run_program(values, stack)


def everything() -> Iterator[Role]:
    """Every policy, by the role or the resource that has it."""
    for variant, (stack, values) in variants().items():
        yield from (_named(variant, role) for role in of_recording(recording(variant)))
        yield from (_named(f"iam-policies, {variant}", role) for role in of_documents(stack, values))
    for product in (*PRODUCTS, "_skeleton"):
        yield from of_template(product)


def _named(variant: str, role: Role) -> Role:
    role.where = f"{variant}: {role.where}"
    return role


def of_recording(run: Recording) -> Iterator[Role]:
    """Roles with their policies, and policies of buckets, keys and topics."""
    roles = {one.inputs["name"]: Role(one.name) for one in run.of_type("aws:iam/role:Role")}
    for one in run.of_type("aws:iam/role:Role"):
        roles[one.inputs["name"]].trust.append(json.loads(one.inputs["assumeRolePolicy"]))
    managed = {one.inputs["name"]: one.policy() for one in run.of_type("aws:iam/policy:Policy")}
    attached = set()
    for one in run.of_type("aws:iam/rolePolicy:RolePolicy"):
        roles[one.inputs["role"]].inline.append(one.policy())
    for one in run.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment"):
        name = one.inputs["policyArn"].rsplit("/", 1)[-1]
        roles[one.inputs["role"]].attached += 1
        if name in managed:
            attached.add(name)
            roles[one.inputs["role"]].managed.append(managed[name])
    yield from roles.values()
    for name in managed.keys() - attached:
        yield Role(name, managed=[managed[name]])
    for one in run.resources:
        if not one.type.startswith("aws:iam/") and isinstance(one.inputs.get("policy"), str):
            yield _of_resource(one.name, one.policy())


def _of_resource(name: str, policy: Document) -> Role:
    return Role(f"{name} (a resource's own)", inline=[policy], of_resource=True)


def of_documents(stack: str, values: Mapping[str, Any]) -> Iterator[Role]:
    """What `tools iam-policies` prints."""
    settings = parse(dict(values), stack)
    facts = role_facts(settings, ACCOUNT_ID)
    printed = (
        iam_policies.documents(facts),
        iam_policies.delivery_roles(settings, facts),
        iam_policies.studio_policy(facts),
        iam_policies.of_branch(settings, facts) if isinstance(settings.source, CodeCommitSource) else (),
    )
    for one in itertools.chain(*printed):
        if "policy" in one.content:
            yield Role(one.key, managed=[one.content["policy"]])
            continue
        policies = one.content["policies"]
        managed = [policy["document"] for policy in policies if policy["kind"] == "managed"]
        inline = [policy["document"] for policy in policies if policy["kind"] == "inline"]
        yield Role(one.key, [one.content["trustPolicy"]], inline, managed, len(managed))


_PSEUDO = {
    "AWS::Region": "us-east-2",
    "AWS::Partition": "aws",
    "AWS::AccountId": ACCOUNT_ID,
    "AWS::StackId": f"arn:aws:cloudformation:us-east-2:{ACCOUNT_ID}:stack/SC-1/1",
    "AWS::StackName": "SC-1",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": "",
}
_ENVIRONMENT: Mapping[str, Mapping[str, str]] = {
    "Encryption": {"KmsKeyArn": f"arn:aws:kms:us-east-2:{ACCOUNT_ID}:key/8f14e45f-ceea-467f-9d1a-0c3b2a1d4e5f"},
    "Network": {
        "VpcId": "vpc-0a1b2c3d",
        "SubnetIds": "subnet-0a1b2c3d,subnet-1a2b3c4d",
        "SecurityGroupIds": "sg-0a1b2c3d",
    },
    "Notifications": {"TopicArn": f"arn:aws:sns:us-east-2:{ACCOUNT_ID}:sm-mlops-dev-notifications"},
}
_PARAMETERS: Mapping[str, Sequence[Mapping[str, str]]] = {
    "batch-inference": [{}, {"InputBucketName": "acme-data", "InputPrefix": "abalone/new/", "StartOnNewData": "YES"}],
    "model-build-airflow": [{}, {"RunOn": "environment"}],
    "model-build-kubernetes": [
        {"ClusterName": "shared", "Namespace": "fraud"},
        {
            "ClusterName": "shared",
            "Namespace": "fraud",
            "ControllerRoleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/ack-controller",
        },
    ],
    "model-build-train": [
        {},
        {"InputDataUrl": "s3://acme-data/abalone/"},
        {
            "JobImageUri": f"{ACCOUNT_ID}.dkr.ecr.us-east-2.amazonaws.com/sagemaker-jobs:1",
            "BuildJobImage": "true",
            "MlflowAppArn": f"arn:aws:sagemaker:us-east-2:{ACCOUNT_ID}:mlflow-app/app-1",
            "StageAccountIds": "444455556666,777788889999",
        },
    ],
    "model-build-stepfunctions": [{}, {"InputDataUrl": "s3://acme-data/abalone/"}],
    "model-deploy": [
        {},
        {"MonitoringSchedule": "rate(1 day)", "RetrainOnDrift": "YES"},
        {
            "DeploymentTarget": "STACKSET",
            "StagingAccountIds": "444455556666",
            "ProdAccountIds": "777788889999",
            "TargetTestRoleName": "sagemaker-endpoint-test",
        },
    ],
}


def of_template(product: str) -> Iterator[Role]:
    """The roles that a product's projects make, with and without each thing that an environment can give them."""
    # What new products begin with is no product itself: its name says so.
    begun = (SEED_CODE / product / "template.yaml").read_text() if product.startswith("_") else None
    template = Template.parse(begun or seed_code.product(product).template)
    own = {"SageMakerProjectName": "fraud", "SageMakerProjectId": "p-abcdefghijkl"}
    declared = template.mappings["Environment"]
    offered = [name for name in _ENVIRONMENT if name in declared]
    for parameters in _PARAMETERS.get(product, [{}]):
        for given in itertools.product((False, True), repeat=len(offered)):
            chosen = [name for name, has in zip(offered, given, strict=True) if has]
            environment = {**declared, **{name: _ENVIRONMENT[name] for name in chosen}}
            values = template.resolve_parameters({**own, **parameters})
            evaluation = Evaluation(template, values, _PSEUDO, {"Environment": environment})
            with_what = ", ".join([*parameters, *chosen]) or "nothing"
            for name in evaluation.order():
                properties = evaluation.properties(name)
                kind = template.resources[name]["Type"]
                evaluation.made[name] = _made(name, kind, properties)
                if kind == "AWS::IAM::Role":
                    yield _of_made_role(f"{product} with {with_what}: {name}", properties)
                elif kind == "AWS::S3::BucketPolicy":
                    yield _of_resource(f"{product}: {name}", properties["PolicyDocument"])


@dataclass(frozen=True)
class _Made:
    physical_id: str
    attributes: Mapping[str, str]


_NAMES = ("BucketName", "RepositoryName", "RoleName", "FunctionName", "LogGroupName", "StateMachineName", "Name")
_ARNS = {
    "AWS::CodeBuild::Project": "arn:aws:codebuild:us-east-2:{account}:project/{name}",
    "AWS::CodeCommit::Repository": "arn:aws:codecommit:us-east-2:{account}:{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::Lambda::Function": "arn:aws:lambda:us-east-2:{account}:function:{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:us-east-2:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::StepFunctions::StateMachine": "arn:aws:states:us-east-2:{account}:stateMachine:{name}",
}


def _made(logical_id: str, kind: str, properties: Mapping[str, Any]) -> _Made:
    name = next((str(properties[key]) for key in _NAMES if key in properties), logical_id)
    arn = _ARNS.get(kind, "").format(account=ACCOUNT_ID, name=name)
    given = {"Arn": arn, "Name": name, "AssociationId": "a-abcdefghijklmnop1"}
    return _Made(name, {**given, "CloneUrlHttp": "https://git-codecommit.us-east-2.amazonaws.com"})


def _of_made_role(where: str, properties: Mapping[str, Any]) -> Role:
    return Role(
        where,
        [properties["AssumeRolePolicyDocument"]],
        [one["PolicyDocument"] for one in properties.get("Policies", ())],
        [],
        len(properties.get("ManagedPolicyArns", ())),
    )
