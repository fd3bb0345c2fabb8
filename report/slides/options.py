"""Command-line options of slides; every mistake in them gets a line of its own."""

import argparse
import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from experiments.cli import RunOptions, add_run_options, read_run_options
from experiments.faults import Faults
from report.figures import FIGURES, figures_of
from report.figures.fonts import find_font
from report.figures.growth import FIGURES as OF_COST
from report.figures.theme import THEMES
from scaling.arrays import shown

NEAR = 3  # names that a mistyped one may have meant


@dataclass(frozen=True)
class SlideOptions:
    """What to run, and what to make slides of."""

    run: RunOptions
    figures: tuple[str, ...]  # empty: all that the run has
    themes: tuple[str, ...]  # of the figures; the deck is in the first one
    font: str | None


def add_slide_options(parser: argparse.ArgumentParser) -> None:
    """Those of a run, --figures, --theme and --font."""
    add_run_options(parser)
    parser.add_argument(
        "--figures", metavar="NAME,NAME", help="these figures alone, and the slides that show them (default: all)"
    )
    parser.add_argument(
        "--theme", metavar="NAME", help=f"{' or '.join(THEMES)} (default: figures in both, a light deck)"
    )
    parser.add_argument(
        "--font", metavar="FILE|FAMILY", help="font of figures and slides: a .ttf or .otf file, or a family"
    )


def read_slide_options(arguments: argparse.Namespace) -> SlideOptions:
    """Validated options; Faults with one line for every mistake in any of them."""
    faults: list[str] = []
    figures = _names("--figures", arguments.figures, [spec.name for spec in (*FIGURES, *OF_COST)], faults)
    themes = _names("--theme", arguments.theme, THEMES, faults)
    run, font = None, arguments.font or None
    if font:
        try:
            find_font(font)
        except Faults as found:
            faults += [f"--{line}" for line in found.lines]
    try:
        run = read_run_options(arguments)
    except Faults as found:
        faults += found.lines
    if faults or run is None:
        raise Faults(*faults)
    return SlideOptions(run, figures, themes or tuple(THEMES), font)


def _names(option: str, text: str | None, allowed: Iterable[str], faults: list[str]) -> tuple[str, ...]:
    """Names between commas, each once; a line more in `faults` for each that is not allowed."""
    known = list(allowed)
    names = tuple(dict.fromkeys(filter(None, (name.strip() for name in (text or "").split(",")))))
    if text is not None and text.strip(", ") == "" and text:
        faults.append(f"{option}: {shown(text)} holds no name; allowed: {', '.join(known)}")
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=NEAR, cutoff=0.4)
            meant = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
            allowed_names = ", ".join(known) if len(known) <= 10 else "the names that make figures lists"
            faults.append(f"{option}: {shown(name)} is not known; allowed: {allowed_names}{meant}")
    return names


def available(figures: Iterable[str], frames: Iterable[str]) -> None:
    """Faults for figures of which a run with these frames has not what they are drawn from."""
    there = {spec.name for spec in figures_of(set(frames))}
    missing = [name for name in figures if name not in there]
    if missing:
        raise Faults(
            *(
                f"--figures: {name} is drawn from what this run has not measured; "
                + ("make bench measures it" if name in {spec.name for spec in OF_COST} else "see the notes above")
                for name in missing
            )
        )
