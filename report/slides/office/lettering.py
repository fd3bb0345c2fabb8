"""Paragraphs as PowerPoint has them: runs of text with their looks."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.oxml.xmlchemy import BaseOxmlElement, OxmlElement

from report.slides.office.layout import emu
from report.slides.office.measuring import PARAGRAPH
from report.slides.words.runs import Run

LANGUAGE = "en-GB"
FIELD = "{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}"  # names the field of slide numbers; any such number does
CODE_FONT = "Consolas"
Colour = Literal["tx1", "tx2", "bg1", "bg2", "accent1"]  # of the theme
_BASELINES = {-1: "-25000", 1: "30000"}  # thousandths of a percent of the letters’ height
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Tab:
    """A stop, in inches from the text's left, and which end of the words stands there."""

    place: float
    align: Literal["l", "r"]


@dataclass(frozen=True)
class Look:
    """How paragraphs are set; what is none is the placeholder's."""

    size: float | None = None  # points
    align: Literal["l", "ctr", "r"] | None = None
    colour: Colour | None = None
    tabs: tuple[Tab, ...] = ()
    line: float | None = None  # from one to the next, in points; else the font's own way


def clean(text: str) -> str:
    """Text that XML can hold: a control character becomes the sign for what cannot be shown."""
    return _NO_XML.sub("\ufffd", text)


def write(body: BaseOxmlElement, paragraphs: Sequence[Sequence[Run]], look: Look) -> None:
    """Replace the paragraphs of a text body."""
    for paragraph in body.findall(qn("a:p")):
        body.remove(paragraph)
    for number, runs in enumerate(paragraphs or [()]):
        body.append(_paragraph(runs, look, is_first=number == 0))


def number_body(number: int) -> BaseOxmlElement:
    """A text body with the slide's number, which PowerPoint keeps right."""
    return parse_xml(
        f"<p:txBody {nsdecls('p', 'a')}><a:bodyPr/><a:lstStyle/>"
        f'<a:p><a:fld id="{FIELD}" type="slidenum"><a:rPr lang="{LANGUAGE}"/><a:t>{number}</a:t></a:fld>'
        f'<a:endParaRPr lang="{LANGUAGE}"/></a:p></p:txBody>'
    )


def _paragraph(runs: Iterable[Run], look: Look, is_first: bool) -> BaseOxmlElement:
    paragraph = OxmlElement("a:p")
    properties = _child(paragraph, "a:pPr", algn=look.align)
    if look.line is not None:
        _child(_child(properties, "a:lnSpc"), "a:spcPts", val=str(round(100 * look.line)))
    if look.size is not None:
        before = 0.0 if is_first or look.line is not None else PARAGRAPH * look.size
        _child(_child(properties, "a:spcBef"), "a:spcPts", val=str(round(100 * before)))
    if look.tabs:
        stops = _child(properties, "a:tabLst")
        for tab in look.tabs:
            _child(stops, "a:tab", pos=str(emu(tab.place)), algn=tab.align)
    for run in runs:
        for number, line in enumerate(clean(run.text).split("\n")):
            if number:
                _child(paragraph, "a:br").append(_letters("a:rPr", Run(""), look))
            if line:
                element = _child(paragraph, "a:r")
                element.append(_letters("a:rPr", run, look))
                _child(element, "a:t").text = line
    paragraph.append(_letters("a:endParaRPr", Run(""), look))
    return paragraph


def _letters(tag: str, run: Run, look: Look) -> BaseOxmlElement:
    letters = OxmlElement(tag)
    attributes = {
        "lang": LANGUAGE,
        "sz": None if look.size is None else str(round(100 * look.size)),
        "b": "1" if run.bold else None,
        "i": "1" if run.italic else None,
        "baseline": _BASELINES.get(run.script),
        "noProof": "1" if run.code else None,
    }
    for name, value in attributes.items():
        if value is not None:
            letters.set(name, value)
    if look.colour:
        _child(_child(letters, "a:solidFill"), "a:schemeClr", val=look.colour)
    if run.code:
        for slot in ("a:latin", "a:cs"):
            _child(letters, slot, typeface=CODE_FONT, pitchFamily="49")
    return letters


def _child(parent: BaseOxmlElement, tag: str, **attributes: str | None) -> BaseOxmlElement:
    child = OxmlElement(tag)
    for name, value in attributes.items():
        if value is not None:
            child.set(name, value)
    parent.append(child)
    return child
