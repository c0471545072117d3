"""Branches and repositories are refused before anything is made where git or its keeper would refuse them."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.git_names import branch_fault, codecommit_repository_fault, full_name_fault

PIECE = st.sampled_from([*"a-._/@{~^:?*[\\ \t\x7fé", "..", ".lock", "@{", "main", "//", "HEAD"])


def git_takes(name: str) -> bool:
    return subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False).returncode == 0


@given(st.lists(PIECE, min_size=1, max_size=4).map("".join))
def test_a_branch_is_taken_where_git_takes_it(name: str) -> None:
    # Git's commands refuse more than its references: a branch that looks like an option, and its own names for HEAD.
    refused_by_commands = name.startswith("-") or name in ("@", "HEAD")
    assert (branch_fault(name) is None) is (git_takes(name) and not refused_by_commands)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("refs/heads/main", "give the name of the branch alone, without refs/heads/"),
        ("", "a branch's name has 1 to 256 characters"),
        ("a" * 257, "a branch's name has 1 to 256 characters"),
        ("0123456789abcdef0123456789abcdef01234567", "40 hexadecimal digits are a commit's id"),
    ],
)
def test_what_git_would_take_and_nobody_means_is_refused(name: str, reason: str) -> None:
    assert (branch_fault(name) or "").startswith(reason)


@pytest.mark.parametrize("name", ["platform", "Platform_1.x-y", "a" * 100, ".github", "git"])
def test_codecommit_takes(name: str) -> None:
    assert codecommit_repository_fault(name) is None


@pytest.mark.parametrize("name", ["platform.git", "x.GIT", "a" * 101, "", "acme/platform", "größe", "a b"])
def test_codecommit_refuses(name: str) -> None:
    assert codecommit_repository_fault(name) is not None


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("GitHub", "acme/platform"),
        ("GitHub", "Acme-1/.github"),
        ("GitHub", "ada_acme/plat_form.x"),
        ("GitLab", "acme/platform"),
        ("GitLab", "acme/ml/team.a/plat_form"),
        ("Bitbucket", "acme_1/plat.form"),
    ],
)
def test_a_provider_takes(provider: str, name: str) -> None:
    assert full_name_fault(provider, name) is None


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("GitHub", "platform"),
        ("GitHub", "acme/platform.git"),
        ("GitHub", "acme/ml/platform"),
        ("GitHub", "-acme/platform"),
        ("GitHub", "acme--x/platform"),
        ("GitHub", "acme/.."),
        ("GitHub", "acme/größe"),
        ("GitHub", f"acme/{'a' * 101}"),
        ("GitLab", "platform"),
        ("GitLab", "acme/-platform"),
        ("GitLab", "acme/platform.atom"),
        ("GitLab", "acme//platform"),
        ("GitLab", "acme/x.git"),
        ("Bitbucket", "acme/ml/platform"),
        ("Bitbucket", f"acme/{'a' * 63}"),
        ("Bitbucket", "acme.x/platform"),
    ],
)
def test_a_provider_refuses(provider: str, name: str) -> None:
    assert full_name_fault(provider, name) is not None
