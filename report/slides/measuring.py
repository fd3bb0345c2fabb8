"""How much room words take, in inches: before a deck is drawn, and never less than they will need.

A deck's font is its reader's. Inter is wider than Arial by 2 to 10 %, letter by letter, so that its widths leave
something to spare for the fonts that decks are usually set in.
"""

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import ImageFont

from report.slides.runs import Run

LINE = 1.2  # from line to line, in sizes of the letters
SCRIPT = 0.67  # of the letters' size: subscripts and superscripts
PARAGRAPH = 0.4  # between paragraphs, in sizes of the letters
_CODE = 0.605  # every letter of a monospaced font
_WIDE, _EMOJI = 1.0, 1.4
_UNITS = 1000
_FONTS = Path(__file__).parent.parent / "static" / "fonts"


def width_of(runs: Sequence[Run], size: float) -> float:
    """The width of a paragraph on one line, set in `size` points."""
    return sum(_advance(letter, run) for run in runs for letter in run.text) * size / 72


def width_of_longest_word(runs: Sequence[Run], size: float) -> float:
    """The least width in which no word is broken."""
    longest = word = 0.0
    for run in runs:
        for letter in run.text:
            word = 0.0 if _is_break(letter) else word + _advance(letter, run)
            longest = max(longest, word)
    return longest * size / 72


def n_lines(runs: Sequence[Run], size: float, width: float) -> int:
    """How many lines a paragraph fills that is `width` inches wide; a word longer than a line is broken."""
    room = 72 * width / size
    lines, line, word = 1, 0.0, 0.0  # the line holds what stands before the word
    for run in runs:
        for letter in run.text:
            if not _is_break(letter):
                word += _advance(letter, run)
                continue
            lines, line = _with_word(lines, line, word, room)
            word = 0.0
            if letter == "\n":
                lines, line = lines + 1, 0.0
            else:
                line += _advance(letter, run)
    return _with_word(lines, line, word, room)[0]


def height_of(paragraphs: Sequence[Sequence[Run]], size: float, width: float) -> float:
    """The height of paragraphs one under the other."""
    lines = sum(n_lines(runs, size, width) for runs in paragraphs)
    return (LINE * lines + PARAGRAPH * max(0, len(paragraphs) - 1)) * size / 72


def _with_word(lines: int, line: float, word: float, room: float) -> tuple[int, float]:
    """Lines, and what the last one holds, once a word has come."""
    if line + word <= room:
        return lines, line + word
    if line > 0:
        lines += 1
    n_more, rest = divmod(word, room)
    return lines + int(n_more), rest


def _is_break(letter: str) -> bool:
    return letter in " \n\u2009"  # a line may end at a thin space too


def _advance(letter: str, run: Run) -> float:
    """The width of a letter in sizes of the letters."""
    width = _CODE if run.code else _letter(letter, run.bold)
    return width * SCRIPT if run.script else width


@cache
def _letter(letter: str, is_bold: bool) -> float:
    if unicodedata.category(letter) in {"Mn", "Me", "Cf", "Cc"}:
        return 0.0
    if letter >= "\U0001f000":
        return _EMOJI
    if unicodedata.east_asian_width(letter) in {"W", "F"}:
        return _WIDE
    return float(_font("semibold" if is_bold else "regular").getlength(letter)) / _UNITS


@cache
def _font(weight: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_FONTS / f"inter-{weight}.ttf", _UNITS)
