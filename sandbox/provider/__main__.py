"""`python -m sandbox.provider`: the plugin as Pulumi's engine starts it."""

import os
import sys
import threading
import time

from sandbox.provider.aws import EndpointError, loopback_endpoint
from sandbox.provider.server import serve

WATCH_SECONDS = 1.0


def exit_with_parent() -> None:
    """End this process when the engine that started it is gone, however it ended."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(0)


def main() -> None:
    """Print the port on standard output and serve until the engine ends the process."""
    try:
        endpoint = loopback_endpoint(os.environ)
    except EndpointError as error:
        sys.exit(f"sandbox AWS provider: {error}")
    threading.Thread(target=exit_with_parent, daemon=True).start()
    serve(endpoint)


if __name__ == "__main__":
    main()
