"""The deck for PowerPoint: read back as it was meant, with room for every word, and the same bytes every time."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from io import BytesIO
from itertools import combinations
from pathlib import PurePosixPath
from zipfile import ZipFile

import pptx
import pytest
from lxml import etree
from markupsafe import Markup, escape
from PIL import Image
from pptx.enum.shapes import MSO_SHAPE_TYPE, PP_PLACEHOLDER
from pptx.oxml.ns import qn
from pptx.presentation import Presentation
from pptx.shapes.base import BaseShape
from pptx.slide import Slide as OfficeSlide

from report.figures.theme import DARK, LIGHT, THEMES, Theme
from report.slides.office.base import AUTHOR
from report.slides.office.layout import CONTENT, PICTURE, SLIDE, SMALLEST, TEXT_SIZES, Box, fitted, shared, stacked
from report.slides.office.lettering import CODE_FONT
from report.slides.office.measuring import Letters, height_of, n_lines, width_of
from report.slides.powerpoint import powerpoint
from report.slides.slide import (
    Block,
    Code,
    Derivation,
    Formula,
    Picture,
    PictureFiles,
    Slide,
    Step,
    Table,
    Words,
)
from report.slides.words.runs import Run, formula_text, plain_text

EMU = 914_400
HOSTILE = "<script>alert('&amp;')</script> & \"quoted\" 😀 漢字 \x00\x0b\x1b\ufffe end"
NOTES = (Markup("Say <em>this</em> first; then <math><msub><mi>d</mi><mi>k</mi></msub></math>."), Markup("And that."))
STEPS = (
    Step(r"\E[q_i] = \E[k_i] = 0", Markup("0 ± 0.01"), Markup("0.0000"), Markup("−0.0012 to 0.0012"), "confirmed"),
    Step(r"\Var(q_i) = \Var(k_i) = 1", Markup("1 ± 0.01"), Markup("1.0006"), Markup("0.9985 to 1.0026"), "confirmed"),
    Step(r"\E[q_i k_i] = \E[q_i]\,\E[k_i] = 0", Markup("0 ± 0.01"), Markup("0.0001"), Markup("0 to 0.0017"), "no"),
    Step(r"\Var(q_i k_i) = \E[q_i^2]\,\E[k_i^2] = 1", Markup("1"), Markup("1.0025"), Markup("0.9978 to 1.0071"), "yes"),
    Step(
        r"\Cov(q_i k_i, q_j k_j) = \E[q_i q_j]\,\E[k_i k_j] - 0 = 0 \quad (i \ne j)",
        Markup("0 ± 0.0025"), Markup("0.0003"), Markup("−0.0010 to 0.0016"), "undecided",
    ),
    Step(
        r"\E[q \cdot k] = \sum_{i=1}^{d_k} \E[q_i k_i] = 0",
        Markup("0 ± 0.64"), Markup("−0.06"), Markup("−0.28 to 0.16"), "confirmed",
    ),
    Step(
        r"\Var(q \cdot k) = \sum_{i=1}^{d_k} \Var(q_i k_i) = d_k",
        Markup("4096 ± 41"), Markup("4090"), Markup("4072 to 4109"), "confirmed",
    ),
    Step(r"\operatorname{sd}(q \cdot k) = \sqrt{d_k}", Markup("64"), Markup("63.95"), Markup("63.81 to 64.1"), "no"),
    Step(
        r"\Var\left(\frac{q \cdot k}{\sqrt{d_k}}\right) = \frac{d_k}{\left(\sqrt{d_k}\right)^2} = 1",
        Markup("1 ± 0.01"), Markup("0.9986"), Markup("0.9940 to 1.0031"), "confirmed",
    ),
)  # fmt: skip
SOURCE = "def scores(q, k):\n    # one row for each query\n    return q @ k.T / math.sqrt(k.shape[-1])\n"
NUMBERS = Table(
    (Markup("<i>d</i><sub>k</sub>"), Markup("raw"), Markup("verdict")),
    ((Markup("16"), Markup("15.98"), Markup("confirmed")), (Markup("64"), Markup("−63.9"), Markup("undecided"))),
)
ATTENTION = Formula(r"\operatorname{softmax}\!\left(\frac{QK^\top}{\sqrt{d_k}}\right)V")
WORDS = Words((Markup("Each score has a variance of <i>d</i><sub>k</sub>: see <code>scaling</code>."), Markup("So.")))


def slide(name: str, *blocks: Block, part: str = "Middle", title: str = "A short sentence") -> Slide:
    """A slide of the sample."""
    return Slide(name, part, Markup("3 · Chapter"), Markup(title), blocks, NOTES)


def sample() -> list[Slide]:
    """A slide of every kind; the second part of the deck comes back at its end."""
    return [
        Slide("opening", "Start", Markup(""), Markup("Why √<i>d</i><sub>k</sub>"), (WORDS,), NOTES, is_opening=True),
        slide("words", WORDS, part="Start"),
        slide("mixed", WORDS, ATTENTION, WORDS, NUMBERS, title="Long words fill two lines of the title " * 2),
        slide("code", Words((Markup("What was run:"),)), Code(SOURCE)),
        slide("text-table", Table((Markup("a"), Markup("b")), ((Markup("c"), Markup("d " * 80)),), numeric=False)),
        slide("figure", Picture("drawn")),
        slide("stage", Picture("drawn", 1)),
        *(slide(f"sheet-{n}", Derivation(STEPS, n), part="Sheet") for n in (1, 5, 9)),
        slide("hostile", Words((escape(HOSTILE),)), Code(f"x = '{HOSTILE}'"), part="Start", title=escape(HOSTILE)),
    ]


@cache
def pictures() -> dict[str, PictureFiles]:
    """Two figures in the shape of their room; the stage has the same pixels, as a first stage may."""
    content = BytesIO()
    Image.new("RGB", (1233, 535), "#888").save(content, "png")
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1233 535"><path d="M0 0H900V%dz"/></svg>'
    return {
        name: PictureFiles(svg % height, content.getvalue(), f"{name}: {HOSTILE}", Markup(""))
        for name, height in (("drawn", 300), ("drawn-2", 400))
    }


def made(slides: Sequence[Slide], theme: Theme = LIGHT) -> bytes:
    """The file of a deck."""
    return powerpoint(slides, pictures(), theme, "Arial", f"A deck {HOSTILE}")


@cache
def content(theme: str) -> bytes:
    """The sample's file."""
    return made(sample(), THEMES[theme])


@cache
def deck(theme: str = "light") -> Presentation:
    """The sample as python-pptx reads it."""
    return pptx.Presentation(BytesIO(content(theme)))


@cache
def parts(theme: str) -> dict[str, bytes]:
    """The sample's parts by their names."""
    with ZipFile(BytesIO(content(theme))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def named(name: str, theme: str = "light") -> OfficeSlide:
    """A slide of the sample."""
    return next(found for found in deck(theme).slides if found.name == name)


def boxes(drawn: OfficeSlide) -> dict[str, Box]:
    """Every shape's place, by its name; a placeholder's may be that of its layout."""
    return {s.name: Box(s.left / EMU, s.top / EMU, s.width / EMU, s.height / EMU) for s in drawn.shapes}


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes share more than an edge."""
    tolerance = 2 / EMU
    return (
        min(one.right, other.right) - max(one.left, other.left) > tolerance
        and min(one.bottom, other.bottom) - max(one.top, other.top) > tolerance
    )


@pytest.fixture(params=THEMES)
def theme(request: pytest.FixtureRequest) -> str:
    """Each theme."""
    return str(request.param)


def test_every_slide_is_there_with_its_title(theme: str) -> None:
    """Titles stand in title placeholders, in order, on slides that are 16 to 9."""
    read = deck(theme)
    assert (read.slide_width, read.slide_height) == (12_192_000, 6_858_000)
    titles = [drawn.shapes.title.text_frame.text for drawn in read.slides]
    assert titles[:2] == ["Why √dk", "A short sentence"]
    assert len(titles) == len(sample())
    assert all(titles)


def test_nothing_is_left_of_other_shapes_of_slides() -> None:
    """Three layouts, no more, and no word of 4:3."""
    assert [layout.name for layout in deck().slide_layouts] == ["Opening", "Words", "Exhibit"]
    assert b"4:3" not in b"".join(parts("light").values())
    assert b'type="screen4x3"' not in parts("light")["ppt/presentation.xml"]


def test_theme_of_the_file_is_the_theme(theme: str) -> None:
    """Colours and fonts are the file's theme, and shapes name its slots and never a colour of their own."""
    xml = parts(theme)["ppt/theme/theme1.xml"].decode()
    colours = THEMES[theme]
    for colour in (colours.ink, colours.background, colours.quiet, colours.panel, colours.scaled, colours.raw):
        assert f'<a:srgbClr val="{colour[1:].upper()}"/>' in xml
    assert xml.count('<a:latin typeface="Arial"/>') == 2
    master = parts(theme)["ppt/slideMasters/slideMaster1.xml"].decode()
    assert f'bg1="{"dk1" if theme == "dark" else "lt1"}"' in master
    slides = [part.decode() for name, part in parts(theme).items() if name.startswith("ppt/slides/slide")]
    assert not any("srgbClr" in part for part in [master, *slides])


def test_every_slide_has_its_notes(theme: str) -> None:
    """Notes are plain paragraphs."""
    for drawn in deck(theme).slides:
        assert drawn.has_notes_slide
        assert drawn.notes_slide.notes_text_frame.text == "Say this first; then d_k.\nAnd that."


def test_every_picture_has_a_text_alternative(theme: str) -> None:
    """Figures have their own, formulas are read out; bars say that they are decoration."""
    for drawn in deck(theme).slides:
        for shape in drawn.shapes:
            properties = shape.element.xpath(".//p:cNvPr")[0]
            if shape.shape_type == MSO_SHAPE_TYPE.PICTURE or shape.has_table:
                assert properties.get("descr")
            if shape.name.startswith("Bar"):
                assert b"decorative" in etree.tostring(properties)
    formula = next(shape for shape in named("mixed").shapes if shape.name.startswith("Formula"))
    assert formula.element.xpath(".//p:cNvPr/@descr") == [formula_text(ATTENTION.latex)]


def test_every_picture_is_there_twice(theme: str) -> None:
    """As a PNG that every program draws and as an SVG for those that can."""
    n_pictures = 0
    for drawn in deck(theme).slides:
        for picture in drawn.element.iter(qn("p:pic")):
            blip = picture.find(".//" + qn("a:blip"))
            vector = blip.find(".//{http://schemas.microsoft.com/office/drawing/2016/SVG/main}svgBlip")
            png, svg = (drawn.part.related_part(node.get(qn("r:embed"))) for node in (blip, vector))
            assert (png.content_type, svg.content_type) == ("image/png", "image/svg+xml")
            assert png.blob.startswith(b"\x89PNG")
            assert b"<svg" in svg.blob
            n_pictures += 1
    assert n_pictures == 1 + 2 + 1 + 5 + 9
    media = [part for name, part in parts(theme).items() if name.startswith("ppt/media/")]
    assert len(media) == len(set(media)) == 3 + 2 * 10


def sizes(drawn: OfficeSlide) -> Iterator[tuple[str, float]]:
    """The size in points of every run and field, with its words: its own, its layout's or its master's."""
    for shape in drawn.shapes:
        for letters in shape.element.iter(qn("a:rPr")):
            own = letters.get("sz")
            yield etree.tostring(letters.getparent()).decode(), int(own or inherited(drawn, shape)) / 100


def inherited(drawn: OfficeSlide, shape: BaseShape) -> str:
    """The size that a placeholder gives its words."""
    assert shape.is_placeholder, f"{shape.name} has words without a size"
    index = shape.placeholder_format.idx
    layout = next(found for found in drawn.slide_layout.placeholders if found.placeholder_format.idx == index)
    master = drawn.slide_layout.slide_master
    for style in (
        layout.element,
        *(found.element for found in master.placeholders if found.placeholder_format.idx == index),
    ):
        found = style.xpath(".//a:lstStyle/a:lvl1pPr/a:defRPr/@sz")
        if found:
            return str(found[0])
    kind = "p:titleStyle" if layout.placeholder_format.type == PP_PLACEHOLDER.TITLE else "p:bodyStyle"
    return str(master.element.xpath(f".//{kind}/a:lvl1pPr/a:defRPr/@sz")[0])


def test_nothing_is_small(theme: str) -> None:
    """No run on a slide is smaller than what an audience can read, nor is what a user writes into a placeholder."""
    found = [size for drawn in deck(theme).slides for _, size in sizes(drawn)]
    assert min(found) == SMALLEST
    assert max(found) == 48
    master = deck(theme).slide_layouts[0].slide_master.element
    assert min(int(size) for size in master.xpath(".//p:txStyles//@sz")) == 100 * SMALLEST


def test_nothing_lies_on_anything_else(theme: str) -> None:
    """Every shape is within the slide, and two of them overlap only where one is the bar behind a line."""
    for drawn in deck(theme).slides:
        places = boxes(drawn)
        assert len(places) == len(drawn.shapes), "a name stands twice"
        for place in places.values():
            assert min(place.left, place.top) >= 0
            assert place.right <= SLIDE.width + 1e-4
            assert place.bottom <= SLIDE.height + 1e-4
        solid = {name: place for name, place in places.items() if not name.startswith("Bar")}
        for (one, box), (other, other_box) in combinations(solid.items(), 2):
            assert not overlap(box, other_box), f"{drawn.name}: {one} lies on {other}"


def test_a_figure_fills_its_room() -> None:
    """Without being stretched."""
    place = next(place for name, place in boxes(named("figure")).items() if name.startswith("Figure"))
    assert place.width / place.height == pytest.approx(1233 / 535, rel=1e-4)
    assert place.width == pytest.approx(PICTURE.width, abs=0.01)
    assert place.top >= PICTURE.top - 1e-4
    assert place.bottom <= PICTURE.bottom + 1e-4


def test_the_sheet_fills_without_moving() -> None:
    """Each line of the derivation stands where it stands when all do, and one bar marks the newest."""
    places = {n: boxes(named(f"sheet-{n}")) for n in (1, 5, 9)}
    for n, found in places.items():
        formulas, last = (
            [box for name, box in found.items() if name.startswith("Formula")] for found in (found, places[9])
        )
        assert formulas == last[:n]
        evidence = [box for name, box in found.items() if name.startswith("Evidence")]
        assert len(evidence) == n
        bars = [box for name, box in found.items() if name.startswith("Bar")]
        assert {(bar.top, bar.height) for bar in bars} == {(evidence[-1].top, evidence[-1].height)}
        assert all(box.bottom <= CONTENT.bottom + 1e-4 for box in found.values() if box.top < 6.9)
    lines = [shape.text_frame.text for shape in named("sheet-5").shapes if shape.name.startswith("Evidence")]
    assert lines[4] == "\t0 ± 0.0025\t0.0003\t−0.0010 to 0.0016\tundecided"


@pytest.mark.parametrize(
    ("predicted", "measured", "interval", "headings"),
    [
        ("1048576 ± 52000", "1053353.25", "1030418 to 1076288", ("measured", "interval", "verdict")),
        ("1 ± 0.01", "1", "−19251210902.45 to 19251210934.25", ("predicted", "measured", "verdict")),
        ("9 " * 40, "1", "9 " * 40, ("measured", "verdict")),
        ("9 " * 40, "9 " * 40, "9 " * 40, ("verdict",)),
    ],
)
def test_columns_without_room_are_left_out(
    predicted: str, measured: str, interval: str, headings: tuple[str, ...]
) -> None:
    """However long the numbers of a derivation are, it has a sheet, whose lines are all of one kind."""
    wide = Step(STEPS[6].latex, Markup(predicted), Markup(measured), Markup(interval), "undecided")
    steps = (*STEPS[:6], wide, *STEPS[7:])
    (drawn,) = pptx.Presentation(BytesIO(made([slide("s", Derivation(steps, 7))]))).slides
    lines = {
        kind: [shape.text_frame.text for shape in drawn.shapes if shape.name.startswith(kind)]
        for kind in ("Headings", "Evidence")
    }
    assert lines["Headings"] == ["\t" + "\t".join(headings)]
    assert {line.count("\t") for line in lines["Evidence"]} == {len(headings)}
    solid = [box for name, box in boxes(drawn).items() if not name.startswith("Bar")]
    assert not any(overlap(one, other) for one, other in combinations(solid, 2))
    assert all(box.right <= SLIDE.right + 1e-4 for box in solid)


def test_tables_are_tables() -> None:
    """With a row of headings, numbers to the right, and words to the left."""
    table = next(shape.table for shape in named("mixed").shapes if shape.has_table)
    assert table.first_row
    assert not table.horz_banding
    assert [cell.text_frame.text for cell in table.rows[0].cells] == ["dk", "raw", "verdict"]
    aligned = [cell._tc.xpath(".//a:pPr/@algn") for cell in table.rows[2].cells]
    assert aligned == [["l"], ["r"], ["l"]]


def test_looks_of_words() -> None:
    """Italics, scripts and code are those of the page."""
    runs = list(named("words").element.iter(qn("a:r")))
    looks = {run.find(qn("a:t")).text: run.find(qn("a:rPr")) for run in runs}
    assert looks["d"].get("i") == "1"
    assert looks["k"].get("baseline") == "-25000"
    assert looks["scaling"].find(qn("a:latin")).get("typeface") == CODE_FONT
    assert all(look.get("lang") == "en-GB" for look in looks.values())
    code = next(shape for shape in named("code").shapes if shape.name.startswith("Code"))
    assert code.text_frame.text.split("\n")[1] == "    # one row for each query"


def test_shapes_are_read_aloud_from_the_top(theme: str) -> None:
    """Their order in the file is that of their places, line by line."""
    for drawn in [*deck(theme).slides, pptx.Presentation(BytesIO(made([slide("s", ATTENTION, WORDS)]))).slides[0]]:
        places = [box for name, box in boxes(drawn).items() if not name.startswith("Bar")]
        middles = [(round(box.top + box.height / 2, 2), box.left) for box in places]
        assert middles == sorted(middles), drawn.name


def test_slides_are_numbered_by_fields(theme: str) -> None:
    """All but the first."""
    for number, drawn in enumerate(deck(theme).slides, 1):
        fields = drawn.element.xpath(".//a:fld[@type='slidenum']/a:t/text()")
        assert fields == ([] if number == 1 else [str(number)])


def test_sections_are_the_parts_of_the_deck(theme: str) -> None:
    """Neighbours of one part share a section; every slide is in one."""
    presentation = etree.fromstring(parts(theme)["ppt/presentation.xml"])
    space = "{http://schemas.microsoft.com/office/powerpoint/2010/main}"
    sections = list(presentation.iter(f"{space}section"))
    assert [section.get("name") for section in sections] == ["Start", "Middle", "Sheet", "Start"]
    assert len({section.get("id") for section in sections}) == 4
    listed = [node.get("id") for section in sections for node in section.iter(f"{space}sldId")]
    assert listed == [node.get("id") for node in presentation.iter(qn("p:sldId"))]


def test_properties_name_no_person_and_no_time(theme: str) -> None:
    """The title is the deck's; dates are the same for every deck."""
    properties = deck(theme).core_properties
    assert properties.title.startswith("A deck <script>")
    assert properties.author == properties.last_modified_by == AUTHOR
    assert properties.created.year == properties.modified.year == 1980


def test_hostile_words_stay_words(theme: str) -> None:
    """Tags, ampersands and letters beyond the first plane come through; control characters are marked."""
    kept = "<script>alert('&amp;')</script> & \"quoted\" 😀 漢字"
    drawn = named("hostile", theme)
    texts = [shape.text_frame.text for shape in drawn.shapes if shape.has_text_frame]
    assert sum(kept in text for text in texts) == 3
    assert not any(set("\x00\x0b\x1b\ufffe") & set(text) for text in texts)
    figure = next(shape for shape in named("figure", theme).shapes if shape.name.startswith("Figure"))
    assert kept in figure.element.xpath(".//p:cNvPr/@descr")[0]


def test_every_part_is_named_and_found(theme: str) -> None:
    """Well-formed, once in the archive, of a known type; relations lead to parts, and to every part leads one."""
    with ZipFile(BytesIO(content(theme))) as archive:
        names = archive.namelist()
    assert len(names) == len(set(map(str.lower, names)))
    types = etree.fromstring(parts(theme)["[Content_Types].xml"])
    endings = {node.get("Extension") for node in types if node.tag.endswith("Default")}
    overrides = {node.get("PartName")[1:] for node in types if node.tag.endswith("Override")}
    assert {"png", "svg", "xml", "rels"} == endings
    assert overrides <= set(names)
    reached = set()
    for name, part in parts(theme).items():
        if name.endswith((".xml", ".rels")):
            etree.fromstring(part)
        if name.endswith(".xml"):
            assert name in overrides or name == "[Content_Types].xml"
        if name.endswith(".rels"):
            folder = PurePosixPath("/", name).parent.parent
            for relation in etree.fromstring(part):
                assert relation.get("TargetMode") is None, "nothing outside the file"
                reached.add(resolved(folder, relation.get("Target")))
    assert reached == {name for name in names if not name.endswith(".rels")} - {"[Content_Types].xml"}


def resolved(folder: PurePosixPath, target: str) -> str:
    """The name of the part that a relation of a part in this folder leads to."""
    steps: list[str] = []
    for step in (PurePosixPath(target) if target.startswith("/") else folder / target).parts[1:]:
        steps = steps[:-1] if step == ".." else [*steps, step]
    return "/".join(steps)


ORDER = {  # the order of the schema, among the elements that a deck has
    "p:presentation": "sldMasterIdLst notesMasterIdLst sldIdLst sldSz notesSz defaultTextStyle extLst",
    "p:sldMaster": "cSld clrMap sldLayoutIdLst hf txStyles",
    "p:sldLayout": "cSld clrMapOvr",
    "p:sld": "cSld clrMapOvr",
    "p:pic": "nvPicPr blipFill spPr",
    "p:sp": "nvSpPr spPr txBody",
    "p:blipFill": "blip stretch",
    "p:spPr": "xfrm prstGeom noFill solidFill ln",
    "p:txBody": "bodyPr lstStyle p",
    "a:txBody": "bodyPr lstStyle p",
    "a:p": "pPr r endParaRPr",
    "a:pPr": "lnSpc spcBef spcAft buNone tabLst",
    "a:rPr": "solidFill latin cs",
    "a:tbl": "tblPr tblGrid tr",
    "a:tc": "txBody tcPr",
    "a:tcPr": "lnL lnR lnT lnB noFill",
}


def misplaced(part: bytes) -> list[str]:
    """Elements whose children stand in another order."""
    orders = {qn(tag): order.split() for tag, order in ORDER.items()}
    found = []
    for element in etree.fromstring(part).iter(*orders):
        children = [etree.QName(child).localname for child in element]
        places = [orders[element.tag].index("r" if child in {"br", "fld"} else child) for child in children]
        if places != sorted(places):
            found.append(f"{element.tag}: {children}")
    return found


def test_elements_stand_in_the_schemas_order(theme: str) -> None:
    """PowerPoint repairs a file where they do not."""
    folders = ("slides", "slideMasters", "slideLayouts", "notesSlides", "notesMasters")
    for name, part in parts(theme).items():
        if name.startswith(tuple(f"ppt/{folder}/{folder[0]}" for folder in folders)) or name == "ppt/presentation.xml":
            assert misplaced(part) == [], name
    slide_xml = parts(theme)["ppt/slides/slide2.xml"]
    assert misplaced(re.sub(rb"(<a:bodyPr/?>.*?)(<a:lstStyle/>)", rb"\2\1", slide_xml, count=1)), (
        "a check that can fail"
    )


def test_ids_of_shapes_are_their_own(theme: str) -> None:
    """No two shapes of a slide share one."""
    for drawn in deck(theme).slides:
        ids = [shape.shape_id for shape in drawn.shapes]
        assert len(ids) == len(set(ids))


def test_same_bytes_again(theme: str) -> None:
    """And no time of day in the archive."""
    assert made(sample(), THEMES[theme]) == content(theme)
    with ZipFile(BytesIO(content(theme))) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist()[0] == "[Content_Types].xml"
        assert archive.testzip() is None


LONG = Markup("Words that fill one line after the other. " * 60)


@pytest.mark.parametrize(
    ("faulty", "fault"),
    [
        (slide("s", Words((LONG,))), r"^slide s: its blocks \(Words\) have no room at 18 points$"),
        (slide("s", Words((Markup("a"),)), Code("x\n" * 30)), r"^slide s: its blocks \(Words, Code\) have no room"),
        (slide("s", Code("x" * 200)), r"^slide s: its blocks \(Code\) have no room"),
        (slide("s", Formula("+".join(["x_{12}"] * 60))), r"^slide s: its blocks \(Formula\) have no room"),
        (slide("s", Table((Markup("a"),) * 40, ())), r"^slide s: its blocks \(Table\) have no room"),
        (slide("s", Table((Markup("a"),), ((Markup("b"),),) * 40)), r"^slide s: its blocks \(Table\) have no room"),
        (slide("s", Formula(r"\nonsense")), r"^slide s: formula '\\\\nonsense': "),
        (slide("s", title=LONG), r"^slide s: its title is longer than 2 lines at 26 points: 'Words that"),
        (slide("s", title=""), r"^slide s: has no title$"),
        (slide("s", Picture("absent")), r"^slide s: no figure is named 'absent'$"),
        (slide("s", Picture("drawn"), Words((Markup("a"),))), r"^slide s: Picture needs the slide's whole room"),
        (slide("s", Derivation(STEPS * 2, 1)), r"^slide s: the derivation's 18 lines have no room at 18 points$"),
        (slide("s", Derivation(STEPS, 10)), r"^slide s: shows 10 of 9 lines; at least 1, at most all$"),
        (slide("s", Derivation(STEPS, 0)), r"^slide s: shows 0 of 9 lines"),
        (Slide("s", "p", Markup("k " * 200), Markup("t"), (), NOTES), r"^slide s: the words above its title are"),
        (Slide("s", "p", Markup(""), Markup("t"), (), (Markup(" "),)), r"^slide s: has no notes$"),
        (Slide("s", "p", Markup(""), Markup("t"), (Code("x"),), NOTES, True), r"^slide s: an opening slide has words"),
        (Slide("s", "p", Markup(""), Markup("t"), (Words((LONG,)),), NOTES, True), r"^slide s: the words under its"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(faulty: Slide, fault: str) -> None:
    """In one line that names the slide: nothing is ever cut, shrunk or laid over something else."""
    with pytest.raises(ValueError, match=fault):
        made([faulty])


def test_crowded_slides_are_set_smaller() -> None:
    """Sizes step down until all has room, and never further than needed."""
    few, many = (made([slide("s", Words((LONG[:n],)))]) for n in (400, 1500))
    found = [
        max(size for words, size in sizes(pptx.Presentation(BytesIO(file)).slides[0]) if "Words" in words)
        for file in (few, many)
    ]
    assert found[0] == TEXT_SIZES[0] > found[1] >= SMALLEST


def test_tables_of_numbers_are_set_smaller_before_their_words_break() -> None:
    """Beside words of the usual size; a claim too long for any size is broken, in larger letters."""
    found = []
    for claim in ("mean score", "a claim of some forty letters, or of more", "a claim of many words " * 8):
        numbers = Table((Markup("claim"), *[Markup("predicted")] * 4), ((Markup(claim), *[Markup("0.015625")] * 4),))
        shown = pptx.Presentation(BytesIO(made([slide("s", Words((Markup("Why?"),)), numbers)]))).slides[0]
        table = next(shape for shape in shown.shapes if shape.has_table)
        (size,) = {int(run.get("sz")) / 100 for run in table._element.iter(qn("a:rPr"))}
        found.append(size)
    assert found[0] == found[2] > found[1] >= SMALLEST


def test_lines_are_counted_as_they_break() -> None:
    """Against a plain count of letters of one width; a word longer than a line is broken."""
    code = [Run("aaaa bbbb cc", code=True)]
    letters = Letters(20)
    four = 4.2 * width_of([Run("a", code=True)], letters)
    assert n_lines(code, letters, four) == 3
    assert n_lines(code, letters, 2.2 * four) == 2
    assert n_lines([Run("a" * 10, code=True)], letters, four) == 3
    assert n_lines([Run("a\nb")], letters, 5) == 2
    assert n_lines([], letters, 5) == 1
    assert height_of([code, code], letters, 9) > 2 * height_of([code], letters, 9)


def test_wide_fonts_are_allowed_for() -> None:
    """A font that stands in for the deck's is wider; letters that are pictures are wider still."""
    words = [Run("Each claim is measured against an exact law")]
    assert width_of(words, Letters(20)) > 1.04 * width_of(words, Letters(20, in_any_font=False))
    assert width_of([Run("😀")], Letters(72)) > width_of([Run("漢")], Letters(72)) == 1.0
    assert width_of([Run("e\u0301")], Letters(20)) == width_of([Run("e")], Letters(20))


def test_blocks_stack_with_even_gaps() -> None:
    """In the middle of their room, or not at all."""
    room = Box(0, 1, 10, 6)
    tops = stacked([1.0, 2.0, 1.0], room)
    assert tops is not None
    gaps = [tops[1] - tops[0] - 1, tops[2] - tops[1] - 2]
    assert gaps[0] == pytest.approx(gaps[1])
    assert tops[0] - room.top == pytest.approx(room.bottom - tops[2] - 1)
    assert stacked([3.0, 3.0], room) is None
    assert fitted(2, 1, room) == Box(0, 1.5, 10, 5)


def test_columns_share_what_is_missing() -> None:
    """In proportion to what each can spare, and none falls below what it needs."""
    assert shared([1, 2], [1, 1], 5) == [1, 2]
    assert shared([2, 5, 3], [2, 1, 1], 7) == pytest.approx([2, 3, 2])
    assert shared([2, 5], [2, 4], 5) is None


def test_plain_text_is_what_notes_say() -> None:
    """The records' notes keep their scripts."""
    assert plain_text(NOTES[0]) == "Say this first; then d_k."


def test_libreoffice_opens_it(pages: Callable[[bytes], bytes]) -> None:
    """And prints as many pages as there are slides."""
    assert len(re.findall(rb"/Type\s*/Page\b", pages(content(DARK.name)))) == len(sample())
