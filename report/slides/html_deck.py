"""The slides as one HTML file to present from, offline: render."""

from collections import Counter
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from report.document import EARLY_SCRIPTS, Inside, single_page
from report.figures.glyphs import share_glyphs
from report.figures.theme import THEMES
from report.formulas import to_mathml
from report.slides.slide import Block, Picture, PictureFiles, Slide

STYLES = ("theme", "verdict", "deck")
SCRIPTS = (*EARLY_SCRIPTS, "deck")  # in the head, so that no slide is shown before its turn


def html_deck(slides: Sequence[Slide], pictures: Mapping[str, PictureFiles], theme: str | None, title: str) -> str:
    """The deck as HTML; `pictures` are known by the names of the slides' pictures.

    Light or dark as `theme` says, or as the reader's system is. Raises ValueError where two slides have one name, where
    a slide has a picture that is not there, and for a theme that is unknown.
    """
    if theme not in (None, *THEMES):
        raise ValueError(f"theme: {theme!r} is none of {', '.join(THEMES)}")
    if twice := [name for name, count in Counter(slide.name for slide in slides).items() if count > 1]:
        raise ValueError(f"slides with one name: {', '.join(twice)}")
    drawings, glyphs = share_glyphs(
        {_place(slide, block): _inline(slide, block, pictures) for slide, block in _pictures_of(slides)}
    )
    context = {
        "title": title,
        "slides": slides,
        "drawings": drawings,
        "glyphs": glyphs,
        "place": _place,
        "kind": _kind,
        "mathml": to_mathml,
    }
    return single_page("deck.html.jinja2", context, Inside(STYLES, early_scripts=SCRIPTS, theme=theme))


def _pictures_of(slides: Sequence[Slide]) -> list[tuple[Slide, Picture]]:
    return [(slide, block) for slide in slides for block in slide.blocks if isinstance(block, Picture)]


def _place(slide: Slide, picture: Picture) -> str:
    """A picture's key: one that two slides show stands in the file twice, under ids of its own."""
    return f"{slide.name} {picture.name}"


def _inline(slide: Slide, picture: Picture, pictures: Mapping[str, PictureFiles]) -> Markup:
    if picture.name not in pictures:
        raise ValueError(f"slide {slide.name!r}: there is no picture {picture.name!r}")
    return pictures[picture.name].inline


def _kind(block: Block) -> str:
    """The name of the macro that writes it."""
    return type(block).__name__.lower()
