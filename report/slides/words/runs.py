"""The page's HTML → runs of text, for slides, notes and text alternatives; formulas in it are written on the line."""

from dataclasses import dataclass, replace
from html.parser import HTMLParser
from xml.etree.ElementTree import Element, SubElement

from markupsafe import Markup

from report.formulas import to_mathml
from report.slides.words.linear import line
from report.slides.words.run import Run, joined, text_of

__all__ = ["Run", "formula_text", "paragraphs", "plain_text"]

_VOID = {"br", "hr", "img", "input", "wbr", "source", "col", "meta", "link", "area", "embed", "track"}
_BLOCKS = {
    "p", "br", "div", "li", "ul", "ol", "dl", "dt", "dd", "tr", "td", "th", "table", "section", "figure", "figcaption",
    "blockquote", "pre", "hr", "h1", "h2", "h3", "h4", "h5", "h6",
}  # fmt: skip
_SILENT = {"script", "style", "template"}
_BLANKS = " \t\n\r\f"
_BREAK = Run("\n", code=True, script=99)  # stands between paragraphs while they are read


def paragraphs(html: Markup | str) -> list[list[Run]]:
    """The paragraphs of a piece of HTML, none of them empty; scripts are lowered and raised."""
    return _paragraphs(html, is_flat=False)


def plain_text(html: Markup | str) -> str:
    """The same as text, a paragraph on each line; scripts are written as `d_k` and `2^24`."""
    return "\n".join(map(text_of, _paragraphs(html, is_flat=True)))


def formula_text(latex: str) -> str:
    """A display formula on one line of text.

    Raises
    ------
    ValueError
        When the formula does not parse; see `to_mathml`.
    """
    return plain_text(to_mathml(latex, display=True))


def _paragraphs(html: Markup | str, is_flat: bool) -> list[list[Run]]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines: list[list[Run]] = [[]]
    for run in _runs(reader.root, _Look(Run(""), is_flat)):
        if run is _BREAK:
            lines.append([])
        else:
            lines[-1].append(run)
    return [found for found in map(_trimmed, lines) if found]


class _Reader(HTMLParser):
    """HTML → a tree, also where end tags are missing."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("root")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = SubElement(self.open[-1], tag, {name: value or "" for name, value in attrs})
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        SubElement(self.open[-1], tag, {name: value or "" for name, value in attrs})

    def handle_endtag(self, tag: str) -> None:
        names = [element.tag for element in self.open]
        if tag in names[1:]:
            del self.open[len(names) - 1 - names[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        parent = self.open[-1]
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + data
        else:
            parent.text = (parent.text or "") + data


@dataclass(frozen=True)
class _Look:
    """How words are set where the reader stands."""

    run: Run
    is_flat: bool

    def inside(self, tag: str) -> "_Look":
        run = self.run
        is_bold, is_italic, is_code = tag in {"b", "strong"}, tag in {"i", "em"}, tag == "code"
        run = replace(run, bold=run.bold or is_bold, italic=run.italic or is_italic, code=run.code or is_code)
        return replace(self, run=run)


def _runs(node: Element, look: _Look) -> list[Run]:
    """What a node holds, as it stands in the source."""
    runs = _words(node.text, look)
    for child in node:
        tag = str(child.tag)
        if tag == "math":
            runs += line(child, look.is_flat, replace(look.run, italic=False))
        elif tag in {"sub", "sup"}:
            runs += _script(child, look)
        elif label := child.get("alt") or (child.get("role") == "img" and child.get("aria-label")):
            runs += _words(label, look)
        elif tag not in _SILENT:
            inside = _runs(child, look.inside(tag))
            runs += [_BREAK, *inside, _BREAK] if tag in _BLOCKS else inside
        runs += _words(child.tail, look)
    return runs


def _script(node: Element, look: _Look) -> list[Run]:
    place = 1 if node.tag == "sup" else -1
    if not look.is_flat and look.run.script == 0:
        return _runs(node, replace(look, run=replace(look.run, script=place)))
    inside = joined(_runs(node, replace(look, is_flat=True)))
    words = text_of(inside)
    sign = "^" if place > 0 else "_"
    if words.isalnum() or len(words) <= 1:
        return [replace(look.run, text=sign if words else ""), *inside]
    return [replace(look.run, text=f"{sign}("), *inside, replace(look.run, text=")")]


def _words(text: str | None, look: _Look) -> list[Run]:
    return [replace(look.run, text=text)] if text else []


def _trimmed(runs: list[Run]) -> list[Run]:
    """A paragraph with each row of blanks as one blank, and none at its ends."""
    kept: list[Run] = []
    is_after_blank = True
    for run in runs:
        letters = []
        for letter in run.text:
            is_blank = letter in _BLANKS
            if not (is_blank and is_after_blank):
                letters.append(" " if is_blank else letter)
            is_after_blank = is_blank
        kept.append(replace(run, text="".join(letters)))
    kept = joined(kept)
    if kept and kept[-1].text.endswith(" "):
        kept = joined([*kept[:-1], replace(kept[-1], text=kept[-1].text[:-1])])
    return kept
