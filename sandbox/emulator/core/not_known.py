"""Where the sandbox ends: what it says in its own words, at once, of what it has no answer to."""

import traceback


def not_known(what: str) -> str:
    """Return the sentence for it."""
    return f"the sandbox does not know {what}"


def stumbled(error: Exception) -> str:
    """Return the sentence for a fault of the emulator itself, whose traceback goes to its log."""
    traceback.print_exception(error)
    return not_known(f"what AWS answers here ({type(error).__name__}: {error})")
