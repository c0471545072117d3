"""What the stand-in takes for a change: what AWS would keep as another value."""

import json

import pytest

from sandbox.provider.differences import same

KEY = "8f14e45f-ceea-467f-9d1a-0c3b2a1d4e5f"
ARN = f"arn:aws:kms:us-east-2:123456789012:key/{KEY}"


def policy(action: str) -> str:
    return json.dumps({"Statement": [{"Action": action, "Resource": [ARN]}, {"Action": "logs:PutLogEvents"}]})


@pytest.mark.parametrize(
    ("have", "want", "expected"),
    [
        (ARN, KEY, True),
        (ARN, ARN.replace("8f14", "0000"), False),
        (policy("kms:Decrypt"), policy("kms:Decrypt").replace(" ", ""), True),
        (policy("kms:Decrypt"), policy("kms:*"), False),
    ],
    ids=["a key by its ARN or id", "another key", "a policy written differently", "a policy that differs before a key"],
)
def test_a_key_has_two_names_and_what_names_a_key_is_compared_whole(have: str, want: str, expected: bool) -> None:
    assert same(have, want) is expected
