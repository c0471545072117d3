"""A real browser, and pages that are served as a person gets them, of reports that are made up."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

from tests.tools import report_samples as samples
from tools.report import page
from tools.report.model import Report
from tools.serve.live import Pages
from tools.serve.server import Server

NAMES = ("chromium", "chromium-browser", "google-chrome")
REQUIRED = "SM_MLOPS_BROWSER"
"""Environment variable: where it is `required`, a missing browser fails the tests instead of skipping them."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of this machine."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        told = "No browser: install Chromium, on Debian with `apt-get install chromium`, to test pages in it."
        if os.environ.get(REQUIRED) == "required":
            pytest.fail(told)
        pytest.skip(told)
    with sync_playwright() as playwright:
        # Its own sandbox does not start in a container's root; what it opens is this test's.
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


@dataclass
class Watched:
    """A page, and what went wrong in it."""

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    """Origins that were asked for anything."""


Open = Callable[..., Watched]


@dataclass
class Sample(Pages):
    """Pages of a report that is there already."""

    sample: Report | None = None

    def report(self) -> Report:
        assert self.sample is not None
        return self.sample

    def log(self, build: str, region: str) -> str:
        return page.render_log(build, [region, samples.MARKUP])


@contextmanager
def served(report: Report) -> Iterator[str]:
    """Serve a report; its address."""
    with Server(Sample([], sample=report), 0) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.url
        server.shutdown()


@pytest.fixture(scope="module")
def addresses() -> Iterator[dict[str, str]]:
    """Addresses of the samples, by name."""
    with served(samples.calm()) as calm, served(samples.hostile()) as hostile, served(samples.silent()) as silent:
        yield {"calm": calm, "hostile": hostile, "silent": silent}


def _alarmed(watched: Watched, dialog: Dialog) -> None:
    watched.faults.append(dialog.message)
    dialog.dismiss()


@pytest.fixture
def look(browser: Browser, addresses: dict[str, str]) -> Iterator[Open]:
    """Open a sample: `look("calm")`."""
    contexts = []

    def opened(name: str, *, bypass: bool = False) -> Watched:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=bypass)
        contexts.append(context)
        watched = Watched(context.new_page(), addresses[name])
        tab = watched.page
        tab.set_default_timeout(10_000)
        tab.on("console", lambda message: watched.faults.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: watched.faults.append(str(error)))
        tab.on("dialog", partial(_alarmed, watched))
        tab.on("request", lambda request: watched.asked.add("/".join(request.url.split("/")[:3])))
        tab.goto(watched.url)
        return watched

    yield opened
    for context in contexts:
        context.close()
