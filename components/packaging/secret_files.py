"""Files that look like secrets: once in a first commit, a secret is in the history of every project.

The forms are those of the lists of detect-secrets 1.5.0 and gitleaks (config of 2025-11) that have a beginning of their
own, so that nothing is guessed from a variable's name alone; what only one of a company's tools would know is left out.
"""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase, translate

from components.packaging.exceptions import Exceptions, or_else
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
# By kind: words without one of which a file cannot hold a secret of the kind (to search for a word is some fifty times
# faster than for a form), and the form. AWS's own examples have EXAMPLE in them and are no secrets.
_CONTENTS: Mapping[str, tuple[Sequence[bytes], bytes]] = {
    "a private key": (
        [b"PRIVATE KEY", b"PuTTY-User-Key-File"],
        (
            rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|---- BEGIN SSH2 ENCRYPTED PRIVATE KEY|"
            rb"PuTTY-User-Key-File-[0-9]"
        ),
    ),
    "an AWS access key id": (
        [b"AKIA", b"ASIA", b"ABIA", b"ACCA"],
        rb"\b(?:A[KS]IA|ABIA|ACCA)(?![A-Z0-9]{9}EXAMPLE\b)[A-Z0-9]{16}\b",
    ),
    "an API key of Amazon Bedrock": (
        [b"ABSK", b"bedrock-api-key-"],
        rb"\bABSK[A-Za-z0-9+/]{109,269}|\bbedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t",
    ),
    "a GitHub token": (
        [b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"],
        rb"\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{60}",
    ),
    "a GitLab token": (
        [
            b"glpat-",
            b"gldt-",
            b"glft-",
            b"glsoat-",
            b"glrt-",
            b"glffct-",
            b"glimt-",
            b"glptt-",
            b"glagent-",
            b"gloas-",
            b"glcbt-",
            b"GR1348941",
        ],
        rb"\b(?:gl(?:pat|dt|ft|soat|rt|ffct|imt|ptt|agent|oas)-|GR1348941|glcbt-[0-9A-Za-z]{1,5}_)[\w-]{20}",
    ),
    "a Slack token": (
        [b"xox", b"xapp-", b"hooks.slack.com"],
        (
            rb"\bxox[abeoprs]-[A-Za-z0-9-]{20}|\bxapp-[0-9]-[A-Za-z0-9]+-[0-9]+-[a-z0-9]+"
            rb"|hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{43}"
        ),
    ),
    "a webhook of Microsoft Teams": (
        [b".webhook.office.com"],
        rb"[a-z0-9]\.webhook\.office\.com/webhookb2/[a-z0-9]{8}-",
    ),
    "a PyPI token": ([b"pypi-AgE"], rb"\bpypi-AgE[A-Za-z0-9_-]{40}"),
    "an npm token": (
        [b"npm_", b"_authToken"],
        rb"\bnpm_[A-Za-z0-9]{36}\b|:_authToken=\s*[A-Fa-f0-9-]{36}",
    ),
    "a Hugging Face token": ([b"hf_", b"api_org_"], rb"\b(?:hf_|api_org_)[A-Za-z]{34}\b"),
    "an OpenAI key": ([b"T3BlbkFJ"], rb"\bsk-[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}"),
    "an Anthropic key": ([b"sk-ant-"], rb"\bsk-ant-(?:api|admin)[0-9]{2}-[A-Za-z0-9_-]{80,}"),
    "a Databricks token": ([b"dapi"], rb"\bdapi[a-f0-9]{32}\b"),
    "a key of Google Cloud": ([b"AIza"], rb"\bAIza[\w-]{35}(?![\w-])"),
    "a key of Azure Storage": ([b"AccountKey="], rb"AccountKey=[A-Za-z0-9+/=]{88}"),
    "a secret of Azure AD": ([b"Q~"], rb"(?<![\w~.-])[\w~.]{3}[0-9]Q~[\w~.-]{31,34}(?![\w~.-])"),
    "an Artifactory token": (
        [b"AKCp", b"cmVmd"],
        rb"\bAKCp[A-Za-z0-9]{69}\b|\bcmVmd[A-Za-z0-9]{59}\b",
    ),
    "a Pulumi token": ([b"pul-"], rb"\bpul-[a-f0-9]{40}\b"),
    "a Terraform token": ([b".atlasv1."], rb"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60}"),
    "a Vault token": ([b"hvs.", b"hvb."], rb"\bhv[sb]\.[\w-]{90}"),
    "a Grafana token": (
        [b"glsa_", b"glc_"],
        rb"\bglsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}\b|\bglc_[A-Za-z0-9+/]{32}",
    ),
    "a SendGrid key": ([b"SG."], rb"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    "a Stripe key": (
        [b"k_live_", b"k_test_", b"k_prod_"],
        rb"\b[rs]k_(?:test|live|prod)_[A-Za-z0-9]{10}",
    ),
    "a DigitalOcean token": ([b"_v1_"], rb"\bdo[opr]_v1_[a-f0-9]{64}"),
    "a Sentry token": (
        [b"sntrys_", b"sntryu_"],
        rb"\bsntrys_eyJ[A-Za-z0-9+/=_]{60}|\bsntryu_[a-f0-9]{64}",
    ),
    "a key of age": ([b"AGE-SECRET-KEY-1"], rb"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    "a JSON web token": (
        [b".ey"],
        rb"\bey[A-Za-z0-9]{17,}\.ey[A-Za-z0-9/_-]{17,}\.[A-Za-z0-9/_-]{10,}",
    ),
    "a password in an address": (
        [b"://"],
        # What begins like a variable is filled in later, and these words stand for a password.
        (
            rb"://[^\s:/@?#\"'<>{}$%*]{1,80}:"
            rb"(?!(?i:pass(?:word|wd)?|pwd|secret|token|example|changeme|x+|\.+|user|your[\w-]*|my[\w-]*)@)"
            rb"[^\s:/@?#\"'<>{}$*]{6,200}@[A-Za-z0-9\[]"
        ),
    ),
}

_AWS_KEY = "an AWS secret access key"
# Names of such keys, in lower case; a form that begins with a word is found many times faster than one in any case.
_AWS_NAMES = (
    rb"secret[_-]?(?:access[_-]?)?key",
    rb"aws[a-z_.-]{0,20}(?:key|pwd|pw|password|pass|token|secret)",
)
# What follows such a name. A hash of 40 hexadecimal digits and a path in lower case are no keys: they have no capitals.
_AWS_VALUE = (
    rb"[\"'\])]{0,3}(?:[^\S\n]{0,4}(?::=|=>|==|[=:,])[^\S\n]{0,4}|[^\S\n]{1,4})[\"'(]{0,3}"
    rb"(?![A-Za-z0-9/+]{30}EXAMPLEKEY)(?=[^\n]{0,39}[A-Z])(?=[^\n]{0,39}[a-z])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
)

# Escapes of JSON, TOML, YAML and program text, of addresses, and of HTML: apart, because a form that begins with one
# character is found many times faster.
_ESCAPES = (
    re.compile(rb"\\(?:\\*)(?:u00([0-9A-Fa-f]{2})|x([0-9A-Fa-f]{2})|([nrtbf])|([\"'/_$]))"),
    re.compile(rb"%([2-7][0-9A-Fa-f])"),
    re.compile(rb"&(quot|apos|amp|#3[49]);"),
)
_ENTITIES = {b"quot": b'"', b"apos": b"'", b"amp": b"&", b"#34": b'"', b"#39": b"'"}


def check_secrets(files: Sequence[SeedFile], exceptions: Exceptions, report: FileReport) -> None:
    """Report every file that looks like a secret and is not meant as it is (`secret repository/config/sample.env`)."""
    # To look through all of them once for each word is faster than through each, and no escape stands in a word.
    everything = b"\n".join(_text(file.content) for file in files)
    kinds = [kind for kind, (words, _) in _CONTENTS.items() if any(word in everything for word in words)]
    for file in files:
        finding = _name_finding(file.path) or _content_finding(_text(file.content), kinds)
        if finding is not None and not exceptions.excuse(f"secret repository/{file.path}"):
            advice = f"remove it {or_else(f'secret repository/{file.path}')}"
            report(file.path, f"looks like a secret: {finding}; {advice}")


def _name_finding(path: str) -> str | None:
    """Why the name is one of a secret; None if it is not."""
    name = path.rpartition("/")[2].lower()
    if name in _TEMPLATE_NAMES or not _ANY_NAME.match(name):
        return None
    return f"its name is of the form {next(pattern for pattern in _NAMES if fnmatchcase(name, pattern))}"


def _content_finding(content: bytes, kinds: Sequence[str]) -> str | None:
    """What the content has that looks like a secret, without the secret; None if it has nothing.

    It is read as it is, and as it reads without escapes: with the same lines. Text within a text is escaped twice.
    """
    lower = content.lower()
    likely = [kind for kind in kinds if any(word in content for word in _CONTENTS[kind][0])]
    may_name_key = b"aws" in lower or b"secret" in lower
    for reading in (content, _plain(content)) if likely or may_name_key else ():
        found = {_AWS_KEY: _aws_key(reading) if may_name_key else None}
        found |= {kind: re.search(_CONTENTS[kind][1], reading) for kind in likely}
        for kind, one in found.items():
            if one is not None:
                line = reading.count(b"\n", 0, one.start()) + 1
                return f"line {line} has what looks like {kind}"
    return None


def _aws_key(content: bytes) -> re.Match[bytes] | None:
    lower = content.lower()
    value = re.compile(_AWS_VALUE)
    names = (name for form in _AWS_NAMES for name in re.finditer(form, lower))
    return next((found for name in names if (found := value.match(content, name.end()))), None)


def _text(content: bytes) -> bytes:
    """The content as UTF-8, where its beginning says that it is UTF-16."""
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace").encode(errors="replace")
    return content


def _plain(content: bytes) -> bytes:
    backslash, percent, entity = _ESCAPES
    content = backslash.sub(_unescaped, content)
    content = percent.sub(lambda found: bytes([int(found[1], 16)]), content)
    return entity.sub(lambda found: _ENTITIES[found[1]], content)


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1] or found[2]
    if code:
        return bytes([max(int(code, 16), ord(" "))])
    return b" " if found[3] else found[4]
