"""The pages in a real browser: seen narrow and wide, dark and light, by keyboard, and by who would do harm."""

import itertools
import re
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Literal
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from sandbox import demo_report
from tests.browser.conftest import Open
from tests.tools import report_samples as samples

pytestmark = pytest.mark.browser

SECTIONS = (
    *("overview", "attention", "projects", "models", "endpoints", "products", "parts", "people", "costs"),
    *("features", "inbox"),
)
SCHEMES: Sequence[Literal["light", "dark"]] = ("light", "dark")


@pytest.mark.parametrize("name", ["calm", "hostile", "silent"])
def test_a_page_keeps_nobody_out_and_fits_the_screen(look: Open, name: str) -> None:
    # axe is a script, which the pages' own policy would refuse.
    page = look(name, bypass=True).page
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    for width, scheme in itertools.product((1280, 360), SCHEMES):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page).response["violations"]
        told = [(one["id"], one["impact"], one["nodes"][0]["html"][:200]) for one in found]
        assert told == [], (width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, scheme


@pytest.mark.parametrize("name", ["calm", "hostile", "silent"])
def test_a_page_is_opened_without_a_fault_and_asks_nobody_else(look: Open, name: str) -> None:
    seen = look(name)
    for details in seen.page.locator("details").all():
        if details.get_attribute("open") is None:
            details.locator("summary").first.click()
    assert seen.faults == []
    assert seen.asked == {seen.url}
    assert seen.page.evaluate("document.scripts.length") == 0


def test_hostile_values_stay_text(look: Open) -> None:
    page = look("hostile").page
    expect(page.get_by_text("<script>alert(1)</script>").first).to_be_visible()
    expect(page.get_by_text("\\u202e").first).to_be_visible()
    assert page.locator("main img").count() == 0


def test_everything_is_reached_by_keyboard(look: Open) -> None:
    page = look("calm").page
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#main$"))
    closed = page.locator("details.product").first
    reached = []
    for _ in range(150):
        page.keyboard.press("Tab")
        where = page.evaluate("[document.activeElement.tagName, document.activeElement.closest('section')?.id ?? '']")
        reached.append(where[1])
        if where == ["SUMMARY", "products"]:
            page.keyboard.press("Enter")
            break
    expect(closed).to_have_attribute("open", "")
    assert set(reached) >= {"overview", "attention", "projects", "models", "endpoints", "products"}
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_each_section_is_one_click_away(look: Open) -> None:
    page = look("calm").page
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    for section in SECTIONS:
        page.evaluate("scrollTo(0, 0)")  # or the click before may have brought it into view
        page.locator(f'nav a[href="#{section}"]').click()
        expect(page.locator(f"#{section} h2")).to_be_in_viewport()


def test_a_build_leads_to_its_log_and_back(look: Open) -> None:
    page = look("calm").page
    page.locator("a[href^='/log?']").first.click()
    expect(page.get_by_role("heading", name="Log")).to_be_visible()
    expect(page.locator("pre")).to_contain_text("<script>")
    page.get_by_role("link", name="The platform").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_on_paper_only_what_is_read_is_left(look: Open) -> None:
    page = look("calm").page
    page.emulate_media(media="print")
    expect(page.locator("nav")).to_be_hidden()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_what_a_demo_leaves_fits_the_screen(browser: Browser, tmp_path: Path) -> None:
    path, metrics = tmp_path / demo_report.FILE, {"baseline_mse": 11.01967, "mae": 1.2367, "r2": 0.7426}
    mail = f"arn:aws:sagemaker:us-east-2:123456789012:pipeline/{'x' * 200}"
    story = SimpleNamespace(metrics={1: metrics, 2: metrics}, predictions=[("a" * 60, 5.9)], mails=[mail])
    demo_report.write(path, story, [(294.0, mail)])  # type: ignore[arg-type] # what it reads of a story
    page = browser.new_page()
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


class Elsewhere(BaseHTTPRequestHandler):
    """A page of another site."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def test_another_site_reads_nothing(browser: Browser, addresses: dict[str, str]) -> None:
    ask = """async address => {
        const found = [];
        for (const mode of ["cors", "no-cors"])
            found.push(await fetch(address, {mode}).then(answer => answer.text(), () => "refused"));
        return found;
    }"""
    with HTTPServer(("127.0.0.1", 0), Elsewhere) as site:
        threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://localhost:{site.server_port}")
        for path in ("/", "/report.json", f"/log?{urlencode({'build': 'one', 'region': samples.HOME})}"):
            assert set(page.evaluate(ask, addresses["calm"] + path)) <= {"refused", ""}
        page.close()
        site.shutdown()
