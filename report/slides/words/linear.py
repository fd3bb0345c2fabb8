r"""MathML on one line of text: a fraction as a/b, a root as √x, scripts as `d_k` and `e^(−x^2/2)` or lowered.

On the line a script stands in brackets unless it is one thing: `p_ij`, `2^24`, `W_q^T`, but `e^(s_j)` and `∑_(i=1)^n`.
What a brace names, or what is set on a relation, stands in square brackets behind it. Signs that few fonts have are
written with common ones: 𝔼 as E, 𝖳 as T, ⋅ as ·, ∼ as ~. Sums keep their sign ∑, which is not the letter Σ.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from report.slides.words.pieces import Kind, Piece, blank, draws_in, is_in_brackets, is_product, tidied
from report.slides.words.run import Run, joined, text_of

_APPLIED = "\u2061"
_INVISIBLE = set("\u200b\u2062\u2063\u2064")
_COMMON = str.maketrans({"⋅": "·", "∼": "~", "∗": "*", "\xa0": " ", "∣": "|", "⊤": "T"})
_SIGNS = {
    Kind.BIG: set("∑∏∐∫∬∭∮⋂⋃⨁⨂"),
    Kind.OPENING: set("([{⟨⌊⌈"),
    Kind.CLOSING: set(")]}⟩⌋⌉"),
    Kind.BAR: set("|‖"),
    Kind.BINARY: set("+−-±∓×÷⋅·∘⊗⊕⊙∧∨∩∪∖⋆∗*"),
    Kind.COMMA: set(",;"),
    Kind.TIGHT: set("/!′″‴%.°"),
    Kind.LETTER: set("∂∇∞∅…⋯⋮⋱"),
}
_MARKS = {
    "^": "\u0302", "ˆ": "\u0302", "\u0302": "\u0302", "¯": "\u0304", "‾": "\u0304", "˜": "\u0303", "~": "\u0303",
    "\u0303": "\u0303", "⃗": "\u20d7", "→": "\u20d7", "˙": "\u0307", "¨": "\u0308", "ˇ": "\u030c", "_": "\u0332",
}  # fmt: skip
_MARK_NAMES = {"\u0302": "hat", "\u0304": "bar", "\u0303": "tilde", "\u20d7": "vec", "\u0332": "underline"}
_BRACES = set("⏟⏞")
_PRIMES = "′″‴"
_SILENT = {"annotation", "annotation-xml", "mphantom"}
_SCRIPTS = {  # where the lower and the upper script of an element stand among its children
    "msub": (1, None), "munder": (1, None), "msup": (None, 1), "mover": (None, 1), "msubsup": (1, 2),
    "munderover": (1, 2),
}  # fmt: skip
_ONE = {Kind.LETTER, Kind.NUMBER, Kind.WORD}


def line(math: Element, is_flat: bool, look: Run) -> list[Run]:
    """A formula as runs that look like `look`, letters italic; if `is_flat`, without lowered and raised ones."""
    return joined(_Writer(is_flat or look.script != 0, look).row([math]))


@dataclass(frozen=True)
class _Writer:
    """How a row of MathML is written at one level: with scripts or flat, with blanks around signs or without."""

    is_flat: bool
    look: Run
    is_narrow: bool = False  # within a script

    def row(self, nodes: Iterable[Element]) -> tuple[Run, ...]:
        return self._set(self.pieces(nodes))

    def pieces(self, nodes: Iterable[Element]) -> list[Piece]:
        """The pieces of a row, those of rows within it among them."""
        return tidied(piece for node in nodes for piece in self._pieces(node))

    def _pieces(self, node: Element) -> Iterator[Piece]:
        """What an element is on the line; of one that is not known, what it holds."""
        children, name = list(node), _name(node)
        lower, upper = (node[i] if i and i < len(children) else None for i in _SCRIPTS.get(name, (None, None)))
        if name in _SILENT:
            return
        if name == "mspace":
            if (width := _em(node.get("width", ""))) > 0:
                yield Piece(Kind.BLANK, width=width)
        elif name == "mtable":
            yield from self._table(node)
        elif name == "mfrac" and len(children) == 2:
            yield self._fraction(children[0], children[1], has_bar=node.get("linethickness") != "0")
        elif name == "msqrt":
            yield self._root(children)
        elif name == "mroot" and len(children) == 2:
            yield self._higher_root(*children)
        elif any(script is not None and _text(script) for script in (lower, upper)):
            yield self._with_script(children[0], lower, upper)
        elif children:
            for child in children:
                yield from self._pieces(child)
        else:
            yield from self._leaf(name, node)

    def _leaf(self, name: str, node: Element) -> Iterator[Piece]:
        """A letter, a number, a sign, a word or some text."""
        given = node.text or ""
        if name == "mtext":
            yield Piece(Kind.TEXT, self._words(given.translate(_COMMON)))
            return
        given = given.strip()
        if given == _APPLIED:
            yield Piece(Kind.APPLIED)
        elif given and given not in _INVISIBLE:
            plain = "".join(map(_plain, given))
            kind = _kind(name, plain, node.get("form", ""))
            style = {word for letter in given for word in unicodedata.name(letter, "").split()}
            is_upright = node.get("mathvariant") == "normal" or bool(style & {"DOUBLE-STRUCK", "SANS-SERIF"})
            is_italic = bool(style & {"ITALIC", "SCRIPT", "FRAKTUR"}) or not (is_upright or "BOLD" in style)
            look = replace(
                self.look,
                bold=self.look.bold or "BOLD" in style,
                italic=is_italic and kind is Kind.LETTER and plain.isalpha(),
            )
            yield Piece(kind, (replace(look, text=plain.translate(_COMMON)),))

    def _words(self, text: str) -> tuple[Run, ...]:
        return (replace(self.look, text=text),)

    def _fraction(self, above: Element, below: Element, has_bar: bool) -> Piece:
        if not has_bar:
            return Piece(Kind.WORD, (*self.row([above]), *self._words(" over "), *self.row([below])))
        pieces = self.pieces([above])
        numerator = self._set(pieces) if is_product(pieces) else self._in_brackets(self._set(pieces))
        pieces = self.pieces([below])
        rest = pieces[1:] if pieces and pieces[0].text == "∂" else pieces
        is_one = (len(rest) == 1 and rest[0].kind in {*_ONE, Kind.ROOT, Kind.GROUP}) or is_in_brackets(rest)
        denominator = self._set(pieces) if is_one else self._in_brackets(self._set(pieces))
        return Piece(Kind.FRACTION, (*numerator, *self._words("/"), *denominator))

    def _root(self, inside: Sequence[Element]) -> Piece:
        pieces = self.pieces(inside)
        is_one = len(pieces) == 1 and pieces[0].kind in _ONE and not pieces[0].is_power
        runs = self._set(pieces) if is_one or is_in_brackets(pieces) else self._in_brackets(self._set(pieces))
        return Piece(Kind.ROOT, (*self._words("√"), *runs))

    def _higher_root(self, inside: Element, degree: Element) -> Piece:
        """As a power: x^(1/3)."""
        one, stroke, power = Element("mn"), Element("mo"), Element("mrow")
        one.text, stroke.text = "1", "/"
        power.extend([one, stroke, degree])
        return self._scripted(self.pieces([inside]), None, power)

    def _table(self, table: Element) -> Iterator[Piece]:
        """Rows parted by semicolons; a matrix's cells by commas, and others as the table parts its columns."""
        is_matrix = not any("text-align" in cell.get("style", "") for row in table for cell in row)
        for i, row in enumerate(table):
            if i:
                yield Piece(Kind.COMMA, self._words(";"))
            for j, cell in enumerate(row):
                if j and is_matrix:
                    yield Piece(Kind.COMMA, self._words(","))
                elif j and "padding-left: 0" not in cell.get("style", ""):
                    yield Piece(Kind.BLANK, width=1.0)
                yield from self.pieces([cell])

    def _with_script(self, node: Element, lower: Element | None, upper: Element | None) -> Piece:
        """A base with scripts, with an accent, or with a brace and what it names."""
        pieces = list(self._pieces(node))
        scripts = [script for script in (lower, upper) if script is not None and _text(script)]
        mark = _text(scripts[0])
        if len(scripts) == 1 and _name(scripts[0]) == "mo":
            if mark in _BRACES:
                return self._group(tidied(pieces))
            if mark in _MARKS and [piece.kind for piece in pieces] != [Kind.RELATION]:
                return self._accented(tidied(pieces), _MARKS[mark])
        is_braced = _name(node) in {"munder", "mover"} and len(node) == 2 and _text(node[1]) in _BRACES
        is_relation = self.is_flat and [piece.kind for piece in pieces] == [Kind.RELATION]
        if is_braced or is_relation:
            label = [run for script in scripts for run in self.row([script])]
            runs = [*pieces[0].runs, *self._words(" [" if is_braced else "["), *label, *self._words("]")]
            return replace(pieces[0], runs=tuple(runs))
        return self._scripted(pieces, lower, upper)

    def _group(self, pieces: list[Piece]) -> Piece:
        """Things under one brace."""
        is_one = is_product(pieces) or is_in_brackets(pieces)
        return Piece(Kind.GROUP, self._set(pieces) if is_one else self._in_brackets(self._set(pieces)))

    def _accented(self, pieces: list[Piece], mark: str) -> Piece:
        if len(pieces) == 1 and len(pieces[0].text) == 1:
            (run,) = pieces[0].runs
            return replace(pieces[0], runs=(replace(run, text=unicodedata.normalize("NFC", run.text + mark)),))
        name = _MARK_NAMES.get(mark, unicodedata.name(mark).rpartition(" ")[2].lower())
        return Piece(Kind.GROUP, (*self._words(name), *self._in_brackets(self._set(pieces))))

    def _scripted(self, pieces: list[Piece], lower: Element | None, upper: Element | None) -> Piece:
        """The base, in brackets where it is more than one thing, and its scripts."""
        kinds = {piece.kind for piece in pieces}
        if len(pieces) == 1 and not kinds & {Kind.FRACTION, Kind.ROOT} and not pieces[0].is_power:
            base = pieces[0]
        elif kinds <= {Kind.WORD, Kind.APPLIED, Kind.BLANK}:
            base = Piece(Kind.WORD, self._set(tidied(pieces)))
        else:
            pieces = tidied(pieces)
            is_one = is_in_brackets(pieces)
            base = Piece(Kind.GROUP, self._set(pieces) if is_one else self._in_brackets(self._set(pieces)))
        primes, above = _without_primes(upper)
        runs = (*base.runs, *self._words(primes), *self._script(lower, -1), *self._script(above, +1))
        has_script = lower is not None or above is not None
        return replace(base, runs=runs, is_scripted=has_script and self.is_flat, is_power=above is not None)

    def _script(self, node: Element | None, place: int) -> tuple[Run, ...]:
        """A script as it stands behind its base."""
        if node is None:
            return ()
        inner = replace(self, is_flat=True, is_narrow=True)
        pieces = inner.pieces([node])
        runs = inner._set(pieces)
        if not self.is_flat:
            return tuple(replace(run, script=place) for run in runs)
        words = text_of(runs)
        is_index = place < 0 and (words.isalpha() or words.isdigit())  # p_ij, d_model
        is_one = len(pieces) == 1 and (words.isalnum() or len(words) == 1)
        sign = "_" if place < 0 else "^"
        return (*self._words(sign), *(runs if is_one or is_index else self._in_brackets(runs))) if words else ()

    def _in_brackets(self, runs: Iterable[Run]) -> tuple[Run, ...]:
        return (*self._words("("), *runs, *self._words(")"))

    def _set(self, pieces: Sequence[Piece]) -> tuple[Run, ...]:
        """Pieces one after the other, with blanks between them, and brackets about fractions that need some."""
        pieces = [
            Piece(Kind.GROUP, self._in_brackets(piece.runs))
            if piece.kind is Kind.FRACTION and draws_in(pieces, i)
            else piece
            for i, piece in enumerate(pieces)
        ]
        runs: list[Run] = []
        for i, piece in enumerate(pieces):
            if i:
                runs += self._words(blank(pieces, i, self.is_narrow))
            runs += piece.runs
        return tuple(joined(runs))


def _name(node: Element) -> str:
    return str(node.tag).rpartition("}")[2]


def _text(node: Element) -> str:
    return "".join(node.itertext()).strip()


def _em(width: str) -> float:
    """A width in em; nought where it is none."""
    try:
        return float(width.removesuffix("em"))
    except ValueError:
        return 0.0


def _plain(letter: str) -> str:
    """A letter of the mathematical alphabets as the letter that it is a style of; ℓ stays, for it is no l or 1."""
    is_styled = unicodedata.decomposition(letter).startswith("<font>") and letter not in "ℓℏ"
    return unicodedata.normalize("NFKC", letter) if is_styled else letter


def _kind(name: str, text: str, form: str) -> Kind:
    """What a leaf is to its neighbours."""
    if name == "mn":
        return Kind.NUMBER
    if any(letter.isalpha() for letter in text):
        return Kind.LETTER if len(text) == 1 else Kind.WORD
    kind = next((kind for kind, signs in _SIGNS.items() if text in signs), None)
    if kind is Kind.BAR:
        return {"prefix": Kind.OPENING, "postfix": Kind.CLOSING}.get(form, Kind.BAR)
    return kind or (Kind.RELATION if name == "mo" else Kind.LETTER if name == "mi" else Kind.TEXT)


def _without_primes(script: Element | None) -> tuple[str, Element | None]:
    """The primes that a raised script begins with, and what is left of it."""
    if script is None or not _text(script).startswith(tuple(_PRIMES)):
        return "", script
    text = _text(script)
    primes = text[: len(text) - len(text.lstrip(_PRIMES))]
    rest = Element("mrow")
    rest.extend(child for child in script if _text(child).strip(_PRIMES))
    return primes, rest if len(rest) else None
