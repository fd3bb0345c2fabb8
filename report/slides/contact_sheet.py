"""A page to pick figures from: thumbnails of the files beside it, what each shows, and links to every form of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from report.document import Inside, single_page
from report.figures.theme import DARK, LIGHT
from report.prose import prose
from report.slides.words.runs import plain_text

KINDS = ("svg", "pdf", "png")
STYLES = ("theme", "contact")
SCRIPTS = ("contact",)
IMAGES = (
    "'self' file:"  # what lies beside the page; not every browser takes a file for the same origin as its neighbour
)
WIDTH, HEIGHT = 320, 180  # px of a thumbnail: a sixth of the PNG's 1920 × 1080


@dataclass(frozen=True)
class SheetFigure:
    """A figure whose files are `figures/<theme>/<name>.svg`, `.pdf` and `.png`, beside the page."""

    name: str
    title: str  # plain text with maths as $...$
    caption: str  # the finding; the same
    alt: str
    themes: tuple[str, ...]  # of which there are files, at least one

    @property
    def usual(self) -> str:
        """The theme of its thumbnail where the reader's system does not decide: light, if there are files."""
        return LIGHT.name if LIGHT.name in self.themes else self.themes[0]

    @property
    def has_both(self) -> bool:
        """Whether the system can decide."""
        return {LIGHT.name, DARK.name} <= set(self.themes)

    @property
    def plain_caption(self) -> str:
        """The caption as text to paste: `d_k` for a letter with an index."""
        return plain_text(prose(self.caption))


def contact_sheet(figures: Sequence[SheetFigure], decks: Mapping[str, str], title: str) -> str:
    """The page as HTML; `decks` are files beside it and the words that link to them.

    `title` is plain text with maths as $...$.
    """
    context = {
        "title": plain_text(prose(title)),
        "heading": prose(title),
        "decks": decks,
        "figures": figures,
        "kinds": KINDS,
        "width": WIDTH,
        "height": HEIGHT,
    }
    return single_page("contact.html.jinja2", context, Inside(STYLES, SCRIPTS, images=IMAGES))
