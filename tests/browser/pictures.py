"""Takes the pictures of the documentation from a page that is shown: `python -m tests.browser.pictures ADDRESS`.

Without an address it is that of the sandbox in which this runs: `./sandbox/run python -m tests.browser.pictures`.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import NAMES

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
WIDTH = 1100

SECTIONS: Mapping[str, tuple[str, str]] = {
    "overview": ("#overview", "light"),
    "projects": ("#projects", "dark"),
    "models": ("#models", "light"),
    "parts": ("#parts", "light"),
}
"""By name of the picture: what of the page is on it, in which colours."""


def main() -> None:
    """Take all pictures."""
    address = sys.argv[1] if len(sys.argv) > 1 else os.environ["AWS_ENDPOINT_URL"]
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        sys.exit("No browser: install Chromium, on Debian with `apt-get install chromium`.")
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for name, (section, scheme) in SECTIONS.items():
            page = browser.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(address, timeout=120_000)
            _picture(page, section, FOLDER / f"{name}.png")
        browser.close()


def _picture(page: Page, section: str, path: Path) -> None:
    box = page.locator(section).bounding_box()
    assert box is not None, f"the page has no {section}"
    # A picture of a page is no page: what is below the fold is left to the reader.
    clip = {"x": box["x"] - 8, "y": box["y"] - 8, "width": box["width"] + 16, "height": min(box["height"] + 16, 760)}
    page.screenshot(path=path, full_page=True, clip=clip)  # type: ignore[arg-type]
    print(f"{path}: {path.stat().st_size // 1000} kB")  # noqa: T201 - a command of its own


if __name__ == "__main__":
    main()
