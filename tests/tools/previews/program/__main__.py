"""The Pulumi program of the recorded previews: what its stack's configuration names, and nothing else.

`samples:resources` gives, by logical name, `type` (`sns.Topic`), `args` and `options` of a resource. `{"secret": x}` is
a secret x; `{"json": x}` is x as JSON text; `{"of": name, "output": y}` is an output of another resource.
`samples:outputs` are those of the stack.
"""

from typing import Any

import pulumi
import pulumi_aws

from components.providers.product_version import ProductVersion


class Resources:
    """Resources by their logical names, registered when they are first asked for."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self.wanted = wanted
        self._made: dict[str, Any] = {}

    def made(self, name: str) -> Any:
        """The resource of a name."""
        if name not in self._made:
            resource = self.wanted[name]
            module, kind = resource["type"].split(".")
            of_kind = ProductVersion if module == "mlops" else getattr(getattr(pulumi_aws, module), kind)
            options = pulumi.ResourceOptions(**resource["options"])
            self._made[name] = of_kind(name, **self._value(resource["args"]), opts=options)
        return self._made[name]

    def _value(self, given: Any) -> Any:
        if isinstance(given, list):
            return [self._value(item) for item in given]
        if not isinstance(given, dict):
            return given
        match sorted(given):
            case ["secret"]:
                return pulumi.Output.secret(given["secret"])
            case ["json"]:
                return pulumi.Output.json_dumps(self._value(given["json"]))
            case ["of", "output"]:
                return getattr(self.made(given["of"]), given["output"])
        return {key: self._value(value) for key, value in given.items()}


config = pulumi.Config("samples")
resources = Resources(config.require_object("resources"))
for logical_name in resources.wanted:
    resources.made(logical_name)
for output, value in (config.get_object("outputs") or {}).items():
    pulumi.export(output, value)
if fault := config.get("fault"):
    raise RuntimeError(fault)
