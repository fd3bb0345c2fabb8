"""What a formula on one line is made of, and what its parts are to each other: what belongs together, what is apart."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import pairwise

from report.slides.words.run import Run, text_of

THIN, WIDE = "\u2009", "\u2003"
GAP = 0.5  # em: from here on a blank parts two formulas, and not two letters


class Kind(Enum):
    """What a piece of a line is to its neighbours."""

    LETTER = auto()
    NUMBER = auto()
    WORD = auto()
    ROOT = auto()
    GROUP = auto()  # in brackets of its own
    FRACTION = auto()
    BIG = auto()  # a sum, a product, an integral
    OPENING = auto()
    CLOSING = auto()
    BAR = auto()  # opens or closes
    BINARY = auto()
    RELATION = auto()
    COMMA = auto()
    TIGHT = auto()  # never with blanks
    APPLIED = auto()  # nothing to see between a function and what it is applied to
    BLANK = auto()
    TEXT = auto()  # with its own blanks


_BEGIN = {Kind.LETTER, Kind.NUMBER, Kind.WORD, Kind.ROOT, Kind.GROUP, Kind.FRACTION, Kind.BIG, Kind.OPENING}
_END = {Kind.LETTER, Kind.NUMBER, Kind.WORD, Kind.ROOT, Kind.GROUP, Kind.FRACTION, Kind.CLOSING, Kind.TEXT}
_DOTS = {"...": "…", "···": "⋯"}


@dataclass(frozen=True)
class Piece:
    """Part of a line."""

    kind: Kind
    runs: tuple[Run, ...] = ()
    is_scripted: bool = False  # ends with a script that a letter behind it would seem to belong to
    is_power: bool = False  # has a raised script
    width: float = 0.0  # of a blank, in em

    @property
    def text(self) -> str:
        """Its words."""
        return text_of(self.runs)


def tidied(pieces: Iterable[Piece]) -> list[Piece]:
    """A row with … for three dots, bars that open or close, and one blank for several."""
    kept: list[Piece] = []
    open_bars: list[str] = []
    for piece in pieces:
        if piece.kind is Kind.BAR:
            bar = piece.text[0]
            is_closing = bar in open_bars and ends_operand(kept)
            piece = replace(piece, kind=Kind.CLOSING if is_closing else Kind.OPENING)
            (open_bars.remove if is_closing else open_bars.append)(bar)
        if piece.kind is Kind.BLANK and kept and kept[-1].kind is Kind.BLANK:
            piece = replace(piece, width=kept.pop().width + piece.width)
        kept.append(piece)
        dots = "".join(dot.text for dot in kept[-3:])
        if len(kept) >= 3 and dots in _DOTS:
            kept[-3:] = [Piece(Kind.LETTER, tuple(replace(run, text=_DOTS[dots]) for run in piece.runs))]
    return kept


def ends_operand(pieces: Sequence[Piece]) -> bool:
    """Whether a sign behind the row would stand between two things, and not before one."""
    solid = [piece for piece in pieces if piece.kind is not Kind.BLANK]
    return bool(solid) and (solid[-1].kind in _END or solid[-1].text in {"!", "%", "′", "″"})


def is_product(pieces: Sequence[Piece]) -> bool:
    """Whether a stroke behind the row would divide all of it."""
    outside = [piece for piece, depth in _depths(pieces) if depth == 0]
    is_parted = any(
        piece.kind in {Kind.BIG, Kind.BINARY, Kind.RELATION, Kind.COMMA, Kind.FRACTION, Kind.TEXT} or piece.text == "/"
        for piece in outside
    )
    solid = [piece for piece in pieces if piece.kind is not Kind.BLANK]
    is_open = any(
        before.kind is Kind.APPLIED and after.kind not in {Kind.OPENING, Kind.GROUP}
        for before, after in pairwise(solid)
    )
    return not is_parted and not is_open


def is_in_brackets(pieces: Sequence[Piece]) -> bool:
    """Whether one pair of brackets holds the whole row."""
    depths = [depth for _, depth in _depths(pieces)]
    is_enclosed = len(depths) > 1 and all(depth > 0 for depth in depths)
    return is_enclosed and depths[0] == depths[-1] == 1 and pieces[0].kind is Kind.OPENING and not any(
        before.kind is Kind.CLOSING and after.kind is Kind.OPENING and depth == 1
        for (before, depth), (after, _) in pairwise(_depths(pieces))
    )  # fmt: skip


def _depths(pieces: Sequence[Piece]) -> Iterator[tuple[Piece, int]]:
    """Each piece with the number of brackets that it is in; a bracket is in itself."""
    depth = 0
    for piece in pieces:
        depth += piece.kind is Kind.OPENING
        yield piece, depth
        depth -= piece.kind is Kind.CLOSING


def draws_in(pieces: Sequence[Piece], i: int) -> bool:
    """Whether a fraction at place `i` needs brackets against what stands beside it."""
    before = [piece for piece in pieces[:i] if piece.kind is not Kind.BLANK]
    after = [piece for piece in pieces[i + 1 :] if piece.kind is not Kind.BLANK or piece.width >= GAP]
    is_followed = bool(after) and (after[0].kind in _BEGIN or after[0].text == "/")
    return is_followed or (bool(before) and (before[-1].kind is Kind.APPLIED or before[-1].text == "/"))


def blank(pieces: Sequence[Piece], i: int, is_narrow: bool) -> str:
    """What stands before piece `i`; around signs there is nothing if `is_narrow`."""
    before, piece = pieces[i - 1], pieces[i]
    if before.kind is Kind.BLANK:
        return ""  # written before it
    if piece.kind is not Kind.BLANK:
        return _between(pieces[:i], piece, is_narrow)
    if i + 1 == len(pieces) or pieces[i + 1].kind in {Kind.COMMA, Kind.CLOSING}:
        return ""
    if piece.width >= GAP:
        return WIDE
    after = pieces[i + 1]
    if before.kind is Kind.NUMBER and after.kind is Kind.NUMBER:
        return THIN
    is_prefix = before.kind is Kind.BINARY and not ends_operand(pieces[: i - 1])
    is_tight = is_prefix or before.kind in {Kind.OPENING, Kind.TIGHT}
    has_own = before.text.endswith(" ") or after.text.startswith(" ")
    return "" if is_tight or has_own or (is_narrow and before.kind is Kind.BINARY) else " "


def _between(left: Sequence[Piece], piece: Piece, is_narrow: bool) -> str:
    """The blank between a row and the piece after it, where the formula has none of its own."""
    before = left[-1]
    is_applied = before.kind is Kind.APPLIED
    if is_applied and len(left) > 1:
        before = left[-2]
    kinds = {before.kind, piece.kind}
    if before.text.endswith(" ") or piece.text.startswith(" "):
        return ""
    if Kind.RELATION in kinds:
        return "" if is_narrow else " "
    if Kind.BINARY in kinds:
        is_infix = ends_operand(left if before.kind is not Kind.BINARY else left[:-1])
        return " " if is_infix and not is_narrow else ""
    if before.kind is Kind.COMMA:
        return "" if is_narrow and before.text == "," else " "
    if kinds & {Kind.TIGHT, Kind.TEXT} or before.kind is Kind.OPENING:
        return ""
    if piece.kind in {Kind.COMMA, Kind.CLOSING, Kind.APPLIED}:
        return ""
    return " " if _are_parted(before, piece, is_applied) else ""


def _are_parted(before: Piece, piece: Piece, is_applied: bool) -> bool:
    """Whether two things that stand side by side have a blank between them."""
    if before.kind is Kind.WORD or is_applied:
        return piece.text[:1] not in {"(", "[", "{"}
    if before.kind in {Kind.BIG, Kind.ROOT} or piece.kind in {Kind.WORD, Kind.BIG, Kind.FRACTION}:
        return True
    if before.is_scripted:
        return before.is_power or piece.text[:1] not in {"(", "[", "{"}
    if before.kind in {Kind.CLOSING, Kind.GROUP}:
        return piece.kind in {Kind.LETTER, Kind.NUMBER, Kind.ROOT}
    return piece.kind is Kind.NUMBER and before.kind in {Kind.LETTER, Kind.NUMBER}
