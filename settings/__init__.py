"""The settings of a stack: read, typed and checked before any resource is registered.

Each field of `Settings` is one key of the stack file (`sm-mlops:artifacts`, ...), and each section of the file is one
model of `components.sections`, from which its component is made. All faults of a stack file are reported together,
each with its key, its value and what is allowed. Nothing here calls AWS.
"""

from settings.schema import NAMESPACE, SECRET, Settings
from settings.stack_configuration import load
from settings.validation import SettingsError, own_sections, parse

__all__ = ["NAMESPACE", "SECRET", "Settings", "SettingsError", "load", "own_sections", "parse"]
