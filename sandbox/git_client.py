"""How git finds the emulated repositories at the clone URLs of CodeCommit."""

PREFIX = "/sandbox/git/"
"""Where the emulator's address for git begins; what follows is a clone URL from the region on."""


def settings(endpoint: str) -> dict[str, str]:
    """Return the environment variables that send git to an emulator; what a caller has set of them is lost."""
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{endpoint}{PREFIX}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://git-codecommit.",
    }
