"""Templates, read once: a launch has the text of its version, and so have the stacks of all its other launches."""

from functools import lru_cache

from awsmodel.cloudformation.template import Template

parsed = lru_cache(maxsize=64)(Template.parse)
"""`Template.parse`, which says what it raises."""
