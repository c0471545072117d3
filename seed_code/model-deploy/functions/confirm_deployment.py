"""What a run of the pipeline deploys, and whether a person is asked before prod.

Both are settled here and in no build: a build runs the repository's own code, and whoever pushes writes that. The
deploy actions take what this function hands on, which no build can write.
"""

import io
import json
import os
import tempfile
import zipfile
from typing import Any

import boto3

cloudformation = boto3.client("cloudformation")
codepipeline = boto3.client("codepipeline")
kms = boto3.client("kms")
sagemaker = boto3.client("sagemaker")

GROUP = os.environ["MODEL_PACKAGE_GROUP_NAME"]
PROD = os.environ["PROD_STACK_NAME"]
KIND = {"STACK": "stack", "STACKSET": "stackset"}[os.environ["DEPLOYMENT_TARGET"]]
ASKS_ALWAYS = os.environ["ROLLBACK_NEEDS_APPROVAL"] == "YES"
OTHER_ACCOUNTS = {*os.environ["STAGE_ACCOUNT_IDS"].split(",")} - {os.environ["PROJECT_ACCOUNT_ID"]}
KEY, MODEL_ROLE = os.environ["KMS_KEY_ARN"], os.environ["TARGET_MODEL_ROLE_NAME"]
STAGES = ("staging", "prod")
MONITORING = {"EventsRoleArn", "MonitoringDefinition", "MonitoringRoleArn", "MonitoringSchedule", "RetrainPipelineName"}
"""Parameters of endpoint.yaml that are empty where nothing is monitored."""
MOST_BYTES = 1_048_576
"""Of a file of the build: CloudFormation takes templates of a megabyte."""

NOTHING = {"DEPLOY": "no", "STAGE": "no", "PACKAGE_ARN": "none", "PACKAGE_VERSION": "none"}


def handler(event: dict[str, Any], _context: object) -> None:
    """Answer CodePipeline, whatever happens; without an answer the action would hang. The event holds credentials."""
    job = event["CodePipeline.job"]
    try:
        asked = json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"])
        variables = recheck(asked["package"]) if asked["step"] == "recheck" else confirm(job["data"], asked)
    except Exception as error:  # an answer in any case
        reason = str(error) if isinstance(error, RuntimeError) else f"{type(error).__name__}: {error}"
        print(reason)
        codepipeline.put_job_failure_result(
            jobId=job["id"], failureDetails={"type": "JobFailed", "message": reason[:5000]}
        )
        return
    print(json.dumps(variables))
    codepipeline.put_job_success_result(jobId=job["id"], outputVariables=variables)


def require(condition: bool, message: str) -> None:
    """Fail with a message unless something holds."""
    if not condition:
        raise RuntimeError(message)


def confirm(data: dict[str, Any], asked: dict[str, str]) -> dict[str, str]:
    """Hand on what is deployed; return the variables that the stages go by."""
    build = read(data)
    chosen = json.loads(build["build/decision.json"])["package_arn"]
    if chosen is None:
        write(data, {"nothing.txt": "The build chose no package."})
        return NOTHING | {"REASON": "The build chose no package; nothing is deployed."}
    package = described(chosen)
    version = package["ModelPackageVersion"]
    require(approved(package), f"Version {version} of {GROUP} is {package['ModelApprovalStatus']}, not Approved.")
    share()
    share_key(chosen.split(":")[1])
    files = {"endpoint.yaml": build["endpoint.yaml"]}
    for stage in STAGES:
        files[f"{stage}-{KIND}.json"] = settings(stage, build[f"build/{stage}-{KIND}.json"], chosen)
    reason = {
        "approved": f"Version {version} was approved.",
        "rejected": f"Version {version} takes the place of one that was rejected.",
    }.get(asked["trigger"]) or f"The repository changed; version {version} is approved.{moved_with_it(chosen)}"
    rejected = rolled_back(package, asked)
    if rejected:
        # Nothing else changes: what the repository says now may never have been approved.
        files = as_it_is(rejected, package)
        number = rejected["ModelPackageVersion"]
        reason = f"Version {number}, which prod runs, was rejected; version {version} replaces it."
    write(data, files)
    return {
        "DEPLOY": "yes",
        "STAGE": "no" if rejected else "yes",
        "PACKAGE_ARN": chosen,
        "PACKAGE_VERSION": str(version),
        "REASON": reason,
    }


def moved_with_it(chosen: str) -> str:
    """Say that a push moves prod to another version as well, where it does; empty otherwise."""
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in live().get("Parameters", [])}
    runs = parameters.get("ModelPackageArn", chosen)
    if runs == chosen:
        return ""
    return f" Prod runs version {runs.rpartition('/')[2]}, so this moves it to another version as well."


def recheck(arn: str) -> dict[str, str]:
    """Fail where the approval was withdrawn while the run was waiting."""
    package = described(arn)
    require(
        approved(package),
        f"Version {package['ModelPackageVersion']} of {GROUP} is {package['ModelApprovalStatus']}: its approval was "
        "withdrawn while this run was waiting. Prod was not changed. Approve the version again to deploy it.",
    )
    return {}


def rolled_back(package: dict[str, Any], asked: dict[str, str]) -> dict[str, Any]:
    """Return the rejected version that prod runs and this package replaces unasked; empty where a person is asked."""
    if asked["trigger"] != "rejected" or ASKS_ALWAYS:
        return {}
    rejected = described(asked["package"])
    version: int = rejected["ModelPackageVersion"]
    parameters = live().get("Parameters", [])
    runs = {"ParameterKey": "ModelPackageArn", "ParameterValue": rejected["ModelPackageArn"]} in parameters
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=GROUP, ModelApprovalStatus="Approved"
    )
    older = [
        (one["ModelPackageVersion"], one["ModelPackageArn"])
        for page in pages
        for one in page["ModelPackageSummaryList"]
        if one["ModelPackageVersion"] < version and one["ModelPackageStatus"] == "Completed"
    ]
    newest = max(older, default=(0, ""))[1]
    return rejected if runs and not approved(rejected) and newest == package["ModelPackageArn"] else {}


def described(arn: str) -> dict[str, Any]:
    """Describe a complete version of the group."""
    found: dict[str, Any] = {**sagemaker.describe_model_package(ModelPackageName=arn)}
    require(found.get("ModelPackageGroupName") == GROUP, f"{arn} is no version of {GROUP}.")
    require(found["ModelPackageStatus"] == "Completed", f"{arn} is {found['ModelPackageStatus']}, not Completed.")
    # A version that nobody has judged yet may have no status.
    return {"ModelApprovalStatus": "not approved"} | found


def approved(package: dict[str, Any]) -> bool:
    """Tell whether somebody approved a version, and nobody has withdrawn it."""
    return bool(package["ModelApprovalStatus"] == "Approved")


def live() -> dict[str, Any]:
    """Describe what prod runs: its stack, or its stack set; empty where there is none."""
    missing = cloudformation.exceptions
    try:
        if KIND == "stackset":
            return dict(cloudformation.describe_stack_set(StackSetName=PROD)["StackSet"])
        return dict(cloudformation.describe_stacks(StackName=PROD)["Stacks"][0])
    except missing.StackSetNotFoundException:
        return {}
    except missing.ClientError as error:
        if "does not exist" in str(error):
            return {}
        raise


def as_it_is(before: dict[str, Any], package: dict[str, Any]) -> dict[str, str]:
    """Return the files with which prod would stay as it is, but for its package and what that is monitored by."""
    found = live()
    if KIND == "stackset":
        template = found["TemplateBody"]
    else:
        template = cloudformation.get_template(StackName=PROD)["TemplateBody"]
    template = template if isinstance(template, str) else json.dumps(template)
    kept = {one["ParameterKey"]: one["ParameterValue"] for one in found["Parameters"]}
    kept |= {"ModelPackageArn": package["ModelPackageArn"], **monitored(kept, baseline(before), baseline(package))}
    tags = {one["Key"]: one["Value"] for one in found.get("Tags", [])}
    return {"endpoint.yaml": template, f"prod-{KIND}.json": deployed_with(kept, tags)}


def baseline(package: dict[str, Any]) -> str:
    """Return where a version has what its inputs were like in training; empty where it has none."""
    quality = package.get("DriftCheckBaselines", {}).get("ModelDataQuality", {})
    return str(quality.get("Statistics", {}).get("S3Uri", ""))


def monitored(kept: dict[str, str], before: str, after: str) -> dict[str, str]:
    """Return the parameters with which a version is compared with its own training, not with that before it."""
    if before and not after:
        return dict.fromkeys(MONITORING & kept.keys(), "")
    definition = kept.get("MonitoringDefinition", "")
    if not before or not definition:
        return {}
    return {"MonitoringDefinition": definition.replace(json.dumps(before), json.dumps(after))}


def settings(stage: str, text: str, package_arn: str) -> str:
    """Return what a stage is deployed with: the build's parameters with the confirmed package, and the stage's tag."""
    given = json.loads(text)
    if KIND == "stackset":
        parameters = {one["ParameterKey"]: one["ParameterValue"] for one in given}
        return deployed_with({**parameters, "ModelPackageArn": package_arn}, {})
    parameters = {**given["Parameters"], "ModelPackageArn": package_arn}
    # The roles of the stages know their own things by it.
    return deployed_with(parameters, {**given.get("Tags", {}), "stage": stage})


def deployed_with(parameters: dict[str, str], tags: dict[str, str]) -> str:
    """Return parameters, and tags of a stack, as the deploy action reads them."""
    if KIND == "stackset":
        return json.dumps([{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()])
    return json.dumps({"Parameters": parameters, "Tags": tags})


def store(data: dict[str, Any]) -> Any:
    """Return a client for the artifacts, with the rights that CodePipeline lends to this job."""
    lent = data["artifactCredentials"]
    return boto3.client(
        "s3",
        aws_access_key_id=lent["accessKeyId"],
        aws_secret_access_key=lent["secretAccessKey"],
        aws_session_token=lent["sessionToken"],
    )


def read(data: dict[str, Any]) -> dict[str, str]:
    """Read the files of the build that a deployment is made of."""
    place = data["inputArtifacts"][0]["location"]["s3Location"]
    found = {}
    with tempfile.TemporaryFile() as file:
        store(data).download_fileobj(place["bucketName"], place["objectKey"], file)
        with zipfile.ZipFile(file) as archive:
            wanted = ["build/decision.json", "endpoint.yaml", *(f"build/{stage}-{KIND}.json" for stage in STAGES)]
            for name in sorted({*wanted} & {*archive.namelist()}):
                with archive.open(name) as member:
                    content = member.read(MOST_BYTES + 1)
                require(len(content) <= MOST_BYTES, f"{name} is longer than {MOST_BYTES} bytes.")
                found[name] = content.decode()
    return found


def write(data: dict[str, Any], files: dict[str, str]) -> None:
    """Hand files on as this action's artifact."""
    place = data["outputArtifacts"][0]["location"]["s3Location"]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    key = data.get("encryptionKey")
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["id"]} if key else {}
    store(data).put_object(Bucket=place["bucketName"], Key=place["objectKey"], Body=content.getvalue(), **encryption)


def share() -> None:
    """Let the accounts of the stages make models of the group's versions; nobody there may approve one.

    Statements of others in the group's policy stay as they are. No build may write it: it can allow anything.
    """
    if not OTHER_ACCOUNTS:
        return
    group = sagemaker.describe_model_package_group(ModelPackageGroupName=GROUP)["ModelPackageGroupArn"]
    try:
        policy = json.loads(sagemaker.get_model_package_group_policy(ModelPackageGroupName=GROUP)["ResourcePolicy"])
    except sagemaker.exceptions.ClientError as error:
        # SageMaker's answer for a group that has no policy.
        if error.response["Error"]["Code"] not in {"ValidationException", "ResourceNotFound"}:
            raise
        policy = {}
    mine = statements(group)
    # The policy language lets one statement stand without a list.
    present = policy.get("Statement", [])
    names = {one["Sid"] for one in mine}
    others = [one for one in (present if isinstance(present, list) else [present]) if one.get("Sid") not in names]
    wanted = {"Version": "2012-10-17", "Statement": [*others, *mine]}
    if wanted != policy:
        sagemaker.put_model_package_group_policy(ModelPackageGroupName=GROUP, ResourcePolicy=json.dumps(wanted))


def share_key(partition: str) -> None:
    """Let the model roles of other accounts decrypt with the environment's key.

    By grants, not by the key's policy, which is its owner's. KMS answers a second request with the same name and the
    same rest with the grant that there is (API reference of CreateGrant, Name).
    """
    for account in sorted(OTHER_ACCOUNTS if KEY and MODEL_ROLE else ()):
        role = f"arn:{partition}:iam::{account}:role/{MODEL_ROLE}"
        try:
            kms.create_grant(
                KeyId=KEY,
                GranteePrincipal=role,
                Operations=["Decrypt", "DescribeKey"],
                Name=f"{os.environ['SAGEMAKER_PROJECT_ID']}-{account}",
            )
        except kms.exceptions.InvalidArnException as error:
            raise RuntimeError(f"{role} cannot be let use key {KEY}: {error}. Make the role, then retry.") from error


def statements(group_arn: str) -> list[dict[str, Any]]:
    """Return this project's statements in the group's policy."""
    partition = group_arn.split(":")[1]
    principals = [f"arn:{partition}:iam::{account}:root" for account in sorted(OTHER_ACCOUNTS)]
    sid = "Deploy" + "".join(filter(str.isalnum, os.environ["SAGEMAKER_PROJECT_ID"]))
    packages = group_arn.replace(":model-package-group/", ":model-package/") + "/*"
    return [
        {"Sid": f"{sid}{kind}", "Effect": "Allow", "Principal": {"AWS": principals}, "Action": actions, "Resource": on}
        for kind, actions, on in (
            ("Group", ["sagemaker:DescribeModelPackageGroup"], group_arn),
            ("Packages", ["sagemaker:CreateModel", "sagemaker:DescribeModelPackage"], packages),
        )
    ]
