"""CloudFormation resource types that moto's own models make, for all that no module here lists."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from moto.cloudformation.parsing import get_model_map
from moto.core.common_models import CloudFormationModel
from typing_extensions import override

from awsmodel.cloudformation.template import Json
from sandbox.emulator.resource_types.base import Properties, Resource, ResourceType, Scope


class _Attributes(Mapping[str, Json]):
    """What `Fn::GetAtt` gives of one of moto's models."""

    def __init__(self, model: CloudFormationModel) -> None:
        self.model = model

    def __getitem__(self, name: str) -> Json:
        if not self.model.has_cfn_attr(name):
            raise KeyError(name)
        return self.model.get_cfn_attribute(name)  # type: ignore[attr-defined] # where has_cfn_attr says so

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class MotoType(ResourceType):
    """A type that one of moto's models makes. Its changes are not judged by the caller's rights."""

    def __init__(self, model: type[CloudFormationModel]) -> None:
        self._model = model

    @override
    def must_replace(self, old: Properties, new: Properties) -> bool:
        return hasattr(self._model.update_from_cloudformation_json, "__isabstractmethod__")

    @override
    def custom_name(self, properties: Properties) -> str | None:
        return properties.get(self._model.cloudformation_name_type() or "")

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        name = self.custom_name(properties) or scope.generated_name(63)
        made = self._model.create_from_cloudformation_json(
            name,
            _wrapped(scope, properties),
            scope.caller.account,
            scope.caller.region,
            LogicalId=scope.logical_id,
            StackId=scope.stack_id,
            ResourceType=scope.type_name,
        )
        return _found(name, made)

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        assert isinstance(resource.attributes, _Attributes)  # noqa: S101 - `create` put it there
        name = self.custom_name(new) or resource.name
        changed = self._model.update_from_cloudformation_json(
            resource.attributes.model, name, _wrapped(scope, new), scope.caller.account, scope.caller.region
        )
        return _found(name, changed)

    @override
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        assert isinstance(resource.attributes, _Attributes)  # noqa: S101 - `create` put it there
        model, caller = resource.attributes.model, scope.caller
        if hasattr(model, "delete"):
            model.delete(caller.account, caller.region)
        else:
            wrapped = _wrapped(scope, properties)
            self._model.delete_from_cloudformation_json(resource.physical_id, wrapped, caller.account, caller.region)


def find(type_name: str) -> MotoType | None:
    """Return moto's way to make resources of a type; None where it has none, or one that makes and cannot remove."""
    model = get_model_map().get(type_name)
    return MotoType(model) if model and _is_whole(model) else None


def _is_whole(model: type[CloudFormationModel]) -> bool:
    own = getattr(model, "delete", None)
    removes = (
        # Of the model, the account and the region.
        len(inspect.signature(own).parameters) == 3
        if own
        else not hasattr(model.delete_from_cloudformation_json, "__isabstractmethod__")
    )
    return removes and hasattr(model, "physical_resource_id")


def _wrapped(scope: Scope, properties: Properties) -> dict[str, Any]:
    return {"Type": scope.type_name, "Properties": dict(properties)}


def _found(name: str, model: CloudFormationModel) -> Resource:
    physical_id = model.physical_resource_id  # type: ignore[attr-defined] # all of moto's models have it
    return Resource(name=name, physical_id=physical_id, attributes=_Attributes(model))
