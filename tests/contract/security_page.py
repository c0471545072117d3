"""Writes `docs/security.md` from the policies, as they decide the calls of somebody who tries: `make docs`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from awsmodel.iam.evaluation import Context, Request, Statement, allowed
from components.core.naming import Names
from components.iam.role_documents import RoleFacts, project_boundary
from components.sections.catalog import CatalogSpec
from tests.seed_code.product_templates import PRODUCTS
from tests.seed_code.test_escalations import ACCOUNT, BUCKET, FOLDER, KEY, OTHER, OWN, REGION, statements, tagged
from tests.unit.delivery.test_platform_delivery import rights
from tests.unit.iam.test_state_policies import BUCKET as STATE
from tests.unit.iam.test_state_policies import DEV, PROD, delivered

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security.md"

_TOP = """\
# Who can reach what

Whoever writes code that a build runs has the rights of that build. So the question is not what the code does, but
what the role that runs it may do. The tables give the answer of the policies: each cell is the decision on the
calls of somebody who tries, by the role's own policy and, for projects, by the boundary within which it acts. `make
docs` writes this page, and a test holds it: a right more is a line that a reviewer sees. Roles are those that the
stack and the projects make; what [supplied and shared roles](roles.md) change stands below.
"""

_PROJECTS = """
## Through a project

A data scientist may launch products and push to the repositories of projects. A launch runs as the launch role,
from the template that the platform published; what is pushed runs as the roles of builds, jobs and models.
`catalog.dataBuckets` names one bucket here.

"""

_PLATFORM = """
## Through the platform's repository

Whoever opens a pull request runs the build that previews it, where `delivery.pullRequests` is set. Whoever gets a
change into the branch runs all others: those of dev at once, `up` of prod after a person's approval. Each stack has
[a key of its own](delivery.md#a-key-for-each-stack) here.

"""

_OPEN = """
## What remains open, and why

- *The launch role makes roles.* A launch needs that; it can make none without the boundary, and none but
  `sagemaker-*`.
- *SageMaker between projects.* `sagemaker:CreateEndpointConfig` knows no resource for the model that it names, and
  models read the trained archives of every project, because a deployment project serves what another has built. The
  boundary allows all of SageMaker that projects use: only the names and tags in the roles' own policies keep
  projects apart there.
- *Logs of batch jobs.* All transform jobs of an account write into one log group, and the builds of batch projects
  read it to tell why a file failed: they can read what other projects' jobs wrote.
- *Pushes and running pipelines.* The builds of a deployment project may stop executions of its own pipeline, so a
  push can stop a rollback; the pipeline's history tells who.
- *Shared roles.* With `use` as `create`, `adopt` or `supplied` projects are not separated, and one role deploys
  staging and prod: [Who makes the roles](roles.md).
- *Connections.* Whoever launches names a repository, and the launch fills it if it is empty and the connection's app
  may write there. Calls that name no repository, such as those that list them, the roles' condition lets pass. The
  role of a check has no connection; where roles are shared, it is the one that pushes.
- *The deliverers.* The role that updates a stack writes the policies of the stack's roles, its own included. Only a
  permissions boundary binds it, which [`iam-policies` prints](roles.md); a preview warns while there is none.
- *Pull requests read.* A preview needs the state and the secrets of its stack. Let open pull requests who may know
  both.
- *The stack that holds the pipelines* decides what they deliver, to prod as well.
- *State in a stack without a delivery.* Its bucket is not named in the settings, so no deny names it: list the data
  buckets, and it is out of reach.
"""


@dataclass(frozen=True)
class Reach:
    """Something that somebody may want, and the calls that get it: one is enough."""

    what: str
    calls: Sequence[tuple[str, str]]
    """Actions, each with the end of the ARN that it is made on, from the service on."""
    context: Context = field(default_factory=dict)

    def by(self, *policies: Sequence[Statement]) -> bool:
        """Whether all policies allow one of the calls."""
        return any(
            all(
                allowed(policy, Request(action, on if on == "*" else f"arn:aws:{on}", self.context))
                for policy in policies
            )
            for action, on in self.calls
        )


def _objects(bucket: str, *actions: str) -> list[tuple[str, str]]:
    return [(f"s3:{action}", f"s3:::{bucket}/abalone/data.csv") for action in actions]


_SAGEMAKER = f"sagemaker:{REGION.name}:{ACCOUNT}"
_STACK = f"cloudformation:{REGION.name}:{ACCOUNT}:stack/sagemaker-fraud-{OWN}-deploy-prod/1"
_PIPELINE = f"codepipeline:{REGION.name}:{ACCOUNT}:sagemaker-fraud-{OWN}-modeldeploy"
_OWN_BUCKET: Context = {"aws:ResourceAccount": ACCOUNT}
_BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/sm-mlops-dev-project-boundary"
_ROLE = f"iam::{ACCOUNT}:role/sagemaker-{OWN}-more"
_OWN = [f"s3:::sagemaker-{OWN}-{part}-{ACCOUNT}" for part in ("build", "deploy", "batch")]
PROJECT = (
    Reach("reads the own bucket", [("s3:GetObject", f"{bucket}/{FOLDER}/a/b") for bucket in _OWN], _OWN_BUCKET),
    Reach("makes roles within the boundary", [("iam:CreateRole", _ROLE)], {"iam:PermissionsBoundary": _BOUNDARY}),
    Reach("the named data bucket", _objects("acme-data", "GetObject")),
    Reach("any other bucket", _objects("acme-payroll", "GetObject", "PutObject")),
    Reach(
        "the platform's buckets", _objects(f"sm-mlops-dev-products-{ACCOUNT}-eu-west-1-an", "PutObject", "DeleteObject")
    ),
    Reach("Pulumi's state", [("s3:GetObject", "s3:::acme-pulumi-state/.pulumi/stacks/sm-mlops/dev.json")]),
    Reach(
        "another project's bucket",
        _objects(BUCKET.removeprefix("s3:::").replace(OWN, OTHER), "PutObject", "DeleteObject"),
        _OWN_BUCKET,
    ),
    Reach(
        "another project's endpoint",
        [
            (f"sagemaker:{call}", f"{_SAGEMAKER}:endpoint/sagemaker-{OTHER}-prod")
            for call in ("UpdateEndpoint", "DeleteEndpoint")
        ],
        tagged(OTHER, name="victim"),
    ),
    Reach(
        "another project's models",
        [("sagemaker:CreateModelPackage", f"{_SAGEMAKER}:model-package-group/sagemaker-victim")],
        tagged(OTHER, name="victim"),
    ),
    Reach(
        "the own prod endpoint",
        [
            *(
                (f"sagemaker:{call}", f"{_SAGEMAKER}:endpoint/sagemaker-{OWN}-prod")
                for call in ("UpdateEndpoint", "DeleteEndpoint")
            ),
            *((f"cloudformation:{call}", _STACK) for call in ("CreateChangeSet", "UpdateStack", "DeleteStack")),
        ],
        tagged(OWN),
    ),
    Reach(
        "approvals",
        [
            ("codepipeline:PutApprovalResult", f"{_PIPELINE}/DeployStaging/ApproveProd"),
            ("sagemaker:UpdateModelPackage", f"{_SAGEMAKER}:model-package/sagemaker-fraud/1"),
        ],
    ),
    Reach(
        "roles without the boundary",
        [("iam:CreateRole", _ROLE), ("iam:PutRolePolicy", _ROLE), ("iam:AttachRolePolicy", _ROLE)],
    ),
    Reach("other roles", [("sts:AssumeRole", f"iam::{ACCOUNT}:role/Administrator")]),
    Reach("other keys", [("kms:Decrypt", f"kms:{REGION.name}:{ACCOUNT}:key/99999999-2222-3333-4444-555555555555")]),
)
_STATE = STATE.removeprefix("arn:aws:")
_ARTIFACTS = "s3:::sm-mlops-dev-artifacts-111122223333-us-east-2-an/sm-mlops-dev-deliver"
_ROLES = "iam::111122223333:role/sm-mlops-{}-any"


def _of_stack(stack: str, key: str) -> Iterator[Reach]:
    state = f"{_STATE}/.pulumi/stacks/sm-mlops/{stack}.json"
    yield Reach(f"reads the state of {stack}", [("s3:GetObject", state)])
    yield Reach(f"writes the state of {stack}", [("s3:PutObject", state), ("s3:DeleteObject", state)])
    yield Reach(f"decrypts the secrets of {stack}", [("kms:Decrypt", key.removeprefix("arn:aws:"))])
    yield Reach(f"changes roles of {stack}", [("iam:PutRolePolicy", _ROLES.format(stack))])


DELIVERED = (
    Reach("exchanges the source that is deployed", [("s3:PutObject", f"{_ARTIFACTS}/source_out/1a2b3c4")]),
    Reach(
        "approves",
        [("codepipeline:PutApprovalResult", "codepipeline:us-east-2:111122223333:sm-mlops-dev-deliver/prod/approve")],
    ),
    Reach("pushes to the branch", [("codecommit:GitPush", "codecommit:us-east-2:111122223333:sm-mlops-dev")]),
    *_of_stack("dev", DEV),
    *_of_stack("prod", PROD),
)

_MORE = {"InputDataUrl": "s3://acme-data/abalone/", "InputBucketName": "acme-data", "InputPrefix": "abalone/"}
_FACTS = RoleFacts(
    names=Names("sm-mlops", "dev"),
    home=REGION,
    account_id=ACCOUNT,
    catalog=CatalogSpec(products=PRODUCTS, data_buckets=("acme-data",), project_key_arns={REGION.name: KEY}),
    state_bucket="acme-pulumi-state",
)


def _project(product: str, role: str) -> Callable[[Reach], bool]:
    own = statements(product, role, **_MORE)
    return lambda reach: reach.by(own, project_boundary(_FACTS))


def projects() -> Mapping[str, Callable[[Reach], bool]]:
    """Who acts through a project, and what decides."""
    launch = [
        statement
        for policy in delivered().of_type("aws:iam/rolePolicy:RolePolicy")
        if policy.inputs["role"] == "sm-mlops-dev-project-launch"
        for statement in policy.policy()["Statement"]
    ]
    return {
        "launches a product: the launch role": lambda reach: reach.by(launch),
        "opens a pull request, or pushes a branch: the check": _project("model-build-train", "CheckRole"),
        "pushes to training: its build": _project("model-build-train", "BuildRole"),
        "... its training jobs": _project("model-build-train", "JobRole"),
        "pushes to training with a state machine: its build": _project("model-build-stepfunctions", "BuildRole"),
        "... its state machine": _project("model-build-stepfunctions", "StateMachineRole"),
        "... its training jobs, likewise": _project("model-build-stepfunctions", "JobRole"),
        "pushes to training with Airflow: its build": _project("model-build-airflow", "BuildRole"),
        "... its workflow": _project("model-build-airflow", "WorkflowRole"),
        "... its training jobs, likewise again": _project("model-build-airflow", "JobRole"),
        "pushes to deployment: its builds": _project("model-deploy", "BuildRole"),
        "... staging's stack": _project("model-deploy", "StagingStackRole"),
        "... models that answer": _project("model-deploy", "ModelRole"),
        "... monitoring": _project("model-deploy", "MonitorRole"),
        "... prod's stack, after the approval": _project("model-deploy", "StackRole"),
        "pushes to batch inference: its build": _project("batch-inference", "BuildRole"),
        "... its transform jobs": _project("batch-inference", "ModelRole"),
    }


def deliverers() -> Mapping[str, Callable[[Reach], bool]]:
    """Who acts through the platform's repository, and what decides."""
    builds = {
        "opens a pull request: its preview": "delivery-pull-requests",
        "gets a change into the branch: checks": "delivery-deliver-check",
        "... preview of dev": "delivery-deliver-preview-dev",
        "... up of dev": "delivery-deliver-up-dev",
        "... doctor of dev": "delivery-deliver-doctor-dev",
        "... drift of dev, at night": "delivery-drift-drift-dev",
        "... preview of prod": "delivery-deliver-preview-prod",
        "... up of prod, after the approval": "delivery-deliver-up-prod",
    }

    def judged(build: str) -> Callable[[Reach], bool]:
        own = rights(delivered(), build)
        return lambda reach: reach.by(own)

    return {who: judged(build) for who, build in builds.items()}


def _table(reached: Sequence[Reach], whoever: Mapping[str, Callable[[Reach], bool]]) -> Iterator[str]:
    yield f"| Who | {' | '.join(reach.what for reach in reached)} |\n"
    yield f"| --- |{' --- |' * len(reached)}\n"
    for who, reaches in whoever.items():
        yield f"| {who} | {' | '.join('**yes**' if reaches(reach) else 'no' for reach in reached)} |\n"


def page() -> str:
    """The whole page."""
    return "".join(
        [
            _TOP,
            _PROJECTS,
            *_table(PROJECT, projects()),
            _PLATFORM,
            *_table(DELIVERED, deliverers()),
            _OPEN,
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page())
