r"""MathML on one line of text: a fraction as a/b, a root as √x, and scripts as `d_k` and `e^(−x^2/2)`, or lowered and raised.

A script stands in brackets unless it is one word or one sign. Signs that few fonts have are written with common ones:
𝔼 as E, 𝖳 as T, ⋅ as ·, ∼ as ~. Sums keep their sign ∑, so that they are not taken for the letter Σ.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import pairwise
from xml.etree.ElementTree import Element

from report.slides.run import Run, joined, text_of

THIN, WIDE = "\u2009", "\u2003"
_APPLIED = "\u2061"
_INVISIBLE = set("\u200b\u2062\u2063\u2064")
_COMMON = str.maketrans({"⋅": "·", "∼": "~", "∗": "*", "ˆ": "^", "\xa0": " ", "∣": "|", "⊤": "T", "⟂": "⊥"})
_BIG = set("∑∏∐∫∬∭∮⋂⋃⨁⨂")
_BINARY = set("+−-±∓×÷·∘⊗⊕⊙∧∨∩∪∖⋯⋆*")
_OPENING, _CLOSING, _BARS = set("([{⟨⌊⌈"), set(")]}⟩⌋⌉"), set("|‖")
_TIGHT = set("/!′″‴%.…°")
_MARKS = {"^": "\u0302", "\u0302": "\u0302", "¯": "\u0304", "‾": "\u0305", "˜": "\u0303", "\u0303": "\u0303",
          "⃗": "\u20d7", "→": "\u20d7", "˙": "\u0307", "¨": "\u0308", "ˇ": "\u030c", "_": "\u0332"}  # fmt: skip
_MARK_NAMES = {"\u0302": "hat", "\u0304": "bar", "\u0305": "bar", "\u0303": "tilde", "\u20d7": "vec"}
_BRACES = set("⏟⏞")
_PRIMES = set("′″‴")


class Kind(Enum):
    """What a piece of a line is to its neighbours."""

    LETTER = auto()
    NUMBER = auto()
    WORD = auto()
    ROOT = auto()
    GROUP = auto()  # in brackets of its own
    FRACTION = auto()
    BIG = auto()
    OPENING = auto()
    CLOSING = auto()
    BINARY = auto()
    RELATION = auto()
    COMMA = auto()
    TIGHT = auto()
    APPLIED = auto()
    BLANK = auto()
    TEXT = auto()


_BEGINS_OPERAND = {Kind.LETTER, Kind.NUMBER, Kind.WORD, Kind.ROOT, Kind.GROUP, Kind.FRACTION, Kind.BIG, Kind.OPENING}
_ENDS_OPERAND = {
    Kind.LETTER, Kind.NUMBER, Kind.WORD, Kind.ROOT, Kind.GROUP, Kind.FRACTION, Kind.CLOSING, Kind.TEXT
}  # fmt: skip
_ALNUM = {Kind.LETTER, Kind.NUMBER, Kind.WORD, Kind.ROOT, Kind.BIG}


@dataclass(frozen=True)
class Piece:
    """Part of a line."""

    kind: Kind
    runs: tuple[Run, ...]
    is_scripted: bool = False  # ends with a script that a letter behind it would seem to belong to
    is_power: bool = False  # ends with a raised script
    width: float = 0.0  # of a blank, in em

    @property
    def text(self) -> str:
        """Its words."""
        return text_of(self.runs)


def line(math: Element, is_flat: bool, base: Run) -> list[Run]:
    """A formula as runs that look like `base`, letters italic; if `is_flat`, without lowered and raised ones."""
    return joined(_Writer(is_flat or base.script != 0, base).row([math]))


@dataclass(frozen=True)
class _Writer:
    """How a row of MathML is written at one level: with scripts or flat, with blanks around signs or without."""

    is_flat: bool
    base: Run
    is_narrow: bool = False  # within a script

    def row(self, nodes: Iterable[Element]) -> tuple[Run, ...]:
        return self._set(self.pieces(nodes))

    def pieces(self, nodes: Iterable[Element]) -> list[Piece]:
        """The pieces of a row, those of rows within it among them."""
        pieces = [piece for node in nodes for piece in self._pieces(node)]
        return _joined_blanks(_with_sides(_with_ellipses(pieces)))

    # What stands in each element

    def _pieces(self, node: Element) -> Iterator[Piece]:
        children = list(node)
        name = _name(node)
        if name in {"annotation", "annotation-xml", "mphantom"}:
            return
        if name == "mspace":
            yield Piece(Kind.BLANK, (), width=_em(node.get("width", "")))
        elif name == "mtable":
            yield from self._table(node)
        elif name == "mfrac" and len(children) == 2:
            yield self._fraction(*children, is_over=node.get("linethickness") == "0")
        elif name == "msqrt":
            yield self._root(children)
        elif name == "mroot" and len(children) == 2:
            inside = self._enclosed(children[:1], {Kind.LETTER, Kind.NUMBER, Kind.WORD})
            (yield from self._scripted([Piece(Kind.GROUP, inside)], None, self._one_over(children[1])))
        elif name in {"msub", "munder"} and len(children) == 2:
            yield from self._with_script(children[0], children[1], None)
        elif name in {"msup", "mover"} and len(children) == 2:
            yield from self._with_script(children[0], None, children[1])
        elif name in {"msubsup", "munderover"} and len(children) == 3:
            yield from self._with_script(*children)
        elif children:
            for child in children:
                yield from self._pieces(child)
        else:
            yield from self._leaf(name, node)

    def _leaf(self, name: str, node: Element) -> Iterator[Piece]:
        given = node.text or ""
        if name == "mtext":
            yield Piece(Kind.TEXT, (self._run(" ".join(given.split(" ")).translate(_COMMON)),))
            return
        given = given.strip()
        if given == _APPLIED:
            yield Piece(Kind.APPLIED, ())
        elif given and given not in _INVISIBLE:
            plain = "".join(map(_plain_letter, given)).translate(_COMMON)
            kind = _kind(name, plain, node.get("form", ""))
            names = {unicodedata.name(letter, "") for letter in given}
            is_bold = any(" BOLD" in letter for letter in names)
            is_upright = node.get("mathvariant") == "normal" or any(
                sign in letter for letter in names for sign in ("DOUBLE-STRUCK", "SANS-SERIF")
            )
            is_italic = kind is Kind.LETTER and plain.isalpha() and not is_upright and not (is_bold and _is_roman(names))
            yield Piece(kind, (self._run(plain, bold=is_bold or self.base.bold, italic=is_italic),))

    def _run(self, text: str, bold: bool | None = None, italic: bool = False) -> Run:
        return replace(self.base, text=text, italic=italic, bold=self.base.bold if bold is None else bold)

    def _sign(self, text: str) -> tuple[Run, ...]:
        return (self._run(text),)

    # Fractions, roots, tables

    def _fraction(self, above: Element, below: Element, is_over: bool) -> Piece:
        if is_over:
            return Piece(Kind.GROUP, (*self.row([above]), *self._sign(" over "), *self.row([below])))
        numerator = self.pieces([above])
        first = self._set(numerator)
        if not _is_product(numerator):
            first = self._in_brackets(first)
        last = self._enclosed([below], {Kind.LETTER, Kind.NUMBER, Kind.WORD, Kind.ROOT}, or_derivative=True)
        return Piece(Kind.FRACTION, (*first, *self._sign("/"), *last))

    def _root(self, inside: Sequence[Element]) -> Piece:
        pieces = self.pieces(inside)
        is_one = len(pieces) == 1 and pieces[0].kind in {Kind.LETTER, Kind.NUMBER, Kind.WORD} and not pieces[0].is_power
        runs = self._set(pieces)
        kind = Kind.ROOT if is_one else Kind.GROUP
        return Piece(kind, (*self._sign("√"), *(runs if is_one else self._in_brackets(runs))))

    def _one_over(self, degree: Element) -> Element:
        root = Element("mrow")
        one, slash = Element("mn"), Element("mo")
        one.text, slash.text = "1", "/"
        root.extend([one, slash, degree])
        return root

    def _table(self, table: Element) -> Iterator[Piece]:
        """Rows parted by semicolons; cells by commas, but not where the table only sets things under each other."""
        is_matrix = not any("text-align" in cell.get("style", "") for row in table for cell in row)
        for i, row in enumerate(table):
            if i:
                yield Piece(Kind.COMMA, self._sign(";"))
            for j, cell in enumerate(row):
                if j and is_matrix:
                    yield Piece(Kind.COMMA, self._sign(","))
                elif j and len(cell) and "padding-left: 0" not in cell.get("style", ""):
                    yield Piece(Kind.BLANK, (), width=1.0)
                yield from self.pieces([cell])

    # Scripts

    def _with_script(self, node: Element, lower: Element | None, upper: Element | None) -> Iterator[Piece]:
        """A base with a script, an accent, or a brace and what it says."""
        mark = _text(upper if upper is not None else lower).translate(_COMMON)
        if (upper is None or lower is None) and _is_mark(mark) and _name(upper if upper is not None else lower) == "mo":
            yield self._accented(node, _MARKS[mark])
        elif mark in _BRACES:
            yield from self._pieces(node)
        elif _is_braced(node):
            pieces = self.pieces([node])
            runs = self._set(pieces)
            label = self._nested().row([script for script in (lower, upper) if script is not None])
            runs = runs if _is_product(pieces) else self._in_brackets(runs)
            yield Piece(Kind.GROUP, (*runs, *self._sign(" ["), *label, *self._sign("]")))
        else:
            yield from self._scripted(self.pieces([node]), lower, upper)

    def _accented(self, node: Element, mark: str) -> Piece:
        (first, *others) = self.pieces([node]) or [Piece(Kind.LETTER, ())]
        if not others and len(first.text) == 1:
            (run,) = first.runs
            return replace(first, runs=(replace(run, text=unicodedata.normalize("NFC", run.text + mark)),))
        name = _MARK_NAMES.get(mark, unicodedata.name(mark).split()[-1].lower())
        return Piece(Kind.GROUP, (*self._sign(f"{name}("), *self._set([first, *others]), *self._sign(")")))

    def _scripted(self, pieces: list[Piece], lower: Element | None, upper: Element | None) -> Iterator[Piece]:
        """The base, in brackets where it is more than one thing, and its scripts."""
        if not pieces:
            piece = Piece(Kind.GROUP, ())
        elif len(pieces) == 1 and pieces[0].kind not in {Kind.FRACTION, Kind.ROOT} and not pieces[0].is_power:
            piece = pieces[0]
        elif len(pieces) > 1 and all(piece.kind in {Kind.WORD, Kind.APPLIED, Kind.BLANK} for piece in pieces):
            piece = Piece(Kind.WORD, self._set(pieces))
        else:
            piece = Piece(Kind.GROUP, self._in_brackets(self._set(pieces)))
        runs = piece.runs
        for place, node in ((-1, lower), (1, upper)):
            if node is not None:
                runs = (*runs, *self._script(node, place))
        has_text = len(runs) > len(piece.runs)
        is_raised = upper is not None and not set(_text(upper)) <= _PRIMES
        yield replace(piece, runs=runs, is_scripted=has_text and self.is_flat, is_power=is_raised)

    def _script(self, node: Element, place: int) -> tuple[Run, ...]:
        text = _text(node)
        if place > 0 and text and set(text) <= _PRIMES:
            return self._sign(text)
        if place > 0 and text and text[0] in _PRIMES:  # a prime and a power
            primes = text[: len(text) - len(text.lstrip("".join(_PRIMES)))]
            rest = Element("mrow")
            rest.extend(child for child in node if _text(child) not in _PRIMES)
            return (*self._sign(primes), *self._script(rest, place))
        inside = self._nested().row([node])
        if not inside:
            return ()
        if not self.is_flat:
            return tuple(replace(run, script=place) for run in inside)
        words = text_of(inside)
        is_word = words.isalnum() or len(words) == 1
        return (*self._sign("^" if place > 0 else "_"), *(inside if is_word else self._in_brackets(inside)))

    def _nested(self) -> "_Writer":
        return replace(self, is_flat=True, is_narrow=True)

    # Brackets and blanks

    def _enclosed(self, nodes: Iterable[Element], kinds: set[Kind], or_derivative: bool = False) -> tuple[Run, ...]:
        """A row, in brackets unless it is one piece of these kinds or in brackets already."""
        pieces = self.pieces(nodes)
        inner = pieces[1:] if or_derivative and pieces and pieces[0].text == "∂" else pieces
        is_one = (len(inner) == 1 and (inner[0].kind in kinds or inner[0].kind is Kind.GROUP)) or _is_in_brackets(inner)
        runs = self._set(pieces)
        return runs if is_one else self._in_brackets(runs)

    def _in_brackets(self, runs: Iterable[Run]) -> tuple[Run, ...]:
        return (*self._sign("("), *runs, *self._sign(")"))

    def _set(self, pieces: Sequence[Piece]) -> tuple[Run, ...]:
        """Pieces one after the other, with blanks between them."""
        pieces = self._unambiguous(pieces)
        runs: list[Run] = []
        for i, piece in enumerate(pieces):
            if i:
                runs += self._sign(self._blank(pieces, i))
            runs += piece.runs
        return tuple(joined(runs))

    def _unambiguous(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Pieces with brackets about those fractions that would draw in what stands beside them."""
        kept: list[Piece] = []
        for i, piece in enumerate(pieces):
            rest = [other for other in pieces[i + 1 :] if other.kind is not Kind.BLANK or other.width >= 0.5]
            before = [other for other in kept if other.kind is not Kind.BLANK]
            is_followed = bool(rest) and (rest[0].kind in _BEGINS_OPERAND or rest[0].text == "/")
            is_applied = bool(before) and (before[-1].kind is Kind.APPLIED or before[-1].text == "/")
            if piece.kind is Kind.FRACTION and (is_followed or is_applied):
                piece = Piece(Kind.GROUP, self._in_brackets(piece.runs))
            kept.append(piece)
        return kept

    def _blank(self, pieces: Sequence[Piece], i: int) -> str:
        """What stands before piece `i`."""
        before, piece = pieces[i - 1], pieces[i]
        if Kind.BLANK in {before.kind, piece.kind}:
            if piece.kind is not Kind.BLANK:
                return ""  # written with the blank
            after = pieces[i + 1] if i + 1 < len(pieces) else None
            if after is None:
                return ""
            if piece.width >= 0.5:
                return WIDE
            if piece.width <= 0:
                return self._between(pieces[:i], after)
            if before.kind is Kind.NUMBER and after.kind is Kind.NUMBER:
                return THIN
            return self._between(pieces[:i], after) or ("" if after.kind is Kind.COMMA else " ")
        return self._between(pieces[:i], piece)

    def _between(self, left: Sequence[Piece], piece: Piece) -> str:
        """The blank between a row and the piece after it."""
        before = left[-1]
        is_applied = before.kind is Kind.APPLIED
        if is_applied and len(left) > 1:
            before = left[-2]
        if before.text.endswith(" ") or piece.text.startswith(" "):
            return ""
        if Kind.RELATION in {before.kind, piece.kind}:
            return "" if self.is_narrow else " "
        if piece.kind is Kind.BINARY:
            return " " if before.kind in _ENDS_OPERAND | {Kind.TIGHT} and not self.is_narrow else ""
        if before.kind is Kind.BINARY:
            is_infix = len(left) > 1 and _ends_operand(left[:-1])
            return " " if is_infix and not self.is_narrow else ""
        if before.kind is Kind.COMMA:
            return "" if self.is_narrow and before.text == "," else " "
        if Kind.TIGHT in {before.kind, piece.kind} or piece.kind in {Kind.COMMA, Kind.CLOSING, Kind.APPLIED}:
            return ""
        if before.kind is Kind.OPENING or Kind.TEXT in {before.kind, piece.kind}:
            return ""
        return " " if self._is_parted(before, piece, is_applied) else ""

    def _is_parted(self, before: Piece, piece: Piece, is_applied: bool) -> bool:
        """Whether two things that stand side by side have a blank between them."""
        if before.kind is Kind.BIG:
            return True
        if before.kind is Kind.WORD or is_applied:
            return piece.kind not in {Kind.OPENING, Kind.GROUP} or piece.text[:1] not in _OPENING
        if piece.kind in {Kind.WORD, Kind.BIG, Kind.FRACTION}:
            return True
        if before.kind is Kind.ROOT:
            return True
        if before.is_scripted and piece.kind in _ALNUM:
            return True
        return piece.kind is Kind.NUMBER and before.kind in {Kind.LETTER, Kind.NUMBER}


def _name(node: Element | None) -> str:
    return "" if node is None else str(node.tag).rpartition("}")[2]


def _text(node: Element | None) -> str:
    return "" if node is None else "".join(node.itertext()).strip()


def _em(width: str) -> float:
    """A width in em; nought where it is none."""
    try:
        return float(width.removesuffix("em"))
    except ValueError:
        return 0.0


def _plain_letter(letter: str) -> str:
    """A letter of the mathematical alphabets as the letter that it is a style of; ℓ stays, for it is no l or 1."""
    is_styled = unicodedata.decomposition(letter).startswith("<font>") and letter not in "ℓℏ"
    return unicodedata.normalize("NFKC", letter) if is_styled else letter


def _is_roman(names: Iterable[str]) -> bool:
    return not any(sign in name for name in names for sign in ("ITALIC", "SCRIPT", "FRAKTUR"))


def _is_mark(text: str) -> bool:
    return text in _MARKS


def _is_braced(node: Element) -> bool:
    """Whether a brace is all that stands over or under a node's first child."""
    return _name(node) in {"munder", "mover"} and len(node) == 2 and _text(node[1]) in _BRACES


def _kind(name: str, text: str, form: str) -> Kind:
    if name == "mn":
        return Kind.NUMBER
    if name == "mi" and any(letter.isalpha() for letter in text):
        return Kind.LETTER if len(text) == 1 else Kind.WORD
    if text in _BIG:
        return Kind.BIG
    if text in _OPENING or (text in _BARS and form == "prefix"):
        return Kind.OPENING
    if text in _CLOSING or (text in _BARS and form == "postfix"):
        return Kind.CLOSING
    if text in _BINARY:
        return Kind.BINARY
    if text in {",", ";"}:
        return Kind.COMMA
    if text in _TIGHT:
        return Kind.TIGHT
    if name == "mi" or text in "∂∇∞∅":
        return Kind.LETTER
    return Kind.RELATION if name == "mo" else Kind.TEXT


def _with_ellipses(pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces with one sign in the place of three dots."""
    kept: list[Piece] = []
    for piece in pieces:
        kept.append(piece)
        if len(kept) >= 3 and all(dot.text == "." and dot.kind is Kind.TIGHT for dot in kept[-3:]):
            kept[-3:] = [Piece(Kind.LETTER, tuple(replace(run, text="…") for run in piece.runs))]
    return kept


def _with_sides(pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces with each bar that might open or close told which it does."""
    kept: list[Piece] = []
    open_bars: list[str] = []
    for piece in pieces:
        bar = piece.text[:1]
        if bar in _BARS and piece.kind in {Kind.RELATION, Kind.OPENING, Kind.CLOSING}:
            if piece.kind is Kind.RELATION:
                closes = bar in open_bars and _ends_operand(kept)
                piece = replace(piece, kind=Kind.CLOSING if closes else Kind.OPENING)
            if piece.kind is Kind.OPENING:
                open_bars.append(bar)
            elif bar in open_bars:
                open_bars.remove(bar)
        kept.append(piece)
    return kept


def _joined_blanks(pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces with one blank in the place of several, and none of no width."""
    kept: list[Piece] = []
    for piece in pieces:
        if piece.kind is Kind.BLANK and kept and kept[-1].kind is Kind.BLANK:
            kept[-1] = replace(piece, width=kept[-1].width + piece.width)
        else:
            kept.append(piece)
    return [piece for piece in kept if piece.kind is not Kind.BLANK or piece.width > 0]


def _ends_operand(pieces: Sequence[Piece]) -> bool:
    solid = [piece for piece in pieces if piece.kind is not Kind.BLANK]
    return bool(solid) and (solid[-1].kind in _ENDS_OPERAND or solid[-1].kind is Kind.TIGHT)


def _at_depth_0(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Those that are in no brackets, brackets left out."""
    depth = 0
    for piece in pieces:
        depth -= piece.kind is Kind.CLOSING
        if depth == 0 and piece.kind not in {Kind.OPENING, Kind.CLOSING}:
            yield piece
        depth += piece.kind is Kind.OPENING


def _is_product(pieces: Sequence[Piece]) -> bool:
    """Whether a stroke behind the row would divide all of it."""
    outside = list(_at_depth_0(pieces))
    parts = {piece.kind for piece in outside}
    if parts & {Kind.BIG, Kind.BINARY, Kind.RELATION, Kind.COMMA, Kind.FRACTION, Kind.TEXT}:
        return all(piece.text == "·" for piece in outside if piece.kind is Kind.BINARY) and not parts & {
            Kind.BIG, Kind.RELATION, Kind.COMMA, Kind.FRACTION, Kind.TEXT
        }  # fmt: skip
    if any(piece.text == "/" for piece in outside):
        return False
    return not any(
        before.kind is Kind.APPLIED and after.kind not in {Kind.OPENING, Kind.GROUP} for before, after in pairwise(pieces)
    )


def _is_in_brackets(pieces: Sequence[Piece]) -> bool:
    """Whether one pair of brackets holds the whole row."""
    return (
        len(pieces) > 1
        and pieces[0].kind is Kind.OPENING
        and pieces[-1].kind is Kind.CLOSING
        and not list(_at_depth_0(pieces))
        and sum(1 for _ in _closings_at_depth_0(pieces)) == 1
    )


def _closings_at_depth_0(pieces: Sequence[Piece]) -> Iterator[Piece]:
    depth = 0
    for piece in pieces:
        depth += (piece.kind is Kind.OPENING) - (piece.kind is Kind.CLOSING)
        if depth == 0:
            yield piece
