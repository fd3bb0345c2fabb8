"""A page as one HTML file: its template rendered, with style, fonts, scripts and a policy that lets nothing else in."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from report.contents import Part
from report.drawing import DrawnFigure
from report.excerpts import excerpt
from report.figures.glyphs import share_glyphs
from report.kept import Answer, Kept, Printed
from report.prose import add_formulas, prose
from report.references import References
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
STYLES = ("theme", "layout", "content", "verdict")  # of every page of chapters
EARLY_SCRIPTS = ("fonts",)  # in the head
IMAGES = "blob: data:"  # what pictures may come from: the page itself, which makes PNG files of its figures


@dataclass(frozen=True)
class Inside:
    """What stands inside a page in place of requests."""

    styles: Sequence[str]
    scripts: Sequence[str] = ()  # after the text
    early_scripts: Sequence[str] = EARLY_SCRIPTS
    images: str = IMAGES
    theme: str | None = None  # light or dark, where the reader's system does not decide

    def context(self) -> dict[str, Any]:
        """What `shell.html.jinja2` names: all this, and the policy that allows it and nothing else."""
        style = stylesheet(self.styles, self.theme)
        early, late = ([script(name) for name in names] for names in (self.early_scripts, self.scripts))
        return {
            "theme": self.theme,
            "style": Markup(style),
            "early_scripts": [Markup(source) for source in early],
            "scripts": [Markup(source) for source in late],
            "policy": Markup(policy(style, [*early, *late], self.images)),
        }


def document(
    template: str,
    parts: Sequence[Part],
    figures: Mapping[str, DrawnFigure],
    context: Mapping[str, Any],
    styles: Sequence[str] = STYLES,
    scripts: Sequence[str] = ("page",),
    kept: Kept | None = None,
) -> str:
    """The page as HTML: a template that fills the blocks of `frame.html.jinja2`, and the chapters of its parts.

    `context` is what these templates name beside the rest, `folder` of the chapters among them; `scripts` stand after
    the text; `kept` takes up what the page keeps of itself. Raises when a template refers to a figure, claim or section
    that does not exist, or leaves a figure out.
    """
    references, kept = References(), kept or Kept()
    drawings, glyphs = share_glyphs({name: figure.inline for name, figure in figures.items()})
    numbered = [chapter for part in parts for chapter in part.chapters if chapter.is_numbered]
    whole = {
        **context,
        **Inside(styles, scripts).context(),
        "parts": parts,
        "numbers": {chapter.name: i + 1 for i, chapter in enumerate(numbered)},
        "figures": figures,
        "drawings": drawings,
        "glyphs": glyphs,
    }
    page = _environment(references, kept).get_template(template)
    page.render(whole)
    references.begin_final_pass()
    kept.clear()
    html = hold_punctuation(page.render(whole))
    if missing := set(figures) - set(references.names("figure")):
        raise ValueError(f"figures that no chapter shows: {', '.join(sorted(missing))}")
    return html


def single_page(template: str, context: Mapping[str, Any], inside: Inside) -> str:
    """A page without chapters, and so without numbers to refer to: a template that extends `shell.html.jinja2`."""
    page = _environment(References(), Kept()).get_template(template)
    return hold_punctuation(page.render({**context, **inside.context()}))


def _environment(references: References, kept: Kept) -> Environment:
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
        define=references.define, stands=references.stands, keep=kept.keep, Answer=Answer, Printed=Printed,
    )  # fmt: skip
    return environment


def hold_punctuation(html: str) -> str:
    """Keep on the line of a formula the bracket or quotation mark before it, and the punctuation after it."""
    formula = r"<math>(?:(?!</math>).)*</math>"
    before, after = "[(‘“]", "[.,;:!?)’”]"
    held = f"{before}{formula}{after}*|{formula}{after}+"
    return re.sub(held, r'<span class="together">\g<0></span>', html, flags=re.DOTALL)


def policy(style: str, scripts: Sequence[str], images: str = IMAGES) -> str:
    """A content security policy: this style and these scripts, fonts inside the page, no request but for `images`."""

    def digests(sources: Sequence[str]) -> str:
        hashes = (base64.b64encode(hashlib.sha256(source.encode()).digest()).decode() for source in sources)
        return " ".join(f"'sha256-{digest}'" for digest in hashes)

    return "; ".join(
        [
            "default-src 'none'",
            f"style-src {digests([style])}",
            f"script-src {digests(scripts)}",
            "font-src data:",
            f"img-src {images}",
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


def stylesheet(styles: Sequence[str], theme: str | None = None) -> str:
    """All style of a page, its fonts included.

    On a screen its colours are light or dark as the reader's system is, or as `theme` says.
    """
    faces = "\n".join(
        map(partial(str.format, FONT_FACE), *zip(*((*face[:3], font_data(face[3])) for face in FONTS), strict=True))
    )
    sheets = [(HERE / "static" / "css" / f"{name}.css").read_text(encoding="utf-8") for name in styles]
    if theme:
        for of_system, of_theme in zip(OF_SYSTEM, OF_THEME[theme], strict=True):
            sheets = [sheet.replace(of_system, of_theme) for sheet in sheets]
    return "\n".join([faces, *sheets])


OF_SYSTEM = ("@media screen and (prefers-color-scheme: dark)", "color-scheme: light dark")
OF_THEME = {
    "light": ("@media not all", "color-scheme: light"),
    "dark": ("@media screen", "color-scheme: dark"),
}


FONT_FACE = (
    '@font-face {{ font-family: "{}"; font-weight: {}; font-style: {}; font-display: block; '
    'src: url("data:font/woff2;base64,{}") format("woff2"); }}'
)


def font_data(name: str) -> str:
    """A font file in base64."""
    return base64.b64encode((HERE / "static" / "fonts" / f"{name}.woff2").read_bytes()).decode()
