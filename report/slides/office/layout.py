"""Where things stand on a slide: places in inches, sizes of letters in points."""

from collections.abc import Sequence
from dataclasses import dataclass

from report.slides.office.measuring import Letters


@dataclass(frozen=True)
class Box:
    """A rectangle, in inches from the slide's top left corner."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height


MARGIN = 0.5
SLIDE = Box(0, 0, 40 / 3, 7.5)
WIDTH = SLIDE.width - 2 * MARGIN
KICKER = Box(MARGIN, 0.3, WIDTH, 0.35)
TITLE = Box(MARGIN, 0.65, WIDTH, 0.85)
TITLE_ALONE = Box(MARGIN, 0.65, WIDTH, 0.46)  # of one line, over a finding
FINDING = Box(MARGIN, 1.12, WIDTH, 0.38)
CONTENT = Box(MARGIN, 1.55, WIDTH, 5.4)
PICTURE = Box(MARGIN, 1.55, WIDTH, 5.35)
NUMBER = Box(SLIDE.width - MARGIN - 1.5, 6.98, 1.5, 0.35)
OPENING_TITLE = Box(MARGIN, 1.5, WIDTH, 2.2)
SUBTITLE = Box(MARGIN, 3.95, WIDTH, 2.9)
NOTES_IMAGE = Box(0.75, 0.75, 6.0, 3.375)  # of a printed page, 7.5 × 10 inches
NOTES_TEXT = Box(0.75, 4.4, 6.0, 4.7)
NOTES_NUMBER = Box(4.25, 9.3, 2.5, 0.3)

SMALLEST = 18  # nothing that an audience reads is smaller
TEXT_SIZES = (28, 24, 22, 20, SMALLEST)  # of these the first at which all have room
TITLE_SIZES = (28, 26)
OPENING_SIZES = (48, 44, 40, 36)
FINDING_SIZES = (20, SMALLEST)
TITLE_LINES = 2
TITLE_LINE = 0.9  # of a line's usual height
GAPS = (0.22, 0.5)  # between blocks: at least, at most


def emu(inches: float) -> int:
    """Office's unit of length."""
    return round(914_400 * inches)


def choices(sizes: Sequence[float]) -> list[Letters]:
    """Sizes to try in turn, the last one once more without room for any font."""
    return [*map(Letters, sizes), Letters(sizes[-1], in_any_font=False)]


def fitted(width: float, height: float, room: Box) -> Box:
    """The largest box of this shape in the middle of the room."""
    factor = min(room.width / width, room.height / height)
    width, height = factor * width, factor * height
    return Box(room.left + (room.width - width) / 2, room.top + (room.height - height) / 2, width, height)


def stacked(heights: Sequence[float], room: Box) -> list[float] | None:
    """Upper edges of blocks with even gaps, in the middle of the room; none where they do not fit."""
    least, most = GAPS
    n_gaps = len(heights) - 1
    spare = room.height - sum(heights)
    if spare < least * n_gaps:
        return None
    gap = min(most, max(least, spare / (len(heights) + 1)))
    top = room.top + (spare - gap * n_gaps) / 2
    return [top + sum(heights[:i]) + gap * i for i in range(len(heights))]


def shared(natural: Sequence[float], least: Sequence[float], room: float) -> list[float] | None:
    """Widths of columns: as wide as each wants to be, or as near to it as the room allows; none below the least.

    What is missing is taken from every column in proportion to what it can spare.
    """
    missing = sum(natural) - room
    if missing <= 0:
        return list(natural)
    spare = [max(0.0, want - need) for want, need in zip(natural, least, strict=True)]
    if missing > sum(spare):
        return None
    return [want - missing * can / sum(spare) for want, can in zip(natural, spare, strict=True)]
