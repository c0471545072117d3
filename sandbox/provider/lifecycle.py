"""What happens to a resource, alike for every type: check, diff, create, read, update, delete."""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from sandbox.provider import plan_checks
from sandbox.provider.aws import Aws, Connections
from sandbox.provider.differences import differences, in_no_order
from sandbox.provider.resource import Change, Resource
from sandbox.provider.values import UNKNOWN, Properties, Value, has_unknown

DEFAULTS = "__defaults"
"""Where the inputs list the properties that the plugin filled in, as the official one does."""
SUFFIX_LENGTH = 7


class IncompleteError(Exception):
    """A resource that stands but is not all that was asked for. The engine keeps it and tries again."""

    def __init__(self, ident: str, outputs: Properties, inputs: Properties, cause: Exception) -> None:
        super().__init__(str(cause))
        self.ident, self.outputs, self.inputs, self.cause = ident, outputs, inputs, cause


@dataclass(frozen=True)
class Naming:
    """How the engine wants names that the program leaves open."""

    seed: bytes = b""
    proposed: str | None = None
    """A name from the stack's autonaming settings."""
    disabled: bool = False


@dataclass(frozen=True)
class Difference:
    """The outcome of a diff: the kind of each change by property path, and what it means."""

    changes: dict[str, str]
    replaces: list[str]
    delete_first: bool


@dataclass(frozen=True)
class Lifecycle:
    """Resources of one configured provider."""

    connections: Connections
    region: str
    account: str
    default_tags: Mapping[str, str] = field(default_factory=dict)

    def aws(self, region: str | None) -> Aws:
        """Return the region that a resource states, or the provider's own."""
        return Aws(self.connections, region or self.region, self.account)

    def check(
        self, handler: Resource, name: str, olds: Properties, news: Properties, naming: Naming
    ) -> tuple[Properties, dict[str, str]]:
        """Return the inputs with what the plugin fills in, and the reason of each input that is refused."""
        inputs = {key: value for key, value in news.items() if key not in (DEFAULTS, "tagsAll")}
        failures = {key: _unknown_input(handler, key) for key in inputs.keys() - _inputs(handler)}
        failures |= plan_checks.faults(handler.kind, inputs, olds)
        if handler.tagged and isinstance(inputs.get("tags", {}), dict):
            # The engine shows changes of outputs beside inputs of the same name, so `tagsAll` is an input too.
            inputs["tags"] = inputs["tagsAll"] = {**self.default_tags, **inputs.get("tags", {})}
        filled = {key: value for key, value in handler.defaults.items() if key not in inputs}
        if handler.name and handler.name not in inputs:
            if naming.disabled:
                failures[handler.name] = "autonaming is disabled in this stack: name the resource"
            filled[handler.name] = self._name(handler, handler.name, name, olds, inputs, naming)
        return {**inputs, **filled, DEFAULTS: sorted(filled)}, failures

    @staticmethod
    def _name(handler: Resource, key: str, name: str, olds: Properties, inputs: Properties, naming: Naming) -> Value:
        if key in olds.get(DEFAULTS, []):
            return olds[key]
        suffix = hashlib.sha256(naming.seed or secrets.token_bytes()).hexdigest()[:SUFFIX_LENGTH]
        return handler.autoname(naming.proposed or f"{name}-{suffix}", inputs)

    def diff(
        self, handler: Resource, state: Properties, old_inputs: Properties, news: Properties, ignored: list[str]
    ) -> Difference:
        """Compare the resource as it was last seen with what the program wants."""
        want = {key: value for key, value in handler.brought.items() if key in state} | self._wanted(handler, news)
        changes: dict[str, str] = {}
        compared = want.keys() | old_inputs.keys() | (handler.cleared & state.keys())
        for key in sorted(compared - {DEFAULTS, *ignored}):
            if key in want or key not in handler.keeps:
                have, wish = (_ordered(handler, key, values.get(key)) for values in (state, want))
                changes |= differences(have, wish, key, handler.server_side)
        replaces = [path for path in changes if _top(path) in handler.replaces | {"region"}]
        own_name = bool(handler.name) and handler.name not in news.get(DEFAULTS, []) + replaces
        return Difference(changes, replaces, bool(replaces) and own_name and "region" not in replaces)

    def preview(self, handler: Resource, inputs: Properties, state: Properties | None = None) -> Properties:
        """Return the outputs that a creation, or an update of `state`, will have as far as they are known."""
        if state is None:
            open_outputs = handler.computed | (handler.keeps - inputs.keys())
            base: Properties = dict.fromkeys(open_outputs, UNKNOWN)
        else:
            base = {key: value for key, value in state.items() if key not in _inputs(handler) - handler.keeps}
        return base | self._wanted(handler, inputs)

    def create(
        self, handler: Resource, inputs: Properties, made: Callable[[str], None] = lambda _: None
    ) -> tuple[str, Properties]:
        """Make the resource; its id and outputs. `IncompleteError` when it stands but a later call failed.

        `made` is told the id as soon as the resource stands.
        """
        aws = self.aws(inputs.get("region"))
        ident = handler.create(aws, inputs)
        made(ident)
        return ident, self._finish(handler, aws, ident, Change({}, inputs), inputs)

    def update(self, handler: Resource, ident: str, state: Properties, news: Properties) -> Properties:
        """Change the resource; its outputs. `IncompleteError` when a call failed."""
        aws = self.aws(state.get("region"))
        kept = {key: state[key] for key in handler.keeps if key in state and key not in news}
        return self._finish(handler, aws, ident, Change(state, kept | news), news)

    def _finish(self, handler: Resource, aws: Aws, ident: str, change: Change, inputs: Properties) -> Properties:
        try:
            handler.configure(aws, ident, change)
            if change.old and handler.tagged:
                self._retag(handler, aws, ident, change)
            return self._outputs(handler, aws, _existing(handler.read(aws, ident)), inputs)
        except Exception as error:
            raise IncompleteError(ident, self._last_seen(handler, aws, ident, inputs), inputs, error) from error

    def _last_seen(self, handler: Resource, aws: Aws, ident: str, inputs: Properties) -> Properties:
        """Return the outputs of a resource that is half done; the inputs where not even reading works."""
        try:
            return self._outputs(handler, aws, self._look(handler, aws, ident) or {}, inputs)
        except Exception:  # the first fault is the one to report
            return {**inputs, "region": aws.region} if handler.regional else dict(inputs)

    @staticmethod
    def _retag(handler: Resource, aws: Aws, ident: str, change: Change) -> None:
        old, new = change.old.get("tagsAll", {}), change.new.get("tags", {})
        if old != new:
            handler.retag(aws, ident, new, sorted(old.keys() - new.keys()))

    def read(
        self, handler: Resource, ident: str, state: Properties, inputs: Properties
    ) -> tuple[str, Properties, Properties] | None:
        """Look at the resource: its id, outputs and inputs as AWS has them; None when it is gone.

        An import may name a region: `<id>@<region>`.
        """
        region = state.get("region")
        if not state and handler.regional and "@" in ident:
            ident, region = ident.rsplit("@", 1)
        aws = self.aws(region)
        found = self._look(handler, aws, ident)
        if found is None:
            return None
        outputs = self._outputs(handler, aws, found, state or _unread_defaults(handler))
        return ident, outputs, self._read_inputs(handler, outputs, inputs)

    def delete(self, handler: Resource, ident: str, state: Properties) -> None:
        """Remove the resource; one that is gone already is no error."""
        aws = self.aws(state.get("region"))
        try:
            handler.delete(aws, ident, state)
        except ClientError as error:
            if _code(error) not in handler.absent:
                raise
        # Nothing takes its time here: what a look still finds would be found by the plugin until it gives up.
        if handler.awaits_end and self._look(handler, aws, ident) is not None:
            raise LookupError(f"{ident} is still there although it was deleted")

    @staticmethod
    def _look(handler: Resource, aws: Aws, ident: str) -> Properties | None:
        try:
            return handler.read(aws, ident)
        except ClientError as error:
            if _code(error) in handler.absent:
                return None
            raise

    def _wanted(self, handler: Resource, inputs: Properties) -> Properties:
        want = {key: value for key, value in inputs.items() if key != DEFAULTS}
        if handler.regional:
            want["region"] = inputs.get("region", self.region)
        if handler.tagged:
            want["tagsAll"] = inputs.get("tags", {})
        return want

    def _outputs(self, handler: Resource, aws: Aws, found: Properties, known: Properties) -> Properties:
        """Return what AWS says, in the words of the inputs or state where those mean the same."""
        outputs = {key: value for key, value in found.items() if value is not None}
        if handler.tagged and found:
            own = {key: value for key, value in found["tagsAll"].items() if not key.startswith("aws:")}
            outputs |= {"tags": own, "tagsAll": own}
        if handler.regional:
            outputs["region"] = aws.region
        for key, value in known.items():
            if key in handler.unread or (key in outputs and _equal(handler, key, outputs[key], value)):
                outputs[key] = value
        return outputs

    def _read_inputs(self, handler: Resource, outputs: Properties, inputs: Properties) -> Properties:
        if not inputs:
            allowed = (
                _inputs(handler) - handler.unread - ({"region"} if outputs.get("region") == self.region else set())
            )
            kept = {key: outputs[key] for key in sorted(allowed & outputs.keys())}
            return {key: value for key, value in kept.items() if value not in ("", [], {})} | {DEFAULTS: []}
        fresh: Properties = {}
        for key, value in inputs.items():
            if key in handler.unread | {DEFAULTS, "region"} or _equal(handler, key, outputs.get(key), value, bare=True):
                fresh[key] = value
            elif key in outputs:
                fresh[key] = outputs[key]
        return fresh


def _inputs(handler: Resource) -> frozenset[str]:
    return handler.replaces | handler.updates | ({"region"} if handler.regional else set())


def _unknown_input(handler: Resource, key: str) -> str:
    return (
        f"the sandbox's handler of {handler.kind} does not carry out {key!r}. It knows: "
        f"{', '.join(sorted(_inputs(handler)))}. Add it in {type(handler).__module__.replace('.', '/')}.py"
    )


def _unread_defaults(handler: Resource) -> Properties:
    """Return what an imported resource is taken to have where AWS does not tell."""
    return {key: value for key, value in handler.defaults.items() if key in handler.unread}


def _existing(found: Properties | None) -> Properties:
    if found is None:
        raise LookupError("the resource is gone although it was just written")
    return found


def _equal(handler: Resource, key: str, have: Value, want: Value, *, bare: bool = False) -> bool:
    """Compare as a diff does; `bare` also leaves out what AWS filled in."""
    nested = handler.server_side if bare else frozenset[str]()
    return not differences(_ordered(handler, key, have), _ordered(handler, key, want), key, nested)


def _ordered(handler: Resource, key: str, value: Value) -> Value:
    return in_no_order(value) if key in handler.unordered and not has_unknown(value) else value


def _top(path: str) -> str:
    return path.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0]


def _code(error: ClientError) -> str:
    return error.response["Error"].get("Code", "")
