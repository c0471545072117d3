"""The stand-ins for a cluster and for kubectl: who may do what, and what of SageMaker comes of it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from tests.sandbox.conftest import REGION, Client, Clients
from tests.sandbox.support.kubernetes import PROGRAM, access, play
from tests.sandbox.support.pipelines import ACCOUNT, allow, wait

Json = dict[str, Any]
Kubectl = Callable[..., "subprocess.CompletedProcess[str]"]
CLUSTER, NAMESPACE, GROUP = "shared", "churn", "sagemaker-churn"
ARN = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{CLUSTER}"
PIPELINE = "sagemaker-p-1-train"
DEFINITION: Json = {
    "Version": "2020-12-01",
    "Parameters": [],
    "Steps": [{"Name": "End", "Type": "Fail", "Arguments": {"ErrorMessage": "as told"}}],
}
ACK = [
    allow("sagemaker:CreatePipeline", "sagemaker:DescribePipeline", "sagemaker:UpdatePipeline"),
    allow("sagemaker:StartPipelineExecution", "sagemaker:DescribePipelineExecution"),
    allow("iam:PassRole"),
]
ACCESS = access(NAMESPACE, GROUP, "pipelines", "pipelineexecutions")


def wished(kind: str, name: str, spec: Mapping[str, Any], *, annotations: Mapping[str, str] | None = None) -> Json:
    """An object of the controller's."""
    metadata = {"name": name, "annotations": {"services.k8s.aws/deletion-policy": "retain", **(annotations or {})}}
    return {"apiVersion": "sagemaker.services.k8s.aws/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def trusting(aws: Clients, name: str, principal: Json, actions: list[str], condition: Json, rights: list[Json]) -> str:
    trust = {"Effect": "Allow", "Principal": principal, "Action": actions, "Condition": condition}
    iam = aws("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": rights})
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
    return arn


def of_pods(namespace: str) -> tuple[Json, list[str], Json]:
    """Who may assume a role of the controller in a namespace."""
    tags = {
        "aws:RequestTag/eks-cluster-arn": ARN,
        "aws:RequestTag/kubernetes-namespace": namespace,
        "aws:RequestTag/kubernetes-service-account": "ack-sagemaker-controller",
    }
    return {"Service": "pods.eks.amazonaws.com"}, ["sts:AssumeRole", "sts:TagSession"], {"StringEquals": tags}


@pytest.fixture(scope="module")
def job_role(aws: Clients) -> str:
    return trusting(aws, "jobs", {"Service": "sagemaker.amazonaws.com"}, ["sts:AssumeRole"], {}, [allow("*")])


@pytest.fixture(scope="module")
def key(aws: Clients) -> str:
    """The access key of a build, whose role is a member of the namespace's group."""
    eks, sts = aws("eks"), aws("sts")
    eks.create_cluster(name=CLUSTER, roleArn=f"arn:aws:iam::{ACCOUNT}:role/cluster", resourcesVpcConfig={})
    role = trusting(aws, "build", {"Service": "codebuild.amazonaws.com"}, ["sts:AssumeRole"], {}, [allow("*")])
    eks.create_access_entry(clusterName=CLUSTER, principalArn=role, kubernetesGroups=[GROUP])
    ack = trusting(aws, "ack", *of_pods(NAMESPACE), ACK)
    eks.create_pod_identity_association(
        clusterName=CLUSTER, namespace=NAMESPACE, serviceAccount="ack-sagemaker-controller", roleArn=ack
    )
    found: str = sts.assume_role(RoleArn=role, RoleSessionName="AWSCodeBuild")["Credentials"]["AccessKeyId"]
    return found


@pytest.fixture(scope="module")
def kubectl(emulator: Json, key: str) -> Kubectl:
    def run(*words: str, objects: list[Json] | None = None, who: str = "") -> "subprocess.CompletedProcess[str]":
        return play(emulator["url"], ARN, who or key, *words, objects=objects)

    assert run("apply", "--server-side", "-f", "-", objects=ACCESS, who="admin").returncode == 0
    return run


def apply(kubectl: Kubectl, *objects: Json, namespace: str = NAMESPACE, who: str = "") -> str:
    """What kubectl prints, and complains of."""
    done = kubectl("apply", "--server-side", "-n", namespace, "-f", "-", objects=list(objects), who=who)
    return done.stdout + done.stderr


def status(kubectl: Kubectl, kind: str, name: str) -> Json:
    done = kubectl("get", kind, name, "-n", NAMESPACE, "-o", "json")
    assert not done.stderr
    return dict(json.loads(done.stdout)["status"])


def pipeline(job_role: str, name: str = PIPELINE, **annotations: str) -> Json:
    spec = {"pipelineName": name, "roleARN": job_role, "pipelineDefinition": json.dumps(DEFINITION)}
    annotated = {f"services.k8s.aws/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return wished("Pipeline", name, spec, annotations=annotated)


def test_what_is_wished_is_made_and_told(kubectl: Kubectl, job_role: str, aws: Clients) -> None:
    assert apply(kubectl, pipeline(job_role)) == f"pipeline.sagemaker.services.k8s.aws/{PIPELINE} serverside-applied\n"
    made = aws("sagemaker").describe_pipeline(PipelineName=PIPELINE)
    assert json.loads(made["PipelineDefinition"]) == DEFINITION
    found = status(kubectl, "pipelines", PIPELINE)
    assert found["ackResourceMetadata"]["arn"] == made["PipelineArn"]
    assert {"type": "ACK.ResourceSynced", "status": "True", "message": "Resource synced successfully"} in found[
        "conditions"
    ]

    apply(kubectl, wished("PipelineExecution", "run", {"pipelineName": PIPELINE}))
    ended = wait(
        lambda: (one := status(kubectl, "pipelineexecutions", "run"))["pipelineExecutionStatus"] == "Failed" and one,
        "the end of the execution",
    )
    assert ended["failureReason"] == "as told"
    assert len(aws("sagemaker").list_pipeline_executions(PipelineName=PIPELINE)["PipelineExecutionSummaries"]) == 1


def test_the_controller_has_the_rights_of_its_role_and_says_what_it_lacks(kubectl: Kubectl) -> None:
    apply(kubectl, wished("PipelineExecution", "none", {"pipelineName": "sagemaker-p-9-train"}))
    conditions = {one["type"]: one["message"] for one in status(kubectl, "pipelineexecutions", "none")["conditions"]}
    assert conditions["ACK.ResourceSynced"] == "Resource not synced"
    assert "ACK.Terminal" in conditions or "ACK.Recoverable" in conditions

    told = apply(kubectl, wished("ModelPackageGroup", "group", {"modelPackageGroupName": "group"}))
    assert 'cannot patch resource "modelpackagegroups"' in told
    apply(kubectl, wished("ModelPackageGroup", "group", {"modelPackageGroupName": "group"}), who="admin")
    done = kubectl("get", "modelpackagegroup", "group", "-n", NAMESPACE, "-o", "json", who="admin")
    (message,) = (
        one["message"] for one in json.loads(done.stdout)["status"]["conditions"] if one["type"] == "ACK.Recoverable"
    )
    assert "assumed-role/ack/ack-sagemaker-controller is not authorized to perform" in message


def test_what_is_there_is_taken_over_only_if_asked_for(kubectl: Kubectl, job_role: str, aws: Clients) -> None:
    aws("sagemaker").create_pipeline(
        PipelineName="theirs", RoleArn=job_role, PipelineDefinition='{"Steps": []}', ClientRequestToken="t" * 32
    )
    apply(kubectl, pipeline(job_role, "theirs"))
    conditions = {one["type"]: one["message"] for one in status(kubectl, "pipeline", "theirs")["conditions"]}
    assert conditions["ACK.Terminal"] == "Resource already exists"

    apply(kubectl, pipeline(job_role, "theirs", adoption_policy="adopt-or-create"))
    made = aws("sagemaker").describe_pipeline(PipelineName="theirs")
    assert json.loads(made["PipelineDefinition"]) == DEFINITION


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"apiVersion": "sagemaker.services.k8s.aws/v1"}, 'no matches for kind "Pipeline"'),
        ({"spec": {"pipelineName": PIPELINE, "roleArnn": "x"}}, "field not declared in schema"),
        ({"kind": "Deployment"}, "the server doesn't have a resource type"),
    ],
)
def test_what_the_api_server_would_refuse_is_refused(kubectl: Kubectl, job_role: str, change: Json, told: str) -> None:
    assert told in apply(kubectl, {**pipeline(job_role), **change})


def test_who_is_not_let_in_does_nothing(kubectl: Kubectl, job_role: str, aws: Clients) -> None:
    other = trusting(aws, "other", {"Service": "codebuild.amazonaws.com"}, ["sts:AssumeRole"], {}, [allow("*")])
    key = aws("sts").assume_role(RoleArn=other, RoleSessionName="AWSCodeBuild")["Credentials"]["AccessKeyId"]
    assert "You must be logged in" in apply(kubectl, pipeline(job_role), who=key)
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "others"}}
    assert "serverside-applied" in apply(kubectl, space, who="admin")
    assert 'in the namespace "others"' in apply(kubectl, pipeline(job_role), namespace="others")


def test_a_controller_of_all_namespaces_assumes_the_role_that_a_selector_names(
    kubectl: Kubectl, job_role: str, aws: Clients
) -> None:
    eks, central = aws("eks"), trusting(aws, "central", *of_pods("ack-system"), [allow("sts:AssumeRole")])
    eks.create_pod_identity_association(
        clusterName=CLUSTER, namespace="ack-system", serviceAccount="ack-sagemaker-controller", roleArn=central
    )
    selected = trusting(aws, "selected", {"AWS": central}, ["sts:AssumeRole", "sts:TagSession"], {}, ACK)
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "sales"}}
    selector = {
        "apiVersion": "services.k8s.aws/v1alpha1",
        "kind": "IAMRoleSelector",
        "metadata": {"name": "sales"},
        "spec": {"arn": selected, "namespaceSelector": {"names": ["sales"]}},
    }
    apply(kubectl, space, pipeline(job_role, "of-sales"), namespace="sales", who="admin")
    done = kubectl("get", "pipeline", "of-sales", "-n", "sales", "-o", "json", who="admin")
    assert "no role is associated with service account" in done.stdout
    apply(kubectl, selector, pipeline(job_role, "of-sales"), namespace="sales", who="admin")
    assert aws("sagemaker").describe_pipeline(PipelineName="of-sales")["RoleArn"] == job_role


def test_what_is_retained_goes_from_the_cluster_only(kubectl: Kubectl, job_role: str, aws: Clients) -> None:
    apply(kubectl, pipeline(job_role, "kept"))
    done = kubectl("delete", "pipelines", "kept", "-n", NAMESPACE, "--ignore-not-found")
    assert done.stdout == "pipeline.sagemaker.services.k8s.aws/kept deleted\n"
    assert aws("sagemaker").describe_pipeline(PipelineName="kept")


def test_eks_lets_in_nobody_twice_and_takes_no_reserved_group(aws: Clients, key: str) -> None:
    eks: Client = aws("eks")
    principal = f"arn:aws:iam::{ACCOUNT}:role/build"
    for groups, code in ((["x"], "ResourceInUseException"), (["system:masters"], "InvalidParameterException")):
        with pytest.raises(ClientError) as raised:
            eks.create_access_entry(
                clusterName=CLUSTER,
                principalArn=principal if groups == ["x"] else f"{principal}2",
                kubernetesGroups=groups,
            )
        assert raised.value.response["Error"]["Code"] == code
    assert key


def test_a_folder_is_rendered_as_kustomize_renders_it(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    one = wished("Pipeline", "one", {"parallel": 1, "pipelineName": "p", "tags": [{"key": "a"}]})
    change: Json = {"metadata": {"name": "two"}, "spec": {"tags": [{"key": "b"}], "parallel": None}}
    patch = {**{key: one[key] for key in ("apiVersion", "kind")}, **change}
    over = {
        "resources": ["base"],
        "namespace": "churn",
        "labels": [{"pairs": {"of": "churn"}}],
        "patches": [{"target": {"kind": "Pipeline"}, "patch": json.dumps(patch), "options": {"allowNameChange": True}}],
    }
    (tmp_path / "base" / "kustomization.yaml").write_text(yaml.safe_dump({"resources": ["one.yaml"]}))
    (tmp_path / "base" / "one.yaml").write_text(yaml.safe_dump(one))
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(over))
    found = rendered([sys.executable, "-P", str(PROGRAM)], tmp_path)
    assert found["spec"] == {"pipelineName": "p", "tags": [{"key": "b"}]}
    assert (found["metadata"]["name"], found["metadata"]["namespace"]) == ("two", "churn")
    assert found["metadata"]["labels"] == {"of": "churn"}
    if shutil.which("kubectl"):
        assert rendered(["kubectl"], tmp_path) == found


def rendered(program: list[str], folder: Path) -> Json:
    done = subprocess.run([*program, "kustomize", str(folder)], capture_output=True, text=True, check=True)
    return dict(yaml.safe_load(done.stdout))
