"""How git finds the emulated repositories at the clone URLs of CodeCommit and of connections to Git providers."""

PREFIX = "/sandbox/git/"
"""Where the emulator's address for git begins; what follows is a clone URL from the region on."""
PROVIDER_PREFIX = "/sandbox/provider-git/"
"""The same for clone URLs of connections."""


def settings(endpoint: str) -> dict[str, str]:
    """Return the environment variables that send git to an emulator; what a caller has set of them is lost."""
    return {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"url.{endpoint}{PREFIX}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://git-codecommit.",
        "GIT_CONFIG_KEY_1": f"url.{endpoint}{PROVIDER_PREFIX}.insteadOf",
        "GIT_CONFIG_VALUE_1": "https://codeconnections.",
    }
