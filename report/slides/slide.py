"""What a deck is made of: slides with one idea each. The same records become PowerPoint's and HTML's slides.

Words are HTML as the page has it, formulas in them MathML; display formulas are LaTeX, since one deck wants a picture
of them and the other MathML; figures are named, and drawn elsewhere.
"""

from dataclasses import dataclass

from markupsafe import Markup

NOTHING = Markup("")


@dataclass(frozen=True)
class Words:
    """One paragraph or several."""

    paragraphs: tuple[Markup, ...]


@dataclass(frozen=True)
class Formula:
    """A formula on a line of its own."""

    latex: str


@dataclass(frozen=True)
class Picture:
    """A figure of the report; with a stage, as much of it as is drawn by then."""

    figure: str
    stage: int | None = None  # from 0

    @property
    def name(self) -> str:
        """For files and ids."""
        return self.figure if self.stage is None else f"{self.figure}-{self.stage + 1}"


@dataclass(frozen=True)
class Table:
    """Rows under headings; the first column names the rows, further ones that hold numbers are set to the right."""

    columns: tuple[Markup, ...]
    rows: tuple[tuple[Markup, ...], ...]
    numeric: bool = True  # whether the columns after the first hold numbers


@dataclass(frozen=True)
class Code:
    """Lines of the running source."""

    source: str


@dataclass(frozen=True)
class Step:
    """A line of the derivation with its evidence."""

    latex: str
    predicted: Markup
    measured: Markup
    interval: Markup
    verdict: str


@dataclass(frozen=True)
class Derivation:
    """The first `n_shown` steps of the sheet, each at the place that it has when all stand there."""

    steps: tuple[Step, ...]
    n_shown: int


Block = Words | Formula | Picture | Table | Code | Derivation


@dataclass(frozen=True)
class Slide:
    """One idea. A picture or a derivation has the slide's whole room under the title to itself."""

    name: str  # stable, in kebab case
    part: str  # the deck's section, plain text
    kicker: Markup  # the chapter: a few words above the title; may be empty
    title: Markup  # a short sentence
    blocks: tuple[Block, ...]
    notes: tuple[Markup, ...]  # paragraphs, at least one
    is_opening: bool = False  # the deck's first slide, set in the middle
    finding: Markup = NOTHING  # one line under the title, which then has one line itself


@dataclass(frozen=True)
class PictureFiles:
    """A figure as it is drawn for a slide's room, in one theme."""

    svg: bytes
    png: bytes
    alt: str
    inline: Markup  # SVG for a page, which follows its theme
