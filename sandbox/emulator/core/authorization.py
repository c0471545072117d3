"""What a role may do when an emulated service calls AWS in its name: IAM's judgement of one call.

Which actions a call needs, on which ARNs and with which condition keys, is by the service authorization reference: the
call's own action, `iam:PassRole` for a role that it hands on, and the action that tags for tags that it sets.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import OperationModel
from moto.eks.models import eks_backends
from moto.iam.models import ManagedPolicy, Role, iam_backends
from moto.sagemaker.exceptions import ResourceNotFound
from moto.sagemaker.models import sagemaker_backends

from awsmodel.cloudformation.template import as_text
from sandbox.emulator.core.policies import Call, Keys, Verdict, verdict

Parameters = Mapping[str, Any]
Tags = Callable[[str, str], Mapping[str, str]]
"""Gives the tags of an object of a bucket."""

_ACTIONS: Mapping[str, str] = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:DeleteBucketCors": "s3:PutBucketCORS",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3:DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
    "s3:DeleteBucketTagging": "s3:PutBucketTagging",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketCors": "s3:PutBucketCORS",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}
"""Actions that are not named like the operation that needs them."""

_RESOURCES: Mapping[str, Sequence[tuple[str, str]]] = {
    "application-autoscaling": [("ServiceNamespace", "application-autoscaling:{region}:{account}:scalable-target/*")],
    "cloudformation": [("StackName", "cloudformation:{region}:{account}:stack/{name}/*")],
    "cloudwatch": [(path, "cloudwatch:{region}:{account}:alarm:{name}") for path in ("AlarmName", "AlarmNames.0")],
    "codebuild": [(path, "codebuild:{region}:{account}:project/{name}") for path in ("name", "names.0")],
    "codecommit": [
        (path, "codecommit:{region}:{account}:{name}") for path in ("repositoryName", "oldName", "resourceArn")
    ],
    "codepipeline": [
        (path, "codepipeline:{region}:{account}:{name}") for path in ("pipeline.name", "name", "resourceArn")
    ],
    "events": [(path, "events:{region}:{account}:rule/{name}") for path in ("Name", "Rule", "ResourceARN")],
    "iam": [("RoleName", "iam::{account}:role{path}{name}")],
    "lambda": [(path, "lambda:{region}:{account}:function:{name}") for path in ("FunctionName", "Resource")],
    "logs": [
        *((path, "logs:{region}:{account}:log-group:{name}") for path in ("logGroupName", "resourceArn")),
        ("logGroupNamePrefix", "logs:{region}:{account}:log-group::log-stream:"),
    ],
    "s3": [("Bucket", "s3:::{name}")],
    "sagemaker": [
        ("CodeRepositoryName", "sagemaker:{region}:{account}:code-repository/{name}"),
        ("EndpointName", "sagemaker:{region}:{account}:endpoint/{name}"),
        ("EndpointConfigName", "sagemaker:{region}:{account}:endpoint-config/{name}"),
        ("ModelPackageGroupName", "sagemaker:{region}:{account}:model-package-group/{name}"),
        ("ModelName", "sagemaker:{region}:{account}:model/{name}"),
        ("PipelineName", "sagemaker:{region}:{account}:pipeline/{name}"),
        ("PipelineExecutionArn", "{name}"),
        ("ResourceArn", "sagemaker:{region}:{account}:{name}"),
    ],
    "eks": [("clusterName", "eks:{region}:{account}:cluster/{name}")],
    "ssm": [("Names.0", "ssm:{region}:{account}:parameter/{name}")],
    "stepfunctions": [
        (path, "states:{region}:{account}:stateMachine:{name}") for path in ("name", "stateMachineArn", "resourceArn")
    ],
}
"""By service, where a call names its resource, and the ARN of that after the partition; the first that is there."""

_PREFIXES: Mapping[str, str] = {"stepfunctions": "states"}
"""Services that IAM and the name of the service in principals call otherwise."""

_PASSED_ROLES: Mapping[str, Sequence[str]] = {
    "cloudformation": ["RoleARN"],
    "codebuild": ["serviceRole"],
    "codepipeline": ["pipeline.roleArn"],
    "eks": ["roleArn"],
    "events": ["RoleArn", "Targets.*.RoleArn"],
    "lambda": ["Role"],
    "sagemaker": ["ExecutionRoleArn", "RoleArn"],
    "stepfunctions": ["roleArn"],
}
_TAG_ACTIONS: Mapping[str, str] = {
    "cloudformation": "cloudformation:TagResource",
    "codecommit": "codecommit:TagResource",
    "codepipeline": "codepipeline:TagResource",
    "eks": "eks:TagResource",
    "events": "events:TagResource",
    "iam": "iam:TagRole",
    "lambda": "lambda:TagResource",
    "logs": "logs:TagResource",
    "sagemaker": "sagemaker:AddTags",
    "stepfunctions": "states:TagResource",
}
"""By service, what a call that makes something needs for its tags; the other services ask for no more than the call."""


class UnknownCallError(Exception):
    """A call of which nobody here knows what it needs. Not to judge it would be to allow it."""


def judge(
    model: OperationModel, parameters: Parameters, *, role_arn: str, session: str, region: str, tags_of: Tags
) -> None:
    """Refuse a call that the policies of a role, or its permissions boundary, do not allow.

    Raises:
        ClientError: in the words of AWS.
    """
    _, partition, _, _, account, _ = role_arn.split(":", 5)
    role = iam_backends[account][partition].get_role_by_arn(role_arn)
    for call in _calls(model, parameters, partition, account, region, tags_of):
        said = {kind: verdict(documents, call) for kind, documents in _policies(role).items()}
        # A deny counts first, whichever policy says it.
        for refusal in (Verdict.DENIED, Verdict.SILENT):
            for kind, one in said.items():
                if one is refusal:
                    user = f"arn:{partition}:sts::{account}:assumed-role/{role.name}/{session}"
                    raise _denied(model, user, call, kind, explicit=refusal is Verdict.DENIED)


def allows(role_arn: str, action: str, resource: str, keys: Keys) -> bool:
    """Whether the policies of a role, and its permissions boundary, allow a call with these condition keys."""
    _, partition, _, _, account, _ = role_arn.split(":", 5)
    role = iam_backends[account][partition].get_role_by_arn(role_arn)
    call = Call(action, resource, keys)
    return all(verdict(documents, call) is Verdict.ALLOWED for documents in _policies(role).values())


def trusts(
    policy: str, principal: str, keys: Mapping[str, str] | None = None, *, action: str = "sts:AssumeRole"
) -> bool:
    """Say whether a role's trust policy lets a service, or a role, assume it.

    Without the condition `keys` of the call its conditions are taken as met.
    """
    call = Call(action, keys=keys or {}, principal=principal)
    return verdict([policy], call, with_conditions=keys is not None) is Verdict.ALLOWED


def _policies(role: Role) -> dict[str, list[str]]:
    """The documents of a role by what AWS calls their kind; each kind has to allow a call."""
    found = {"identity-based policy": [*role.policies.values(), *map(_document, role.managed_policies.values())]}
    if role.permissions_boundary_arn:
        bound = iam_backends[role.account_id][role.partition].managed_policies.get(role.permissions_boundary_arn)
        found["permissions boundary"] = [_document(bound)] if bound else []
    return found


def _document(policy: ManagedPolicy) -> str:
    return next(version.document for version in policy.versions if version.is_default)


def _calls(
    model: OperationModel, parameters: Parameters, partition: str, account: str, region: str, tags_of: Tags
) -> Iterator[Call]:
    service, operation = model.service_model.service_name, model.name
    prefix = _PREFIXES.get(service, service)
    action = _ACTIONS.get(f"{service}:{operation}", f"{prefix}:{operation}")
    resource = _resource(service, parameters, partition, account, region)
    made = resource
    if service == "eks":
        made = f"arn:{partition}:eks:{region}:{account}:{_in_cluster(parameters, account)}"
        resource = resource if operation.startswith("Create") else made
    context = _context(service, parameters, partition, account, region)
    if service == "sagemaker":
        context |= {f"aws:ResourceTag/{key}": value for key, value in _tags(resource, account, region).items()}
    if service == "s3" and "Key" in parameters:
        tags = tags_of(parameters["Bucket"], parameters["Key"])
        context |= {f"s3:ExistingObjectTag/{key}": value for key, value in tags.items()}
        resource = f"{resource}/{parameters['Key']}"
    yield Call(action, resource, context)
    if "aws:TagKeys" in context and operation.startswith(("Create", "Put")) and service in _TAG_ACTIONS:
        made_by = {"sagemaker:TaggingAction": operation} if service == "sagemaker" else {}
        yield Call(_TAG_ACTIONS[service], made, {**context, **made_by})
    for path in _PASSED_ROLES.get(service, ()):
        for role_arn in _at(parameters, path):
            passed_to = "pods.eks" if service == "eks" else prefix
            yield Call("iam:PassRole", role_arn, {"iam:PassedToService": f"{passed_to}.amazonaws.com"})


def _in_cluster(parameters: Parameters, account: str) -> str:
    """What of a cluster a call is about. EKS ends the name of an access entry with an id of its own."""
    cluster = parameters["clusterName"]
    if "principalArn" in parameters:
        kind, name = parameters["principalArn"].split(":", 5)[5].split("/", 1)
        return f"access-entry/{cluster}/{kind}/{account}/{name}/*"
    if "associationId" in parameters or "serviceAccount" in parameters:
        return f"podidentityassociation/{cluster}/{parameters.get('associationId', '*')}"
    return f"cluster/{cluster}"


def _resource(service: str, parameters: Parameters, partition: str, account: str, region: str) -> str:
    if service not in _RESOURCES:
        raise UnknownCallError(f"sandbox.emulator.core.authorization does not know how {service} names its resources")
    for path, form in _RESOURCES[service]:
        for name in _at(parameters, path):
            if name.startswith("arn:"):
                # CloudWatch Logs writes its ARNs with an end that policies do not have.
                return str(name).removesuffix(":*")
            role_path = _role_path(name, parameters, partition, account) if service == "iam" else ""
            # A parameter's name may begin with the slash that is in its ARN already.
            plain = name.removeprefix("/") if service == "ssm" else name
            return f"arn:{partition}:" + form.format(name=plain, region=region, account=account, path=role_path)
    return "*"


def _tags(resource: str, account: str, region: str) -> dict[str, str]:
    """The tags of a resource of SageMaker, where it is there."""
    try:
        found = sagemaker_backends[account][region]._get_resource_from_arn(resource)
    except (ResourceNotFound, KeyError, ValueError):  # it is not there, or has no tags in moto
        return {}
    return {tag["Key"]: tag["Value"] for tag in found.tags or []}


def _tags_in_cluster(parameters: Parameters, account: str, region: str) -> Iterable[tuple[str, str]]:
    """The tags of a pod identity association, where it is there."""
    associations: Any = getattr(eks_backends[account][region], "associations", {})
    tags: dict[str, str] = associations.get((parameters["clusterName"], parameters.get("associationId")), {}).get(
        "tags", {}
    )
    return tags.items()


def _role_path(name: str, parameters: Parameters, partition: str, account: str) -> str:
    existing = next((one for one in iam_backends[account][partition].roles.values() if one.name == name), None)
    return str(existing.path if existing else parameters.get("Path", "/"))


def _context(
    service: str, parameters: Parameters, partition: str, account: str, region: str
) -> dict[str, str | Sequence[str]]:
    # All that roles reach here is their own account's.
    context: dict[str, str | Sequence[str]] = {"aws:ResourceAccount": account}
    given = next((parameters[name] for name in ("Tags", "tags") if parameters.get(name)), None)
    if given:
        pairs = given if isinstance(given, Mapping) else dict(map(_pair, given))
        context |= {f"aws:RequestTag/{key}": as_text(value) for key, value in pairs.items()}
        context["aws:TagKeys"] = list(pairs)
    if service == "sagemaker":
        context |= job_keys(parameters)
    if service == "eks":
        # Its operations here make and change plain entries only.
        context |= {"eks:accessEntryType": parameters.get("type", "STANDARD")}
        context |= {f"eks:{key}": parameters[key] for key in ("principalArn", "kubernetesGroups") if key in parameters}
        context |= {f"aws:ResourceTag/{key}": value for key, value in _tags_in_cluster(parameters, account, region)}
    if service == "application-autoscaling":
        context[f"{service}:service-namespace"] = parameters.get("ServiceNamespace", "")
    if service == "iam":
        name = parameters.get("RoleName")
        existing = next((one for one in iam_backends[account][partition].roles.values() if one.name == name), None)
        boundary = parameters.get("PermissionsBoundary") or (existing.permissions_boundary_arn if existing else None)
        context |= {"iam:PermissionsBoundary": boundary} if boundary else {}
        context |= {"iam:PolicyARN": parameters["PolicyArn"]} if "PolicyArn" in parameters else {}
    return context


def job_keys(request: Parameters) -> dict[str, str | Sequence[str]]:
    """Condition keys of a request for a job or a model: where it runs, and which key encrypts what it writes."""
    found: dict[str, str | Sequence[str]] = {}
    for path in ("VpcConfig", "NetworkConfig.VpcConfig"):
        for network in _at(request, path):
            found["sagemaker:VpcSubnets"] = network["Subnets"]
            found["sagemaker:VpcSecurityGroupIds"] = network["SecurityGroupIds"]
    for path in ("OutputDataConfig.KmsKeyId", "ProcessingOutputConfig.KmsKeyId", "TransformOutput.KmsKeyId"):
        for key in _at(request, path):
            found["sagemaker:OutputKmsKey"] = key
    return found


def _pair(tag: Mapping[str, str]) -> tuple[str, str]:
    fields = {name.lower(): value for name, value in tag.items()}
    return fields["key"], fields["value"]


def _at(value: Any, path: str) -> Iterator[Any]:  # noqa: ANN401 - any part of a call's parameters
    """The values at a path; a number is one element of a list, `*` each of them."""
    head, _, rest = path.partition(".")
    if isinstance(value, list):
        found = value if head == "*" else value[int(head) : int(head) + 1]
    else:
        found = [value[head]] if value.get(head) else []
    for one in found:
        yield from _at(one, rest) if rest else [one]


def _denied(model: OperationModel, user: str, call: Call, kind: str, *, explicit: bool) -> ClientError:
    because = (
        f"with an explicit deny in an {kind}" if explicit else f"because no {kind} allows the {call.action} action"
    )
    protocol = model.service_model.protocol
    code = "AccessDeniedException" if "json" in protocol else "AccessDenied"
    message = f"User: {user} is not authorized to perform: {call.action} on resource: {call.resource} {because}"
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400 if protocol == "json" else 403},
    }
    return ClientError(answer, model.name)
