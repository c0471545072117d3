"""Previews that no engine has made: large ones, odd ones, and those that hypothesis thinks of."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from hypothesis import strategies as st

from tools.preview_comment.dangers import DESTRUCTIVE, HARMLESS

POLICY = "aws:iam/rolePolicy:RolePolicy"


def urn(name: str, type_: str = "aws:sns/topic:Topic", stack: str = "dev") -> str:
    """The URN of a resource."""
    return f"urn:pulumi:{stack}::samples::{type_}::{name}"


def step(op: str, name: str, type_: str = "aws:sns/topic:Topic", stack: str = "dev", **more: object) -> dict[str, Any]:
    """A step as the digest has it."""
    state = {"type": type_, "inputs": {"name": name}, **({"id": name} if op != "create" else {})}
    sides = {"oldState": None if op in ("create", "import") else state, "newState": None if op == "delete" else state}
    return {"op": op, "urn": urn(name, type_, stack), **sides, **more}


def digest(*steps: Mapping[str, Any], **more: object) -> str:
    """A digest with these steps."""
    return json.dumps({"steps": list(steps), "changeSummary": counts(steps), **more})


PHYSICAL = ("create-replacement", "delete-replaced", "discard-replaced", "import-replacement", "read-replacement")
"""Steps that the engine tells and does not count: what it counts is what the program asks for."""
NOT_COUNTED = (*PHYSICAL, "refresh", "remove-pending-replace", "extend-parameterize")


def counts(steps: Iterable[object]) -> dict[str, int]:
    """What the engine counts of these steps."""
    ops = [str(found.get("op", "")) for found in steps if isinstance(found, Mapping)]
    return dict(Counter(op for op in ops if op not in NOT_COUNTED))


def events(*found: Mapping[str, Any], result: str = "succeeded") -> str:
    """A stream of these events and its summary."""
    begun = [event["resourcePreEvent"].get("metadata") for event in found if "resourcePreEvent" in event]
    summary = {"summaryEvent": {"resourceChanges": counts(begun), "result": result}}
    return "\n".join(json.dumps({"sequence": place, **event}) for place, event in enumerate([*found, summary]))


def event(op: str, name: str, type_: str = "aws:sns/topic:Topic", **more: Any) -> dict[str, Any]:
    """The beginning of a step as the stream has it; `old` and `new` are the states."""
    metadata = {"op": op, "urn": urn(name, type_), "type": type_, "old": None, "new": None, **more}
    for side in ("old", "new"):
        if metadata[side] is not None:
            metadata[side] = {"urn": metadata["urn"], "type": type_, "custom": True, "inputs": {}, **metadata[side]}
    return {"resourcePreEvent": {"metadata": metadata}}


def hiding(secret: str) -> list[Any]:
    """Values in which a secret stands, each as its name or its form tells."""
    return [
        {"masterPassword": secret},
        {"clientSecret": {"v": secret}},
        {"api_token": [secret]},
        [{"name": "DB_PASSWORD", "value": secret}],
        [{"Key": "GITHUB_TOKEN", "Value": secret}],
        [{"parameterKey": "ApiKey", "parameterValue": secret}],
        {"headers": {"Authorization": secret, "X-Api-Key": secret}},
        [{"header": "X-Auth-Token", "values": [secret]}],
        ["run", "--password", secret],
        json.dumps({"env": {"password": secret, "list": [{"name": "TOKEN", "value": secret}]}}),
        json.dumps({"text": json.dumps({"password": secret})}),
        "echo '" + json.dumps({"password": secret, "list": [{"name": "TOKEN", "value": secret}]}) + "' >file",
        f"psql --password {secret} -h db",
        f"psql --db-password='{secret}'",
        f"DB_PASSWORD={secret} ./run",
        f"export API_KEY='{secret}'",
        f"env:\n  password: {secret}\n  other: 1\n",
        f"curl -H 'Authorization: Bearer {secret}' https://x",
        f"curl -H 'X-Api-Key: {secret}' https://x",
        f"curl -u admin:{secret} https://x",
        f"postgres://admin:{secret}@db/x",
        f"mysql -u root -p{secret} db",
        f"-----BEGIN RSA PRIVATE KEY-----\n{secret}\n-----END RSA PRIVATE KEY-----",
        {"4dabf18193072939515e22adb298388d": "a new kind", "value": secret},
    ]


def policy(*actions: str) -> str:
    """A policy document."""
    statement = {"Sid": "Some", "Effect": "Allow", "Action": list(actions), "Resource": "arn:aws:s3:::samples/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def large(resources: int, statements: int = 1) -> str:
    """A digest of so many resources: replacements, changed policies with stack traces, updates and creations."""
    return digest(*(_large_step(number, statements) for number in range(resources)))


def _long_policy(number: int, statements: int, *, broader: bool) -> str:
    """A policy of so many statements, every other one of which may be broader."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": f"S{place}",
                    "Effect": "Allow" if place % 5 else "Deny",
                    "Action": [f"s3:Get{place}", f"s3:Put{place}", *([f"s3:Delete{place}"] * (broader and place % 2))],
                    "Resource": [f"arn:aws:s3:::b-{number}-{place}", f"arn:aws:s3:::b-{number}-{place}/*"],
                    "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
                }
                for place in range(statements)
            ],
        }
    )


def _large_step(number: int, statements: int) -> dict[str, Any]:
    trace = [{"sourcePosition": f"project:///components/module_{line}.py#{line}"} for line in range(20)]
    name = f"resource-{number}-of-many-with-a-name-of-usual-length"
    match number % 4:
        case 0:
            found = step("update", name, POLICY)
            for side, actions in (("oldState", ["s3:GetObject"]), ("newState", ["s3:GetObject", "s3:PutObject"])):
                long = _long_policy(number, statements, broader=side == "newState")
                document = policy(*actions) if statements == 1 else long
                found[side] = {**found[side], "inputs": {"policy": document, "role": name}}
            found["detailedDiff"] = {"policy": {"kind": "update"}}
        case 1:
            found = step("replace", name, replaceReasons=["name"], detailedDiff={"name": {"kind": "update-replace"}})
        case 2:
            found = step("update", name, detailedDiff={f"tags.key{key}": {"kind": "add"} for key in range(8)})
        case _:
            found = step("create", name)
    for side in ("oldState", "newState"):
        if found[side]:
            found[side] = {**found[side], "stackTrace": trace}
    return found


TEXT = st.text(max_size=12) | st.sampled_from(
    ["</details>", "```", "`", "\n> ", "<!-- -->", "\u202e", "\ud800", "| x |", "@all", "", " ", "x" * 3000, "ä" * 900]
)
OPS = st.sampled_from([*HARMLESS, *DESTRUCTIVE, "frobnicate", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["aws:s3/bucket:Bucket", "aws:sns/topic:Topic", POLICY, ""]) | TEXT
_STATEMENTS = st.lists(
    st.dictionaries(
        st.sampled_from(["Effect", "Sid", "Action", "NotAction", "Principal", "Resource", "Condition"]), JSON
    ),
    max_size=3,
)
DOCUMENTS = st.builds(lambda statements: {"Statement": statements}, _STATEMENTS | JSON)
STATES = st.none() | st.fixed_dictionaries(
    {
        "inputs": st.dictionaries(st.sampled_from(["name", "tags", "password"]) | TEXT, JSON, max_size=3)
        | st.builds(lambda document: {"policy": document}, DOCUMENTS | DOCUMENTS.map(json.dumps)),
        "custom": st.booleans(),
        "id": st.sampled_from(["", "i-1", "i-2"]),
        "protect": st.booleans(),
        "retainOnDelete": st.booleans(),
    }
)
STEPS = st.fixed_dictionaries(
    {
        "op": OPS,
        "urn": st.builds(urn, TEXT, TYPES, st.sampled_from(["dev", "prod"])) | TEXT,
        "oldState": STATES,
        "newState": STATES,
        "replaceReasons": st.lists(TEXT, max_size=2),
        "detailedDiff": st.none() | st.dictionaries(TEXT, st.just({"kind": "update-replace"}), max_size=2),
    }
)
ODD_EVENTS = st.dictionaries(
    st.sampled_from(
        ["resourcePreEvent", "resOutputsEvent", "summaryEvent", "policyEvent", "diagnosticEvent", "newEvent"]
    ),
    st.dictionaries(
        st.sampled_from(["metadata", "message", "severity", "resourceChanges", "result"]) | TEXT, JSON | STEPS
    ),
    min_size=1,
    max_size=2,
)


def texts() -> st.SearchStrategy[str]:
    """What might be in a file of the engine's output: both shapes, noise, and anything else."""
    lines = st.lists((ODD_EVENTS | JSON).map(json.dumps) | TEXT, max_size=5).map("\n".join)
    digests = st.lists(STEPS | JSON, max_size=5).map(lambda steps: json.dumps({"steps": steps}))
    odd = st.dictionaries(st.sampled_from(["steps", "diagnostics", "changeSummary", "maybeCorrupt"]), JSON).map(
        json.dumps
    )
    return st.lists(lines | digests | odd, max_size=3).map("\n".join)


def many(steps: Iterable[Mapping[str, Any]]) -> str:
    """The same steps as a stream of events."""
    names = {"oldState": "old", "newState": "new", "replaceReasons": "keys", "diffReasons": "diffs"}
    metadata = [{names.get(key, key): value for key, value in found.items()} for found in steps]
    return events(*({"resourcePreEvent": {"metadata": {**found, "logical": True}}} for found in metadata))
