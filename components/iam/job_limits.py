"""Denies that hold what projects run to the environment's network and to its customer key.

A role that may start a job could start it anywhere: whether a job, a model, a function or a build runs in a VPC, and
which key encrypts what it writes, is said by each request. Which requests carry which condition key is from "Actions,
resources, and condition keys" for Amazon SageMaker, AWS Lambda and AWS CodeBuild in AWS's Service Authorization
Reference. A deny with a negated operator also takes requests without the key, but for `ForAnyValue`, which needs a
`Null` beside it.
"""

from collections.abc import Iterable, Sequence

from components.core.network import Network
from components.iam.policies import Statement

_JOBS = (
    "sagemaker:*ateMonitoringSchedule",
    "sagemaker:Create*JobDefinition",
    "sagemaker:Create*gJob",
    "sagemaker:CreateAutoMLJob*",
)
"""Creates and updates schedules, and creates definitions, and jobs of processing, training, tuning and labeling.

The patterns keep a boundary short, for which IAM has 6,144 characters. Edge packaging, an older kind of job, is among
them.
"""

_NEVER_SAY_WHERE = ("sagemaker:Create*nJob", "sagemaker:Create*sJob", "sagemaker:CreateInferenceComponent")
"""Compilation, optimization, inference recommendations, components: what they run, no key of their requests holds to a
network. Of the jobs above, labeling and edge packaging are the same."""


def jobs_stay_in(networks: Iterable[Network]) -> list[Statement]:
    """Denies jobs and models outside these networks; nothing where there is none.

    Ids of EC2 are unique, so one list serves all regions.
    """
    known = list(networks)
    if not known:
        return []
    subnets = [subnet for network in known for subnet in network.subnet_ids]
    groups = [group for network in known for group in network.security_group_ids]
    named = {"sagemaker:VpcSubnets": subnets}, {"sagemaker:VpcSecurityGroupIds": groups}
    # Batch transforms run where their model does. An endpoint does, too, but may name a network, like whatever may.
    where, other = ["sagemaker:CreateCluster", "sagemaker:CreateModel", *_JOBS], ["sagemaker:*"]
    return [
        _deny("DenyWithoutNetwork", where, {"Null": {"sagemaker:VpcSubnets": "true"}}),
        _deny("DenyOtherSubnets", other, {"ForAnyValue:StringNotEquals": named[0]}),
        _deny("DenyOtherGroups", other, {"ForAnyValue:StringNotEquals": named[1]}),
        _deny("DenyUnboundJobs", _NEVER_SAY_WHERE),
    ]


def code_stays_in_a_vpc() -> list[Statement]:
    """Denies functions and builds outside any VPC; the interfaces that their roles may make say in which one."""
    functions, builds = (
        [f"{service}:{call}" for call in calls]
        for service, calls in (
            ("lambda", ("CreateFunction", "UpdateFunctionConfiguration")),
            ("codebuild", ("CreateProject", "UpdateProject")),
        )
    )
    return [
        _deny("DenyFunctionsOutside", functions, {"Null": {"lambda:VpcIds": "true"}}),
        _deny("DenyBuildsOutside", builds, {"Null": {"codebuild:vpcConfig.vpcId": "true"}}),
    ]


def jobs_use_key(key_arns: Sequence[str], open_regions: Sequence[str]) -> list[Statement]:
    """Denies jobs that write with any other key than the environment's, or with none.

    Their volumes may go without: SageMaker refuses a key for instance types with local storage, whose hardware encrypts
    it (API reference of CreateTrainingJob, ResourceConfig). For a volume with another key the role would need a grant
    on it, and roles get grants on the environment's keys only.

    Args:
        key_arns: the customer keys, of all regions.
        open_regions: regions of the catalog that have none, and are left as they are.
    """
    if not key_arns:
        return []
    where = {"StringNotEquals": {"aws:RequestedRegion": list(open_regions)}} if open_regions else {}
    writing = ["sagemaker:CreateTransformJob", *_JOBS]
    return [_deny("DenyOtherKey", writing, {"ArnNotEquals": {"sagemaker:OutputKmsKey": list(key_arns)}, **where})]


def _deny(sid: str, actions: Iterable[str], condition: object = None) -> Statement:
    # A deny: the wider, the safer.
    statement: Statement = {"Sid": sid, "Effect": "Deny", "Action": list(actions), "Resource": ["*"]}
    return statement if condition is None else {**statement, "Condition": condition}
