"""What can go wrong in the sandbox in a way that a person can put right."""


class SandboxError(Exception):
    """A failure whose message says what is wrong and what to do next; shown without a traceback."""


class EngineUnavailableError(SandboxError):
    """No Pulumi engine is installed and none can be built here."""
