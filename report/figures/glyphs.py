"""Letters as outlines, kept once for a whole page instead of once in each of its figures."""

import re
from collections.abc import Mapping

from markupsafe import Markup

# A letter is a path in a font's own units, as `export.page_svg` writes it: an id within its figure, and an outline.
_LETTER = re.compile(r'<path id="(?P<id>[^"]+)" d="(?P<outline>[^"]+)" transform="scale\(0\.015625\)"/>')


def share_glyphs(figures: Mapping[str, Markup]) -> tuple[dict[str, Markup], Markup]:
    """Inline figures by name → the same without the outlines of their letters, and one sheet that holds them all.

    The sheet has to stand somewhere on the page. A glyph is named for its place in the sheet, which depends on the
    figures and their order alone.
    """
    names: dict[str, str] = {}  # by outline
    shared = {}
    for figure, svg in figures.items():
        local = {found["id"]: found["outline"] for found in _LETTER.finditer(svg)}
        for outline in local.values():
            names.setdefault(outline, f"g{len(names)}")
        text = _LETTER.sub("", svg).replace("<defs></defs>", "")
        for old, outline in local.items():
            text = text.replace(f'href="#{old}"', f'href="#{names[outline]}"')
        shared[figure] = Markup(text)
    sheet = Markup("").join(
        Markup('<path id="{}" d="{}" transform="scale(0.015625)"/>').format(name, outline)
        for outline, name in names.items()
    )
    return shared, Markup('<svg class="marks" aria-hidden="true"><defs>{}</defs></svg>').format(sheet)
