"""What can go wrong in the sandbox in a way that a person can put right."""


class SandboxError(Exception):
    """A failure whose message says what is wrong and what to do next; shown without a traceback."""


class DamageError(SandboxError):
    """A file of the sandbox's own is not what it wrote; removing the sandbox is the way out."""


class EngineUnavailableError(SandboxError):
    """No Pulumi engine is installed and none can be built here."""
