"""Photograph a built page in headless Chromium, for eyes and for the README.

    .venv/bin/python tools/photograph.py build/report/index.html FOLDER

writes FOLDER/<width>-<theme>-<nn>.png for three widths in light and dark, FOLDER/print.pdf, and FOLDER/readme.png.
"""

import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
PIECE = 2000  # px of page per picture


def photograph(browser: Browser, page_file: Path, folder: Path, width: int, scheme: str) -> None:
    """Pictures of the whole page, one below the other."""
    page = browser.new_page(viewport={"width": width, "height": 1000}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(page_file.resolve().as_uri())
    height = page.evaluate("document.documentElement.scrollHeight")
    for number, top in enumerate(range(0, height, PIECE)):
        clip = {"x": 0, "y": top, "width": width, "height": min(PIECE, height - top)}
        page.screenshot(path=folder / f"{width}-{scheme}-{number:02d}.png", full_page=True, clip=clip)  # type: ignore[arg-type]
    page.close()


def main(page_file: Path, folder: Path) -> None:
    """All pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for width in (1440, 1024, 400):
            for scheme in ("light", "dark"):
                photograph(browser, page_file, folder, width, scheme)
        page = browser.new_page(viewport={"width": 1360, "height": 1120})
        page.goto(page_file.resolve().as_uri())
        page.pdf(path=folder / "print.pdf", format="A4")
        page.evaluate("document.querySelector('.derivation > li:nth-child(7)').scrollIntoView({behavior: 'instant'})")
        page.screenshot(path=folder / "readme.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
