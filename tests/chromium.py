"""The page as a browser shows it, with all that it asks for and complains of."""

import os
import shutil
from pathlib import Path

from playwright.sync_api import Browser, Page

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

Seen = dict[str, list[str]]


def visit(browser: Browser, report: Path, width: int = 1280, **context: object) -> tuple[Page, Seen]:
    """The page of a report in a window of that width, offline; see `visit_file`."""
    return visit_file(browser, report / "report" / "index.html", width, **context)


def visit_file(browser: Browser, file: Path, width: int = 1280, **context: object) -> tuple[Page, Seen]:
    """A page from a file in a window of that width, offline, with all that it asked for and complained of."""
    page = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **context).new_page()  # type: ignore[arg-type]
    seen: Seen = {"requests": [], "messages": []}
    page.on("request", lambda request: seen["requests"].append(request.url))
    page.on("console", lambda message: seen["messages"].append(message.text))
    page.on("pageerror", lambda error: seen["messages"].append(str(error)))
    page.goto(file.as_uri())
    page.evaluate("document.fonts.ready")
    return page, seen
