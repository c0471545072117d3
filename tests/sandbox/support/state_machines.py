"""State machines in the emulated AWS, and what has become of their runs."""

import json
from collections.abc import Mapping
from typing import Any

from tests.sandbox.conftest import REGION, Client, Clients
from tests.sandbox.support.pipelines import ACCOUNT, allow, role, wait

Json = dict[str, Any]


def machine(aws: Clients, name: str, states: Mapping[str, Json], *statements: Json) -> str:
    """Make one that begins with the first of its states; its ARN. Its role may list buckets, or what is said."""
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"
    condition = {"ArnEquals": {"aws:SourceArn": arn}}
    rights = list(statements) or [allow("s3:ListBucket")]
    role_arn = role(aws, f"{name}-role", "states.amazonaws.com", rights, condition)
    definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states})
    made = aws("stepfunctions").create_state_machine(name=name, definition=definition, roleArn=role_arn)
    return str(made["stateMachineArn"])


def ended(states: Client, arn: str, name: str, **given: str) -> Json:
    """Run one to its end; what AWS tells of the execution."""
    run = states.start_execution(stateMachineArn=arn, name=name, input=json.dumps(given))["executionArn"]

    def final() -> Json | None:
        found = states.describe_execution(executionArn=run)
        return None if found["status"] == "RUNNING" else found

    return dict(wait(final, f"the end of {name}"))
