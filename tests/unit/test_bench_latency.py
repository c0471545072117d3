from typing import Any

from tests.bench.latency import Link, longest_chain


def resource(urn: str, *dependencies: str) -> dict[str, Any]:
    return {"urn": urn, "dependencies": list(dependencies)}


def test_the_longest_chain_is_the_one_with_the_most_calls_not_the_most_resources() -> None:
    resources = [
        resource("key"),
        resource("topic", "key"),
        resource("rule", "topic"),
        resource("bucket"),
        resource("policy", "bucket", "key"),
    ]
    calls = {"key": 1, "topic": 1, "rule": 1, "bucket": 5, "policy": 2}
    assert longest_chain(resources, calls) == [Link("bucket", 5), Link("policy", 2)]


def test_what_makes_no_call_joins_the_chain_but_is_not_told() -> None:
    resources = [resource("key"), resource("component", "key"), resource("topic", "component")]
    assert longest_chain(resources, {"key": 2, "topic": 3}) == [Link("key", 2), Link("topic", 3)]


def test_a_stack_without_resources_has_no_chain() -> None:
    assert longest_chain([], {}) == []
