"""What stands where a signature does in requests of the sandbox to the emulated AWS."""

from datetime import UTC, datetime

from botocore.auth import AUTH_TYPE_MAPS, SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest

NAMED = "sandbox"
"""`Config(signature_version=...)` for it."""


class _Named(SigV4Auth):
    """Says whose a request is, and signs nothing: that takes as long as all else of a call, and nobody judges it."""

    def add_auth(self, request: AWSRequest) -> None:
        request.context["timestamp"] = datetime.now(UTC).strftime(SIGV4_TIMESTAMP)
        request.headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={self.scope(request)}, Signature=none"


AUTH_TYPE_MAPS[NAMED] = _Named
