"""Files that look like secrets: once in a first commit, a secret is in the history of every project."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

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

_CONTENTS = re.compile(
    rb"(?P<private_key>-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----)"
    # AWS's own examples of key ids end in EXAMPLE.
    rb"|(?P<AWS_access_key_id>\b(?:AKIA|ASIA)(?![A-Z0-9]{9}EXAMPLE\b)[A-Z0-9]{16}\b)"
    rb"|(?P<AWS_secret_access_key>(?i:secret_?access_?key)[\"']?\s{0,4}[=:]\s{0,4}[\"']?"
    rb"(?![A-Za-z0-9/+]{30}EXAMPLEKEY)[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=]))"
    rb"|(?P<GitHub_token>\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{60})"
    rb"|(?P<GitLab_token>\bglpat-[A-Za-z0-9_-]{20})"
    rb"|(?P<Slack_token>\bxox[abeoprs]-[A-Za-z0-9-]{20})"
    rb"|(?P<PyPI_token>\bpypi-AgE[A-Za-z0-9_-]{40})"
    rb"|(?P<Hugging_Face_token>\bhf_[A-Za-z]{34}\b)"
)


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
    pattern = next((pattern for pattern in _NAMES if fnmatchcase(name, pattern)), None)
    if pattern is not None and name not in _TEMPLATE_NAMES:
        return f"looks like a secret: its name is of the form {pattern}"
    if found := _CONTENTS.search(file.content):
        kind = (found.lastgroup or "").replace("_", " ")
        line = file.content.count(b"\n", 0, found.start()) + 1
        return f"looks like a secret: line {line} has what looks like {_article(kind)} {kind}"
    return None


def _article(noun: str) -> str:
    return "an" if noun[0] in "Aaeio" else "a"
