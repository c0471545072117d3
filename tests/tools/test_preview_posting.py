"""One comment per pull request is kept up to date, whatever else happens on it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from tests.tools.played_github import ISSUE, TOKEN, PlayedGitHub, played_github
from tools.faults import ToolError
from tools.preview_comment.comment import GITHUB, Style, header
from tools.preview_comment.github import GitHubPullRequest
from tools.preview_comment.posting import Posted, mark_outdated, put


def body(text: str, part: int = 1, name: str = "preview") -> str:
    return f"{header(name, part)} {{}} -->\n\n{text}\n"


@dataclass
class Notes:
    """A place that keeps comments in memory."""

    kept: list[Posted] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    style: Style = GITHUB

    def comments(self) -> list[Posted]:
        return list(self.kept)

    def create(self, body: str) -> None:
        self.done.append("create")
        self.kept.append(Posted(str(len(self.done)), body))

    def update(self, comment: Posted, body: str) -> None:
        self.done.append("update")
        self.kept[self.kept.index(comment)] = Posted(comment.id, body)

    def remove(self, comment: Posted) -> None:
        self.done.append("remove")
        self.kept.remove(comment)

    def approved(self, label: str) -> bool:
        return bool(label)

    def label(self, wanted: Mapping[str, bool]) -> str:
        return ", ".join(wanted)


def test_a_comment_is_made_once_renewed_in_place_and_left_alone_where_it_is_equal() -> None:
    place = Notes()
    assert put(place, "preview", [body("one")], create=True) == "comments: 1 posted"
    assert put(place, "preview", [body("one")], create=True) == "the comment is up to date"
    assert put(place, "preview", [body("two")], create=False) == "comments: 1 renewed"
    assert place.done == ["create", "update"]
    assert [comment.body for comment in place.kept] == [body("two")]


def test_nothing_is_posted_where_nothing_changes_and_an_existing_comment_says_so() -> None:
    place = Notes()
    assert put(place, "preview", [body("nothing changes")], create=False) == "nothing to tell, and no comment to renew"
    assert place.done == []
    put(place, "preview", [body("a change")], create=True)
    put(place, "preview", [body("nothing changes")], create=False)
    assert place.kept[0].body == body("nothing changes")


def test_white_space_that_the_place_changes_is_no_difference() -> None:
    place = Notes([Posted("1", body("one \n\ntwo").replace("\n", "\r\n").strip())])
    put(place, "preview", [body("one\n\ntwo")], create=True)
    assert place.done == []


def test_comments_of_others_and_of_another_name_are_left_alone() -> None:
    others = [
        Posted("1", "LGTM"),
        Posted("2", body("other", name="network")),
        Posted("3", f"quoted:\n{body('one')}"),
        Posted("4", "<!-- mlops-preview:v1 {broken} -->"),
        Posted("5", '<!-- mlops-preview:v2 {"name":"preview","part":1} {} -->'),
    ]
    place = Notes(list(others))
    put(place, "preview", [body("one")], create=True)
    assert place.kept[:5] == others
    assert place.done == ["create"]


def test_parts_come_and_go_and_two_of_one_part_become_one() -> None:
    place = Notes()
    put(place, "preview", [body("one"), body("two", 2), body("three", 3)], create=True)
    put(place, "preview", [body("one"), body("2", 2)], create=True)
    assert [comment.body for comment in place.kept] == [body("one"), body("2", 2)]
    place.kept.append(Posted("9", body("of a run at the same time")))
    put(place, "preview", [body("all")], create=True)
    assert [comment.body for comment in place.kept] == [body("all")]


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedGitHub]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with played_github() as state:
        yield state


def pull_request(github: PlayedGitHub, token: str = TOKEN) -> GitHubPullRequest:
    return GitHubPullRequest("ml/platform", 7, token, api=github.url, pause=0)


def test_github_s_comment_is_found_behind_a_hundred_others_and_only_the_author_s_counts(github: PlayedGitHub) -> None:
    github.add(body("forged"), author="somebody")
    for number in range(230):
        github.add(f"comment {number}", author="somebody")
    put(pull_request(github), "preview", [body("one")], create=True)
    put(pull_request(github), "preview", [body("two")], create=True)
    mine = [item for item in github.comments if item["user"]["login"] == github.author]
    assert [item["body"] for item in mine] == [body("two")]
    assert github.comments[0]["body"] == body("forged")
    put(pull_request(github), "preview", [body("two")], create=True)
    assert github.writes == [f"POST {ISSUE}/comments", "PATCH /repos/ml/platform/issues/comments/332"]


def test_a_part_too_many_is_removed_at_github(github: PlayedGitHub) -> None:
    put(pull_request(github), "preview", [body("one"), body("two", 2)], create=True)
    put(pull_request(github), "preview", [body("one")], create=True)
    assert [item["body"] for item in github.comments] == [body("one")]


def test_a_label_approves(github: PlayedGitHub) -> None:
    assert not pull_request(github).approved("approve-destruction")
    github.labels = [*(f"label-{number}" for number in range(100)), "approve-destruction"]
    assert pull_request(github).approved("approve-destruction")


def test_labels_come_and_go_and_others_stay(github: PlayedGitHub) -> None:
    github.labels = ["bug", "preview:no-changes"]
    wanted = {"preview:destroy": True, "preview:replace": False, "preview:no-changes": False}
    assert pull_request(github).label(wanted) == "labels: +preview:destroy, -preview:no-changes"
    assert github.labels == ["bug", "preview:destroy"]
    assert pull_request(github).label(wanted) == ""
    assert len(github.writes) == 2, "what is right is left alone: a label starts workflows"


def test_all_parts_of_a_comment_are_marked_as_outdated_and_no_other_comment() -> None:
    place = Notes([Posted("1", "LGTM"), Posted("2", body("other", name="network"))])
    put(place, "preview", [body("one"), body("two", 2)], create=True)
    assert mark_outdated(place, "preview", "c0ffee") == "comments: 2 marked as outdated"
    assert ["Outdated" in comment.body for comment in place.kept] == [False, False, True, True]
    assert mark_outdated(place, "preview", "c0ffee") == "no comment is outdated"
    put(place, "preview", [body("new")], create=True)
    assert [comment.body for comment in place.kept[2:]] == [body("new")]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_stumbling_github_is_asked_again(github: PlayedGitHub, status: int) -> None:
    github.add(body("one"))
    github.failures = [(status, {})] * 3
    assert put(pull_request(github), "preview", [body("two")], create=True) == "comments: 1 renewed"


@pytest.mark.parametrize(("status", "headers"), [(429, {}), (429, {"Retry-After": "0"}), (403, {"Retry-After": "0"})])
def test_a_limit_on_the_rate_is_waited_for(github: PlayedGitHub, status: int, headers: dict[str, str]) -> None:
    place = pull_request(github)
    github.failures = [(status, headers)]
    place.create("text")
    assert [item["body"] for item in github.comments] == ["text"]


def test_a_comment_that_may_have_been_made_is_not_made_again(github: PlayedGitHub) -> None:
    """GitHub fails after it has posted: the next run finds the comment."""
    place = pull_request(github)
    github.failures, github.carried_out = [(502, {})], True
    with pytest.raises(ToolError, match="502"):
        place.create(body("one"))
    assert github.writes == [f"POST {ISSUE}/comments"]
    assert put(pull_request(github), "preview", [body("one")], create=True) == "the comment is up to date"


@pytest.mark.parametrize(
    ("status", "token", "hint"),
    [
        (403, TOKEN, "pull-requests: write"),
        (404, TOKEN, "does not reach"),
        (401, "ghs_wrong", "not valid"),
        (422, TOKEN, "not now"),
    ],
)
def test_a_refusal_says_what_to_do_and_never_the_token(
    github: PlayedGitHub, status: int, token: str, hint: str
) -> None:
    github.failures = [(status, {})]
    with pytest.raises(ToolError, match=hint) as error:
        pull_request(github, token).comments()
    assert token not in str(error.value)


def test_a_github_that_is_not_there_is_told(github: PlayedGitHub) -> None:
    github.url = "http://127.0.0.1:9"
    with pytest.raises(ToolError, match="does not answer GET"):
        pull_request(github).comments()


@pytest.mark.parametrize("repository", ["platform", "a/b/c", "a/b?c", "../x", ""])
def test_what_is_no_repository_is_refused(repository: str) -> None:
    with pytest.raises(ToolError, match="owner/name"):
        GitHubPullRequest(repository, 7, TOKEN)
