"""Files that look like secrets: once in a first commit, a secret is in the history of every project."""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase, translate

from components.packaging.seed_files import FileReport, SeedFile

# Names are compared in lower case.
_NAMES = (
    ".env",
    ".env.*",
    "*.env",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.ppk",
    "*.kdbx",
    "*.tfstate",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "credentials",
    "credentials.csv",
    "credentials.json",
    "accesskeys.csv",
    "*_accesskeys.csv",
    "rootkey.csv",
    "secrets.json",
    "secrets.yaml",
    "secrets.yml",
    "secrets.toml",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".pypirc",
    ".htpasswd",
    ".git-credentials",
    ".dockercfg",
)
_TEMPLATE_NAMES = (".env.example", ".env.sample", ".env.template", ".env.dist")
"""Names by which people publish what a secret file looks like; their content is still looked at."""

_ANY_NAME = re.compile("|".join(translate(pattern) for pattern in _NAMES))
# By kind: words, in lower case, without one of which a file cannot hold a secret of the kind (to search for a word is
# some fifty times faster than for a form), and the form. AWS's own examples have EXAMPLE in them and are no secrets.
_CONTENTS: Mapping[str, tuple[Sequence[bytes], re.Pattern[bytes]]] = {
    "a private key": (
        [b"private key"],
        re.compile(rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
    ),
    "an AWS access key id": (
        [b"akia", b"asia"],
        re.compile(rb"\b(?:AKIA|ASIA)(?![A-Z0-9]{9}EXAMPLE\b)[A-Z0-9]{16}\b"),
    ),
    "an AWS secret access key": (
        [b"access_key", b"accesskey"],
        re.compile(
            rb"(?i:secret_?access_?key)[\"']?\s{0,4}[=:]\s{0,4}[\"']?"
            rb"(?![A-Za-z0-9/+]{30}EXAMPLEKEY)[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
        ),
    ),
    "a GitHub token": (
        [b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"],
        re.compile(rb"\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{60}"),
    ),
    "a GitLab token": ([b"glpat-"], re.compile(rb"\bglpat-[A-Za-z0-9_-]{20}")),
    "a Slack token": ([b"xox"], re.compile(rb"\bxox[abeoprs]-[A-Za-z0-9-]{20}")),
    "a PyPI token": ([b"pypi-age"], re.compile(rb"\bpypi-AgE[A-Za-z0-9_-]{40}")),
    "a Hugging Face token": ([b"hf_"], re.compile(rb"\bhf_[A-Za-z]{34}\b")),
}


def check_secrets(files: Sequence[SeedFile], not_secret: Sequence[str], report: FileReport) -> None:
    """Report every file that looks like a secret and is not named as an exception, and every idle exception."""
    idle = set(not_secret)
    for file in files:
        finding = _finding(file)
        if finding is not None and file.path not in not_secret:
            report(
                file.path,
                f"{finding}; remove it, or add its path to notSecret in product.yaml if it is none",
            )
        elif finding is not None:
            idle.discard(file.path)
    for path in sorted(idle):
        report(path, "is named by notSecret in product.yaml, but no such file looks like a secret; remove the entry")


def _finding(file: SeedFile) -> str | None:
    """Why the file looks like a secret, without the secret; None if it does not."""
    name = file.path.rpartition("/")[2].lower()
    if name not in _TEMPLATE_NAMES and _ANY_NAME.match(name):
        pattern = next(pattern for pattern in _NAMES if fnmatchcase(name, pattern))
        return f"looks like a secret: its name is of the form {pattern}"
    lower = file.content.lower()
    for kind, (words, form) in _CONTENTS.items():
        if any(word in lower for word in words) and (found := form.search(file.content)):
            line = file.content.count(b"\n", 0, found.start()) + 1
            return f"looks like a secret: line {line} has what looks like {kind}"
    return None
