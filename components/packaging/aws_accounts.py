"""Accounts that a template may name as they are: AWS publishes images and layers from them.

`aws_accounts.txt` has them, with what each publishes and where AWS says so.
"""

from functools import cache
from pathlib import Path

FILE = Path(__file__).with_suffix(".txt")
"""What is known of AWS's own accounts."""


@cache
def aws_accounts() -> frozenset[str]:
    """Ids of the accounts."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return frozenset(line.partition(" ")[0] for line in lines if not line.startswith("#"))
