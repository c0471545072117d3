"""What a launch role may do: the one place where the emulator judges it.

A launch role is what Service Catalog or SageMaker Projects assume in order to launch a template. Of its policy one rule
is judged here, because it is the one that a forgotten tag breaks: objects may be read when they are tagged for
provisioning, as AWS's managed policy for launch roles says.
"""

from botocore.exceptions import ClientError

from components.template_evaluation import Json
from sandbox.emulator.callers import Caller

SESSION = "servicecatalog"
"""The name of the sessions in which Service Catalog works with a launch role."""

STACKS_OF_PRODUCTS, STACKS_OF_TEMPLATES = "SC-", "SP-"
"""How the names of the stacks begin that Service Catalog makes, and SageMaker from a template in S3."""

TAG = ("servicecatalog:provisioning", "true")
_PARAMETERS = {"Bucket": "Bucket", "Key": "Key", "ObjectVersion": "VersionId"}


def get_object(caller: Caller, stack_name: str, location: Json) -> bytes:
    """Read an object for a stack, given as `Bucket`, `Key` and perhaps `ObjectVersion`.

    Raises:
        ClientError: there is none, or the caller is a launch role and may not read it.

    """
    s3 = caller.client("s3")
    wanted = {_PARAMETERS[key]: value for key, value in location.items()}
    content: bytes = s3.get_object(**wanted)["Body"].read()
    tags = [(tag["Key"], tag["Value"]) for tag in s3.get_object_tagging(**wanted)["TagSet"]]
    if _is_launch_role(caller, stack_name) and TAG not in tags:
        raise _denied()
    return content


def _is_launch_role(caller: Caller, stack_name: str) -> bool:
    launched = stack_name.startswith(STACKS_OF_PRODUCTS) and caller.session == SESSION
    return launched or (stack_name.startswith(STACKS_OF_TEMPLATES) and bool(caller.session))


def _denied() -> ClientError:
    metadata = {"HTTPStatusCode": 403, "HTTPHeaders": {}, "HostId": "", "RequestId": "", "RetryAttempts": 0}
    return ClientError(
        {"Error": {"Code": "AccessDenied", "Message": "Access Denied"}, "ResponseMetadata": metadata},  # type: ignore[typeddict-item] # a plain dict
        "GetObject",
    )
