"""Results → one HTML file, and the figures as files beside it: draw → render."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from experiments.claims import Verdict
from experiments.provenance import provenance
from experiments.runner import Results
from experiments.workers import Workers
from report.contents import parts_of
from report.cost import FILE, Cost
from report.drawing import DrawnFigure, draw_all
from report.embedded import DIGITS, embedded
from report.excerpts import excerpt
from report.explorer import explorer_table
from report.figures.glyphs import share_glyphs
from report.findings import FINDINGS
from report.glossary import GLOSSARY
from report.prose import add_formulas, prose
from report.references import References
from report.sources import SOURCES
from report.walkthrough import walkthrough
from report.wording import (
    count,
    grouped,
    interval_text,
    margin,
    measured,
    number,
    percent,
    power_of_ten,
    prediction_text,
    rounded,
)

HERE = Path(__file__).parent
FONTS = (
    ("STIX Two Text", "400", "normal", "stix-two-text-regular"),
    ("STIX Two Text", "400", "italic", "stix-two-text-italic"),
    ("STIX Two Text", "600", "normal", "stix-two-text-semibold"),
    ("STIX Two Math", "400", "normal", "stix-two-math"),
    ("Inter", "400", "normal", "inter-regular"),
    ("Inter", "600", "normal", "inter-semibold"),
)
STYLES = ("theme", "layout", "content", "explorer")
EARLY_SCRIPTS = ("fonts",)  # in the head
SCRIPTS = ("page", "explorer")  # after the text


def page_files(
    results: Results, kept: Path | None = None, workers: Workers | None = None, cost: Cost | None = None
) -> dict[str, bytes]:
    """Every file of the report, named relative to the output folder; the page itself comes last.

    In the folder `kept` drawn figures wait for the next run; `workers` are processes that draw them beside each other;
    `cost` is what it all costs, where that was measured.
    """
    shown = replace(results, frames={**results.frames, "bench": cost.growth}) if cost else results
    figures = draw_all(shown, kept, workers)
    files = {}
    for name, figure in figures.items():
        files[f"report/figures/{name}.svg"] = figure.svg
        files[f"report/figures/{name}.png"] = figure.png
    files["report/index.html"] = render(results, figures, cost).encode()
    return files


def render(results: Results, figures: Mapping[str, DrawnFigure], cost: Cost | None = None) -> str:
    """The page as HTML. Raises when a template refers to a figure, claim or section that does not exist."""
    references = References()
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
    )
    add_formulas(environment)
    environment.filters.update(
        excerpt=excerpt,
        prose=prose, number=number, percent=percent, margin=margin, rounded=rounded, grouped=grouped, count=count,
        power_of_ten=power_of_ten, measured=measured, interval=interval_text, predicted=prediction_text,
    )  # fmt: skip
    environment.globals.update(
        reference=references.refer, Reference=references.refer_first, number_of=references.number_of,
        define=references.define, stands=references.stands,
    )  # fmt: skip
    style = stylesheet()
    early_scripts, scripts = ([script(name) for name in names] for names in (EARLY_SCRIPTS, SCRIPTS))
    drawings, glyphs = share_glyphs({name: figure.inline for name, figure in figures.items()})
    parts = parts_of(cost is not None)
    numbered = [chapter for part in parts for chapter in part.chapters if chapter.is_numbered]
    context = {
        "parts": parts,
        "numbers": {chapter.name: i + 1 for i, chapter in enumerate(numbered)},
        "cost": cost,
        "ledger": results.ledger,
        "verdicts": list(Verdict),
        "groups": results.ledger.groups,
        "figures": figures,
        "drawings": drawings,
        "glyphs": glyphs,
        "lecture": walkthrough(results.frames["self_attention"], results.frames["peaky"]),
        "frames": results.frames,
        **{name: find(results) for name, find in FINDINGS.items()},
        "glossary": GLOSSARY,
        "sources": SOURCES,
        "provenance": provenance(results.preset),
        "preset": results.preset,
        "style": Markup(style),
        "early_scripts": [Markup(source) for source in early_scripts],
        "scripts": [Markup(source) for source in scripts],
        "policy": Markup(policy(style, [*early_scripts, *scripts])),
        "data": embedded(results, {FILE: cost.text} if cost else None),
        "explorer": explorer_table(results.frames["explorer"]),
        "digits": DIGITS,
    }
    template = environment.get_template("page.html.jinja2")
    template.render(context)
    references.begin_final_pass()
    html = hold_punctuation(template.render(context))
    if missing := set(figures) - set(references.names("figure")):
        raise ValueError(f"figures that no chapter shows: {', '.join(sorted(missing))}")
    return html


def hold_punctuation(html: str) -> str:
    """Keep on the line of a formula the bracket or quotation mark before it, and the punctuation after it."""
    formula = r"<math>(?:(?!</math>).)*</math>"
    before, after = "[(‘“]", "[.,;:!?)’”]"
    held = f"{before}{formula}{after}*|{formula}{after}+"
    return re.sub(held, r'<span class="together">\g<0></span>', html, flags=re.DOTALL)


def policy(style: str, scripts: Sequence[str]) -> str:
    """A content security policy: this style and these scripts, fonts inside the page, no request of any kind."""

    def digests(sources: Sequence[str]) -> str:
        hashes = (base64.b64encode(hashlib.sha256(source.encode()).digest()).decode() for source in sources)
        return " ".join(f"'sha256-{digest}'" for digest in hashes)

    return "; ".join(
        [
            "default-src 'none'",
            f"style-src {digests([style])}",
            f"script-src {digests(scripts)}",
            "font-src data:",
            "img-src blob: data:",  # a figure on its way to a PNG file
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def script(name: str) -> str:
    """A script of the page, as it stands between its tags."""
    source = (HERE / "static" / "js" / f"{name}.js").read_text(encoding="utf-8")
    if found := re.search(r"</script|<!--", source, re.IGNORECASE):
        raise ValueError(f"{name}.js: {found[0]!r} would end the script inside the page")
    return source


def stylesheet() -> str:
    """All style of the page, its fonts included."""
    faces = "\n".join(
        map(partial(str.format, FONT_FACE), *zip(*((*face[:3], font_data(face[3])) for face in FONTS), strict=True))
    )
    return "\n".join(
        [faces, *((HERE / "static" / "css" / f"{name}.css").read_text(encoding="utf-8") for name in STYLES)]
    )


FONT_FACE = (
    '@font-face {{ font-family: "{}"; font-weight: {}; font-style: {}; font-display: block; '
    'src: url("data:font/woff2;base64,{}") format("woff2"); }}'
)


def font_data(name: str) -> str:
    """A font file in base64."""
    return base64.b64encode((HERE / "static" / "fonts" / f"{name}.woff2").read_bytes()).decode()
