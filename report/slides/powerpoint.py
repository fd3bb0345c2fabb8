"""A deck for PowerPoint: native text and tables, real titles, notes and sections; figures and formulas as pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from markupsafe import Markup
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.presentation import Presentation

from report.figures.theme import Theme
from report.slides.office.archive import packed
from report.slides.office.base import LAYOUTS, add_sections, new_deck
from report.slides.office.blocks import draw_blocks
from report.slides.office.canvas import Canvas
from report.slides.office.layout import (
    FINDING,
    FINDING_SIZES,
    KICKER,
    OPENING_SIZES,
    OPENING_TITLE,
    PICTURE,
    SMALLEST,
    SUBTITLE,
    TEXT_SIZES,
    TITLE,
    TITLE_ALONE,
    TITLE_LINE,
    TITLE_LINES,
    TITLE_SIZES,
    Box,
    choices,
    fitted,
)
from report.slides.office.lettering import Look, clean, number_body, write
from report.slides.office.measuring import LINE, Letters, height_of, n_lines
from report.slides.office.media import Media, pixels
from report.slides.office.sheet import sheet
from report.slides.slide import Derivation, Picture, PictureFiles, Slide, Words
from report.slides.words.runs import Run, paragraphs, plain_text

_KICKER, _TITLE, _SUBTITLE = 13, 0, 1  # indices of placeholders
_UNTOUCHED = Look()


def powerpoint(
    slides: Sequence[Slide], pictures: Mapping[str, PictureFiles], theme: Theme, font: str, title: str
) -> bytes:
    """The slides as a file for PowerPoint; the same bytes for the same slides.

    Parameters
    ----------
    slides
        In their order.
    pictures
        The figures that the slides show, by `Picture.name`, in the theme's colours and in the shape of `PICTURE`.
    theme, font
        Colours, and the family of native text; both become the file's theme.
    title
        Of the whole deck, for the file's properties.

    Raises
    ------
    ValueError
        When a slide's words, formulas or tables have no room, or when a figure is missing: one line that names the
        slide.
    """
    deck = new_deck(theme, font, title)
    media = Media(deck.part.package)
    for number, slide in enumerate(slides, 1):
        try:
            _add(deck, media, slide, number, pictures, theme)
        except ValueError as error:
            raise ValueError(f"slide {slide.name}: {error}") from None
    add_sections(deck, [slide.part for slide in slides])
    return packed(deck)


def _add(
    deck: Presentation, media: Media, slide: Slide, number: int, pictures: Mapping[str, PictureFiles], theme: Theme
) -> None:
    """One slide with its notes."""
    begins_with_words = bool(slide.blocks) and isinstance(slide.blocks[0], Words)
    layout = "opening" if slide.is_opening else "words" if begins_with_words else "exhibit"
    drawn = deck.slides.add_slide(deck.slide_layouts[LAYOUTS.index(layout)])
    drawn.element.cSld.set("name", clean(slide.name))
    canvas = Canvas(drawn, media)
    kicker = _one_paragraph(slide.kicker)
    if kicker and n_lines(kicker, Letters(SMALLEST, in_any_font=False), KICKER.width) > 1:
        raise ValueError(f"the words above its title are longer than a line: {plain_text(slide.kicker)!r}")
    canvas.fill(_KICKER, [kicker] if kicker else [], _UNTOUCHED)
    if slide.is_opening:
        _add_opening(canvas, slide)
    else:
        _add_title(canvas, slide)
        _add_content(canvas, slide, pictures, theme)
        canvas.number(number)
    _add_notes(canvas, slide, number)


def _add_opening(canvas: Canvas, slide: Slide) -> None:
    """A large title, and words under it."""
    canvas.fill(_TITLE, [_one_paragraph(slide.title)], _title_look(slide.title, OPENING_SIZES, OPENING_TITLE))
    words = [
        runs
        for block in slide.blocks
        for paragraph in (block.paragraphs if isinstance(block, Words) else ())
        for runs in paragraphs(paragraph)
    ]
    if not all(isinstance(block, Words) for block in slide.blocks):
        raise ValueError("an opening slide has words alone under its title")
    fitting = [
        letters for letters in choices(TEXT_SIZES) if height_of(words, letters, SUBTITLE.width) <= SUBTITLE.height
    ]
    if not fitting:
        raise ValueError(f"the words under its title have no room at {SMALLEST} points")
    canvas.fill(_SUBTITLE, words, Look(fitting[0].size))


def _add_title(canvas: Canvas, slide: Slide) -> None:
    """The title; under it the finding, where each of the two has room on one line. It is in the notes as well."""
    title, finding = _one_paragraph(slide.title), _one_paragraph(slide.finding)
    look = _title_look(slide.title, TITLE_SIZES, TITLE)
    sizes = [letters.size for letters in choices(FINDING_SIZES) if n_lines(finding, letters, FINDING.width) == 1]
    bold = [replace(run, bold=True) for run in title]
    if finding and sizes and n_lines(bold, Letters(look.size or TITLE_SIZES[0]), TITLE.width) == 1:
        canvas.fill(_TITLE, [title], look, TITLE_ALONE)
        canvas.text(FINDING, [finding], Look(sizes[0], colour="tx2"), "Finding")
    else:
        canvas.fill(_TITLE, [title], look)


def _add_content(canvas: Canvas, slide: Slide, pictures: Mapping[str, PictureFiles], theme: Theme) -> None:
    """What stands under the title."""
    match slide.blocks:
        case ():
            pass
        case (Picture() as picture,):
            if picture.name not in pictures:
                raise ValueError(f"no figure is named {picture.name!r}")
            drawn = pictures[picture.name]
            box = fitted(*pixels(drawn.png), PICTURE)
            canvas.picture(box, drawn.svg, drawn.png, drawn.alt, "Figure", picture.name)
        case (Derivation() as derivation,):
            sheet(derivation, theme.ink).draw(canvas, derivation.n_shown)
        case blocks:
            draw_blocks(canvas, blocks, theme.ink)


def _add_notes(canvas: Canvas, slide: Slide, number: int) -> None:
    """What the speaker reads."""
    notes = canvas.slide.notes_slide
    paragraphs_of_notes = [[Run(line)] for note in slide.notes for line in plain_text(note).split("\n") if line.strip()]
    if not paragraphs_of_notes:
        raise ValueError("has no notes")
    for shape in notes.placeholders:
        if shape.placeholder_format.type == PP_PLACEHOLDER.BODY:
            write(shape.text_frame._txBody, paragraphs_of_notes, _UNTOUCHED)
        elif shape.placeholder_format.type == PP_PLACEHOLDER.SLIDE_NUMBER:
            shape.element.append(number_body(number))


def _one_paragraph(words: Markup) -> list[Run]:
    """The words as one paragraph, whatever they were."""
    return [run for runs in paragraphs(words) for run in (Run(" "), *runs)][1:]


def _title_look(title: Markup, sizes: Sequence[float], box: Box) -> Look:
    """The largest size at which a title fits."""
    runs = [replace(run, bold=True) for run in _one_paragraph(title)]
    if not runs:
        raise ValueError("has no title")
    for letters in choices(sizes):
        n_fitting = min(TITLE_LINES, int(box.height / (TITLE_LINE * LINE * letters.inches)))
        if n_lines(runs, letters, box.width) <= n_fitting:
            return _UNTOUCHED if letters.size == sizes[0] else Look(letters.size)
    raise ValueError(f"its title is longer than {TITLE_LINES} lines at {sizes[-1]} points: {plain_text(title)!r}")
