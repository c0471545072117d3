"""A process that carries out one method of a dynamic provider, as the engine's plugin does, and may be killed at it.

The module is imported once by a server that each process is forked from, so that the services' models are read once.
"""

from tests.sandbox.support.provider_scenarios import REGION, SCENARIOS, SERVICES, SESSION, Properties, provider

for _service in SERVICES:
    SESSION.client(_service, region_name=REGION)  # type: ignore[call-overload]


def carry_out(scenario: str, url: str, method: str, *properties: Properties) -> None:
    """Call a method of a scenario's provider, which reaches AWS at an address."""
    getattr(provider(SCENARIOS[scenario].provider, url), method)(*properties)
