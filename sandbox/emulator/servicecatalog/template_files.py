"""Templates that lie in S3, by the addresses that AWS's services take."""

import re
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from sandbox.emulator.core.callers import Caller

_HOST = re.compile(
    r"(?:(?P<bucket>.+)\.)?s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?|(?P<global>.+)\.s3\.amazonaws\.com"
)


class TemplateFileError(Exception):
    """The template cannot be read; the text says why."""


def read(caller: Caller, url: str) -> str:
    """Return the template at an address, as the caller may read it.

    Raises:
        TemplateFileError: it is no address in S3, nothing lies there, or it is no text.

    """
    bucket, key = locate(url)
    try:
        return str(caller.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode())
    except ClientError as error:
        raise TemplateFileError(f"S3 error for {url}: {error.response['Error']['Message']}") from error
    except UnicodeDecodeError as error:
        raise TemplateFileError(f"The template at {url} is not UTF-8 text.") from error


def locate(url: str) -> tuple[str, str]:
    """Return the bucket and the key of an address, in the style with the bucket in the host or in the path.

    Raises:
        TemplateFileError: it is no address in S3.

    """
    parts = urlsplit(url)
    host = _HOST.fullmatch(parts.hostname or "")
    path = unquote(parts.path.lstrip("/"))
    if parts.scheme == "https" and host:
        bucket, key = host["bucket"], path
        if bucket is None:
            bucket, _, key = path.partition("/")
        if bucket and key:
            return bucket, key
    raise TemplateFileError(f"{url!r} is not the https address of an object in S3.")
