"""What a region has, of an AWS that answers in the shapes of botocore's models: trainings, and what is refused."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import botocore.session
import pytest

from awsmodel.regions import known_regions
from components.catalog.publication import product_name
from components.core.naming import Names
from components.packaging import seed_code
from components.sections.catalog import CatalogSpec
from tests.support.played_aws import Clients, Refused
from tools.doctor.account import Account, StackRegion
from tools.projects.found import Project
from tools.report import pipelines, projects
from tools.report.model import Earlier, Failure, Known, Mark, NotKnown, known
from tools.report.runs import Run, earlier, mark
from tools.report.trainings.of_region import Trainings
from tools.report.trainings.pipelines import SageMakerPipeline
from tools.report.trainings.state_machines import History, StateMachine
from tools.report.trainings.workflows import Workflow

Json = dict[str, Any]
ACCOUNT, HOME = "123456789012", "us-east-2"
NAMES = Names("sm-mlops", "dev")
ID = "p-0123456789ab"
TRAIN = f"sagemaker-{ID}-train"
MACHINE = f"arn:aws:states:{HOME}:{ACCOUNT}:stateMachine:{TRAIN}"
WORKFLOW = f"arn:aws:airflow-serverless:{HOME}:{ACCOUNT}:workflow/{TRAIN}-a1b2c3d4e5"
PIPELINE = f"arn:aws:sagemaker:{HOME}:{ACCOUNT}:pipeline/{TRAIN}"
GROUP = f"/aws/vendedlogs/airflow/{TRAIN}"


def at(hour: int) -> datetime:
    return datetime(2026, 11, 24, hour, tzinfo=UTC)


def region(played: Any, *products: str) -> StackRegion:
    """A region of a stack that offers products, whose AWS is played."""
    catalog = CatalogSpec(products=products or ("model-deploy",))
    account = SimpleNamespace(
        catalog=catalog, wanted=SimpleNamespace(catalog=catalog), names=NAMES, id=ACCOUNT, caller="me", now=at(12)
    )
    # Two services have an operation of the same name.
    clients, of_pipelines = Clients(played), Clients(getattr(played, "pipelines", None) or CodePipelines())
    account.service_catalog = catalog
    account.client = lambda service, name=HOME: (of_pipelines if service == "codepipeline" else clients).client(
        service, name
    )
    return StackRegion(cast("Account", account), known_regions()[HOME])


class CodePipelines:
    """Pipelines of CodePipeline: none."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.refused = False

    def ListPipelines(self) -> Json:
        if self.refused:
            raise Refused("AccessDeniedException")
        return {"pipelines": []}


class Delivered(CodePipelines):
    """A pipeline whose last run has failed in its second stage, after one that went through to the end."""

    def ListPipelineExecutions(self, **_: object) -> Json:
        told = (("second", "Failed", 3), ("first", "Succeeded", 2))
        return {
            "pipelineExecutionSummaries": [
                {"pipelineExecutionId": name, "status": status, "startTime": at(hour)} for name, status, hour in told
            ]
        }

    def ListActionExecutions(self, **_: object) -> Json:
        return {"actionExecutionDetails": []}

    def GetPipelineState(self, name: str) -> Json:
        told = (("Source", "second", "Succeeded"), ("Build", "second", "Failed"), ("Deploy", "first", "Succeeded"))
        stages: list[Json] = [
            {"stageName": stage, "latestExecution": {"pipelineExecutionId": run, "status": status}}
            for stage, run, status in told
        ]
        return {"pipelineName": name, "stageStates": [*stages, {"stageName": "New"}]}


def test_what_the_last_run_has_not_come_to_is_no_success_of_it() -> None:
    played = SimpleNamespace(pipelines=Delivered())
    found = pipelines.pipeline(region(played), "delivery")
    assert [(one.name, one.status, one.mark, one.earlier) for one in found.stages] == [
        ("Source", "Succeeded", Mark.GOOD, False),
        ("Build", "Failed", Mark.BAD, False),
        ("Deploy", "Succeeded", Mark.PLAIN, True),
        ("New", "", Mark.PLAIN, False),
    ]


class Logs:
    """Logs of jobs and tasks, by group and stream."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.streams: dict[tuple[str, str], list[str]] = {}

    def DescribeLogStreams(self, logGroupName: str, logStreamNamePrefix: str) -> Json:
        names = [name for group, name in self.streams if group == logGroupName]
        if not names:
            raise Refused("ResourceNotFoundException")
        found = [name for name in names if name.startswith(logStreamNamePrefix)]
        return {"logStreams": [{"logStreamName": one, "lastEventTimestamp": len(one)} for one in found]}

    def GetLogEvents(self, logGroupName: str, logStreamName: str, limit: int, **_: object) -> Json:
        lines = self.streams[logGroupName, logStreamName][-limit:]
        return {"events": [{"message": f"{line}\n"} for line in lines]}


class Machines(Logs):
    """A state machine whose second run succeeded, after one that failed in a job."""

    def ListStateMachines(self) -> Json:
        others = ("people-made-this", "sagemaker-p-other-train")
        return {
            "stateMachines": [
                {"name": name, "stateMachineArn": MACHINE, "type": "STANDARD", "creationDate": at(1)}
                for name in (TRAIN, *others)
            ]
        }

    def ListExecutions(self, stateMachineArn: str, maxResults: int) -> Json:
        assert maxResults == 10
        told = (("second", "SUCCEEDED", 3), ("first", "FAILED", 2))
        shown = {"stateMachineArn": stateMachineArn}
        return {
            "executions": [
                {**shown, "executionArn": name, "name": name, "status": status, "startDate": at(hour)}
                for name, status, hour in told
            ]
        }

    def GetExecutionHistory(self, executionArn: str) -> Json:
        return {"events": numbered(SUCCEEDED if executionArn == "second" else FAILED)}

    def DescribeExecution(self, executionArn: str) -> Json:
        shown = {"executionArn": executionArn, "stateMachineArn": MACHINE, "startDate": at(2)}
        return {**shown, "status": "FAILED", "error": "Train: States.TaskFailed", "cause": "No rows. Log: ..."}


def entered(kind: str, name: str) -> Json:
    return {"type": f"{kind}StateEntered", "stateEnteredEventDetails": {"name": name}}


def left(kind: str, name: str) -> Json:
    return {"type": f"{kind}StateExited", "stateExitedEventDetails": {"name": name}}


def broken(cause: str) -> Json:
    details = {"resourceType": "sagemaker", "resource": "createTrainingJob.sync", "error": "States.TaskFailed"}
    return {"type": "TaskFailed", "taskFailedEventDetails": {**details, "cause": cause}}


def numbered(events: Sequence[Json]) -> list[Json]:
    """Events as they come one after another, with what each follows."""
    return [
        {**one, "id": place, "previousEventId": place - 1, "timestamp": at(2)} for place, one in enumerate(events, 1)
    ]


JOB = json.dumps({"TrainingJobName": "job-train-0", "TrainingJobStatus": "Failed", "FailureReason": "No rows."})
TRIED = [entered("Task", "Train"), {"type": "TaskScheduled"}, broken("Busy."), {"type": "TaskScheduled"}]
SUCCEEDED = [
    {"type": "ExecutionStarted"},
    *TRIED,
    {"type": "TaskSucceeded"},
    left("Task", "Train"),
    entered("Succeed", "Done"),
    left("Succeed", "Done"),
    {"type": "ExecutionSucceeded"},
]
FAILED = [
    {"type": "ExecutionStarted"},
    *TRIED,
    broken(JOB),
    left("Task", "Train"),
    entered("Fail", "Explain"),
    {"type": "ExecutionFailed", "executionFailedEventDetails": {"error": "Train", "cause": "No rows."}},
]


def test_a_training_by_a_state_machine_is_shown_with_its_states_and_the_failure_before_it() -> None:
    played = Machines()
    played.streams = {
        ("/aws/sagemaker/TrainingJobs", "job-train-0/algo-1-1"): ["began"],
        ("/aws/sagemaker/TrainingJobs", "job-train-0/algo-1-12"): ["began", "No rows."],
        ("/aws/sagemaker/TrainingJobs", "job-train-01/algo-1-123"): ["another job"],
    }
    found = StateMachine(region(played), TRAIN, MACHINE).pipeline()
    assert (found.name, found.kind, found.status, found.mark) == (TRAIN, "Step Functions", "SUCCEEDED", Mark.GOOD)
    assert (found.started, found.trigger, found.failures) == ("2026-11-24 03:00", "second", [])
    assert [(one.name, one.status) for one in found.stages] == [("Train", "SUCCEEDED"), ("Done", "SUCCEEDED")]
    failure = Failure(where="Train", reason="No rows. Log: ...", log=["began", "No rows."])
    assert found.earlier == Earlier(started="2026-11-24 02:00", mended=True, failures=[failure])
    assert found.link.endswith(f"/states/home?region={HOME}#/statemachines/view/{MACHINE.replace(':', '%3A')}")


def test_a_job_that_has_written_nothing_has_no_log() -> None:
    (failure,) = (
        StateMachine(region(Machines()), TRAIN, MACHINE).look(Run(id="first", status="FAILED", started=None)).failures
    )
    assert failure.log == ()


@pytest.mark.parametrize(
    ("events", "status", "states", "culprit"),
    [
        (FAILED, "FAILED", {"Train": "FAILED", "Explain": "FAILED"}, "Train"),
        # What was decided is no failure of the state before.
        (
            [entered("Choice", "Good?"), left("Choice", "Good?"), entered("Fail", "Bad"), {"type": "ExecutionFailed"}],
            "FAILED",
            {"Good?": "SUCCEEDED", "Bad": "FAILED"},
            "Bad",
        ),
        (TRIED, "RUNNING", {"Train": "RUNNING"}, "Train"),
        ([*TRIED, {"type": "ExecutionAborted"}], "ABORTED", {"Train": "ABORTED"}, "Train"),
        ([*TRIED, {"type": "ExecutionTimedOut"}], "TIMED_OUT", {"Train": "FAILED"}, "Train"),
        # A state that was entered again, and one that was never left.
        (
            [entered("Pass", "A"), left("Pass", "A"), entered("Pass", "B"), left("Pass", "B"), entered("Pass", "A")],
            "FAILED",
            {"B": "SUCCEEDED", "A": "FAILED"},
            "A",
        ),
        ([], "RUNNING", {}, ""),
    ],
    ids=["caught", "decided", "running", "aborted", "timed out", "again", "nothing"],
)
def test_a_history_tells_each_state_and_what_has_ended_it(
    events: Sequence[Json], status: str, states: Mapping[str, str], culprit: str
) -> None:
    read = History.read(numbered(events), status)
    assert list(read.states.items()) == list(states.items())
    assert read.culprit == culprit


class Workflows(Logs):
    """A workflow with two runs, of which AWS tells the older one first."""

    def ListWorkflows(self) -> Json:
        return {"Workflows": [{"WorkflowArn": WORKFLOW, "Name": TRAIN}]}

    def GetWorkflow(self, WorkflowArn: str) -> Json:
        return {"WorkflowArn": WorkflowArn, **self.group}

    group: Mapping[str, Json] = {"LoggingConfiguration": {"LogGroupName": GROUP}}

    def GetWorkflowRun(self, RunId: str, **_: object) -> Json:
        detail = {"RunState": "FAILED", "TaskInstances": [], "ErrorMessage": "expected token ',', got 'train'"}
        return {"RunId": RunId, "RunDetail": detail}

    def ListWorkflowRuns(self, **_: object) -> Json:
        told = (("first", "SUCCESS", 2), ("second", "FAILED", 3))
        return {
            "WorkflowRuns": [
                {"RunId": name, "RunDetailSummary": {"Status": status, "CreatedOn": at(hour)}}
                for name, status, hour in told
            ]
        }

    def ListTaskInstances(self, RunId: str, **_: object) -> Json:
        assert RunId == "second"
        return {"TaskInstances": [{"TaskInstanceId": identity} for identity in self.tasks]}

    def GetTaskInstance(self, WorkflowArn: str, RunId: str, TaskInstanceId: str) -> Json:
        told = self.tasks[TaskInstanceId]
        return {"WorkflowArn": WorkflowArn, "RunId": RunId, "TaskInstanceId": TaskInstanceId, **told}

    tasks: Mapping[str, Json] = {
        "ex_1_register_0": {"TaskId": "register", "Status": "UPSTREAM_FAILED", "AttemptNumber": 0},
        "ex_1_train_2": {"TaskId": "train", "Status": "FAILED", "AttemptNumber": 2, "StartedAt": at(3)}
        | {"ErrorMessage": "No rows.", "LogStream": "s"},
        "ex_1_train_1": {"TaskId": "train", "Status": "UP_FOR_RETRY", "AttemptNumber": 1, "StartedAt": at(2)},
        "ex_1_train_0": {"TaskId": "train", "Status": "SCHEDULED", "AttemptNumber": 0},
        "ex_1_preprocess_1": {"TaskId": "preprocess", "Status": "SUCCESS", "AttemptNumber": 1, "StartedAt": at(1)},
    }
    """By id, which ends with the number of the try, as AWS's sample for metrics of workflows has them."""


def test_a_training_by_a_workflow_is_shown_with_its_tasks_and_why_the_newest_run_failed() -> None:
    played = Workflows()
    played.streams = {(GROUP, "s"): ["No rows."]}
    found = Workflow(region(played), TRAIN, WORKFLOW).pipeline()
    assert (found.kind, found.status, found.started) == ("MWAA", "FAILED", "2026-11-24 03:00")
    assert [(one.name, one.status, one.mark) for one in found.stages] == [
        ("preprocess", "SUCCESS", Mark.GOOD),
        ("train", "FAILED", Mark.BAD),
        ("register", "UPSTREAM_FAILED", Mark.BAD),
    ]
    assert found.failures == [Failure(where="train", reason="No rows.", log=["No rows."])]
    assert found.earlier is None, "the last run has failed itself"
    assert found.link.endswith("/mwaa/home?region=us-east-2#serverlessWorkflows")


def test_the_log_of_a_task_is_found_where_the_workflow_names_no_group_and_the_stream_does() -> None:
    """Both as AWS's page on watching workflows with CloudWatch has them."""
    identity = WORKFLOW.rpartition("/")[2]
    stream = f"workflow_id={identity}/run_id=second/task_id=train/attempt=1.log"
    played = Workflows()
    task = {"TaskId": "train", "Status": "FAILED", "LogStream": f"//aws/mwaa-serverless/{identity}//{stream}"}
    played.tasks = {"ex_1_train_1": task}
    played.group = {}
    played.streams = {(f"/aws/mwaa-serverless/{identity}/", stream): ["No rows."]}
    (failure,) = Workflow(region(played), TRAIN, WORKFLOW).pipeline().failures
    assert failure.log == ["No rows."]


def test_a_workflow_that_cannot_be_read_tells_why() -> None:
    """As AWS's page has it: the run has failed, and no task was made."""
    played = Workflows()
    played.tasks = {}
    (failure,) = Workflow(region(played), TRAIN, WORKFLOW).pipeline().failures
    assert failure == Failure(where="the run", reason="expected token ',', got 'train'", log=())


class Pipelines(Logs):
    """A pipeline of SageMaker that goes on, after a run that failed in a job."""

    def ListPipelines(self) -> Json:
        return {"PipelineSummaries": [{"PipelineName": TRAIN, "PipelineArn": PIPELINE}]}

    def ListPipelineExecutions(self, MaxResults: int, **_: object) -> Json:
        assert MaxResults == 10
        told = (("second", "Executing"), ("first", "Failed"))
        return {
            "PipelineExecutionSummaries": [
                {"PipelineExecutionArn": f"{PIPELINE}/execution/{name}", "PipelineExecutionStatus": status}
                for name, status in told
            ]
        }

    def ListPipelineExecutionSteps(self, PipelineExecutionArn: str) -> Json:
        if PipelineExecutionArn.endswith("second"):
            return {"PipelineExecutionSteps": [{"StepName": "Train", "StepStatus": "Executing"}]}
        job = {"TrainingJob": {"Arn": f"arn:aws:sagemaker:{HOME}:{ACCOUNT}:training-job/job-train-0"}}
        step = {"StepName": "Train", "StepStatus": "Failed", "FailureReason": "No rows.", "Metadata": job}
        return {"PipelineExecutionSteps": [step]}


def test_a_failure_that_nothing_has_mended_yet_has_the_end_of_its_jobs_log() -> None:
    played = Pipelines()
    played.streams = {("/aws/sagemaker/TrainingJobs", "job-train-0/algo-1"): [f"line {number}" for number in range(99)]}
    found = SageMakerPipeline(region(played), TRAIN, PIPELINE).pipeline()
    assert (found.status, found.mark, found.failures) == ("Executing", Mark.BUSY, [])
    assert found.earlier
    assert not found.earlier.mended
    (failure,) = found.earlier.failures
    assert (failure.where, failure.reason) == ("Train", "No rows.")
    assert failure.log == [f"line {number}" for number in range(84, 99)]


@pytest.mark.parametrize(
    ("statuses", "told"),
    [
        (["Succeeded", "Failed", "Failed"], ("1", True)),
        (["Stopped", "Superseded", "Failed", "Succeeded"], ("2", False)),
        (["InProgress", "Succeeded", "Stopped", "FAILED"], ("3", True)),
        (["Failed", "Failed"], None),
        (["Succeeded", "Stopped"], None),
        ([], None),
    ],
)
def test_the_last_failure_is_told_where_a_later_run_is_shown(
    statuses: Sequence[str], told: tuple[str, bool] | None
) -> None:
    runs = [Run(id=str(place), status=status, started=at(place)) for place, status in enumerate(statuses)]
    found = earlier(runs, lambda run: [Failure(where=run.id, reason="", log=())])
    assert (found and (found.failures[0].where, found.mended)) == told


def test_each_status_that_aws_knows_reads_as_something() -> None:
    session = botocore.session.get_session()
    shapes = {
        "codepipeline": ("PipelineExecutionStatus", "StageExecutionStatus"),
        "mwaa-serverless": ("WorkflowRunStatus", "TaskInstanceStatus"),
        "sagemaker": ("PipelineExecutionStatus", "StepStatus"),
        "stepfunctions": ("ExecutionStatus",),
    }
    known_words = [
        word
        for service, names in shapes.items()
        for name in names
        for word in session.get_service_model(service).shape_for(name).enum  # type: ignore[attr-defined]
    ]
    assert {word for word in known_words if mark(word) is Mark.PLAIN} == {"NONE", "REMOVED", "Skipped", "Superseded"}


class Everything(Machines, Workflows, Pipelines):
    """All services that order trainings."""


def project(product: str, identity: str = ID) -> Project:
    return Project(
        name="churn", region=HOME, product=product, route=cast("Any", ""), owner="", status="", message="", ready=True,
        version="", newest="", target="", id=identity,
    )  # fmt: skip


def test_a_service_is_asked_only_where_a_product_on_offer_calls_it() -> None:
    played = Everything()
    trainings = Trainings(region(played, "model-build-train", "model-deploy"))
    assert played.calls == ["ListPipelines"]
    (one,) = trainings.of(project("model-build-train"))
    assert not isinstance(one, NotKnown)
    assert one.kind == "SageMaker"
    assert trainings.of(project("model-build-train", "p-else")) == trainings.of(project("model-build-train", "")) == []


def test_each_project_has_the_trainings_of_the_services_that_its_product_calls() -> None:
    class Silent(Everything):
        def ListWorkflows(self) -> Json:
            raise Refused("AccessDeniedException")

    offered = ("model-build-stepfunctions", "model-build-airflow", "model-build-kubernetes")
    trainings = Trainings(region(Silent(), *offered))

    def kinds(product: str) -> list[str]:
        return [one.what if isinstance(one, NotKnown) else one.kind for one in trainings.of(project(product))]

    assert kinds("model-build-stepfunctions") == ["SageMaker", "Step Functions"]
    assert kinds("model-build-airflow") == ["SageMaker", "trainings by MWAA"]
    assert kinds("model-build-kubernetes") == ["SageMaker"], "SageMaker orders the steps there"
    (refused,) = [one for one in trainings.of(project("model-build-airflow")) if isinstance(one, NotKnown)]
    assert refused.why.endswith("; grant airflow-serverless:ListWorkflows to me")


def test_a_project_whose_product_cannot_be_read_has_its_trainings() -> None:
    found = Trainings(region(Everything(), "no-such-folder")).of(project("no-such-folder"))
    assert [one.kind for one in known(found)] == ["SageMaker", "Step Functions", "MWAA"]


SLUG = "model-deploy"
PEOPLES = {"churn": "p-one", "fraud": "p-two"}


class Two(Pipelines):
    """Two of each thing, of which the second is refused."""

    def __init__(self) -> None:
        super().__init__()
        self.pipelines = CodePipelines()

    def ListPipelines(self) -> Json:
        return {"PipelineSummaries": [{"PipelineName": "sagemaker-p-one-train", "PipelineArn": PIPELINE}]}

    def ListProjects(self) -> Json:
        return {
            "ProjectSummaryList": [
                {
                    "ProjectName": name,
                    "ProjectArn": "arn",
                    "ProjectId": identity,
                    "CreationTime": at(1),
                    "ProjectStatus": "CreateCompleted",
                }
                for name, identity in PEOPLES.items()
            ]
        }

    def DescribeProject(self, ProjectName: str) -> Json:
        (found,) = [one for one in self.ListProjects()["ProjectSummaryList"] if one["ProjectName"] == ProjectName]
        if ProjectName == "fraud":
            raise Refused("AccessDeniedException")
        return {**found, "ServiceCatalogProvisionedProductDetails": {"ProvisionedProductId": "pp-churn"}}

    def SearchProductsAsAdmin(self) -> Json:
        shown = {"Name": product_name(seed_code.product(SLUG), NAMES), "ProductId": "prod"}
        return {"ProductViewDetails": [{"ProductViewSummary": shown}]}

    def ListProvisioningArtifacts(self, **_: object) -> Json:
        return {"ProvisioningArtifactDetails": [{"Id": "pa", "Name": "1.0.0-a", "Active": True, "CreatedTime": at(1)}]}

    def SearchProvisionedProducts(self, **_: object) -> Json:
        return {
            "ProvisionedProducts": [
                {
                    "Id": f"pp-{name}",
                    "Name": f"launch-{name}",
                    "ProductId": "prod",
                    "ProvisioningArtifactId": "pa",
                    "Status": "AVAILABLE",
                    "Tags": [{"Key": "sagemaker:project-id", "Value": identity}],
                }
                for name, identity in PEOPLES.items()
            ]
        }

    def ListEndpoints(self, **_: object) -> Json:
        made = {
            "EndpointArn": "a" * 20,
            "CreationTime": at(1),
            "LastModifiedTime": at(1),
            "EndpointStatus": "InService",
        }
        return {"Endpoints": [{**made, "EndpointName": f"sagemaker-p-one-{stage}"} for stage in ("prod", "staging")]}

    def GetMetricData(self, MetricDataQueries: Sequence[Json], **_: object) -> Json:
        return {"MetricDataResults": [{"Id": one["Id"], "Values": [1.0]} for one in MetricDataQueries]}

    def DescribeEndpoint(self, EndpointName: str) -> Json:
        if EndpointName.endswith("staging"):
            raise Refused("AccessDeniedException")
        (found,) = [one for one in self.ListEndpoints()["Endpoints"] if one["EndpointName"] == EndpointName]
        return {**found, "EndpointConfigName": "config"}

    def DescribeEndpointConfig(self, EndpointConfigName: str) -> Json:
        shown = {"EndpointConfigName": EndpointConfigName, "EndpointConfigArn": "a" * 20, "CreationTime": at(1)}
        return {**shown, "ProductionVariants": [{"VariantName": "AllTraffic", "InstanceType": "ml.m5.large"}]}

    def ListModelPackageGroups(self, **_: object) -> Json:
        shown = {"CreationTime": at(1), "ModelPackageGroupStatus": "Completed"}
        return {
            "ModelPackageGroupSummaryList": [
                {**shown, "ModelPackageGroupName": f"sagemaker-{name}", "ModelPackageGroupArn": name}
                for name in PEOPLES
            ]
        }

    def ListTags(self, ResourceArn: str) -> Json:
        if ResourceArn == "fraud":
            raise Refused("AccessDeniedException")
        return {"Tags": []}

    def ListModelPackages(self, **_: object) -> Json:
        shown = {"ModelPackageArn": "a" * 20, "CreationTime": at(1), "ModelPackageStatus": "Completed"}
        return {"ModelPackageSummaryList": [{**shown, "ModelPackageVersion": 1}]}

    def DescribeModelPackage(self, **_: object) -> Json:
        (found,) = self.ListModelPackages()["ModelPackageSummaryList"]
        return {**found, "ModelPackageName": "one", "ModelPackageStatusDetails": {"ValidationStatuses": []}}


def told(found: Sequence[Known[Any]]) -> list[str]:
    """Names of what is known, and of what is not, with why."""
    return [
        f"{one.what}: {one.why}" if isinstance(one, NotKnown) else getattr(one, "name", None) or one.group
        for one in found
    ]


def test_one_that_is_refused_hides_no_other_of_its_region() -> None:
    seen = projects.Region(region(Two(), SLUG))
    denied = "was answered with AccessDeniedException: no; grant sagemaker"
    project = f"fraud in {HOME}: DescribeProject {denied}:DescribeProject to me"
    assert told(seen.projects()) == ["churn", project], "what SageMaker has not told is no project of Service Catalog's"
    assert told(seen.models()) == ["sagemaker-churn", f"sagemaker-fraud in {HOME}: ListTags {denied}:ListTags to me"]
    staging = f"sagemaker-p-one-staging in {HOME}: DescribeEndpoint {denied}:DescribeEndpoint to me"
    assert told(seen.endpoints()) == ["sagemaker-p-one-prod", staging, project]


def test_pipelines_that_are_refused_hide_no_training() -> None:
    played = Two()
    played.pipelines.refused = True
    (churn,) = known(projects.Region(region(played, SLUG)).projects())
    refused, training = churn.pipelines
    assert isinstance(refused, NotKnown)
    assert refused.what == "pipelines"
    assert refused.why.endswith("; grant codepipeline:ListPipelines to me")
    assert not isinstance(training, NotKnown)
