"""Results → everything that `make slides` writes: draw → put together → write both decks and the sheet to pick from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from experiments.runner import Results
from experiments.workers import Workers
from report.contents import TITLE
from report.cost import Cost
from report.drawing import Parts, all_frames, draw
from report.drawing import Picture as Drawn
from report.figures import SPECS, figures_of
from report.figures.export import labelled
from report.figures.fonts import find_font
from report.figures.spec import FigureSpec
from report.figures.theme import LIGHT, THEMES
from report.prose import prose
from report.slides.contact_sheet import SheetFigure, contact_sheet
from report.slides.deck import deck
from report.slides.html_deck import html_deck
from report.slides.outline import chosen, pictures_of
from report.slides.powerpoint import powerpoint
from report.slides.runs import plain_text
from report.slides.slide import Picture, PictureFiles

FOLDER = "slides"
DECKS = {"deck.pptx": "the deck for PowerPoint", "deck.html": "the deck for a browser"}
FONT = "Arial"  # of native text: every machine has it, or one of the same widths


def slide_files(
    results: Results,
    figures: Sequence[str],
    themes: Sequence[str],
    font: str | None,
    kept: Path | None = None,
    workers: Workers | None = None,
    cost: Cost | None = None,
) -> dict[str, bytes]:
    """Every file, named relative to the output folder; the sheet to pick from comes last.

    `figures` are names, or none for all that the results have; files of figures are in each of `themes`, the decks in
    light unless that is not among them; `font` is of the reader's choice. For `kept` and `workers` see `drawing`.
    """
    frames = {**all_frames(results), **({"bench": cost.growth} if cost else {})}
    specs = [spec for spec in figures_of(frames) if not figures or spec.name in figures]
    theme = THEMES[themes[0] if LIGHT.name not in themes else LIGHT.name]
    slides = deck(results, frames, cost)
    if figures:
        slides = chosen(slides, figures)
    shown = list(dict.fromkeys(picture for slide in slides for picture in pictures_of(slide)))
    files = {spec.name: Drawn(spec.name, "slide", tuple(themes), font=font) for spec in specs}
    wanted = {picture: Drawn(picture.figure, "deck", (theme.name,), picture.stage, font) for picture in shown}
    parts = draw([*files.values(), *wanted.values()], frames, kept, workers)
    pictures = {picture.name: picture_files(picture, parts[drawn], frames) for picture, drawn in wanted.items()}
    title, family = plain_text(prose(TITLE)), find_font(font).name if font else FONT
    forced = None if len(themes) > 1 else theme.name
    return {
        **{path: content for name, drawn in files.items() for path, content in _figure_files(name, parts[drawn])},
        f"{FOLDER}/deck.pptx": powerpoint(slides, pictures, theme, family, title),
        f"{FOLDER}/deck.html": html_deck(slides, pictures, forced, title).encode(),
        f"{FOLDER}/index.html": contact_sheet(list(_on_sheet(specs, themes, frames)), DECKS, TITLE).encode(),
    }


def picture_files(picture: Picture, parts: Parts, frames: Mapping[str, pd.DataFrame]) -> PictureFiles:
    """A figure's files for a slide, with its text alternative."""
    spec = SPECS[picture.figure]
    alt = spec.alt(*spec.given(frames))
    if picture.stage is not None:
        words = plain_text(prose(spec.stages[picture.stage]))
        alt = f"Step {picture.stage + 1} of {len(spec.stages)}: {words}. The whole: {alt}"
    return PictureFiles(parts["svg"], parts["png"], alt, labelled(parts["page"].decode(), alt))


def _figure_files(name: str, parts: Parts) -> Iterator[tuple[str, bytes]]:
    for part, content in parts.items():
        theme, kind = part.split(".")
        yield f"{FOLDER}/figures/{theme}/{name}.{kind}", content


def _on_sheet(
    specs: Iterable[FigureSpec], themes: Sequence[str], frames: Mapping[str, pd.DataFrame]
) -> Iterator[SheetFigure]:
    for spec in specs:
        given = spec.given(frames)
        yield SheetFigure(spec.name, spec.title, spec.caption(*given), spec.alt(*given), tuple(themes))
