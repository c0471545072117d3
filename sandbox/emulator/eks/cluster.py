"""A stand-in for a cluster: its API server as far as `kubectl.py` asks it, and ACK's controller for SageMaker.

There is no Kubernetes here. Objects are kept as they are applied. Who may apply them is judged by the access entry of
the caller and the role bindings in the cluster; whoever is no role may do everything, as everywhere in the sandbox.
What the controller 1.9 does in its own time is done at once: it makes, by the API of SageMaker and as the role that it
has for the namespace, what `spec` wishes, and says in `status` what has become of it, with the conditions and the
words of ACK. Each call of it is judged by the policies of that role.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError
from werkzeug.wrappers import Request, Response

from sandbox.emulator.core.callers import CONTROLLER, Caller, Client, RoleError
from sandbox.emulator.core.not_known import not_known
from sandbox.emulator.core.shapes import UnsupportedPropertyError, request
from sandbox.emulator.eks.models import EksBackend, backend

Json = dict[str, Any]
GROUP, VERSION = "sagemaker.services.k8s.aws", "v1alpha1"
SERVICE_ACCOUNT = "ack-sagemaker-controller"
"""What the controller's chart calls its service account."""
PODS = "pods.eks.amazonaws.com"
_TERMINAL = ("InvalidParameterCombination", "InvalidParameterValue", "MissingParameter", "ResourceNotFound")
"""Codes after which the controller tries no more until `spec` is changed (its generator.yaml)."""
_UNFINISHED = ("Executing", "Stopping")
_ADOPTION, _DELETION = "services.k8s.aws/adoption-policy", "services.k8s.aws/deletion-policy"
_BUILT_IN = {
    "IAMRoleSelector": "services.k8s.aws/v1alpha1",
    "Namespace": "v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
}
"""Kinds that are kept, and nothing more, with their versions."""


class KubernetesError(Exception):
    """The API server refuses; the text is what kubectl prints."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of the controller, by the operations that it calls."""

    create: str
    describe: str
    """With what `spec` names, or what `status` says is the ARN."""
    named_by: Callable[[Json], Json]
    arn: str
    status: Sequence[str]
    """Members of the description that `status` has."""
    update: str = ""


def _execution(found: Json) -> Json:
    return {"PipelineExecutionArn": found.get("status", {}).get("ackResourceMetadata", {}).get("arn")}


KINDS = {
    "ModelPackageGroup": Kind(
        create="create_model_package_group",
        describe="describe_model_package_group",
        named_by=lambda found: {"ModelPackageGroupName": found["spec"]["modelPackageGroupName"]},
        arn="ModelPackageGroupArn",
        status=["ModelPackageGroupStatus"],
    ),
    "Pipeline": Kind(
        create="create_pipeline",
        describe="describe_pipeline",
        named_by=lambda found: {"PipelineName": found["spec"]["pipelineName"]},
        arn="PipelineArn",
        status=["PipelineStatus"],
        update="update_pipeline",
    ),
    "PipelineExecution": Kind(
        create="start_pipeline_execution",
        describe="describe_pipeline_execution",
        named_by=_execution,
        arn="PipelineExecutionArn",
        status=["PipelineExecutionStatus", "FailureReason"],
    ),
}


def answer(asked: Request) -> Response:
    """Answer what `kubectl.py` asks: a JSON object with the objects found, or a text with the reason."""
    wanted = json.loads(asked.get_data(as_text=True))
    try:
        found = Cluster.asked_by(wanted, asked.host_url.rstrip("/")).do(wanted)
    except KubernetesError as error:
        return Response(f"{error}\n", status=400, mimetype="text/plain")
    return Response(json.dumps({"items": found}), mimetype="application/json")


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster as one caller sees it."""

    name: str
    caller: Caller
    eks: EksBackend

    @classmethod
    def asked_by(cls, wanted: Json, endpoint: str) -> "Cluster":
        """Return the cluster of a request, for who has sent it."""
        _, _, _, region, account, path = wanted["cluster"].split(":", 5)
        caller = Caller.with_key(endpoint, region, account, wanted["key"])
        name = path.removeprefix("cluster/")
        found = cls(name=name, caller=caller, eks=backend(account, region))
        if name not in found.eks.clusters:
            raise KubernetesError(f"Unable to connect to the server: there is no cluster {name}")
        if caller.session and (name, caller.principal) not in found.eks.entries:
            raise KubernetesError("error: You must be logged in to the server (Unauthorized)")
        return found

    @property
    def objects(self) -> dict[tuple[str, str, str], Json]:
        """All objects, by kind, namespace and name."""
        return self.eks.objects.setdefault(self.name, {})

    def do(self, wanted: Json) -> list[Json]:
        """Apply, get or delete objects."""
        if wanted["verb"] == "apply":
            return [self.apply(one, wanted["namespace"]) for one in wanted["objects"]]
        kind, namespace = _kind(wanted["kind"]), wanted["namespace"]
        self._authorize(wanted["verb"], kind, namespace)
        labels = {tuple(one.split("=", 1)) for one in wanted["selector"].split(",") if one}
        found = [
            one
            for key, one in self.objects.items()
            if key[:2] == (kind, namespace)
            and wanted["name"] in ("", key[2])
            and labels <= set(one["metadata"].get("labels", {}).items())
        ]
        for one in found:
            if wanted["verb"] == "delete":
                self._delete(one)
            elif kind in KINDS:
                self._reconcile(one)
        return found

    def apply(self, given: Json, namespace: str) -> Json:
        """Keep an object, and let the controller see it."""
        kind, name = _kind(given["kind"]), given["metadata"]["name"]
        version = _BUILT_IN.get(kind, f"{GROUP}/{VERSION}")
        if given["apiVersion"] != version:
            raise KubernetesError(f'no matches for kind "{kind}" in version "{given["apiVersion"]}"')
        inside = "" if kind in ("IAMRoleSelector", "Namespace") else given["metadata"].get("namespace", namespace)
        self._authorize("patch", kind, inside)
        if inside and ("Namespace", "", inside) not in self.objects:
            raise KubernetesError(f'Error from server (NotFound): namespaces "{inside}" not found')
        kept = self.objects.get((kind, inside, name), {})
        made = {**given, "metadata": {**given["metadata"]}, **({"status": kept["status"]} if "status" in kept else {})}
        if inside:
            made["metadata"]["namespace"] = inside
        if kind in KINDS:
            _check_fields(kind, made, self.caller.root().client("sagemaker"))
        self.objects[kind, inside, name] = made
        if kind in KINDS:
            self._reconcile(made)
        return made

    def _delete(self, found: Json) -> None:
        kind, metadata = found["kind"], found["metadata"]
        policy = metadata.get("annotations", {}).get(_DELETION, "delete")
        if kind in KINDS and policy != "retain":
            raise KubernetesError(not_known(f"the deletion of what a {kind} has made; say {_DELETION}: retain"))
        del self.objects[kind, metadata.get("namespace", ""), metadata["name"]]

    def _authorize(self, verb: str, kind: str, namespace: str) -> None:
        """Judge a caller by the groups of the access entry, and the roles that these are bound to."""
        if not self.caller.session:
            return
        groups = self.eks.entry(self.name, self.caller.principal)["kubernetesGroups"]
        group, plural = (GROUP if kind in KINDS else _BUILT_IN[kind].rpartition("/")[0]), f"{kind.lower()}s"
        for rule in self._rules(groups, namespace):
            if group in rule["apiGroups"] and plural in rule["resources"] and verb in rule["verbs"]:
                return
        raise KubernetesError(
            f'Error from server (Forbidden): {plural}.{group} is forbidden: User "{self.caller.principal}" cannot '
            f'{verb} resource "{plural}" in API group "{group}" in the namespace "{namespace}"'
        )

    def _rules(self, groups: Sequence[str], namespace: str) -> Iterable[Json]:
        for (kind, inside, _), binding in self.objects.items():
            subjects = {one["name"] for one in binding.get("subjects", []) if one["kind"] == "Group"}
            if kind == "RoleBinding" and inside == namespace and subjects.intersection(groups):
                role = self.objects.get(("Role", namespace, binding["roleRef"]["name"]))
                yield from role["rules"] if role else []

    # ------------------------------------------------------------------------------------------------ the controller

    def _role(self, namespace: str) -> Caller:
        """Return the role with which the controller works for a namespace."""
        selected = {
            one["spec"]["arn"]
            for (kind, _, _), one in self.objects.items()
            if kind == "IAMRoleSelector" and namespace in one["spec"]["namespaceSelector"]["names"]
        }
        if len(selected) > 1:
            raise RoleError("IAM Role is not available: multiple IAMRoleSelectors match the namespace")
        # A controller of the namespace's own, or the one of all namespaces.
        homes = [namespace, *sorted({one["namespace"] for one in self.eks.associations.values()})]
        found = [(home, arn) for home in homes if (arn := self.eks.role_of(self.name, home, SERVICE_ACCOUNT))]
        if not found or (not selected and found[0][0] != namespace):
            raise RoleError(f"no role is associated with service account {SERVICE_ACCOUNT} in namespace {namespace}")
        home, own = found[0]
        if not selected:
            tags = {
                "eks-cluster-arn": self.eks.arn("cluster", self.name),
                "kubernetes-namespace": home,
                "kubernetes-service-account": SERVICE_ACCOUNT,
            }
            return self.caller.root().assume(own, PODS, CONTROLLER, self.eks.arn("cluster", self.name), tags)
        return self.caller.root().assume(selected.pop(), own, CONTROLLER)

    def _reconcile(self, found: Json) -> None:
        """Make or change what an object wishes, and say what has become of it."""
        kind = KINDS[found["kind"]]
        status = found.setdefault("status", {})
        conditions = {"ACK.ResourceSynced": ("False", "Resource not synced")}
        try:
            described = self._carry_out(kind, found, self._role(found["metadata"]["namespace"]).client("sagemaker"))
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
            name = "ACK.Terminal" if code in _TERMINAL else "ACK.Recoverable"
            conditions[name] = ("True", f"api error {code}: {message}")
        except RoleError as error:
            conditions["ACK.Recoverable"] = ("True", str(error))
        except _UnmanagedError:
            conditions["ACK.Terminal"] = ("True", "Resource already exists")
        else:
            status["ackResourceMetadata"] = {
                "arn": described[kind.arn],
                "ownerAccountID": self.caller.account,
                "region": self.caller.region,
            }
            status |= {f"{one[0].lower()}{one[1:]}": described[one] for one in kind.status if described.get(one)}
            if status.get("pipelineExecutionStatus") not in _UNFINISHED:
                conditions["ACK.ResourceSynced"] = ("True", "Resource synced successfully")
        status["conditions"] = [
            {"type": name, "status": value, "message": message} for name, (value, message) in conditions.items()
        ]

    def _carry_out(self, kind: Kind, found: Json, client: Client) -> Json:
        arn = found["status"].get("ackResourceMetadata", {}).get("arn")
        here = _described(client, kind, found) if arn or found["kind"] != "PipelineExecution" else None
        if here is None:
            made = getattr(client, kind.create)(**request(client, kind.create, found["spec"]))
            found["status"]["ackResourceMetadata"] = {"arn": made[kind.arn]}
        elif not arn and found["metadata"].get("annotations", {}).get(_ADOPTION) != "adopt-or-create":
            raise _UnmanagedError
        elif kind.update:
            # The controller compares no tags.
            wanted = request(client, kind.update, {key: one for key, one in found["spec"].items() if key != "tags"})
            if any(here.get(key) != one for key, one in wanted.items()):
                getattr(client, kind.update)(**wanted)
        described = _described(client, kind, found)
        if described is None:
            raise RoleError(f"{found['metadata']['name']} is gone")
        return described


class _UnmanagedError(Exception):
    """What an object wishes is there, and the object does not say that it is to be taken over."""


def _described(client: Client, kind: Kind, found: Json) -> Json | None:
    try:
        return dict(getattr(client, kind.describe)(**kind.named_by(found)))
    except ClientError as error:
        told = error.response["Error"]
        # moto says it in other words than SageMaker.
        if told["Code"] == "ResourceNotFound" or any(
            words in told["Message"] for words in ("does not exist", "Could not find")
        ):
            return None
        raise


def _kind(told: str) -> str:
    """Return a kind by any of the names that kubectl takes."""
    wanted = told.partition(".")[0].lower()
    for kind in (*KINDS, *_BUILT_IN):
        if wanted in (kind.lower(), f"{kind.lower()}s"):
            return kind
    raise KubernetesError(f'error: the server doesn\'t have a resource type "{told}"')


def _check_fields(kind: str, found: Mapping[str, Any], client: Client) -> None:
    """See to it that `spec` has the members of the API's request, which is what ACK makes its schemas from."""
    try:
        request(client, KINDS[kind].create, found["spec"])
    except (UnsupportedPropertyError, ParamValidationError) as error:
        raise KubernetesError(
            f"Error from server: failed to create typed patch object ({found['metadata']['name']}; "
            f"{GROUP}/{VERSION}, Kind={kind}): {error}: field not declared in schema"
        ) from None
