"""The ways to build a model, each from launch to end: whatever runs the steps, the registry gets the same."""

import io
import json
import re
import sysconfig
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import yaml

from awsmodel.regions import known_regions
from components.core.naming import Names
from components.iam.policies import document
from components.iam.role_documents import RoleFacts, project_boundary
from components.packaging import read_product
from tests.sandbox.conftest import REGION, REPOSITORY, Client, Clients
from tests.sandbox.support.catalog import ACCOUNT, BOUNDARY, PROVISIONING, Catalog, make_catalog
from tests.sandbox.support.kubernetes import play
from tests.sandbox.support.pipelines import Ear, wait

Json = dict[str, Any]
DEPLOY = "model-deploy"
LIGHTER = ("buildspec.yml", "buildspec-test.yml")
PYTHON = f"PYTHONPATH={sysconfig.get_path('purelib')} python -m"
"""Builds check nothing and install nothing, which others test: boto3 is this test's own."""
FAILING = 'raise SystemExit("there is no oil in the engine")\n'


class Run(NamedTuple):
    """One run of the steps."""

    state: str
    reason: str
    """Why it failed."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """A product, and what its builds make outside of CloudFormation's hands."""

    product: str
    runs: Callable[[Clients, str], list[Run]]
    """The runs of a project that there are, by its id; none where nothing is left that could run."""
    log_of_failure: str
    """What is said of the log of a training that failed."""
    prepare: Callable[[Clients, str, str], dict[str, str]] = lambda _aws, _url, _name: {}
    """Makes what a project of that name needs that is there before it; the parameters that tell of it."""


def pipeline_runs(aws: Clients, identity: str) -> list[Run]:
    client, name = aws("sagemaker"), f"sagemaker-{identity}-train"
    if name not in [one["PipelineName"] for one in client.list_pipelines()["PipelineSummaries"]]:
        return []
    found = client.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
    told = [client.describe_pipeline_execution(PipelineExecutionArn=one["PipelineExecutionArn"]) for one in found]
    return [Run(one["PipelineExecutionStatus"].upper(), one.get("FailureReason", "")) for one in told]


def state_machine_runs(aws: Clients, identity: str) -> list[Run]:
    client, name = aws("stepfunctions"), f"sagemaker-{identity}-train"
    machines = {one["name"]: one["stateMachineArn"] for one in client.list_state_machines()["stateMachines"]}
    if name not in machines:
        return []
    found = client.list_executions(stateMachineArn=machines[name])["executions"]
    told = [client.describe_execution(executionArn=one["executionArn"]) for one in found]
    return [Run(one["status"], f"{one.get('error')}: {one.get('cause')}") for one in told]


def workflow_runs(aws: Clients, identity: str) -> list[Run]:
    client, name = aws("mwaa-serverless"), f"sagemaker-{identity}-train"
    workflows = {one["Name"]: one["WorkflowArn"] for one in client.list_workflows()["Workflows"]}
    if name not in workflows:
        return []
    found = client.list_workflow_runs(WorkflowArn=workflows[name])["WorkflowRuns"]
    told = [client.get_workflow_run(WorkflowArn=workflows[name], RunId=one["RunId"])["RunDetail"] for one in found]
    return [Run(one["RunState"].replace("SUCCESS", "SUCCEEDED"), one["ErrorMessage"]) for one in told]


def a_cluster(aws: Clients, url: str, name: str) -> dict[str, str]:
    """A cluster, whose administrator has applied what the repository has for that."""
    cluster, role = f"cluster-{name}", f"arn:aws:iam::{ACCOUNT}:role/cluster"
    arn = aws("eks").create_cluster(name=cluster, roleArn=role, resourcesVpcConfig={})["cluster"]["arn"]
    text = (
        REPOSITORY / "seed_code" / "model-build-kubernetes" / "repository" / "kustomize" / "access.yaml"
    ).read_text()
    objects = list(yaml.safe_load_all(text.replace("my-namespace", "models").replace("my-project", name)))
    done = play(url, arn, "admin", "apply", "--server-side", "-f", "-", objects=objects)
    assert done.returncode == 0, done.stderr
    return {"ClusterName": cluster, "Namespace": "models"}


WAYS = (
    Way(product="model-build-train", runs=pipeline_runs, log_of_failure=""),
    Way(
        product="model-build-stepfunctions",
        runs=state_machine_runs,
        log_of_failure="Log: group /aws/sagemaker/TrainingJobs, streams that begin with p-",
    ),
    Way(product="model-build-kubernetes", runs=pipeline_runs, log_of_failure="", prepare=a_cluster),
    Way(
        product="model-build-airflow",
        runs=workflow_runs,
        log_of_failure="log group /aws/sagemaker/TrainingJobs, streams sagemaker-p-",
    ),
)
MARKED = [pytest.param(way, marks=pytest.mark.airflow) if "airflow" in way.product else way for way in WAYS]
REGISTERED: dict[str, Json] = {}
"""What each way has registered, without what is a run's own."""


@pytest.fixture(scope="module")
def catalog(aws: Clients, emulator: Json) -> Iterator[Catalog]:
    """A catalog, and a boundary for the roles of its projects."""
    made = make_catalog(aws, emulator["url"])
    bounds = document(
        project_boundary(RoleFacts(names=Names("acme", "dev"), home=known_regions()[REGION], account_id=ACCOUNT))
    )
    boundary = aws("iam").create_policy(PolicyName=BOUNDARY.rpartition("/")[2], PolicyDocument=bounds)["Policy"]
    yield made
    aws("iam").delete_policy(PolicyArn=boundary["Arn"])


@pytest.fixture(scope="module")
def topic(aws: Clients) -> tuple[str, Ear]:
    """The environment's topic, and who listens."""
    ear = Ear(aws)
    arn = aws("sns").create_topic(Name="acme-dev-notifications")["TopicArn"]
    may = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    aws("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    aws("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=ear.arn)
    return arn, ear


class Project:
    """A project of a product, as a data scientist has it."""

    def __init__(self, catalog: Catalog, product: str, name: str, topic_arn: str, parameters: dict[str, str]) -> None:
        self._aws, self.name = catalog.aws, name
        self._sagemaker: Client = catalog.acting(catalog.scientist, "sagemaker")
        read = read_product(REPOSITORY / "seed_code" / product)
        key = f"{product}.zip"
        self._aws("s3").put_object(Bucket=catalog.bucket, Key=key, Body=lighter(read.seed_zip()), Tagging=PROVISIONING)
        values = {group: dict(keys) for group, keys in read.environment.items()}
        values["Seed"] = {"Bucket": catalog.bucket, "Key": key}
        values["Roles"]["PermissionsBoundary"] = BOUNDARY.rpartition("/")[2]
        values["Notifications"]["TopicArn"] = topic_arn
        version = catalog.add_version(name, catalog.put_text(f"{name}.yaml", read.render(values)))
        self._sagemaker.create_project(
            ProjectName=name,
            ServiceCatalogProvisioningDetails={
                "ProductId": catalog.product,
                "ProvisioningArtifactId": version,
                "ProvisioningParameters": [{"Key": key, "Value": value} for key, value in parameters.items()],
            },
        )
        found = self._sagemaker.describe_project(ProjectName=name)
        assert found["ProjectStatus"] == "CreateCompleted", found
        self.id: str = found["ProjectId"]
        pipelines = self._aws("codepipeline").list_pipelines()["pipelines"]
        (self.pipeline,) = [one["name"] for one in pipelines if self.id in one["name"]]
        self.repository = read_repository(self._aws, self.id)

    def ended(self, what: str) -> list[str]:
        """Wait until no run of the pipeline is on its way; their states, the newest first."""

        def found() -> list[str] | None:
            client = self._aws("codepipeline")
            runs = client.list_pipeline_executions(pipelineName=self.pipeline)["pipelineExecutionSummaries"]
            states = [one["status"] for one in runs]
            return None if not states or "InProgress" in states else states

        return list(wait(found, what))

    def start(self) -> None:
        self._aws("codepipeline").start_pipeline_execution(name=self.pipeline)

    def kill_build(self) -> None:
        client = self._aws("codebuild")
        (build,) = wait(lambda: client.list_builds_for_project(projectName=self.pipeline)["ids"], "the build")
        client.stop_build(id=build)

    def approve(self) -> None:
        """Answer the question that the pipeline asks."""
        client = self._aws("codepipeline")

        def asked() -> Json | None:
            for stage in client.get_pipeline_state(name=self.pipeline)["stageStates"]:
                for action in stage["actionStates"]:
                    if token := (action.get("latestExecution") or {}).get("token"):
                        return {"stageName": stage["stageName"], "actionName": action["actionName"], "token": token}
            return None

        question = wait(asked, "the request for approval")
        answer = {"summary": "", "status": "Approved"}
        client.put_approval_result(pipelineName=self.pipeline, result=answer, **question)

    def push(self, path: str, content: str) -> None:
        client = self._aws("codecommit")
        head = client.get_branch(repositoryName=self.repository, branchName="main")["branch"]["commitId"]
        client.create_commit(
            repositoryName=self.repository,
            branchName="main",
            parentCommitId=head,
            putFiles=[{"filePath": path, "fileContent": content.encode()}],
            commitMessage="change",
        )

    def delete(self) -> None:
        self._sagemaker.delete_project(ProjectName=self.name)


def read_repository(aws: Clients, identity: str) -> str:
    repositories = aws("codecommit").list_repositories()["repositories"]
    (name,) = [one["repositoryName"] for one in repositories if identity in one["repositoryName"]]
    return str(name)


def lighter(seed: bytes) -> bytes:
    """The seed code with builds that only start what they are for."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(seed)) as whole, zipfile.ZipFile(made, "w") as archive:
        for name in whole.namelist():
            text = whole.read(name)
            if name in LIGHTER:
                # What makes a workflow of a DAG no test has in its own environment.
                kept = [line.replace("make .airflow", "$MAKE .airflow") for line in text.decode().splitlines()]
                lines = [line for line in kept if "make " not in line and "-m pip " not in line]
                text = (
                    "\n".join(lines)
                    .replace("$MAKE", "make")
                    .replace(".venv/bin/python", "python")
                    .replace("python -m", PYTHON)
                    .encode()
                )
            archive.writestr(name, text)
    return made.getvalue()


def ended(aws: Clients, way: Way, project: Project, count: int) -> Run:
    """Wait for the end of the newest of so many runs."""

    def found() -> Run | None:
        runs = way.runs(aws, project.id)
        return runs[0] if len(runs) == count and runs[0].state not in ("EXECUTING", "RUNNING") else None

    return Run(*wait(found, f"the end of run {count}"))


def packages(aws: Clients, group: str) -> list[Json]:
    client = aws("sagemaker")
    found = client.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    return [dict(client.describe_model_package(ModelPackageName=one["ModelPackageArn"])) for one in found]


def without_the_runs_own(package: Json, project: Project) -> Json:
    """A version as it would be of any project, made by any run."""
    names = {"ModelPackageArn", "ModelPackageGroupName", "ModelPackageName", "CreationTime", "ResponseMetadata"}
    text = json.dumps({key: value for key, value in package.items() if key not in names}, default=str, sort_keys=True)
    text = re.sub(r"executions/[^\\\"]*/", "executions/<run>/", text.replace(project.id, "<id>"))
    # One of the ways has a job more, and so another archive of code.
    text = re.sub(r"/code/[0-9a-f]{20}", "/code/<hash>", text)
    own = r"(arn:aws:(sagemaker|states):|sagemaker-<id>-train/)[^\\\"]*"
    text = re.sub(own, "<run>", text.replace(project.name, "<name>"))
    return dict(json.loads(re.sub(r"[0-9a-f]{40}", "<commit>", re.sub(r"git-codecommit[^\\\"]*", "<url>", text))))


@pytest.mark.parametrize("way", MARKED, ids=[way.product for way in WAYS])
def test_each_way_registers_the_same_version_which_is_deployed_and_nothing_stays(
    catalog: Catalog, aws: Clients, emulator: Json, topic: tuple[str, Ear], way: Way
) -> None:
    arn, ear = topic
    name = f"m{WAYS.index(way)}"
    group = f"sagemaker-{name}"
    given = {"ArtifactsOnProjectDeletion": "Delete", **way.prepare(aws, emulator["url"], name)}
    project = Project(catalog, way.product, name, arn, given)

    # A build that was killed is run again.
    project.kill_build()
    assert project.ended("the killed build") == ["Failed"]
    project.start()
    assert project.ended("the first build") == ["Succeeded", "Failed"]
    assert ended(aws, way, project, 1).state == "SUCCEEDED", ended(aws, way, project, 1).reason
    (package,) = packages(aws, group)
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    REGISTERED[way.product] = without_the_runs_own(package, project)
    assert REGISTERED[way.product] == next(iter(REGISTERED.values()))
    succeeded = f"Training of project {name} in {REGION} succeeded"
    wait(lambda: any(succeeded in str(one) for one in ear.heard()), "the message of the success")

    # One that has started its training finds what came of it.
    project.start()
    assert project.ended("the second build")[0] == "Succeeded"
    assert len(way.runs(aws, project.id)) == 1

    # What a job says is told with its step, and nothing is registered.
    project.push("abalone/train.py", FAILING)
    project.ended("the failing build")
    assert ended(aws, way, project, 2).state == "FAILED"
    heard = wait(lambda: [one for one in ear.heard() if "there is no oil" in str(one)], "the message of the failure")
    assert "Train" in str(heard)
    assert way.log_of_failure in str(heard)
    assert len(packages(aws, group)) == 1

    # Whoever serves it needs not know how it was made.
    aws("sagemaker").update_model_package(ModelPackageArn=package["ModelPackageArn"], ModelApprovalStatus="Approved")
    deployment = Project(catalog, DEPLOY, f"{name}-deploy", "", {"ModelBuildProjectName": name})
    deployment.approve()
    assert deployment.ended("the deployment") == ["Succeeded"]
    served = [one["EndpointName"] for one in aws("sagemaker").list_endpoints()["Endpoints"]]
    assert f"sagemaker-{deployment.id}-prod" in served

    deployment.delete()
    project.delete()
    assert [one["RoleName"] for one in aws("iam").list_roles()["Roles"] if project.id in one["RoleName"]] == []
    assert [one["Name"] for one in aws("s3").list_buckets()["Buckets"] if project.id in one["Name"]] == []
    assert way.runs(aws, project.id) == []
