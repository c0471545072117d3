"""What goes into a first commit: what git would take, nothing secret, and no more than CodeCommit accepts."""

import errno
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from components.packaging import read_product
from components.packaging.seed_files import MAX_FILE_BYTES, SeedFile, read_seed_files
from components.packaging.seed_limits import MAX_ARCHIVE_BYTES, MAX_FILES, check_limits
from tests.support.product_samples import DESCRIPTION, faults_of, make_product, write_files


def advice(path: str) -> str:
    return f"remove it (if it is meant, name secret repository/{path} under exceptions in product.yaml)"


def packaged(folder: Path) -> list[str]:
    """Paths of the files of a repository without fault."""
    faults: list[str] = []
    files = read_seed_files(folder, lambda path, reason: faults.append(f"{path}: {reason}"))
    assert faults == []
    return [file.path for file in files]


def limit_faults(files: Sequence[SeedFile]) -> list[str]:
    faults: list[str] = []
    check_limits(files, lambda path, reason: faults.append(f"{path}: {reason}"))
    return faults


def test_files_are_sorted_and_keep_their_executable_bit_only(tmp_path: Path) -> None:
    write_files(tmp_path, {"b/run.sh": "#!/bin/sh\n", "b.txt": "b", "a/z": "", "Z": "z"})
    for name, mode in {"b/run.sh": 0o700, "b.txt": 0o666, "a/z": 0o417, "Z": 0o400}.items():
        (tmp_path / name).chmod(mode)
    files = read_seed_files(tmp_path, lambda *_: None)
    assert files == (
        SeedFile("Z", executable=False, content=b"z"),
        SeedFile("a/z", executable=False, content=b""),
        SeedFile("b.txt", executable=False, content=b"b"),
        SeedFile("b/run.sh", executable=True, content=b"#!/bin/sh\n"),
    )


def test_version_control_environments_and_caches_are_never_content(tmp_path: Path) -> None:
    left_out = [".git/HEAD", ".venv/bin/python", "a/__pycache__/b.pyc", "a/b.pyc", ".mypy_cache/x", ".ruff_cache/x"]
    left_out += [".pytest_cache/x", ".hypothesis/x", ".tox/x", ".nox/x", ".ipynb_checkpoints/x", "a/.DS_Store"]
    write_files(tmp_path, {**dict.fromkeys(left_out, ""), "a/b.py": "", ".gitignore": "!.venv\n!*.pyc\n"})
    assert packaged(tmp_path) == [".gitignore", "a/b.py"]


def test_rules_of_the_folder_and_of_folders_below_hold_and_those_above_do_not(tmp_path: Path) -> None:
    write_files(tmp_path, {".gitignore": "*.md\n", "repository/.gitignore": "/data/\n*.log\nbuild/\n!/src/\n"})
    kept = ["README.md", "src/data/x.csv", "src/keep.log", "src/.gitignore"]
    ignored = ["data/x.csv", "a.log", "src/a.log", "src/build/x"]
    write_files(tmp_path / "repository", {**dict.fromkeys([*kept, *ignored], ""), "src/.gitignore": "!keep.log\n"})
    assert packaged(tmp_path / "repository") == sorted([*kept, ".gitignore"])


IGNORE_RULES: dict[str, tuple[bytes, list[str], list[str]]] = {
    "name at any depth": (b"data", ["data", "a/data", "data/x"], ["a/data.csv"]),
    "path from the folder": (b"/data\na/b", ["data", "a/b"], ["c/data", "c/a/b"]),
    "folders only": (b"data/", ["data/x", "a/data/x"], ["b/data"]),
    "what is in an ignored folder stays ignored": (b"data/\n!data/x", ["data/x"], ["x"]),
    "a rule for one folder says nothing of what is below it": (b"data/\n!/a/", ["a/data/x"], ["a/x"]),
    "one level": (b"/*/x", ["a/x"], ["x", "a/b/x"]),
    "any levels": (b"/a/**/x\n**/y", ["a/x", "a/b/x", "a/b/c/x", "y", "b/c/y"], ["x", "b/x"]),
    "everything below": (b"a/**\n!a/x", ["a/y"], ["a/x", "b/a/y"]),
    "one character": (b"?", ["x"], ["xy"]),
    "a character of two bytes": ("??.é".encode(), ["é.é"], ["x.é"]),
    "set": (b"[!a-c][[:digit:]]", ["d1"], ["a1", "dd", "d12"]),
    "closing bracket in a set": (b"[]x]1", ["]1", "x1"], ["y1"]),
    "range that runs backwards": (b"[c-a]", ["c"], ["a", "b"]),
    "unknown class": (b"[[:nothing:]]\nx", ["x"], ["n", "["]),
    "set without an end": (b"[a\nx", ["x"], ["a", "[a"]),
    "backslash at the end": (b"a\\\nx", ["x"], ["a"]),
    "escaped": (b"\\!a\n\\#b\nc\\ ", ["!a", "#b", "c "], ["a", "b", "c"]),
    "comments and spaces at the end": (b"# x\ny  ", ["y"], ["# x", "x"]),
    "line ends of Windows": (b"x\r\ny\r\n", ["x", "y"], ["z"]),
    "byte order mark": (b"\xef\xbb\xbfx", ["x"], ["y"]),
}


@pytest.mark.parametrize(("rules", "ignored", "kept"), IGNORE_RULES.values(), ids=IGNORE_RULES)
def test_ignore_rules(tmp_path: Path, rules: bytes, ignored: list[str], kept: list[str]) -> None:
    for path in [*ignored, *kept]:
        # Each alone, because some are files in place of which others need folders.
        folder = tmp_path / path.replace("/", ":")
        write_files(folder, {path: "", ".gitignore": rules})
        assert packaged(folder) == sorted([".gitignore"] + [path] * (path in kept))


def test_a_folder_with_nothing_in_it_is_no_content(tmp_path: Path) -> None:
    write_files(tmp_path, {"README.md": ""})
    (tmp_path / "empty" / "inner").mkdir(parents=True)
    assert packaged(tmp_path) == ["README.md"]


@pytest.mark.parametrize("files", [{}, {"a.pyc": ""}, {".git/HEAD": ""}], ids=["nothing", "cache", "git"])
def test_an_empty_repository_is_refused(tmp_path: Path, files: dict[str, str]) -> None:
    assert faults_of(make_product(tmp_path, files=files)) == [
        "repository/: has no files; CodeCommit takes no empty first commit, so put at least a README.md there"
    ]


def test_a_link_to_a_packaged_file_becomes_a_copy_of_it(tmp_path: Path) -> None:
    write_files(tmp_path, {"tools/run.sh": "#!/bin/sh\n"})
    (tmp_path / "tools" / "run.sh").chmod(0o755)
    (tmp_path / "run").symlink_to("tools/run.sh")
    (tmp_path / "again").symlink_to("run")
    files = read_seed_files(tmp_path, lambda *_: None)
    assert [(file.path, file.executable, file.content) for file in files] == [
        (name, True, b"#!/bin/sh\n") for name in ("again", "run", "tools/run.sh")
    ]


def test_links_that_lead_to_nothing_that_is_packaged_are_refused(tmp_path: Path) -> None:
    folder = make_product(tmp_path, files={"src/a.py": "x", ".gitignore": "ignored\n", "ignored": "x"})
    repository = folder / "repository"
    targets = {
        "absolute": str(repository / "src" / "a.py"),
        "folder": "src",
        "gone": "nowhere",
        "outside": "../template.yaml",
        "round": "round",
        "to-ignored": "ignored",
    }
    for name, target in targets.items():
        (repository / name).symlink_to(target)
    leaves = "which leaves the folder; put the file itself here"
    advice = "a link may lead to a file that is packaged"
    assert faults_of(folder) == [
        f"repository/absolute: is a link to '{repository}/src/a.py', {leaves}",
        f"repository/folder: is a link to 'src', which is a folder; {advice}",
        f"repository/gone: is a link to 'nowhere', which is missing, ignored or faulty; {advice}",
        f"repository/outside: is a link to '../template.yaml', {leaves}",
        f"repository/round: is a link to 'round', which is missing, ignored or faulty; {advice}",
        f"repository/to-ignored: is a link to 'ignored', which is missing, ignored or faulty; {advice}",
    ]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    folder = make_product(tmp_path)
    os.mkfifo(folder / "repository" / "pipe")
    assert faults_of(folder) == ["repository/pipe: is neither a file nor a folder; remove it or add it to .gitignore"]


def test_a_file_that_nobody_could_open_in_codecommit_is_refused(tmp_path: Path) -> None:
    folder = make_product(tmp_path, files={"most.bin": b"0" * MAX_FILE_BYTES, "more.bin": b"0" * (MAX_FILE_BYTES + 1)})
    assert faults_of(folder) == [
        "repository/more.bin: has 6,291,457 bytes; CodeCommit's console and API take 6,291,456; "
        "keep data in S3, or add it to .gitignore"
    ]


def test_an_archive_over_what_a_first_commit_takes_is_refused() -> None:
    most = MAX_ARCHIVE_BYTES - 22 - 76 - 2 * len("data.csv")
    assert limit_faults([SeedFile("data.csv", executable=False, content=bytes(most))]) == []
    assert limit_faults([SeedFile("data.csv", executable=False, content=bytes(most + 1))]) == [
        ": its zip has 20,000,001 bytes; a first commit takes 20,000,000: 1 too many; "
        "the largest file is data.csv; keep data in S3"
    ]


def test_more_files_than_a_plain_zip_holds_are_refused() -> None:
    files = [SeedFile(f"{n}", executable=False, content=b"x") for n in range(MAX_FILES + 1)]
    assert limit_faults(files[1:]) == []
    assert limit_faults(files) == [
        ": has 65,536 files; a zip takes 65,535; leave some out with .gitignore",
    ]


PATHS = {
    "long": (
        "/".join(["n" * 255] * 16) + "/" + "n",
        ["the path has 4,097 bytes; CodeCommit takes 4,096; use shorter names"],
    ),
    "deep": ("d/" * 21 + "f", ["lies 21 folders deep; CodeCommit takes 20; use fewer folders"]),
    "git": ("src/.GIT/config", ["git keeps the name .git for itself, in any case; rename it"]),
    "as long as allowed": ("/".join(["n" * 255] * 15 + ["n" * 255]) + "n", []),
    "as deep as allowed": ("d/" * 20 + "f", []),
    "any script": ("données/模型.py", []),
}


@pytest.mark.parametrize(("path", "reasons"), PATHS.values(), ids=PATHS)
def test_paths_that_codecommit_refuses(path: str, reasons: list[str]) -> None:
    assert limit_faults([SeedFile(path, executable=False, content=b"x")]) == [f"{path}: {reason}" for reason in reasons]


@pytest.mark.parametrize("name", ["a\\b", "a\nb", "a\x7f"], ids=["backslash", "line end", "delete"])
def test_names_that_do_not_survive_a_zip_are_shown_and_refused(name: str) -> None:
    assert limit_faults([SeedFile(name, executable=False, content=b"x")]) == [
        f"{name!r}: the name has a backslash or a character that cannot be printed; rename it"
    ]


def test_a_name_that_is_not_text_is_shown_and_refused(tmp_path: Path) -> None:
    folder = make_product(tmp_path)
    (Path(os.fsdecode(os.fsencode(folder) + b"/repository/caf\xe9"))).write_text("x")
    assert faults_of(folder) == ["repository/caf?: the name is not UTF-8; rename it"]


def test_a_faulty_file_whose_name_is_not_text_can_be_told(tmp_path: Path) -> None:
    folder = make_product(tmp_path)
    os.mkfifo(os.fsencode(folder) + b"/repository/caf\xe9")
    (told,) = faults_of(folder)
    assert told.encode() == b"repository/caf?: is neither a file nor a folder; remove it or add it to .gitignore"


def test_an_empty_file_which_codecommit_takes_for_a_broken_zip_is_refused(tmp_path: Path) -> None:
    assert faults_of(make_product(tmp_path, files={"README.md": "x", "src/__init__.py": ""})) == [
        "repository/src/__init__.py: is empty; CodeCommit takes no zip with an empty file, so put a line into it"
    ]


def test_rules_that_cannot_be_read_are_no_licence_to_package_what_they_ignore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_product(tmp_path, files={"README.md": "x", "src/.gitignore": "*.log\n"})
    read = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name == ".gitignore":
            raise PermissionError(errno.EACCES, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    assert "repository/src/.gitignore: cannot be read: Permission denied" in faults_of(folder)


# Put together here, so that no scanner takes this file for a leak.
KEY_ID = "AKIA" + "Z7Q4MPLR2XWVT3NB"
PRIVATE_KEY = "-----BEGIN " + "RSA PRIVATE KEY-----"
CONTENTS = {
    "private key": (PRIVATE_KEY, "line 2 has what looks like a private key"),
    "encrypted key": (PRIVATE_KEY.replace("RSA", "ENCRYPTED"), "line 2 has what looks like a private key"),
    "PGP key": ("-----BEGIN PGP " + "PRIVATE KEY BLOCK-----", "line 2 has what looks like a private key"),
    "AWS key id": (f"key = '{KEY_ID}'", "line 2 has what looks like an AWS access key id"),
    "AWS secret": (f'aws_secret_access_key = "{"aB3/" * 10}"', "line 2 has what looks like an AWS secret access key"),
    "secret in JSON": (f'"SecretAccessKey": "{"aB3/" * 10}"', "line 2 has what looks like an AWS secret access key"),
    "GitHub": ("ghp_" + "a1B2" * 9, "line 2 has what looks like a GitHub token"),
    "GitLab": ("glpat-" + "a1B2-" * 4, "line 2 has what looks like a GitLab token"),
    "Slack": ("xoxb-" + "12345-abcd" * 2, "line 2 has what looks like a Slack token"),
    "PyPI": ("pypi-AgE" + "aB3_" * 10, "line 2 has what looks like a PyPI token"),
    "Hugging Face": ("hf_" + "abcdefghij" * 3 + "abcd", "line 2 has what looks like a Hugging Face token"),
}


@pytest.mark.parametrize(("content", "finding"), CONTENTS.values(), ids=CONTENTS)
def test_a_secret_in_a_file_is_found_and_not_repeated(tmp_path: Path, content: str, finding: str) -> None:
    (fault,) = faults_of(make_product(tmp_path, files={"src/config.py": f"# settings\n{content}\n"}))
    assert fault == f"repository/src/config.py: looks like a secret: {finding}; {advice('src/config.py')}"


@pytest.mark.parametrize(
    ("path", "form"),
    [
        (".env", ".env"),
        ("config/.env.prod", ".env.*"),
        ("prod.env", "*.env"),
        ("tls/server.PEM", "*.pem"),
        ("deploy.key", "*.key"),
        ("id_ed25519", "id_ed25519"),
        (".aws/credentials", "credentials"),
        ("infra/terraform.tfstate", "*.tfstate"),
        (".netrc", ".netrc"),
    ],
)
def test_a_file_named_like_a_secret_is_found(tmp_path: Path, path: str, form: str) -> None:
    assert faults_of(make_product(tmp_path, files={path: "x"})) == [
        f"repository/{path}: looks like a secret: its name is of the form {form}; {advice(path)}"
    ]


def test_what_only_speaks_of_secrets_is_no_secret(tmp_path: Path) -> None:
    files = {
        ".env.example": "TOKEN=\n",
        "environment.py": "aws_secret_access_key = os.environ['AWS_SECRET_ACCESS_KEY']\n",
        "README.md": "AKIAIOSFODNN7EXAMPLE, secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
        "public.txt": "-----BEGIN PUBLIC KEY-----\n",
        "requirements.txt": f"numpy==2 --hash=sha256:{'0a' * 32}\n",
    }
    assert len(read_product(make_product(tmp_path, files=files)).files) == len(files)


def test_an_exception_is_made_by_path_and_only_where_it_is_needed(tmp_path: Path) -> None:
    meant = [f"secret repository/{path}" for path in ("tests/key.pem", "README.md", "gone.pem")]
    files = {"tests/key.pem": PRIVATE_KEY, "README.md": "x", "src/key.pem": "x"}
    description = f"{DESCRIPTION}exceptions: [{', '.join(meant)}]\n"
    assert faults_of(make_product(tmp_path, description=description, files=files)) == [
        "product.yaml: exceptions: nothing needs 'secret repository/README.md'; take it out",
        "product.yaml: exceptions: nothing needs 'secret repository/gone.pem'; take it out",
        f"repository/src/key.pem: looks like a secret: its name is of the form *.pem; {advice('src/key.pem')}",
    ]


def test_an_exception_lets_the_file_through(tmp_path: Path) -> None:
    description = f"{DESCRIPTION}exceptions: [secret repository/tests/key.pem]\n"
    product = read_product(make_product(tmp_path, description=description, files={"tests/key.pem": PRIVATE_KEY}))
    assert [file.path for file in product.files] == ["tests/key.pem"]


SECRET_KEY = "Qm7xT2pL9vR4sK8nW3yB6dF1gH5jC0" + "zAaEeIiOoU"
WRITTEN = {
    "notebook": r'{"source": ["aws_secret_access_key = \"SECRET\"\n"]}',
    "JSON in JSON": r'{"body": "{\"config\": \"{\\\"SecretAccessKey\\\": \\\"SECRET\\\"}\"}"}',
    "slash as an escape": r'{"secretAccessKey": "SLASHED"}',
    "TOML": "aws_secret_access_key = QQQSECRETQQQ",
    "environment": "os.environ['AWS_SECRET_ACCESS_KEY'] = 'SECRET'",
    "command": "aws configure set aws_secret_access_key SECRET",
    "option": "run --aws-secret-key SECRET",
    "address": "https://example.com/?aws_secret_access_key%3DSECRET",
    "HTML": "aws_secret_access_key=&quot;SECRET&quot;",
    "YAML": "AwsSecretKey:   SECRET",
    "Ruby": ":secret_access_key => 'SECRET'",
    "call": "client(aws_secret_access_key='SECRET')",
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_secret_is_found_however_it_is_written(tmp_path: Path, text: str, encoding: str) -> None:
    slashed = SECRET_KEY[:20] + r"\/" + SECRET_KEY[21:]
    content = text.replace('SECRET"', f'{SECRET_KEY}"').replace("QQQ", "'" * 3).replace("SLASHED", slashed)
    content = re.sub(r"SECRET(?![_A-Z])", SECRET_KEY, content)
    (fault,) = faults_of(make_product(tmp_path, files={"a.txt": f"x\n{content}\n".encode(encoding)}))
    assert "line 2 has what looks like an AWS secret access key" in fault
    assert SECRET_KEY[:10] not in fault


FORMS = {
    "Bedrock": ("bedrock-api-key-" + "YmVkcm9jay5hbWF6b25hd3MuY29t", "an API key of Amazon Bedrock"),
    "GitLab deploy token": ("gldt-" + "a1B2-" * 4, "a GitLab token"),
    "Slack hook": ("https://hooks.slack.com/services/" + "T0A1/B2c3/" + "x9Y8" * 9, "a Slack token"),
    "npm": ("npm_" + "a1B2" * 9, "an npm token"),
    "OpenAI": ("sk-proj-" + "a1B2_" * 15 + "T3Blbk" + "FJ" + "a1B2-" * 15, "an OpenAI key"),
    "Anthropic": ("sk-ant-" + "api03-" + "a1B2-" * 18 + "AA", "an Anthropic key"),
    "Databricks": ("dapi" + "0a1b" * 8, "a Databricks token"),
    "Google": ("AIza" + "Sy0_-" * 7, "a key of Google Cloud"),
    "Azure Storage": ("AccountKey=" + "aB3/" * 22, "a key of Azure Storage"),
    "Pulumi": ("pul-" + "0a1b" * 10, "a Pulumi token"),
    "Vault": ("hvs." + "a1B2_" * 19, "a Vault token"),
    "JWT": ("eyJhbGciOiJIUzI1NiJ9x" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".abcdefghijklmn", "a JSON web token"),
    "database": ("postgres://app:" + "Xk29vLp1@db.internal/x", "a password in an address"),
    "PuTTY": ("PuTTY-User-Key-File-" + "2: ssh-rsa", "a private key"),
    "key id in an address": (f"https://x/?X-Amz-Credential%3D{KEY_ID}%2F2026", "an AWS access key id"),
    "key id after an escape": (rf'{{"source": ["\n{KEY_ID}\n"]}}', "an AWS access key id"),
}


@pytest.mark.parametrize(("content", "kind"), FORMS.values(), ids=FORMS)
def test_forms_of_the_usual_scanners_are_found(tmp_path: Path, content: str, kind: str) -> None:
    (fault,) = faults_of(make_product(tmp_path, files={"notes.md": content}))
    assert f"line 1 has what looks like {kind};" in fault


def test_what_stands_for_a_secret_is_none(tmp_path: Path) -> None:
    files = {
        "clone.sh": "git clone https://x-access-token:${TOKEN}@github.com/acme/x\npostgres://user:password@localhost/db\n",
        "hash.txt": f"aws_key: {'0a1b2c3d' * 5}\n",
        "long.txt": f"secret_access_key = {'aB3/' * 20}\n",
        "a.ipynb": r'{"source": ["print(\"https://a:b@c\")\n"]}',
    }
    assert len(read_product(make_product(tmp_path, files=files)).files) == len(files)


# What git does and a zip does not -------------------------------------------------------------------------------------


def meant_as(subject: str) -> str:
    return f"(if it is meant, name {subject} under exceptions in product.yaml)"


def test_what_a_zip_cannot_carry_is_refused_with_the_fix(tmp_path: Path) -> None:
    files = {
        ".gitmodules": '[submodule "lib"]\n  path = lib\n',
        "data.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n",
        "src/.gitattributes": (
            '# notes export-ignore\n*.py text eol=lf\n"a b.txt" ident\ndocs -export-ignore\n*.h5 filter=lfs -text\n'
        ),
        "vendored/.git": "gitdir: ../.git/modules/vendored\n",
        "vendored/a.py": "x",
        "build.sh": "#!/bin/sh\n",
    }
    folder = make_product(tmp_path, files=files)
    (folder / "repository" / "build.sh").chmod(0o755)
    attributes = meant_as("attributes repository/src/.gitattributes")
    assert faults_of(folder) == [
        "repository/.gitmodules: names submodules, which no zip carries: put their files here, and take .gitmodules "
        "out",
        "repository/build.sh: is executable, and CodeCommit drops that from a first commit: call it by its "
        f"interpreter, such as sh build.sh, and run chmod -x {meant_as('executable repository/build.sh')}",
        "repository/data.bin: is a pointer of Git LFS and not the file: run git lfs pull, or keep data in S3",
        "repository/src/.gitattributes: line 3 sets ident: git fills in $Id$ in such files, the first commit has them "
        f"as they are; take it out {attributes}",
        "repository/src/.gitattributes: line 5 sets filter: git keeps such files in another form, such as LFS, the "
        f"first commit has them as they lie here; take it out {attributes}",
        "repository/vendored: is a repository of its own, such as a submodule, and git commits none of its files: "
        "remove its .git, or add the folder to .gitignore",
    ]


def test_executables_and_attributes_can_be_meant(tmp_path: Path) -> None:
    meant = "exceptions: [executable repository/build.sh, attributes repository/.gitattributes]\n"
    files = {"build.sh": "#!/bin/sh\n", ".gitattributes": "docs export-ignore\n"}
    folder = make_product(tmp_path, files=files, description=f"{DESCRIPTION}{meant}")
    (folder / "repository" / "build.sh").chmod(0o755)
    assert [file.executable for file in read_product(folder).files] == [False, True]


PART = st.sampled_from(["a", "a ", "b", "ab", "a.py", "build", ".x", "c d", "é"])
PATTERN = st.lists(
    st.sampled_from(
        ["a", "b", "é", "?", "*", "**", "/", "!", "\\", " ", "[ab]", "[!a]", "[[:alpha:]]", "[b-a]", "[", "#"]
    ),
    max_size=6,
).map("".join)
LIKELY = st.sampled_from(["*", "!*/", "!*.py", "build/", "/a/", "!/a/", "/*", "a/**", "**/b", "*.py", "!a/b", "a**/b"])
RULES = st.lists(PATTERN | LIKELY, min_size=1, max_size=5)
PATH = st.lists(PART, min_size=1, max_size=4).map("/".join)


@pytest.mark.skipif(shutil.which("git") is None, reason="git, with which the rules are compared, is not installed")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths=st.lists(PATH, max_size=8), rules=st.dictionaries(st.just("") | PATH, RULES, min_size=1, max_size=3))
# What people write, whatever is drawn: some of what is ignored taken back, below what is ignored, and further down.
@example(paths=["a.py", "b", "build/a.py", "build/b"], rules={"": ["*", "!*/", "!*.py", "!.gitignore"]})
@example(paths=["build/a", "build/b", "ab/build/a"], rules={"": ["build/", "!build/a"]})
@example(paths=["build/a", "build/b", "b"], rules={"": ["b"], "build": ["!b", "/a"]})
@example(paths=["a/b", "a/c d/b", "b/a/b"], rules={"": ["a/**/b", "!a/b"]})
def test_what_is_ignored_is_what_git_ignores(
    tmp_path_factory: pytest.TempPathFactory, paths: list[str], rules: dict[str, list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("repository")
    wanted = {**dict.fromkeys(paths, ""), **{f"{place}/.gitignore": "\n".join(lines) for place, lines in rules.items()}}
    for name, content in wanted.items():
        path = folder / name.removeprefix("/")
        # A name that is a file already cannot be a folder too, nor the other way round.
        if not path.exists() and not any(parent.is_file() for parent in path.parents):
            write_files(folder, {path.relative_to(folder).as_posix(): content})
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True, env=environment)
    listing = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-per-directory=.gitignore", "-z"],
        cwd=folder, env=environment, capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    files = read_seed_files(folder, lambda *_: None)
    assert [file.path for file in files] == sorted(filter(None, listing.split("\0")))


def test_git_is_not_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {".gitignore": "*.log\n", "a.log": "", "a.py": ""})
    monkeypatch.setenv("PATH", "")
    assert packaged(tmp_path) == [".gitignore", "a.py"]
