"""The platform's whole story on the emulated AWS, step by step: `make sandbox-demo` plays it, and the tests do.

Everything is as on AWS: a real engine deploys the platform, projects are launched from the catalog, git pushes, builds
run their buildspec, the pipeline trains, the endpoint answers with the model. Only the machines are this one.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import boto3
import yaml

from sandbox.deployment import operate
from sandbox.faults import SandboxError
from sandbox.world import REPOSITORY, World

Json = dict[str, Any]
Client = Any
"""A client of boto3, which makes them at run time."""

STACK = "dev"
SCIENTIST = "TeamDataScientist"
PROJECT, DEPLOYMENT, BATCH = "churn", "churn-deploy", "churn-batch"
GROUP = f"sagemaker-{PROJECT}"
BUILD_PRODUCT, DEPLOY_PRODUCT = "model building and training", "model deployment"
BATCH_PRODUCT = "batch inference"
ARCHITECTURES = {
    "airflow": "model-build-airflow",
    "kubernetes": "model-build-kubernetes",
    "pipelines": "model-build-train",
    "stepfunctions": "model-build-stepfunctions",
}
"""By what orders the steps of a training, the product that is offered for it."""
LONGEST_SECONDS = 600
"""How long a step may take. The very first builds ever install their packages."""

ROWS = b"M,0.455,0.365,0.095,0.514,0.2245,0.101,0.15\n"
_MANY_ROWS = 600
_LOOK_SECONDS = 0.1
# Without it a build project leaves its bucket, for the models that others may serve.
_GOES_WITH_IT = {"Key": "ArtifactsOnProjectDeletion", "Value": "Delete"}
_FITTED = "early_stopping=False,"
_FITTED_OTHERWISE = f"{_FITTED}\n        max_features=0.5,"
"""A change that training shows: each split looks at half of the features, and the error is a little smaller."""


class Story:
    """One play of the story.

    Args:
        world: where it plays; started, with the stack's settings file in its project.
        tell: gets each thing that happens, as it happens.

    """

    def __init__(self, world: World, tell: Callable[[str], object]) -> None:
        self.world, self.tell = world, tell
        environment = world.environment()
        self._endpoint = environment["AWS_ENDPOINT_URL"]
        self.region = environment["AWS_REGION"]
        self._root = boto3.Session(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
        self._scientist: boto3.Session | None = None
        self._clients: dict[tuple[str, str, bool], Client] = {}
        self._ear = ""
        self.projects: dict[str, str] = {}
        """Ids of the projects, by name."""
        self.metrics: dict[int, dict[str, float]] = {}
        """Metrics of the versions of the model, by version."""
        self.predictions: list[tuple[str, float]] = []
        """What endpoints have answered, in the order of the questions."""
        self.mails: list[str] = []
        """What the platform's topic was told, as far as somebody has listened."""

    def client(self, service: str, region: str = "", *, scientist: bool = False) -> Client:
        """Return a client of the account's administrator, or of the data scientist."""
        key = (service, region or self.region, scientist)
        if key not in self._clients:
            session = self._scientist if scientist else self._root
            assert session is not None  # noqa: S101 - `deploy_platform` has made it
            self._clients[key] = session.client(  # type: ignore[call-overload]
                service, region_name=key[1], endpoint_url=self._endpoint
            )
        return self._clients[key]

    def deploy_platform(self) -> None:
        """`pulumi up`; somebody listens to the platform's topic, and a data scientist is there."""
        iam = self.client("iam")
        arn = iam.create_role(RoleName=SCIENTIST, AssumeRolePolicyDocument='{"Statement": []}')["Role"]["Arn"]
        changes = operate(self.world, f"pulumi up --stack {STACK}", "up", "--stack", STACK).changes
        given = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="scientist")["Credentials"]
        self._scientist = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        sqs, sns = self.client("sqs"), self.client("sns")
        self._ear = sqs.create_queue(QueueName="ear")["QueueUrl"]
        queue = sqs.get_queue_attributes(QueueUrl=self._ear, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for topic in sns.list_topics()["Topics"]:
            sns.subscribe(TopicArn=topic["TopicArn"], Protocol="sqs", Endpoint=queue)
        self.tell(f"The platform is up: {changes['create']} resources.")

    def create_project(self, name: str, product: str, **parameters: str) -> str:
        """Launch a project from the catalog, as a data scientist does in Studio; its id."""
        catalog, studio = self.client("servicecatalog", scientist=True), self.client("sagemaker", scientist=True)
        offered = {one["Name"]: one["ProductId"] for one in catalog.search_products()["ProductViewSummaries"]}
        (identity,) = [offered[title] for title in offered if product in title]
        given = [{"Key": key, "Value": value} for key, value in parameters.items()]
        details = {"ProductId": identity, "ProvisioningParameters": [_GOES_WITH_IT, *given]}
        studio.create_project(ProjectName=name, ServiceCatalogProvisioningDetails=details)
        project = studio.describe_project(ProjectName=name)
        if project["ProjectStatus"] != "CreateCompleted":
            told = project["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductStatusMessage"]
            raise SandboxError(f"Project {name} is {project['ProjectStatus']}: {told}")
        self.projects[name] = project["ProjectId"]
        self.tell(f"A data scientist has made project {name} ({project['ProjectId']}).")
        return str(project["ProjectId"])

    def cluster(self) -> dict[str, str]:
        """Make a cluster and prepare a namespace, where the product is built with one; what tells a launch of them."""
        prepared = REPOSITORY / "seed_code" / ARCHITECTURES["kubernetes"] / "repository" / "kustomize" / "access.yaml"
        offered = self.client("servicecatalog", scientist=True).search_products()["ProductViewSummaries"]
        if not any("on Kubernetes" in one["Name"] for one in offered):
            return {}
        account = self.client("sts").get_caller_identity()["Account"]
        made = self.client("eks").create_cluster(
            name="models", roleArn=f"arn:aws:iam::{account}:role/cluster", resourcesVpcConfig={}
        )["cluster"]
        text = prepared.read_text().replace("my-namespace", PROJECT).replace("my-project", PROJECT)
        wanted = {"cluster": made["arn"], "key": "", "verb": "apply", "namespace": PROJECT}
        objects = list(yaml.safe_load_all(text))
        body = json.dumps({**wanted, "objects": objects}).encode()
        asked = Request(f"{self._endpoint}/sandbox/kubernetes", body)  # noqa: S310 - the emulator
        with build_opener(ProxyHandler({})).open(asked):
            self.tell(f"The administrator of cluster models has prepared namespace {PROJECT}.")
        return {"ClusterName": "models", "Namespace": PROJECT}

    def pipeline(self, project: str) -> str:
        """Return the name of a project's pipeline."""
        names = [one["name"] for one in self.client("codepipeline").list_pipelines()["pipelines"]]
        (found,) = [name for name in names if self.projects[project] in name]
        return str(found)

    def repository(self, project: str) -> str:
        """Return the name of a project's repository."""
        listed = self.client("codecommit").list_repositories()["repositories"]
        (found,) = [one["repositoryName"] for one in listed if self.projects[project] in one["repositoryName"]]
        return str(found)

    def runs(self, project: str) -> list[Json]:
        """Return the executions of a project's pipeline, the oldest first."""
        told = self.client("codepipeline").list_pipeline_executions(pipelineName=self.pipeline(project))
        return list(reversed(told["pipelineExecutionSummaries"]))

    def last_run_ended(self, project: str) -> Json:
        """Wait for the end of the last execution of a project's pipeline."""
        identity = self.runs(project)[-1]["pipelineExecutionId"]

        def final() -> Json | None:
            (run,) = [one for one in self.runs(project) if one["pipelineExecutionId"] == identity]
            return run if run["status"] not in ("InProgress", "Stopping") else None

        run: Json = self._wait(final, f"the pipeline of {project}")
        trigger = run["trigger"]["triggerType"]
        self.tell(f"The pipeline of {project} has ended: {run['status']} (started by {trigger}).")
        return run

    def require_success(self, project: str) -> None:
        """Wait for the end of the last execution, which must have succeeded."""
        if self.last_run_ended(project)["status"] != "Succeeded":
            raise SandboxError(f"The pipeline of {project} failed: {self.failures(project)}")

    def failures(self, project: str) -> str:
        """Return what the failed actions of a project's pipeline say, with the ends of their builds' logs."""
        name = self.pipeline(project)
        told = []
        for run in self.client("codepipeline").list_action_executions(pipelineName=name)["actionExecutionDetails"]:
            result = run["output"]["executionResult"]
            if run["status"] == "Failed":
                told.append(f"{run['stageName']}/{run['actionName']}: {result['errorDetails']['message']}")
                told.append(self._log(result.get("externalExecutionId", "")))
        return "\n".join(told)

    def _log(self, build_id: str) -> str:
        builds = self.client("codebuild").batch_get_builds(ids=[build_id])["builds"] if ":" in build_id else []
        if not builds:
            return ""
        place = {"logGroupName": builds[0]["logs"]["groupName"], "logStreamName": builds[0]["logs"]["streamName"]}
        lines = self.client("logs").get_log_events(**place, startFromHead=True)["events"]
        return "".join(line["message"] for line in lines[-30:])

    def push(self, project: str, path: str, edit: Callable[[str], str]) -> None:
        """Clone a project's repository, change a file, commit and push, all with git."""
        repositories = self.client("codecommit")
        metadata = repositories.get_repository(repositoryName=self.repository(project))["repositoryMetadata"]
        before = len(self.runs(project))
        with tempfile.TemporaryDirectory(prefix="sm-mlops-push-") as folder:
            file = Path(folder, "work", path)
            self._git(folder, "clone", "--quiet", metadata["cloneUrlHttp"], "work")
            changed = edit(file.read_text())
            if changed == file.read_text():
                raise SandboxError(f"The change of {path} in {project} changes nothing.")
            file.write_text(changed)
            self._git(file.parent, "commit", "--quiet", "--all", "--message", f"Change {path}")
            self._git(file.parent, "push", "--quiet", "origin", "HEAD")
        self.tell(f"`git push` to {project}: {path} has changed.")
        self._wait(lambda: len(self.runs(project)) > before, f"the push to {project} starts its pipeline")

    def _git(self, folder: str | Path, *arguments: str) -> None:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        self.world.run(["git", *who, *arguments], cwd=Path(folder))

    def trained(self) -> Json:
        """Wait until the last training has ended, and return the newest model package."""

        def final() -> tuple[str, str] | None:
            state, reason = self._last_training(f"sagemaker-{self.projects[PROJECT]}-train")
            return None if state in ("Executing", "RUNNING") else (state, reason)

        state, reason = self._wait(final, "the training")
        if state.title() != "Succeeded":
            raise SandboxError(f"The training {state.title()}: {reason}")
        package = max(self.packages(), key=lambda one: int(one["ModelPackageVersion"]))
        report = self._report(package["ModelPackageArn"])
        metrics = {name: float(one["value"]) for name, one in report.items() if "value" in one}
        self.metrics[int(package["ModelPackageVersion"])] = metrics
        self.tell(
            f"Version {package['ModelPackageVersion']} of {GROUP} is registered, with a mean squared error of "
            f"{report['mse']['value']:.2f} (guessing the mean: {report['baseline_mse']['value']:.2f}); "
            f"{package['ModelApprovalStatus']}."
        )
        return package

    def _last_training(self, name: str) -> tuple[str, str]:
        """State of the newest run of a state machine, a workflow or a pipeline of that name, and why it failed."""
        states, sagemaker, airflow = (self.client(one) for one in ("stepfunctions", "sagemaker", "mwaa-serverless"))
        for machine in states.list_state_machines()["stateMachines"]:
            if machine["name"] == name:
                (run, *_) = states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
                told = states.describe_execution(executionArn=run["executionArn"])
                return told["status"], told.get("cause", "")
        for workflow in airflow.list_workflows()["Workflows"]:
            if workflow["Name"] == name:
                place = {"WorkflowArn": workflow["WorkflowArn"]}
                (newest, *_) = airflow.list_workflow_runs(**place)["WorkflowRuns"]
                detail = airflow.get_workflow_run(**place, RunId=newest["RunId"])["RunDetail"]
                return {"SUCCESS": "Succeeded"}.get(detail["RunState"], detail["RunState"]), detail["ErrorMessage"]
        (last, *_) = sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
        return last["PipelineExecutionStatus"], last.get("PipelineExecutionFailureReason", "")

    def packages(self) -> list[Json]:
        """Return the versions of the model."""
        sagemaker = self.client("sagemaker")
        return list(sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"])

    def _report(self, arn: str) -> Json:
        package = self.client("sagemaker").describe_model_package(ModelPackageName=arn)
        url = package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
        bucket, _, key = url.removeprefix("s3://").partition("/")
        content = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        report: Json = json.loads(content)["regression_metrics"]
        return report

    def decide(self, package: Json, status: str) -> None:
        """Approve or reject a model package, which starts the deployment project's pipeline."""
        before = len(self.runs(DEPLOYMENT))
        arn = package["ModelPackageArn"]
        self.client("sagemaker", scientist=True).update_model_package(ModelPackageArn=arn, ModelApprovalStatus=status)
        self.tell(f"Version {package['ModelPackageVersion']} is {status} in the model registry.")
        self._wait(lambda: len(self.runs(DEPLOYMENT)) > before, "the decision starts the deployment")

    def answer(self, status: str) -> None:
        """Wait until the deployment asks for approval, and answer."""
        found = self.asked()
        where = {key: found[key] for key in ("stageName", "actionName", "token")}
        self.client("codepipeline").put_approval_result(
            pipelineName=self.pipeline(DEPLOYMENT), result={"summary": "looked at", "status": status}, **where
        )
        self.tell(f"A person has answered: {status}.")

    def asked(self) -> Json:
        """Wait until the deployment asks for approval; what it waits at."""
        name, client = self.pipeline(DEPLOYMENT), self.client("codepipeline")

        def waiting() -> Json | None:
            for stage in client.get_pipeline_state(name=name)["stageStates"]:
                for action in stage["actionStates"]:
                    run = action.get("latestExecution") or {}
                    if run.get("token"):
                        return {"stageName": stage["stageName"], "actionName": action["actionName"], **run}
            if self.runs(DEPLOYMENT)[-1]["status"] != "InProgress":
                raise SandboxError(f"The deployment has ended without asking: {self.failures(DEPLOYMENT)}")
            return None

        found: Json = self._wait(waiting, "the request for approval")
        self.tell(f"The deployment asks for approval: {self.question()}")
        return found

    def question(self) -> str:
        """Return what the approver of the last deployment is asked."""
        runs = self.client("codepipeline").list_action_executions(pipelineName=self.pipeline(DEPLOYMENT))
        (asked, *_) = [one for one in runs["actionExecutionDetails"] if one["actionName"] == "ApproveProd"]
        return str(asked["input"]["resolvedConfiguration"]["CustomData"])

    def predict(self, stage: str) -> float:
        """Ask a stage's endpoint for a prediction."""
        name = f"sagemaker-{self.projects[DEPLOYMENT]}-{stage}"
        runtime = self.client("sagemaker-runtime")
        body = runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body=ROWS)["Body"].read()
        self.predictions.append((name, float(body)))
        self.tell(f"Endpoint {name} predicts {float(body):.1f} rings.")
        return float(body)

    def batch_run(self, **files: bytes) -> Json:
        """Put files where the batch project looks for them, and return the summary of the run that they start."""
        s3, before = self.client("s3"), len(self.runs(BATCH))
        bucket = f"sagemaker-{self.projects[BATCH]}-batch-{self.client('sts').get_caller_identity()['Account']}"
        for name, rows in files.items():
            s3.put_object(Bucket=bucket, Key=f"input/{name}.csv", Body=rows)
        self.tell(f"Files have come to s3://{bucket}/input/: {', '.join(files)}.")
        self._wait(lambda: len(self.runs(BATCH)) > before, "the files start a batch run")

        def written() -> Json | None:
            if any(run["status"] == "Failed" for run in self.runs(BATCH)):
                raise SandboxError(f"The pipeline of {BATCH} failed: {self.failures(BATCH)}")
            found = s3.list_objects_v2(Bucket=bucket, Prefix="runs/").get("Contents", [])
            keys = sorted(one["Key"] for one in found if one["Key"].endswith("/summary.json"))
            summaries = [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]
            # Files that come one by one may be in one run or in several.
            told = {file for one in summaries for file in (*one["results"], *one["failed"])}
            return summaries[-1] if {f"input/{name}.csv" for name in files} <= told else None

        summary: Json = self._wait(written, "the results of the batch run")
        self.require_success(BATCH)
        self.tell(
            f"Version {summary['model_package_version']} has answered {summary['rows']} rows in batch run "
            f"{summary['run']}; {len(summary['failed'])} files failed."
        )
        return summary

    def serving(self) -> dict[str, str]:
        """Return the model package that each stage's stack has deployed."""
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        found = {}
        for stack in stacks:
            outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
            if "-deploy-" in stack["StackName"] and "ModelPackageArn" in outputs:
                found[stack["StackName"].rpartition("-")[2]] = outputs["ModelPackageArn"]
        return found

    def require_serving(self, stage: str, package: Json) -> None:
        """Follow a stage's endpoint to its package, by its configuration and its model, which must be this one."""
        sagemaker, name = self.client("sagemaker"), f"sagemaker-{self.projects[DEPLOYMENT]}-{stage}"
        config = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
        (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
        served = sagemaker.describe_model(ModelName=variant["ModelName"])["PrimaryContainer"]["ModelPackageName"]
        if served != package["ModelPackageArn"]:
            raise SandboxError(f"Endpoint {name} serves {served}, not {package['ModelPackageArn']}.")
        self.tell(f"Endpoint {name} serves version {package['ModelPackageVersion']}.")

    def look_for_drift(self) -> list[str]:
        """Ask prod what its model was not trained on, start the monitoring as its schedule does; what drifted."""
        identity, sagemaker = self.projects[DEPLOYMENT], self.client("sagemaker")
        endpoint = f"sagemaker-{identity}-prod"
        self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Body=ROWS * _MANY_ROWS
        )
        self.tell(f"Somebody asks {endpoint} {_MANY_ROWS} times for the same abalone; the requests are captured.")
        started = sagemaker.start_pipeline_execution(PipelineName=f"sagemaker-{identity}-drift-prod")
        arn = started["PipelineExecutionArn"]

        def final() -> Json | None:
            run: Json = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
            return run if run["PipelineExecutionStatus"] != "Executing" else None

        run = self._wait(final, "the monitoring")
        if run["PipelineExecutionStatus"] != "Succeeded":
            raise SandboxError(f"The monitoring failed: {run['FailureReason']}")
        account = self.client("sts").get_caller_identity()["Account"]
        key = f"monitoring/reports/prod/{arn.rpartition('/')[2]}/drift.json"
        found = self.client("s3").get_object(Bucket=f"sagemaker-{identity}-deploy-{account}", Key=key)["Body"].read()
        report: Json = json.loads(found)
        self.tell(f"The monitoring says: {report['sentence']}")
        return [name for name, one in report["features"].items() if one["drifted"]]

    def heard(self) -> list[str]:
        """Return what the platform's topic was told since the last look."""
        sqs, found = self.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=self._ear, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(str(json.loads(message["Body"])["Message"]))
                sqs.delete_message(QueueUrl=self._ear, ReceiptHandle=message["ReceiptHandle"])
        self.mails += found
        return found

    def delete_project(self, name: str) -> None:
        """Delete a project, with all that it has made."""
        studio = self.client("sagemaker", scientist=True)
        studio.delete_project(ProjectName=name)
        left = studio.list_projects(NameContains=name)["ProjectSummaryList"]
        if name in [one["ProjectName"] for one in left]:
            raise SandboxError(f"Project {name} cannot be deleted: {studio.describe_project(ProjectName=name)}")
        self.tell(f"Project {name} is deleted.")

    def delete_models(self) -> None:
        """Delete the model packages and their group, which outlive their project."""
        sagemaker = self.client("sagemaker")
        for package in self.packages():
            sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])
        sagemaker.delete_model_package_group(ModelPackageGroupName=GROUP)
        self.tell(f"The versions of {GROUP} are deleted.")

    def destroy_platform(self) -> None:
        """`pulumi destroy`, and what the story itself has made."""
        operate(self.world, f"pulumi destroy --stack {STACK}", "destroy", "--stack", STACK)
        self.client("iam").delete_role(RoleName=SCIENTIST)
        self.client("sqs").delete_queue(QueueUrl=self._ear)
        for name in self.client("eks").list_clusters()["clusters"]:
            self.client("eks").delete_cluster(name=name)
        self.tell("The platform is destroyed.")

    def left(self) -> dict[str, list[str]]:
        """Return what is left in the account, by kind; nothing where all is well."""
        listed: dict[str, tuple[str, str, str, str]] = {
            "buckets": ("s3", "list_buckets", "Buckets", "Name"),
            "code repositories": (
                "sagemaker",
                "list_code_repositories",
                "CodeRepositorySummaryList",
                "CodeRepositoryName",
            ),
            "endpoints": ("sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
            "functions": ("lambda", "list_functions", "Functions", "FunctionName"),
            "log groups": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
            "model package groups": (
                "sagemaker",
                "list_model_package_groups",
                "ModelPackageGroupSummaryList",
                "ModelPackageGroupName",
            ),
            "models": ("sagemaker", "list_models", "Models", "ModelName"),
            "pipelines": ("codepipeline", "list_pipelines", "pipelines", "name"),
            "portfolios": ("servicecatalog", "list_portfolios", "PortfolioDetails", "DisplayName"),
            "repositories": ("codecommit", "list_repositories", "repositories", "repositoryName"),
            "roles": ("iam", "list_roles", "Roles", "RoleName"),
            "rules": ("events", "list_rules", "Rules", "Name"),
            "stacks": ("cloudformation", "describe_stacks", "Stacks", "StackName"),
            "state machines": ("stepfunctions", "list_state_machines", "stateMachines", "name"),
            "topics": ("sns", "list_topics", "Topics", "TopicArn"),
            "training pipelines": ("sagemaker", "list_pipelines", "PipelineSummaries", "PipelineName"),
            "workflows": ("mwaa-serverless", "list_workflows", "Workflows", "Name"),
        }
        found = {
            kind: [str(one[name]) for one in getattr(self.client(service), operation)()[member]]
            for kind, (service, operation, member, name) in listed.items()
        }
        # AWS makes these itself, and keeps them.
        found["roles"] = [name for name in found["roles"] if not name.startswith("AWSServiceRole")]
        # SageMaker's jobs of all projects write into the same groups, which nobody's deletion takes along.
        found["log groups"] = [name for name in found["log groups"] if not name.startswith("/aws/sagemaker/")]
        found["clusters"] = list(self.client("eks").list_clusters()["clusters"])
        found["build projects"] = list(self.client("codebuild").list_projects()["projects"])
        return {kind: names for kind, names in found.items() if names}

    def _wait(self, look: Callable[[], Any], what: str) -> Any:  # noqa: ANN401 - whatever there is to see
        deadline = time.monotonic() + LONGEST_SECONDS
        while not (found := look()):
            if time.monotonic() > deadline:
                raise SandboxError(f"Waited {LONGEST_SECONDS} seconds for this in vain: {what}.")
            time.sleep(_LOOK_SECONDS)
        return found


def offering(architecture: str, source: Path, folder: Path) -> Path:
    """Copy a project's stack files into a folder, with another way to build in the place of the SageMaker pipeline."""
    folder.mkdir(parents=True)
    for path in source.glob("Pulumi*.yaml"):
        text = path.read_text().replace(f"- {ARCHITECTURES['pipelines']}\n", f"- {ARCHITECTURES[architecture]}\n")
        (folder / path.name).write_text(text)
    return folder


def play(story: Story) -> None:
    """Play all of it, from nothing to nothing."""
    live(story)
    end(story)


def live(story: Story) -> None:
    """Play what people do with the platform, and leave it standing."""
    story.deploy_platform()
    story.create_project(PROJECT, BUILD_PRODUCT, **story.cluster())
    story.require_success(PROJECT)
    first = story.trained()
    story.create_project(DEPLOYMENT, DEPLOY_PRODUCT, MonitoringSchedule="rate(1 day)")
    story.require_success(DEPLOYMENT)
    story.push(DEPLOYMENT, "config/prod.toml", lambda text: text.replace("percent = 0 ", "percent = 100 "))
    story.require_success(DEPLOYMENT)
    story.push(PROJECT, "abalone/train.py", lambda text: text.replace(_FITTED, _FITTED_OTHERWISE))
    story.require_success(PROJECT)
    package = story.trained()
    story.decide(package, "Approved")
    story.answer("Approved")
    story.require_success(DEPLOYMENT)
    story.predict("staging")
    story.predict("prod")
    if not story.look_for_drift():
        raise SandboxError("The same abalone 600 times is none of what the model was trained on, and nothing drifted.")
    # Nobody answers for version 1, and prod goes back to it all the same when version 2 is rejected.
    story.decide(first, "Approved")
    story.asked()
    story.decide(package, "Rejected")
    story.require_success(DEPLOYMENT)
    story.require_serving("prod", first)
    story.create_project(BATCH, BATCH_PRODUCT, StartOnNewData="YES")
    story.require_success(BATCH)
    story.batch_run(night=ROWS * 3, broken=b"a,b\n")
    for message in story.heard():
        story.tell(f"The topic was told: {message}")


def end(story: Story) -> None:
    """Delete all that the story has made, and see to it that nothing is left."""
    story.delete_project(BATCH)
    story.delete_project(DEPLOYMENT)
    story.delete_project(PROJECT)
    story.delete_models()
    story.destroy_platform()
    if left := story.left():
        raise SandboxError(f"This is left of the story: {left}")
    story.tell("Nothing is left.")
