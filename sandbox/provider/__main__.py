"""`python -m sandbox.provider`: the plugin as Pulumi's engine starts it."""

import gc
import os
import sys

from sandbox.provider.aws import EndpointError, loopback_endpoint
from sandbox.provider.server import serve


def main() -> None:
    """Print the port on standard output and serve until the engine ends the process, or has ended itself."""
    gc.disable()  # it ends with the operation: to look for cycles took half of its time
    try:
        endpoint = loopback_endpoint(os.environ)
    except EndpointError as error:
        sys.exit(f"sandbox AWS provider: {error}")
    serve(endpoint)


if __name__ == "__main__":
    main()
