"""An empty deck in a theme: master, layouts and notes in the report's looks, and sections for its slides.

Its parts are the templates in `report/templates/powerpoint/`. Colours and fonts are the theme's: whoever changes them
in PowerPoint changes the deck.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pptx
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.presentation import Presentation

from report.figures.theme import LIGHT, Theme
from report.slides.office import layout
from report.slides.office.lettering import FIELD, LANGUAGE, clean

AUTHOR = "attention-scaling"  # the project’s name
DATE = "1980-01-01T00:00:00Z"  # the same for every deck, as those of its parts in the archive
LAYOUTS = ("opening", "words", "exhibit")  # in this order
TABLE_STYLE = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # PowerPoint's own "No Style, No Grid"
NOTES_SIZE = 12
_ROOT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.presentationml"


@dataclass(frozen=True)
class _Part:
    """A part of the package and what it refers to, by kind of relation and place."""

    place: str
    template: str
    content_type: str
    relations: tuple[tuple[str, str], ...] = ()


_PARTS = (
    _Part("docProps/app.xml", "application", "application/vnd.openxmlformats-officedocument.extended-properties+xml"),
    _Part("docProps/core.xml", "core", "application/vnd.openxmlformats-package.core-properties+xml"),
    _Part(
        "ppt/presentation.xml", "presentation", f"{_TYPE}.presentation.main+xml",
        (
            ("slideMaster", "slideMasters/slideMaster1.xml"), ("notesMaster", "notesMasters/notesMaster1.xml"),
            ("presProps", "presProps.xml"), ("viewProps", "viewProps.xml"), ("theme", "theme/theme1.xml"),
            ("tableStyles", "tableStyles.xml"),
        ),
    ),
    _Part("ppt/presProps.xml", "presentation-properties", f"{_TYPE}.presProps+xml"),
    _Part("ppt/viewProps.xml", "view-properties", f"{_TYPE}.viewProps+xml"),
    _Part("ppt/tableStyles.xml", "table-styles", f"{_TYPE}.tableStyles+xml"),
    _Part("ppt/theme/theme1.xml", "theme", "application/vnd.openxmlformats-officedocument.theme+xml"),
    _Part("ppt/theme/theme2.xml", "theme", "application/vnd.openxmlformats-officedocument.theme+xml"),
    _Part(
        "ppt/slideMasters/slideMaster1.xml", "master", f"{_TYPE}.slideMaster+xml",
        (
            *(("slideLayout", f"../slideLayouts/slideLayout{i + 1}.xml") for i in range(len(LAYOUTS))),
            ("theme", "../theme/theme1.xml"),
        ),
    ),
    *(
        _Part(
            f"ppt/slideLayouts/slideLayout{i + 1}.xml", f"layout-{name}", f"{_TYPE}.slideLayout+xml",
            (("slideMaster", "../slideMasters/slideMaster1.xml"),),
        )
        for i, name in enumerate(LAYOUTS)
    ),
    _Part(
        "ppt/notesMasters/notesMaster1.xml", "notes-master", f"{_TYPE}.notesMaster+xml",
        (("theme", "../theme/theme2.xml"),),
    ),
)  # fmt: skip


def new_deck(theme: Theme, font: str, title: str) -> Presentation:
    """A deck without slides."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parents[2] / "templates"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters.update(emu=layout.emu, hundredths=lambda points: round(100 * points))
    sizes = {
        "KICKER": layout.SMALLEST, "NUMBER": layout.SMALLEST, "TITLE": layout.TITLE_SIZES, "TEXT": layout.TEXT_SIZES,
        "OPENING_TITLE": layout.OPENING_SIZES, "NOTES": NOTES_SIZE,
    }  # fmt: skip
    environment.globals.update(
        boxes=layout, sizes=sizes, field=FIELD, language=LANGUAGE, n_layouts=len(LAYOUTS), table_style=TABLE_STYLE,
        author=AUTHOR, date=DATE, title=clean(title), font=clean(font),
        colour_map=_colour_map(theme), light_map=_colour_map(LIGHT),
    )  # fmt: skip
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        archive.writestr(ZipInfo("[Content_Types].xml"), _content_types())
        archive.writestr(ZipInfo("_rels/.rels"), _relations([
            (f"{_ROOT}/officeDocument", "ppt/presentation.xml"), (f"{_ROOT}/extended-properties", "docProps/app.xml"),
            (f"{_PACKAGE}/metadata/core-properties", "docProps/core.xml"),
        ]))  # fmt: skip
        for part in _PARTS:
            own = LIGHT if part.place.endswith("theme2.xml") else theme  # notes are printed on paper
            template = environment.get_template(f"powerpoint/{part.template}.xml.jinja2")
            archive.writestr(ZipInfo(part.place), template.render(name=own.name, colours=_colours(own)))
            if part.relations:
                folder, _, name = part.place.rpartition("/")
                relations = [(f"{_ROOT}/{kind}", target) for kind, target in part.relations]
                archive.writestr(ZipInfo(f"{folder}/_rels/{name}.rels"), _relations(relations))
    content.seek(0)
    return pptx.Presentation(content)


def add_sections(deck: Presentation, parts: Sequence[str]) -> None:
    """Gather neighbouring slides that belong to the same part of the deck; one name for every slide."""
    namespace = 'xmlns:p14="http://schemas.microsoft.com/office/powerpoint/2010/main"'
    extensions = parse_xml(
        f'<p:extLst {nsdecls("p")}><p:ext uri="{{521415D9-36F7-43E2-AB2F-B90AF26B5E84}}">'
        f"<p14:sectionLst {namespace}/></p:ext></p:extLst>"
    )
    sections = extensions[0][0]
    slide_ids = [slide.slide_id for slide in deck.slides]
    for number, (name, members) in enumerate(groupby(zip(parts, slide_ids, strict=True), key=lambda pair: pair[0])):
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{number} {clean(name)}")).upper()
        section = parse_xml(f'<p14:section {namespace} id="{{{key}}}"><p14:sldIdLst/></p14:section>')
        section.set("name", clean(name))
        for _, slide_id in members:
            section[0].append(parse_xml(f'<p14:sldId {namespace} id="{slide_id}"/>'))
        sections.append(section)
    deck.element.append(extensions)


def _colours(theme: Theme) -> dict[str, str]:
    """The theme's colours by Office's names for them; `dk` and `lt` are dark and light in both themes."""
    text, background = ("dk", "lt") if theme is LIGHT else ("lt", "dk")
    colours = {f"{text}1": theme.ink, f"{background}1": theme.background, f"{text}2": theme.quiet}
    colours[f"{background}2"] = theme.panel
    return {name: colours[name] for name in ("dk1", "lt1", "dk2", "lt2")} | {
        "accent1": theme.scaled, "accent2": theme.raw, "accent3": theme.green, "accent4": theme.pink,
        "accent5": theme.raw_text, "accent6": theme.green_text, "hlink": theme.scaled, "folHlink": theme.pink_text,
    }  # fmt: skip


def _colour_map(theme: Theme) -> dict[str, str]:
    """Which of them are text and background."""
    text, background = ("dk", "lt") if theme is LIGHT else ("lt", "dk")
    accents = [*(f"accent{i}" for i in range(1, 7)), "hlink", "folHlink"]
    return {
        "bg1": f"{background}1", "tx1": f"{text}1", "bg2": f"{background}2", "tx2": f"{text}2",
    } | {name: name for name in accents}  # fmt: skip


def _content_types() -> str:
    overrides = "".join(f'<Override PartName="/{part.place}" ContentType="{part.content_type}"/>' for part in _PARTS)
    return (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )


def _relations(relations: Sequence[tuple[str, str]]) -> str:
    lines = "".join(
        f'<Relationship Id="rId{i + 1}" Type="{kind}" Target="{target}"/>' for i, (kind, target) in enumerate(relations)
    )
    return f'<Relationships xmlns="{_PACKAGE}">{lines}</Relationships>'
