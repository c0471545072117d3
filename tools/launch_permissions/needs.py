"""What launching a product asks of its launch role: every request, for every choice of a launch that changes it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeVar

from awsmodel.arns import ArnScope
from awsmodel.cloudformation.evaluation import Evaluation, Made
from awsmodel.cloudformation.java_patterns import java_pattern, sample_of
from awsmodel.cloudformation.template import STORED, Template, TemplateError, as_text
from awsmodel.iam.evaluation import Request, Statement, requests, statements
from awsmodel.regions import known_regions
from components.packaging import Product, path_within
from components.packaging.product_folder import path_in_folder
from components.packaging.template import ENVIRONMENT
from tools.faults import ToolError
from tools.launch_permissions.choices import Path, Taken, explore
from tools.launch_permissions.resource_rights import (
    CARRIES_TAGS,
    CHANGE,
    STACK,
    LaunchScope,
    Operation,
    ResourceType,
    Right,
    UnknownValueError,
    resource_type,
)

UNKNOWN = "*"
"""Stands for what nobody knows before a launch. As a part of a resource it is covered by patterns alone."""

_RETAINED = "Retain"
SAMPLES = (
    UNKNOWN,
    *("s3://sample-bucket/sample", "https://sample.example.com", "sample/sample", "sample", "111122223333", "1"),
    "111122223333.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-sample:1",
    ArnScope.of(known_regions()["eu-west-1"], "111122223333").form(
        "sagemaker:{region}:{account}:mlflow-app/{name}", name="sample"
    ),
)
"""Values for parameters; the first that a pattern takes. Where none is, the value is unknown."""

_UNJUDGED = (TemplateError, LookupError, TypeError, ValueError, AttributeError)
"""What a template that means something else than this check expects can lead to."""

T = TypeVar("T")

Environment = Mapping[str, Sequence[str]]
"""Values that the environment mapping can have, by its two keys joined with a dot."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """A request that somebody makes so that a resource can be made, changed or removed."""

    product: str
    """Folder of the product."""
    choice: Taken
    """What the request hangs on: environment values by their two keys, parameters by name."""
    logical_id: str
    type_name: str
    operation: Operation
    request: Request


class Launch:
    """A template of a product as it is launched in an account and region.

    Args:
        product: the product.
        scope: where.
        environment: what the environment mapping can have; what is not named is as it is committed or, where a
            condition asks for it, both empty and a sample.
        file: the template; one of the repository is what the product's own pipeline deploys.
        parameters: values that parameters can have; the others get those that are allowed, or samples.

    Raises:
        ToolError: CloudFormation would not take the template.
    """

    def __init__(
        self,
        product: Product,
        scope: LaunchScope,
        environment: Environment,
        *,
        file: str = "template.yaml",
        parameters: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.product = product
        self.scope = scope
        self._file = file
        try:
            self.template = _parsed(self._text())
        except TemplateError as error:
            raise self._fault(str(error)) from error
        self._unknown = dict.fromkeys(f"what its section {name} does" for name in self.template.beyond)
        self.options = {**self._parameter_options(parameters or {}), **self._environment_options(environment)}

    def _text(self) -> str:
        for file in self.product.files:
            if f"repository/{file.path}" == self._file:
                return file.content.decode()
        return self.product.template

    def needs(self) -> Iterator[Need]:
        """Every request for its stack and its resources, once for each choice that makes it another."""
        for right in STACK.rights:
            stack = (self.scope.arns.form(STACK.arn, name=self.scope.stack_name), STACK.context({}))
            for target, context in [stack] if right.on is None else right.on({}, self.scope):
                for operation in right.operations:
                    request = Request(right.action, target, context)
                    yield self._need({}, "(stack)", "AWS::CloudFormation::Stack", operation, request)
        yield from self._stored_needs()
        yield from self.resource_needs()

    def _stored_needs(self) -> Iterator[Need]:
        """What reading the parameters takes whose values Systems Manager has: CloudFormation asks as who launches."""
        for name, wanted in self.template.parameters.items():
            if as_text(wanted.get("Type", "")).startswith(STORED):
                for value in self.options[name]:
                    place = self.scope.arns.form(
                        "ssm:{region}:{account}:parameter/{name}", name=value.removeprefix("/")
                    )
                    request = Request("ssm:GetParameters", place, {})
                    for operation in CHANGE:
                        yield self._need({}, name, "AWS::SSM::Parameter::Value", operation, request)

    def resource_needs(self) -> Iterator[Need]:
        """Every request for its resources, once for each choice that makes it another."""
        for logical_id in self.template.resources:
            yield from self._explored(logical_id, lambda view, name=logical_id: view.requests(name))

    def role_needs(self) -> Iterator[Need]:
        """Every request that the policies of its own roles allow, which their boundary must allow, too."""
        for logical_id, resource in self.template.resources.items():
            if resource["Type"] == "AWS::IAM::Role":
                yield from self._explored(logical_id, lambda view, name=logical_id: view.allowed_to_role(name))

    def role_statements(self, logical_id: str) -> list[Statement]:
        """Tell what the policies of one of its own roles say, where nothing is left to choose.

        Raises:
            ToolError: something is.
        """
        ways = explore(self.options, lambda path: _View(self.template, self.scope, path).statements(logical_id))
        (_, found), *others = ways
        if others:
            raise self._fault(f"{logical_id}: what it may do depends on more than was given")
        return found

    def _explored(self, logical_id: str, ask: Any) -> Iterator[Need]:  # noqa: ANN401 - a function of a view
        def visit(path: Path) -> list[tuple[Operation, Request]]:
            view = _View(self.template, self.scope, path)
            found = list(ask(view))
            self._unknown.update(dict.fromkeys(f"{logical_id}: {reason}" for reason in view.unknown))
            return found

        for choice, found in explore(self.options, visit):
            kept = {name: value for name, value in choice.items() if len(self.options[name]) > 1}
            type_name = self.template.resources[logical_id]["Type"]
            for operation, request in found:
                yield self._need(kept, logical_id, type_name, operation, request)

    def _need(self, choice: Taken, logical_id: str, type_name: str, operation: Operation, request: Request) -> Need:
        return Need(
            product=self.product.slug,
            choice=choice,
            logical_id=logical_id,
            type_name=type_name,
            operation=operation,
            request=request,
        )

    @property
    def unknown(self) -> Sequence[str]:
        """What could not be judged of all that was asked for by now, one sentence each."""
        return [f"{self._where}: {reason}" for reason in self._unknown]

    def _parameter_options(self, given: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
        asked = set(_asked(self.template.conditions, "Ref"))
        return {
            name: list(dict.fromkeys(given[name])) if name in given else self._values(name, wanted, name in asked)
            for name, wanted in self.template.parameters.items()
        }

    def _values(self, name: str, wanted: Mapping[str, Any], in_condition: bool) -> Sequence[str]:
        if allowed := [as_text(value) for value in wanted.get("AllowedValues", ())]:
            return allowed
        if name in ("SageMakerProjectName", "SageMakerProjectId"):
            return [UNKNOWN]
        pattern = java_pattern(as_text(wanted.get("AllowedPattern", ".*")))
        fitting = (value for value in SAMPLES if pattern is not None and pattern.fullmatch(value))
        sample = next(fitting, None) or sample_of(as_text(wanted.get("AllowedPattern", ""))) or UNKNOWN
        default = as_text(wanted.get("Default", ""))
        return list(dict.fromkeys((default, sample))) if in_condition else [default or sample]

    def _environment_options(self, given: Environment) -> dict[str, Sequence[str]]:
        asked = {".".join(keys) for keys in _asked(self.template.conditions, "Fn::FindInMap")}
        options: dict[str, Sequence[str]] = {}
        for group, values in self.template.mappings.get(ENVIRONMENT, {}).items():
            for key, committed in values.items():
                name, text = f"{group}.{key}", as_text(committed)
                if name in given:
                    options[name] = list(dict.fromkeys(given[name]))
                elif f"{ENVIRONMENT}.{name}" in asked:
                    options[name] = list(dict.fromkeys((text, self._sample(group, key))))
                else:
                    options[name] = [text or self._sample(group, key)]
        return options

    def _sample(self, group: str, key: str) -> str:
        known = {
            "Encryption.KmsKeyArn": "kms:{region}:{account}:key/11111111-2222-3333-4444-555555555555",
            "Source.ConnectionArn": "codeconnections:{region}:{account}:connection/11111111-2222-3333-4444",
            "Notifications.TopicArn": "sns:{region}:{account}:sample-topic",
        }
        if group == "Roles" and key != "PermissionsBoundary":
            return self.scope.arns.role(f"supplied-{key.lower()}")
        form = known.get(f"{group}.{key}")
        return self.scope.arns.form(form) if form else f"sample-{key.lower()}"

    @property
    def _where(self) -> str:
        files = {f"repository/{file.path}": path_in_folder(file) for file in self.product.files}
        return path_within("seed_code", self.product.slug, files.get(self._file, self._file))

    def _fault(self, reason: str) -> ToolError:
        return ToolError(f"{self._where}: {reason}")


@cache
def _parsed(text: str) -> Template:
    """A template, read once: a launch is judged for each region and role."""
    return Template.parse(text)


def _asked(node: Any, function: str) -> Iterator[Any]:  # noqa: ANN401 - any part of a template
    """Arguments of every call of a function in a part of a template."""
    if isinstance(node, list):
        for item in node:
            yield from _asked(item, function)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name == function:
                yield value if isinstance(value, str) else tuple(map(str, value))
            yield from _asked(value, function)


@dataclass(frozen=True)
class _Resource:
    """A resource as others refer to it."""

    physical_id: str
    attributes: Mapping[str, Any]


class _Attributes(Mapping[str, Any]):
    """What `Fn::GetAtt` gives before anything exists."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known

    def __getitem__(self, name: str) -> str:
        return self._known.get(name, UNKNOWN)

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


class _Planned(dict[str, Made]):
    """The resources of a template as if they existed, each worked out when another refers to it."""

    def __init__(self, view: "_View") -> None:
        super().__init__()
        self._view = view

    def __contains__(self, name: object) -> bool:
        return name in self._view.template.resources

    def __missing__(self, name: str) -> Made:
        self[name] = self._view.planned(name)
        return self[name]


class _Leaves(Mapping[str, Any]):
    """The environment mapping, whose values are chosen when they are asked for."""

    def __init__(self, names: Mapping[str, Any], path: Path, group: str = "") -> None:
        self._names = names
        self._path = path
        self._group = group

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - a group or a value
        if self._group:
            return self._path[f"{self._group}.{key}"]
        return _Leaves(self._names[key], self._path, key)

    def __contains__(self, key: object) -> bool:
        return key in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _Parameters(Mapping[str, str]):
    """The parameters, whose values are chosen when they are asked for."""

    def __init__(self, names: Mapping[str, Any], path: Path) -> None:
        self._names = names
        self._path = path

    def __getitem__(self, name: str) -> str:
        return self._path[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _Properties(Mapping[str, Any]):
    """Properties of a resource, each worked out when it is asked for, so that only what matters becomes a choice."""

    def __init__(self, written: Mapping[str, Any], evaluation: Evaluation) -> None:
        self._written = written
        self._evaluation = evaluation

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - any part of a template
        value = self._evaluation.value(self._written[name])
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        written = self._written.get(str(name))
        open_ended = isinstance(written, dict) and written.keys() & {"Fn::If", "Ref"}
        return self._evaluation.value(written) is not None if open_ended else written is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._written)

    def __len__(self) -> int:
        return len(self._written)


class _Evaluation(Evaluation):
    """A template whose values a launch knows; what nobody knows before one is unknown, and no fault."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.unknown: dict[str, None] = {}
        """What this check does not know, one sentence each."""

    def value(self, node: Any) -> Any:  # noqa: ANN401 - any part of a template
        try:
            return super().value(node)
        except _UNJUDGED as error:
            ((name, _),) = node.items() if isinstance(node, dict) and len(node) == 1 else (("", None),)
            if not isinstance(error, LookupError) and name not in _SETTLED_AT_LAUNCH:
                self.unknown[f"what {name or 'a value'} gives ({error})"] = None
            return UNKNOWN

    def condition(self, name: str) -> bool:
        try:
            return super().condition(name)
        except _UNJUDGED as error:
            self.unknown[f"whether condition {name} holds, which is taken as met ({error})"] = None
            return True


_SETTLED_AT_LAUNCH = frozenset({"Fn::FindInMap", "Fn::Select", "Fn::GetAZs", "Fn::ImportValue", "Fn::Cidr"})
"""Functions that work on what a launch knows: what they give is unknown before it, and nothing to tell."""


class _View:
    """A template on one way through the choices."""

    def __init__(self, template: Template, scope: LaunchScope, path: Path) -> None:
        self.template = template
        self._scope = scope
        pseudo = {
            "AWS::AccountId": scope.account_id,
            "AWS::Partition": scope.region.partition,
            "AWS::Region": scope.region.name,
            "AWS::StackId": scope.arns.stack(scope.stack_name),
            "AWS::StackName": scope.stack_name,
            "AWS::URLSuffix": scope.region.dns_suffix,
        }
        mappings = {**template.mappings, ENVIRONMENT: _Leaves(template.mappings.get(ENVIRONMENT, {}), path)}
        self._evaluation = _Evaluation(template, _Parameters(template.parameters, path), pseudo, mappings)
        self._evaluation.made = _Planned(self)

    @property
    def unknown(self) -> Sequence[str]:
        """What could not be judged by now."""
        return list(self._evaluation.unknown)

    def requests(self, logical_id: str) -> Iterator[tuple[Operation, Request]]:
        """Tell what making, changing and removing a resource asks for; nothing where its condition does not hold."""
        if not self._is_made(logical_id):
            return
        resource, kind, properties = self._resource(logical_id)
        if kind is None:
            self._evaluation.unknown[f"which rights the handlers of {resource['Type']} use"] = None
            return
        kept = resource.get("DeletionPolicy") == _RETAINED
        for right in kind.rights:
            ask = partial(self._targets, logical_id, kind, right, properties)
            for target, context in self._judged(right.action, ask):
                for operation in right.operations:
                    if operation == "delete" and kept:
                        continue
                    keys = {
                        **context,
                        **({} if right.on else _tag_keys(resource["Type"], right.action, operation, properties)),
                    }
                    yield operation, Request(right.action, target, keys)

    def _targets(
        self, logical_id: str, kind: ResourceType, right: Right, properties: "_Properties"
    ) -> list[tuple[str, Mapping[str, Any]]]:
        """What a right is asked for on."""
        if right.when and right.when not in properties:
            return []
        if right.on:
            return list(right.on(properties, self._scope))
        keys = {**kind.context(properties), **right.says(properties)}
        return [(self._arn(logical_id, kind, properties), keys)]

    def _judged(self, what: str, ask: Callable[[], Sequence[T]]) -> Sequence[T]:
        """What a function gives; nothing, with a word of it, where the template is other than it expects."""
        try:
            return ask()
        except UnknownValueError as error:
            self._evaluation.unknown[f"{error}, on which {what} hangs, is known at a launch only"] = None
        except _UNJUDGED as error:
            self._evaluation.unknown[f"whether it takes {what} ({type(error).__name__}: {error})"] = None
        return []

    def allowed_to_role(self, logical_id: str) -> Iterator[tuple[Operation, Request]]:
        """Tell what the policies of a role of the template allow."""
        for request in requests(self.statements(logical_id)):
            yield "create", request

    def statements(self, logical_id: str) -> list[Statement]:
        """Return the statements of the policies of a role of the template; none where it is not made."""
        if not self._is_made(logical_id):
            return []
        _, _, properties = self._resource(logical_id)

        def stated() -> list[Statement]:
            policies = [policy for policy in properties.get("Policies", ()) if isinstance(policy, Mapping)]
            return [statement for policy in policies for statement in statements(policy["PolicyDocument"])]

        return list(self._judged("what its policies say", stated))

    def planned(self, logical_id: str) -> Made:
        """Return a resource as others will refer to it."""
        _, kind, properties = self._resource(logical_id)
        if kind is None:
            return _Resource(UNKNOWN, _Attributes({}))
        name, arn = self._name(logical_id, kind, properties), self._arn(logical_id, kind, properties)
        attributes = {"Arn": arn, **dict.fromkeys(kind.named_by, name)}
        return _Resource({"name": name, "arn": arn, "id": UNKNOWN}[kind.ref], _Attributes(attributes))

    def _is_made(self, logical_id: str) -> bool:
        condition = self.template.resources[logical_id].get("Condition")
        return condition is None or self._evaluation.condition(condition)

    def _resource(self, logical_id: str) -> tuple[Mapping[str, Any], ResourceType | None, _Properties]:
        resource = self.template.resources[logical_id]
        kind = resource_type(resource["Type"])
        return resource, kind, _Properties(resource.get("Properties") or {}, self._evaluation)

    def _name(self, logical_id: str, kind: ResourceType, properties: _Properties) -> str:
        if kind.name in properties:
            return as_text(properties[kind.name])
        return f"{self._scope.stack_name}-{logical_id}-{UNKNOWN}"

    def _arn(self, logical_id: str, kind: ResourceType, properties: _Properties) -> str:
        path = as_text(properties.get("Path") or "/")
        return self._scope.arns.form(kind.arn, name=self._name(logical_id, kind, properties), path=path)


def _tag_keys(
    type_name: str, action: str, operation: Operation, properties: Mapping[str, Any]
) -> dict[str, str | Sequence[str]]:
    """Condition keys for the tags that a request sets, and for those that its resource has by then."""
    if "Tags" not in properties:
        return {}
    tags = properties["Tags"]
    listed = [tag for tag in tags if isinstance(tag, dict) and "Key" in tag] if isinstance(tags, list) else []
    pairs = tags if isinstance(tags, dict) else {as_text(tag["Key"]): as_text(tag.get("Value", "")) for tag in listed}
    keys: dict[str, str | Sequence[str]] = {}
    if CARRIES_TAGS.search(action):
        keys = {f"aws:RequestTag/{key}": value for key, value in pairs.items()} | {"aws:TagKeys": list(pairs)}
    if operation != "create" or not CARRIES_TAGS.search(action):
        keys |= {f"aws:ResourceTag/{key}": value for key, value in pairs.items()}
    if operation == "create" and action == "sagemaker:AddTags":
        keys["sagemaker:TaggingAction"] = f"Create{type_name.rpartition('::')[2]}"
    return keys
