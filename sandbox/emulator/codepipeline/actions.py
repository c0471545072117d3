"""What the actions of a pipeline do, each with the rights of its role, and what the rules of a stage ask."""

import io
import json
import re
import string
import zipfile
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError
from moto.codecommit.models import codecommit_backends
from moto.core.utils import unix_time
from moto.moto_api._internal import mock_random

from sandbox.emulator.codebuild import models as codebuild
from sandbox.emulator.codeconnections.models import codeconnections_backends
from sandbox.emulator.codepipeline.executions import SERVICE, ActionError, ActionExecution, Artifact, Execution, Json
from sandbox.emulator.core.callers import Caller, Client
from sandbox.emulator.core.errors import ServiceError
from sandbox.emulator.core.not_known import not_known
from sandbox.emulator.events.models import timestamp

APPROVAL_MINUTES = 7 * 24 * 60
"""How long an approval waits that says nothing else: seven days."""

REPLACEABLE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED")
"""The states of a stack that REPLACE_ON_FAILURE deletes before it creates it anew."""

MADE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
CLOUDFORMATION = "cloudformation.amazonaws.com"


class Action:
    """One action at work: its role, its artifacts, what it tells."""

    def __init__(self, execution: Execution, run: ActionExecution) -> None:
        self.execution, self.run = execution, run
        self.configuration = run.configuration
        pipeline_role = execution.declaration["roleArn"]
        arn = execution.state.arn
        self._pipeline = execution.caller.assume(pipeline_role, SERVICE, execution.id, source=arn)
        role = self._pipeline
        if run.role != pipeline_role:
            role.require("sts:AssumeRole", run.role)
            role = role.assume(run.role, pipeline_role, execution.id)
        self.caller: Caller = role.in_region(run.region)

    def client(self, service: str) -> Client:
        """Return a client with the action's role, in its region."""
        return self.caller.client(service)

    def arn(self, service: str, rest: str) -> str:
        """Return the ARN of a resource in the account and region of the action."""
        caller = self.caller
        return f"arn:{caller.partition}:{service}:{caller.region}:{caller.account}:{rest}"

    def inputs(self) -> list[Artifact]:
        """Find the input artifacts, each copied to the action's region where it is not there yet."""
        found = [self.execution.artifacts[one["name"]] for one in self.run.declaration.get("inputArtifacts") or []]
        for artifact in found:
            if self.run.region not in artifact.places:
                content = self.read(artifact, next(iter(artifact.places)), self._pipeline)
                self._put(artifact, content, self._pipeline)
        self.run.inputs = found
        return found

    def read(self, artifact: Artifact, region: str = "", caller: Caller | None = None) -> bytes:
        """Read an artifact, from the store of the action's region unless another one is given."""
        bucket, key = artifact.places[region or self.run.region]
        reader = caller or self.caller
        reader.require("s3:GetObject", f"arn:{reader.partition}:s3:::{bucket}/{key}")
        content: bytes = reader.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def file(self, place: str) -> str:
        """Read a file of an input artifact, given as `Artifact::path`."""
        name, _, path = place.partition("::")
        artifact = next((one for one in self.run.inputs if one.name == name), None)
        if artifact is None:
            raise ActionError(f"{place}: {name} is not an input artifact of the action.", "ConfigurationError")
        with zipfile.ZipFile(io.BytesIO(self.read(artifact))) as archive:
            try:
                return archive.read(path).decode()
            except KeyError:
                raise ActionError(f"File [{path}] does not exist in artifact [{name}]", "ConfigurationError") from None

    def write(self, name: str, content: bytes) -> Artifact:
        """Store an output artifact."""
        artifact = Artifact(name)
        self._put(artifact, content, self.caller)
        self.add(artifact)
        return artifact

    def add(self, artifact: Artifact) -> None:
        """Take an output artifact, which lies in the store already, into the execution."""
        self.run.outputs.append(artifact)
        self.execution.artifacts[artifact.name] = artifact

    def place(self, name: str) -> tuple[str, str, str | None]:
        """Choose where an artifact will lie: bucket, key, and the key that encrypts it."""
        declaration, region = self.execution.declaration, self.run.region
        stores = declaration.get("artifactStores") or {self.execution.caller.region: declaration.get("artifactStore")}
        if region not in stores:
            raise ActionError(f"The pipeline has no artifact store in {region}.", "ConfigurationError")
        suffix = "".join(mock_random.choice(string.ascii_letters + string.digits) for _ in range(7))
        encryption = (stores[region].get("encryptionKey") or {}).get("id")
        return stores[region]["location"], f"{self.execution.pipeline[:20]}/{name[:10]}/{suffix}", encryption

    def _put(self, artifact: Artifact, content: bytes, writer: Caller) -> None:
        bucket, key, encryption = self.place(artifact.name)
        writer.require("s3:PutObject", f"arn:{writer.partition}:s3:::{bucket}/{key}")
        encrypted = {"ServerSideEncryption": "aws:kms", **({"SSEKMSKeyId": encryption} if encryption else {})}
        writer.in_region(self.run.region).client("s3").put_object(Bucket=bucket, Key=key, Body=content, **encrypted)
        artifact.places[self.run.region] = (bucket, key)


def act(execution: Execution, run: ActionExecution) -> None:
    """Do what an action does.

    Raises:
        ActionError: it failed.
        RoleError: its role is not there, does not trust CodePipeline, or may not do it.

    """
    kind = run.declaration["actionTypeId"]
    work = PROVIDERS.get((kind["category"], kind["provider"]))
    if work is None:
        raise ActionError(
            not_known(
                f"the action {kind['category']}/{kind['provider']}; it has "
                f"{', '.join('/'.join(known) for known in sorted(PROVIDERS))}"
            ),
            "Unsupported",
        )
    try:
        work(Action(execution, run))
    except (ClientError, ParamValidationError) as error:
        raise ActionError(str(error)) from error


def _codecommit(action: Action) -> None:
    run, configuration = action.run, action.configuration
    name, branch = configuration["RepositoryName"], configuration["BranchName"]
    if configuration.get("OutputArtifactFormat", "CODE_ZIP") != "CODE_ZIP":
        raise ActionError(not_known("source but as a zip: leave out OutputArtifactFormat"), "Unsupported")
    for operation in ("GetBranch", "GetCommit", "UploadArchive"):
        action.caller.require(f"codecommit:{operation}", action.arn("codecommit", name))
    client = action.client("codecommit")
    commit_id = action.execution.overrides.get(run.name)
    commit_id = commit_id or client.get_branch(repositoryName=name, branchName=branch)["branch"]["commitId"]
    commit = client.get_commit(repositoryName=name, commitId=commit_id)["commit"]
    backend: Any = codecommit_backends[action.caller.account][run.region]
    archive = backend.content(backend.get_repository(name)).archive(commit_id)
    run.summary, run.external_id = commit["message"], commit_id
    run.variables = {
        "AuthorDate": commit["author"]["date"],
        "BranchName": branch,
        "CommitId": commit_id,
        "CommitMessage": commit["message"],
        "CommitterDate": commit["committer"]["date"],
        "RepositoryName": name,
    }
    _took(action, commit_id, commit["message"])
    action.write(run.declaration["outputArtifacts"][0]["name"], archive)


def _connection(action: Action) -> None:
    run, configuration = action.run, action.configuration
    arn, name, branch = (configuration[key] for key in ("ConnectionArn", "FullRepositoryId", "BranchName"))
    if configuration.get("OutputArtifactFormat", "CODE_ZIP") != "CODE_ZIP":
        raise ActionError(not_known("source but as a zip: leave out OutputArtifactFormat"), "Unsupported")
    service, region, account = arn.split(":")[2:5]
    action.caller.require(f"{service}:UseConnection", arn, **{f"{service}__FullRepositoryId": name})
    try:
        repository = codeconnections_backends[account][region].repository(arn, name)
    except ServiceError as error:
        raise ActionError(f"[{service}] {error}", "ConfigurationError") from None
    commit_id = action.execution.overrides.get(run.name) or repository.branches().get(branch, "")
    commit = repository.read_commit(commit_id) if commit_id else None
    if commit is None:
        raise ActionError(f"[{service}] No Branch [{branch}] found for FullRepositoryName [{name}]")
    run.summary, run.external_id = commit.message, commit_id
    run.variables = {
        "AuthorDate": commit.date,
        "BranchName": branch,
        "CommitId": commit_id,
        "CommitMessage": commit.message,
        "ConnectionArn": arn,
        "FullRepositoryName": name,
    }
    _took(action, commit_id, commit.message)
    action.write(run.declaration["outputArtifacts"][0]["name"], repository.archive(commit_id))


def _took(action: Action, commit: str, summary: str) -> None:
    """Remember what a source action took."""
    action.execution.revisions[action.run.name] = {
        "name": action.run.declaration["outputArtifacts"][0]["name"],
        "revisionId": commit,
        "revisionSummary": summary,
        "created": unix_time(),
    }


def _codebuild(action: Action) -> None:
    run, configuration, execution = action.run, action.configuration, action.execution
    inputs, name = action.inputs(), configuration["ProjectName"]
    action.caller.require("codebuild:StartBuild", action.arn("codebuild", f"project/{name}"))
    action.caller.require("codebuild:BatchGetBuilds", action.arn("codebuild", f"project/{name}"))
    primary = configuration.get("PrimarySource") or inputs[0].name
    outputs = [one["name"] for one in run.declaration.get("outputArtifacts") or []]
    places = {output: action.place(output) for output in outputs}
    revision = next((found["revisionId"] for found in execution.revisions.values() if found["name"] == primary), "")
    build = codebuild.start(
        action.caller,
        name,
        variables=json.loads(configuration.get("EnvironmentVariables") or "[]"),
        from_pipeline=codebuild.FromPipeline(
            pipeline=execution.pipeline,
            sources={one.name: one.places[run.region] for one in inputs},
            primary=primary,
            artifacts=places,
            revision=revision,
        ),
    )
    run.external_id, run.cancel = build.id, build.stop
    if run.status == "Abandoned":
        build.stop()
    build.wait()
    run.variables = build.exported
    if build.status != "SUCCEEDED":
        raise ActionError(f"Build terminated with state: {build.status}. {build.failure}".rstrip())
    run.summary = f"Build {build.id} succeeded"
    for output, (bucket, key, _) in places.items():
        action.add(Artifact(output, {run.region: (bucket, key)}))


def _lambda(action: Action) -> None:
    """Invoke a function, which answers with the job's result; here it has answered when it returns."""
    run, configuration, execution = action.run, action.configuration, action.execution
    inputs, name, job = action.inputs(), configuration["FunctionName"], str(mock_random.uuid4())
    action.caller.require("lambda:InvokeFunction", action.arn("lambda", f"function:{name}"))
    outputs = {one["name"]: action.place(one["name"]) for one in run.declaration.get("outputArtifacts") or []}
    lent = {"secretAccessKey": "sandbox", "sessionToken": "sandbox", "accessKeyId": action.caller.access_key}
    keys = {key for _, _, key in outputs.values() if key}
    data = {
        "actionConfiguration": {"configuration": configuration},
        "inputArtifacts": [_location(one.name, *one.places[run.region]) for one in inputs],
        "outputArtifacts": [_location(output, bucket, key) for output, (bucket, key, _) in outputs.items()],
        "artifactCredentials": lent,
        **({"encryptionKey": {"id": keys.pop(), "type": "KMS"}} if keys else {}),
    }
    event = {"CodePipeline.job": {"id": job, "accountId": action.caller.account, "data": data}}
    execution.state.jobs[job] = {}
    answer = action.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    result = execution.state.jobs.pop(job)
    if "FunctionError" in answer:
        raise ActionError(answer["Payload"].read().decode())
    if not result:
        raise ActionError("The function ended and has not called PutJobSuccessResult or PutJobFailureResult.")
    if details := result.get("failureDetails"):
        raise ActionError(details["message"], details["type"])
    run.variables = result.get("outputVariables") or {}
    for output, (bucket, key, _) in outputs.items():
        action.add(Artifact(output, {run.region: (bucket, key)}))


def _location(name: str, bucket: str, key: str) -> Json:
    return {"name": name, "location": {"type": "S3", "s3Location": {"bucketName": bucket, "objectKey": key}}}


def _approval(action: Action) -> None:
    run, configuration, execution = action.run, action.configuration, action.execution
    minutes = run.declaration.get("timeoutInMinutes") or APPROVAL_MINUTES
    token = str(mock_random.uuid4())
    if topic := configuration.get("NotificationArn"):
        action.caller.require("sns:Publish", topic)
        told = {
            "pipelineName": execution.pipeline,
            "stageName": run.stage,
            "actionName": run.name,
            "token": token,
            "expires": timestamp(unix_time() + minutes * 60)[:16] + "Z",
            "externalEntityLink": configuration.get("ExternalEntityLink"),
            "customData": configuration.get("CustomData"),
        }
        message = {"region": run.region, "approval": {key: value for key, value in told.items() if value}}
        subject = f"APPROVAL NEEDED: AWS CodePipeline {execution.pipeline} for action {run.name}"
        action.client("sns").publish(TopicArn=topic, Subject=subject[:100], Message=json.dumps(message))
    execution.notify("manual-approval-needed", run)
    with execution.state.changed:
        run.token = token
        execution.state.changed.notify_all()
        execution.state.changed.wait_for(lambda: run.answer or run.status == "Abandoned", minutes * 60)
    if run.answer and run.answer["status"] == "Approved":
        run.summary = run.answer["summary"]
        execution.notify("manual-approval-succeeded", run)
    elif run.status != "Abandoned":
        execution.notify("manual-approval-failed", run)
        reason = f"Rejected by {run.updated_by}: {run.answer['summary']}" if run.answer else "Nobody answered in time."
        raise ActionError(reason, "JobFailed")


def _cloudformation(action: Action) -> None:
    run, configuration = action.run, action.configuration
    action.inputs()
    mode, name = configuration["ActionMode"], configuration["StackName"]
    stack = action.arn("cloudformation", f"stack/{name}/*")
    action.caller.require("cloudformation:DescribeStacks", stack)
    client = action.client("cloudformation")
    if mode == "CHANGE_SET_EXECUTE":
        action.caller.require("cloudformation:ExecuteChangeSet", stack)
        client.execute_change_set(StackName=name, ChangeSetName=configuration["ChangeSetName"])
        _told_of_stack(action, _stack(client, name))
        return
    role = configuration["RoleArn"]
    action.caller.require("iam:PassRole", role, iam__PassedToService=CLOUDFORMATION)
    there = _stack(client, name)
    if mode == "DELETE_ONLY":
        if there:
            _delete_stack(action, client, name, role)
        return
    if there and mode == "REPLACE_ON_FAILURE" and there["StackStatus"] in REPLACEABLE:
        _delete_stack(action, client, name, role)
        there = None
    request = _stack_request(action)
    if mode == "CHANGE_SET_REPLACE":
        action.caller.require("cloudformation:CreateChangeSet", stack)
        client.delete_change_set(StackName=name, ChangeSetName=configuration["ChangeSetName"])
        kind = "UPDATE" if there and there["StackStatus"] != "REVIEW_IN_PROGRESS" else "CREATE"
        client.create_change_set(ChangeSetName=configuration["ChangeSetName"], ChangeSetType=kind, **request)
        run.summary = f"Change set {configuration['ChangeSetName']} was created."
        return
    action.caller.require(f"cloudformation:{'UpdateStack' if there else 'CreateStack'}", stack)
    try:
        client.update_stack(**request) if there else client.create_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise
    _told_of_stack(action, _stack(client, name))


def _stack_set(action: Action) -> None:
    """Make or change a stack set and its stacks; the action ends when they are done."""
    run, configuration = action.run, action.configuration
    action.inputs()
    name, admin = configuration["StackSetName"], configuration["AdministrationRoleArn"]
    if configuration["PermissionModel"] != "SELF_MANAGED":
        raise ActionError(not_known("stack sets but self-managed ones"), "Unsupported")
    client, stack_set = action.client("cloudformation"), action.arn("cloudformation", f"stackset/{name}:*")
    request = {
        "StackSetName": name,
        "TemplateBody": action.file(configuration["TemplatePath"]),
        "Parameters": json.loads(action.file(configuration["Parameters"]) if "Parameters" in configuration else "[]"),
        "AdministrationRoleARN": admin,
        "ExecutionRoleName": configuration["ExecutionRoleName"],
    }
    action.caller.require("cloudformation:DescribeStackSet", stack_set)
    action.caller.require("iam:PassRole", admin, iam__PassedToService=CLOUDFORMATION)
    try:
        run.external_id = client.describe_stack_set(StackSetName=name)["StackSet"]["StackSetId"]
    except client.exceptions.StackSetNotFoundException:
        action.caller.require("cloudformation:CreateStackSet", "*")  # IAM knows no resource of it
        made = client.create_stack_set(PermissionModel="SELF_MANAGED", **request)
        run.external_id = made["StackSetId"]
    else:
        action.caller.require("cloudformation:UpdateStackSet", stack_set)
        _told_of_stack_set(action, client, name, client.update_stack_set(**request)["OperationId"])
    accounts, regions = (configuration[key].split(",") for key in ("DeploymentTargets", "Regions"))
    for resource in (
        stack_set,
        f"arn:{action.caller.partition}:cloudformation:*:{action.caller.account}:stackset-target/{name}:*/*",
        f"arn:{action.caller.partition}:cloudformation:{action.caller.region}::type/resource/*",
    ):
        action.caller.require("cloudformation:CreateStackInstances", resource)
    done = client.create_stack_instances(StackSetName=name, Accounts=accounts, Regions=regions)
    _told_of_stack_set(action, client, name, done["OperationId"])


def _told_of_stack_set(action: Action, client: Client, name: str, operation: str) -> None:
    stack_set = action.arn("cloudformation", f"stackset/{name}:*")
    action.caller.require("cloudformation:DescribeStackSetOperation", stack_set)
    status = client.describe_stack_set_operation(StackSetName=name, OperationId=operation)["StackSetOperation"][
        "Status"
    ]
    if status != "SUCCEEDED":
        instances = client.list_stack_instances(StackSetName=name)["Summaries"]
        reasons = (f"{one['Account']}: {one['StatusReason']}" for one in instances if one.get("StatusReason"))
        raise ActionError(f"{name}: the operation {operation} is {status}. {' '.join(reasons)}")


def _stack_request(action: Action) -> Json:
    configuration = action.configuration
    file = json.loads(
        action.file(configuration["TemplateConfiguration"]) if "TemplateConfiguration" in configuration else "{}"
    )
    overrides = json.loads(configuration.get("ParameterOverrides") or "{}")
    parameters = {**file.get("Parameters", {}), **{key: _parameter(action, value) for key, value in overrides.items()}}
    capabilities = [name.strip() for name in (configuration.get("Capabilities") or "").split(",") if name.strip()]
    return {
        "StackName": configuration["StackName"],
        "TemplateBody": action.file(configuration["TemplatePath"]),
        "RoleARN": configuration["RoleArn"],
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Tags": [{"Key": key, "Value": value} for key, value in file.get("Tags", {}).items()],
        **({"Capabilities": capabilities} if capabilities else {}),
    }


def _parameter(action: Action, value: Any) -> str:  # noqa: ANN401 - any JSON
    """Return the value of a parameter, which may be taken from an artifact."""
    if not isinstance(value, dict):
        return str(value)
    ((function, arguments),) = value.items()
    if function == "Fn::GetParam":
        artifact, path, key = arguments
        return str(json.loads(action.file(f"{artifact}::{path}"))[key])
    artifact, attribute = arguments
    bucket, key = next(one for one in action.run.inputs if one.name == artifact).places[action.run.region]
    known = {"BucketName": bucket, "ObjectKey": key, "URL": f"https://{bucket}.s3.amazonaws.com/{key}"}
    return known[attribute]


def _stack(client: Client, name: str) -> Json | None:
    try:
        found: Json = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError:
        return None
    return None if found["StackStatus"] == "DELETE_COMPLETE" else found


def _delete_stack(action: Action, client: Client, name: str, role: str) -> None:
    action.caller.require("cloudformation:DeleteStack", action.arn("cloudformation", f"stack/{name}/*"))
    client.delete_stack(StackName=name, RoleARN=role)
    if left := _stack(client, name):
        raise ActionError(f"Stack {name} is {left['StackStatus']}: {left.get('StackStatusReason', '')}")


def _told_of_stack(action: Action, stack: Json | None) -> None:
    """Take the outcome of a deployment: the outputs are the action's variables, and a file where one is asked for."""
    assert stack is not None  # noqa: S101 - it was made or changed
    action.run.external_id = stack["StackId"]
    if stack["StackStatus"] not in MADE:
        raise ActionError(f"{stack['StackName']} is {stack['StackStatus']}: {stack.get('StackStatusReason', '')}")
    action.run.variables = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
    for output in action.run.declaration.get("outputArtifacts") or []:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr(action.configuration["OutputFileName"], json.dumps(action.run.variables))
        action.write(output["name"], content.getvalue())


PROVIDERS: dict[tuple[str, str], Callable[[Action], None]] = {
    ("Source", "CodeCommit"): _codecommit,
    ("Source", "CodeStarSourceConnection"): _connection,
    ("Build", "CodeBuild"): _codebuild,
    ("Test", "CodeBuild"): _codebuild,
    ("Invoke", "Lambda"): _lambda,
    ("Approval", "Manual"): _approval,
    ("Deploy", "CloudFormation"): _cloudformation,
    ("Deploy", "CloudFormationStackSet"): _stack_set,
}


def judge(_: Execution, run: ActionExecution) -> None:
    """Judge a rule of a stage's conditions.

    Raises:
        ActionError: it does not hold.

    """
    provider = run.declaration["ruleTypeId"]["provider"]
    if provider != "VariableCheck":
        raise ActionError(not_known(f"the rule {provider}; it has VariableCheck"), "Unsupported")
    given, operator, wanted = (run.configuration[key] for key in ("Variable", "Operator", "Value"))
    holds = {
        "EQ": given == wanted,
        "NE": given != wanted,
        "CONTAINS": wanted in given,
        "MATCHES": re.fullmatch(wanted, given) is not None,
    }
    if not holds[operator]:
        raise ActionError(f"{given!r} {operator} {wanted!r} does not hold.", "RuleFailed")
