"""Comments of a pull request of GitHub, and issues, by its REST interface."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tools.faults import ToolError
from tools.preview_comment.comment import GITHUB, Style
from tools.preview_comment.posting import Posted

API = "https://api.github.com"
ACTIONS_AUTHOR = "github-actions[bot]"
"""Who a workflow's own token comments as."""

_PAGE = 100
_PAGES = 100
_SECONDS = 30
_REPOSITORY = re.compile(r"[\w-]{1,100}/(?!\.+$)[\w.-]{1,100}", re.ASCII)
_HINTS = {
    401: "the token is not valid",
    403: "the token needs `pull-requests: write`, or `issues: write` for an issue; a fork's never has it",
    404: "there is no such thing, or the token does not reach the repository",
}


class _Retry(Retry):
    """Tries again what GitHub did not carry out, and never a POST that it may have."""

    RETRY_AFTER_STATUS_CODES = frozenset({403, 413, 429, 503})

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        refused = status_code == 429 or (has_retry_after and status_code in self.RETRY_AFTER_STATUS_CODES)
        return refused or (method != "POST" and status_code >= 500)


class _GitHub:
    """One repository of GitHub, as an author reaches it.

    Args:
        repository: `owner/name`.
        token: what authenticates; never shown.
        author: login of whom the token belongs to.
        api: address of the interface; another one for GitHub Enterprise.
        pause: seconds before the first of up to five further attempts; each waits twice as long.

    Raises:
        ToolError: the repository's name is none.
    """

    style: Style = GITHUB

    def __init__(
        self, repository: str, token: str, *, author: str = ACTIONS_AUTHOR, api: str = API, pause: float = 1
    ) -> None:
        if not _REPOSITORY.fullmatch(repository):
            raise ToolError(f"{repository!r} is no repository of GitHub; expected owner/name")
        self._issues = f"repos/{repository}/issues"
        self._author = author
        self._api = api.rstrip("/")
        self._session = requests.Session()
        self._session.headers.update(
            {
                "Authorization": f"Bearer {token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
            }
        )
        retry = _Retry(total=5, backoff_factor=pause, allowed_methods={"DELETE", "GET", "PATCH"}, raise_on_status=False)
        self._session.mount(self._api, HTTPAdapter(max_retries=retry))

    def _mine(self, found: Iterable[Mapping[str, Any]], key: str) -> list[Posted]:
        """Tell what the author has written, among comments or issues."""
        mine = [item for item in found if (item.get("user") or {}).get("login") == self._author]
        return [Posted(str(item[key]), item.get("body") or "") for item in mine]

    def _listed(self, path: str, **parameters: str) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for page in range(1, _PAGES + 1):
            items = self._call("GET", path, params={**parameters, "per_page": _PAGE, "page": page}).json()
            found += items
            if len(items) < _PAGE:
                break
        return found

    def _call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        try:
            answer = self._session.request(method, f"{self._api}/{path}", timeout=_SECONDS, **arguments)
        except requests.RequestException as error:
            raise ToolError(f"GitHub does not answer {method} {path}: {type(error).__name__}") from error
        if not answer.ok:
            hint = _HINTS.get(answer.status_code, "")
            raise ToolError(
                f"GitHub refuses {method} {path} with {answer.status_code}: {_message(answer)}"
                + (f"; {hint}" if hint else "")
            )
        return answer


class GitHubPullRequest(_GitHub):
    """The comments of a pull request.

    Args:
        repository: `owner/name`.
        number: the pull request's.
        token: what authenticates.
        options: as `_GitHub` has them.
    """

    def __init__(self, repository: str, number: int, token: str, **options: Any) -> None:
        super().__init__(repository, token, **options)
        self._issue = f"{self._issues}/{number}"

    def comments(self) -> Sequence[Posted]:
        """Return the author's comments, the oldest first."""
        return self._mine(self._listed(f"{self._issue}/comments"), "id")

    def create(self, body: str) -> None:
        """Post a new comment."""
        self._call("POST", f"{self._issue}/comments", json={"body": body})

    def update(self, comment: Posted, body: str) -> None:
        """Give a comment another text."""
        self._call("PATCH", f"{self._issues}/comments/{comment.id}", json={"body": body})

    def remove(self, comment: Posted) -> None:
        """Remove a comment."""
        self._call("DELETE", f"{self._issues}/comments/{comment.id}")

    def approved(self, label: str) -> bool:
        """Whether the pull request has a label. Whoever may triage the repository can put it on."""
        return label in self._labels()

    def label(self, wanted: Mapping[str, bool]) -> str:
        """Give labels, and take those away that are not wanted; GitHub makes a label that the repository lacks."""
        there = self._labels()
        new = [name for name, held in wanted.items() if held and name not in there]
        if new:
            self._call("POST", f"{self._issue}/labels", json={"labels": new})
        gone = [name for name, held in wanted.items() if not held and name in there]
        for name in gone:
            self._call("DELETE", f"{self._issue}/labels/{quote(name, safe='')}")
        told = [f"{sign}{name}" for sign, names in (("+", new), ("-", gone)) for name in names]
        return f"labels: {', '.join(told)}" if told else ""

    def _labels(self) -> set[object]:
        return {item.get("name") for item in self._listed(f"{self._issue}/labels")}


class GitHubIssue(_GitHub):
    """An issue that is open as long as there is something to tell; its text is the comment.

    Args:
        repository: `owner/name`.
        title: the issue's.
        token: what authenticates.
        options: as `_GitHub` has them.
    """

    def __init__(self, repository: str, title: str, token: str, **options: Any) -> None:
        super().__init__(repository, token, **options)
        self._title = title

    def comments(self) -> Sequence[Posted]:
        """Return the texts of the author's open issues."""
        found = self._listed(self._issues, state="open", creator=self._author)
        return self._mine((item for item in found if "pull_request" not in item), "number")

    def create(self, body: str) -> None:
        """Open an issue, which tells everybody who watches."""
        self._call("POST", self._issues, json={"title": self._title, "body": body})

    def update(self, comment: Posted, body: str) -> None:
        """Give the issue another text, and say so: a text that changes tells nobody by itself."""
        self._call("PATCH", f"{self._issues}/{comment.id}", json={"body": body})
        self._call("POST", f"{self._issues}/{comment.id}/comments", json={"body": "There is something else by now."})

    def remove(self, comment: Posted) -> None:
        """Close the issue."""
        self._call("PATCH", f"{self._issues}/{comment.id}", json={"state": "closed"})

    def approved(self, label: str) -> bool:  # noqa: ARG002 - nothing is merged here
        """Nothing is approved in an issue."""
        return False

    def label(self, wanted: Mapping[str, bool]) -> str:  # noqa: ARG002 - they tell of a pull request
        """Return an issue gets no labels."""
        return ""


def _message(answer: requests.Response) -> str:
    try:
        told = answer.json().get("message")
    except (ValueError, AttributeError):
        told = None
    return str(told or answer.reason)[:300]
