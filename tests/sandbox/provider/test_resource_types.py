"""Every resource type through its life, against the emulated AWS."""

import importlib
import importlib.util
import re
from pathlib import Path

import pytest

from sandbox.provider import plan_checks, services
from sandbox.provider.registry import handler
from sandbox.provider.values import UNKNOWN
from tests.sandbox.conftest import Clients
from tests.sandbox.support.calls import Calls
from tests.sandbox.support.case import Case
from tests.sandbox.support.cases import World, make_cases, make_world
from tests.sandbox.support.catalog_cases import Catalog
from tests.sandbox.support.engine import Engine, Kept

CATALOG = Catalog("portfolio", "product", "other-product", "tag-option", "template-url")
KINDS = sorted(make_cases(World("key", "other-key", "topic", "repository", "policy", CATALOG)))
# AWS can't take these from what they belong to: deleting them puts back what was there before.
STAY = {
    "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive",
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:sns/topicPolicy:TopicPolicy",
}


@pytest.fixture(scope="module")
def cases(aws: Clients) -> dict[str, Case]:
    return make_cases(make_world(aws))


@pytest.fixture
def case(kind: str, cases: dict[str, Case]) -> Case:
    return cases[kind]


def test_every_handler_has_a_case() -> None:
    modules = [f"{services.__name__}.{p.stem}" for p in Path(services.__path__[0]).glob("[a-z]*.py")]
    handlers = {v.kind for m in modules for v in vars(importlib.import_module(m)).values() if hasattr(v, "kind")}
    assert handlers == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_life(kind: str, case: Case, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, changed = Calls(monkeypatch), {**case.inputs, **case.change}
    with calls.of(kind, "create"):
        made = engine.create(kind, case.inputs)
    assert engine.diff(made, case.inputs).kinds == {}
    with calls.of(kind, "read"):
        assert engine.refresh(made) == made
    assert handler(kind).computed <= made.outputs.keys() <= sdk_properties(kind)

    imported = engine.import_(kind, made.id)
    assert imported is not None
    readable = {key: value for key, value in case.inputs.items() if key not in handler(kind).unread}
    assert engine.diff(imported, readable).kinds == {}

    difference = engine.diff(made, changed)
    assert set(difference.kinds) == set(case.paths)
    assert difference.replaces == []
    if case.change:
        assert engine.update(made, changed, preview=True).outputs.keys() >= handler(kind).computed
        with calls.of(kind, "update"):
            made = engine.update(made, changed)
        assert engine.diff(made, changed).kinds == {}
        assert engine.refresh(made) == made
        made = engine.update(made, case.inputs)
        assert engine.refresh(made) == made
    if handler(kind).tagged:
        made = engine.update(made, {**case.inputs, "tags": {}})
        assert engine.refresh(made) == made

    with calls.of(kind, "delete"):
        engine.delete(made)
    if kind not in STAY:
        assert engine.refresh(made) is None
    engine.delete(made)


@pytest.mark.parametrize("kind", KINDS)
def test_preview_knows_inputs_and_no_more(kind: str, case: Case, engine: Engine) -> None:
    outputs = engine.preview(kind, case.inputs)
    unknown = {key for key, value in outputs.items() if value == UNKNOWN}
    assert unknown == handler(kind).computed | (handler(kind).keeps - case.inputs.keys())
    assert {key: outputs[key] for key in case.inputs} == case.inputs


@pytest.mark.parametrize("kind", KINDS)
def test_fixed_inputs_replace(kind: str, engine: Engine, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    # That no plan takes these values has tests of its own.
    monkeypatch.setattr(plan_checks, "faults", lambda *_: {})
    other = {"multiRegion": True, "objectLockEnabled": True, "fifoTopic": True}
    old = engine.check(kind, {key: value for key, value in case.inputs.items() if key not in other})
    kept = Kept(f"urn:pulumi:test::test::{kind}::thing", "id", old, {**old, "region": "eu-west-1"})
    for name in handler(kind).replaces:
        difference = engine.diff(kept, {**case.inputs, name: other.get(name, "something else")})
        assert name in difference.replaces
        assert difference.kinds[name].endswith("_REPLACE")
    if handler(kind).regional:
        assert engine.diff(kept, {**case.inputs, "region": "eu-west-2"}).replaces == ["region"]


@pytest.mark.parametrize("kind", KINDS)
def test_handlers_name_properties_of_the_sdk(kind: str) -> None:
    assert handler(kind).replaces | handler(kind).updates | handler(kind).computed <= sdk_properties(kind)


def sdk_properties(kind: str) -> set[str]:
    """Return the outputs of a resource type by Pulumi's names, from the SDK's text: importing it takes seconds."""
    package, name = kind.split(":")[1].split("/")
    spec = importlib.util.find_spec("pulumi_aws")
    assert spec is not None
    assert spec.origin is not None
    text = (Path(spec.origin).parent / package / f"{snake_case(name)}.py").read_text()
    outputs = re.findall(r"^    def (\w+)\(self\) -> pulumi\.Output", text, re.MULTILINE)
    return {re.sub(r"_([a-z0-9])", lambda m: m.group(1).upper(), output) for output in outputs}


def snake_case(name: str) -> str:
    return re.sub(r"([A-Z])", lambda m: "_" + m.group(1).lower(), name)
