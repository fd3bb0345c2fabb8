"""Results → everything that `make slides` writes: draw → put together → write both decks and the sheet to pick from."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from experiments.runner import Results
from experiments.workers import Workers
from report.contents import TITLE
from report.cost import Cost
from report.drawing import FIRST, Easel, all_frames
from report.drawing import Picture as Drawn
from report.figure_archive import Parts
from report.figures import figures_of
from report.figures.export import labelled
from report.figures.fonts import find_font
from report.figures.theme import LIGHT, THEMES
from report.prose import prose
from report.slides.contact_sheet import SheetFigure, contact_sheet
from report.slides.deck import deck
from report.slides.html_deck import html_deck
from report.slides.material import ToldFigure, told
from report.slides.outline import chosen, pictures_of
from report.slides.powerpoint import powerpoint
from report.slides.slide import Picture, PictureFiles
from report.slides.words.runs import plain_text

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
    all_told = told(figures_of(frames), frames)
    chosen_ones = [it for name, it in all_told.items() if not figures or name in figures]
    theme = THEMES[themes[0] if LIGHT.name not in themes else LIGHT.name]
    easel = Easel(frames, kept, workers)
    files = [Drawn(it.spec.name, "slide", tuple(themes), font=font) for it in chosen_ones]
    long = easel.begin(picture for picture in files if picture.figure in FIRST)  # while slides are put together
    slides = deck(results, all_told, cost)
    if figures:
        slides = chosen(slides, figures)
    shown = list(dict.fromkeys(picture for slide in slides for picture in pictures_of(slide)))
    wanted = {picture: Drawn(picture.figure, "deck", (theme.name,), picture.stage, font) for picture in shown}
    for_deck = easel.begin(wanted.values())
    others = easel.begin(picture for picture in files if picture.figure not in FIRST)
    parts = for_deck()
    pictures = {
        picture.name: picture_files(picture, parts[drawn], all_told[picture.figure])
        for picture, drawn in wanted.items()
    }
    title, family = plain_text(prose(TITLE)), find_font(font).name if font else FONT
    forced = None if len(themes) > 1 else theme.name
    decks = {
        f"{FOLDER}/deck.pptx": powerpoint(slides, pictures, theme, family, title),
        f"{FOLDER}/deck.html": html_deck(slides, pictures, forced, title).encode(),
    }
    drawn = long() | others()
    return {
        **{path: content for picture in files for path, content in _figure_files(picture.name, drawn[picture])},
        **decks,
        f"{FOLDER}/index.html": contact_sheet([_on_sheet(it, themes) for it in chosen_ones], DECKS, TITLE).encode(),
    }


def picture_files(picture: Picture, parts: Parts, figure: ToldFigure) -> PictureFiles:
    """A figure's files for a slide, with its text alternative."""
    alt, stages = figure.alt, figure.spec.stages
    if picture.stage is not None:
        words = plain_text(prose(stages[picture.stage]))
        alt = f"Step {picture.stage + 1} of {len(stages)}: {words} The whole: {alt}"
    return PictureFiles(parts["svg"], parts["png"], alt, labelled(parts["page"].decode(), alt))


def _figure_files(name: str, parts: Parts) -> Iterator[tuple[str, bytes]]:
    for part, content in parts.items():
        theme, kind = part.split(".")
        yield f"{FOLDER}/figures/{theme}/{name}.{kind}", content


def _on_sheet(figure: ToldFigure, themes: Sequence[str]) -> SheetFigure:
    return SheetFigure(figure.spec.name, figure.spec.title, figure.caption, figure.alt, tuple(themes))
