"""Files that look like secrets: once in a first commit, a secret is in the history of every project.

The forms are those of the lists of detect-secrets 1.5.0 and gitleaks (config of 2025-11) that have a beginning of their
own, so that nothing is guessed from a variable's name alone; what only one of a company's tools would know is left out.
"""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Mapping, Sequence
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
# By kind: words, in lower case, without one of which a file cannot hold a secret of the kind (to search for a word is
# some fifty times faster than for a form), and the form. AWS's own examples have EXAMPLE in them and are no secrets.
_CONTENTS: Mapping[str, tuple[Sequence[bytes], bytes]] = {
    "a private key": (
        [b"private key", b"user-key-file"],
        (
            rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|---- BEGIN SSH2 ENCRYPTED PRIVATE KEY|"
            rb"PuTTY-User-Key-File-[0-9]"
        ),
    ),
    "an AWS access key id": (
        [b"akia", b"asia", b"abia", b"acca"],
        rb"\b(?:A[KS]IA|ABIA|ACCA)(?![A-Z0-9]{9}EXAMPLE\b)[A-Z0-9]{16}\b",
    ),
    "an AWS secret access key": (
        [
            *(b"secret_access", b"secret-access", b"secretaccess", b"secret_key", b"secret-key", b"secretkey"),
            *(b"aws_", b"aws-", b"awss", b"awsk", b"aws."),
        ],
        # A hash of 40 hexadecimal digits and a path in lower case are none: a key has capitals and small letters.
        (
            rb"(?i:secret[_-]?(?:access[_-]?)?key|aws[a-z_.-]{0,20}(?:key|pwd|pw|password|pass|token|secret))"
            rb"[\"'\])]{0,3}(?:[^\S\n]{0,4}(?::=|=>|==|[=:,])[^\S\n]{0,4}|[^\S\n]{1,4})[\"'(]{0,3}"
            rb"(?![A-Za-z0-9/+]{30}EXAMPLEKEY)(?=[^\n]{0,39}[A-Z])(?=[^\n]{0,39}[a-z])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
        ),
    ),
    "an API key of Amazon Bedrock": (
        [b"absk", b"bedrock-api-key-"],
        rb"\bABSK[A-Za-z0-9+/]{109,269}|\bbedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t",
    ),
    "a GitHub token": (
        [b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"],
        rb"\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{60}",
    ),
    "a GitLab token": (
        [b"gl", b"gr1348941"],
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
    "a PyPI token": ([b"pypi-age"], rb"\bpypi-AgE[A-Za-z0-9_-]{40}"),
    "an npm token": (
        [b"npm_", b"_authtoken"],
        rb"\bnpm_[A-Za-z0-9]{36}\b|:_authToken=\s*[A-Fa-f0-9-]{36}",
    ),
    "a Hugging Face token": ([b"hf_", b"api_org_"], rb"\b(?:hf_|api_org_)[A-Za-z]{34}\b"),
    "an OpenAI key": ([b"t3blbkfj"], rb"\bsk-[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}"),
    "an Anthropic key": ([b"sk-ant-"], rb"\bsk-ant-(?:api|admin)[0-9]{2}-[A-Za-z0-9_-]{80,}"),
    "a Databricks token": ([b"dapi"], rb"\bdapi[a-f0-9]{32}\b"),
    "a key of Google Cloud": ([b"aiza"], rb"\bAIza[\w-]{35}(?![\w-])"),
    "a key of Azure Storage": ([b"accountkey="], rb"AccountKey=[A-Za-z0-9+/=]{88}"),
    "a secret of Azure AD": ([b"q~"], rb"(?<![\w~.-])[\w~.]{3}[0-9]Q~[\w~.-]{31,34}(?![\w~.-])"),
    "an Artifactory token": (
        [b"akcp", b"cmvmd"],
        rb"\bAKCp[A-Za-z0-9]{69}\b|\bcmVmd[A-Za-z0-9]{59}\b",
    ),
    "a Pulumi token": ([b"pul-"], rb"\bpul-[a-f0-9]{40}\b"),
    "a Terraform token": ([b".atlasv1."], rb"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60}"),
    "a Vault token": ([b"hvs.", b"hvb."], rb"\bhv[sb]\.[\w-]{90}"),
    "a Grafana token": (
        [b"glsa_", b"glc_"],
        rb"\bglsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}\b|\bglc_[A-Za-z0-9+/]{32}",
    ),
    "a SendGrid key": ([b"sg."], rb"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    "a Stripe key": (
        [b"sk_live", b"sk_test", b"sk_prod", b"rk_live", b"rk_test", b"rk_prod"],
        rb"\b[rs]k_(?:test|live|prod)_[A-Za-z0-9]{10}",
    ),
    "a DigitalOcean token": ([b"_v1_"], rb"\bdo[opr]_v1_[a-f0-9]{64}"),
    "a Sentry token": (
        [b"sntrys_", b"sntryu_"],
        rb"\bsntrys_eyJ[A-Za-z0-9+/=_]{60}|\bsntryu_[a-f0-9]{64}",
    ),
    "a key of age": ([b"age-secret-key-1"], rb"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    "a JSON web token": (
        [b"eyj"],
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

# Escapes of JSON, TOML, YAML and program text, of addresses, and of HTML.
_ESCAPE = re.compile(
    rb"\\+(?:u00([0-9A-Fa-f]{2})|x([0-9A-Fa-f]{2})|([nrtbf])|([\"'/_$]))|%([2-7][0-9A-Fa-f])|&(quot|apos|amp|#3[49]);"
)
_ENTITIES = {b"quot": b'"', b"apos": b"'", b"amp": b"&", b"#34": b'"', b"#39": b"'"}


def check_secrets(files: Sequence[SeedFile], exceptions: Exceptions, report: FileReport) -> None:
    """Report every file that looks like a secret and is not meant as it is (`secret repository/config/sample.env`)."""
    readings = [list(_readings(file.content)) for file in files]
    # To look through all of them once for each word is faster than through each, and no escape stands in a word.
    everything = b"\n".join(reading for reading, *_ in readings).lower()
    forms = {
        kind: re.compile(form) for kind, (words, form) in _CONTENTS.items() if any(word in everything for word in words)
    }
    for file, several in zip(files, readings, strict=True):
        finding = _name_finding(file.path) or _content_finding(several, forms)
        if finding is not None and not exceptions.excuse(f"secret repository/{file.path}"):
            advice = f"remove it {or_else(f'secret repository/{file.path}')}"
            report(file.path, f"looks like a secret: {finding}; {advice}")


def _name_finding(path: str) -> str | None:
    """Why the name is one of a secret; None if it is not."""
    name = path.rpartition("/")[2].lower()
    if name in _TEMPLATE_NAMES or not _ANY_NAME.match(name):
        return None
    return f"its name is of the form {next(pattern for pattern in _NAMES if fnmatchcase(name, pattern))}"


def _content_finding(readings: Sequence[bytes], forms: Mapping[str, re.Pattern[bytes]]) -> str | None:
    """What the content has that looks like a secret, without the secret; None if it has nothing."""
    for content in readings:
        lower = content.lower()
        for kind, form in forms.items():
            words, _ = _CONTENTS[kind]
            if any(word in lower for word in words) and (found := form.search(content)):
                line = content.count(b"\n", 0, found.start()) + 1
                return f"line {line} has what looks like {kind}"
    return None


def _readings(content: bytes) -> Iterator[bytes]:
    """A file as it is, and as it reads without escapes: with the same lines. Text within a text is escaped twice."""
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        content = content.decode("utf-16", errors="replace").encode(errors="replace")
    yield content
    if b"\\" in content or b"%" in content or b"&" in content:
        plain = _ESCAPE.sub(_unescaped, content)
        if plain != content:
            yield plain


def _unescaped(found: re.Match[bytes]) -> bytes:
    code, space, character, entity = found[1] or found[2] or found[5], found[3], found[4], found[6]
    if code:
        value = int(code, 16)
        return bytes([value]) if value > ord(" ") else b" "
    return b" " if space else character or _ENTITIES[entity]
