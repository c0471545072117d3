"""What is looked up in AWS before anything is registered."""

from collections.abc import Mapping

from components.core.network import Network
from components.preflight import network_check
from components.providers.aws_access import configured_access


def check(networks: Mapping[str, Network], services: Mapping[str, str]) -> None:
    """Look up what the settings name and AWS must have already.

    Args:
        networks: existing VPCs, by region; where there is none, nothing is called.
        services: what the things that run there call, and for what.

    Raises:
        NetworkError: a network cannot carry what is to run in it; the message lists every reason.
    """
    network_check.check(networks, services, configured_access())
