"""What a tool refuses."""


class ToolError(Exception):
    """Something that the operator can set right; the message says what is wrong and what to do."""
