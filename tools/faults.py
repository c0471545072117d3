"""What a tool refuses."""

from components.core.faults import UserError


class ToolError(UserError):
    """Something that the operator can set right; the message says what is wrong and what to do."""
