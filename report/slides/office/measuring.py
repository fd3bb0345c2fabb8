"""How much room words take, in inches: before a deck is drawn, and not less than they will need.

A deck is set in the fonts of the machine that shows it. Where its font is missing, another one stands in; the widest of
those is DejaVu Sans (or Verdana, which it follows), a seventh wider than Arial. By its widths words are measured first.
Where these leave no room, Inter's do for Arial and its twins, which are narrower by some percent, letter by letter.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from matplotlib import get_data_path
from PIL import ImageFont

from report.figures.fonts import FONTS
from report.slides.words.runs import Run

LINE = 1.2  # from line to line, in sizes of the letters
SCRIPT = 0.67  # of the letters' size: subscripts and superscripts
PARAGRAPH = 0.4  # between paragraphs, in sizes of the letters
_CODE = 0.605  # every letter of a monospaced font
_WIDE, _EMOJI = 1.0, 1.4
_UNITS = 1000
_OTHERS = Path(get_data_path(), "fonts", "ttf")
_FILES = {  # regular and bold
    True: (_OTHERS / "DejaVuSans.ttf", _OTHERS / "DejaVuSans-Bold.ttf"),
    False: (FONTS / "inter-regular.ttf", FONTS / "inter-semibold.ttf"),
}


@dataclass(frozen=True)
class Letters:
    """The size of words in points, and whether they have room even in the widest font."""

    size: float
    in_any_font: bool = True

    @property
    def inches(self) -> float:
        """The same size."""
        return self.size / 72


def width_of(runs: Sequence[Run], letters: Letters) -> float:
    """The width of a paragraph on one line."""
    return sum(_advance(letter, run, letters) for run in runs for letter in run.text) * letters.inches


def width_of_longest_word(runs: Sequence[Run], letters: Letters) -> float:
    """The least width in which no word is broken."""
    longest = word = 0.0
    for run in runs:
        for letter in run.text:
            word = 0.0 if _is_break(letter) else word + _advance(letter, run, letters)
            longest = max(longest, word)
    return longest * letters.inches


def n_lines(runs: Sequence[Run], letters: Letters, width: float) -> int:
    """How many lines a paragraph fills that is `width` inches wide; a word longer than a line is broken."""
    room = width / letters.inches
    lines, line, word = 1, 0.0, 0.0  # the line holds what stands before the word
    for run in runs:
        for letter in run.text:
            if not _is_break(letter):
                word += _advance(letter, run, letters)
                continue
            lines, line = _with_word(lines, line, word, room)
            word = 0.0
            if letter == "\n":
                lines, line = lines + 1, 0.0
            else:
                line += _advance(letter, run, letters)
    return _with_word(lines, line, word, room)[0]


def height_of(paragraphs: Sequence[Sequence[Run]], letters: Letters, width: float) -> float:
    """The height of paragraphs one under the other."""
    lines = sum(n_lines(runs, letters, width) for runs in paragraphs)
    return (LINE * lines + PARAGRAPH * max(0, len(paragraphs) - 1)) * letters.inches


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


def _advance(letter: str, run: Run, letters: Letters) -> float:
    """The width of a letter in sizes of the letters."""
    width = _CODE if run.code else _letter(letter, run.bold, letters.in_any_font)
    return width * SCRIPT if run.script else width


@cache
def _letter(letter: str, is_bold: bool, in_any_font: bool) -> float:
    if unicodedata.category(letter) in {"Mn", "Me", "Cf", "Cc"}:
        return 0.0
    if letter >= "\U0001f000":
        return _EMOJI
    if unicodedata.east_asian_width(letter) in {"W", "F"}:
        return _WIDE
    return float(_font(_FILES[in_any_font][is_bold]).getlength(letter)) / _UNITS


@cache
def _font(file: Path) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, _UNITS)
