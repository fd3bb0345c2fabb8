"""The fonts of figures: the report's own, or one of the reader's, with matplotlib's for letters that it lacks.

Whatever a machine has installed decides nothing, unless a reader asks for it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from matplotlib import get_data_path
from matplotlib._mathtext import StixFonts
from matplotlib.font_manager import FontEntry, FontProperties, findSystemFonts, fontManager, get_font, ttfFontProperty
from matplotlib.ft2font import FT2Font
from matplotlib.mathtext import MathTextParser

from experiments.faults import Faults, nearest_name

FONTS = Path(__file__).parent.parent / "static" / "fonts"
FALLBACK = "DejaVu Sans"
REGULAR, SEMIBOLD, BOLD = 400, 600, 700
KINDS = {".ttf", ".otf"}


@dataclass(frozen=True)
class Font:
    """A family as matplotlib knows it: one upright face, and one for headings, which may be the same."""

    name: str
    regular: Path
    strong: Path

    @property
    def families(self) -> list[str]:
        """The family, and matplotlib's for any letter that it lacks."""
        return list(dict.fromkeys((self.name, FALLBACK)))

    @property
    def heading(self) -> FontProperties:
        """Of headings."""
        if self.strong.parent == FONTS:
            return FontProperties(fname=self.strong)
        return FontProperties(family=self.families, weight=REGULAR if self.strong == self.regular else BOLD)


def own_font() -> Font:
    """The report's own, where its files are there, or matplotlib's."""
    bundled = Path(get_data_path(), "fonts", "ttf")
    regular = [*sorted(FONTS.glob("*-regular.ttf")), bundled / "DejaVuSans.ttf"][0]
    strong = [*sorted(FONTS.glob("*-semibold.ttf")), bundled / "DejaVuSans-Bold.ttf"][0]
    return Font(FontProperties(fname=regular).get_name(), regular, strong)


def find_font(wanted: str) -> Font:
    """The font in a .ttf or .otf file, or an installed family of that name; Faults where it is neither.

    Of a file's family the bold face is taken for headings if it lies beside it.
    """
    path = Path(os.path.expanduser(wanted))  # unlike Path's, leaves a user that there is not
    if path.suffix.lower() in KINDS and os.path.isfile(path):  # unlike Path's, False for a name that is too long
        entry = _entry(path)
        if entry is None:
            raise Faults(f"font: {wanted!r} is not a font that can be read; give a .ttf or .otf file, or a family")
        beside = [other for file in _files_beside(path) if (other := _entry(file))]
        return _font(entry.name, [entry, *(other for other in beside if other.name == entry.name)], path)
    families: dict[str, list[FontEntry]] = {}
    for entry in _installed():
        families.setdefault(entry.name, []).append(entry)
    by_key = {name.casefold(): name for name in sorted(families)}
    if wanted.casefold() not in by_key:
        near = nearest_name(wanted, families)
        raise Faults(f"font: {wanted!r} is neither a .ttf or .otf file nor the name of an installed family{near}")
    name = by_key[wanted.casefold()]
    return _font(name, families[name])


def _font(name: str, entries: list[FontEntry], regular: Path | None = None) -> Font:
    """Of the faces of a family those nearest to regular and to semibold; at least one is there."""
    upright = [entry for entry in entries if entry.style == "normal"] or entries
    if regular is None:
        regular = Path(min(upright, key=lambda entry: (abs(_weight(entry) - REGULAR), entry.fname)).fname)
    heavy = [entry for entry in upright if _weight(entry) in (SEMIBOLD, BOLD)]
    strong = min(heavy, key=lambda entry: (_weight(entry), entry.fname)).fname if heavy else regular
    return Font(name, regular, Path(strong))


_WEIGHTS = {"light": 300, "normal": 400, "regular": 400, "book": 400, "medium": 500, "semibold": 600, "bold": 700}


def _weight(entry: FontEntry) -> int:
    """From 100 to 900."""
    weight = entry.weight
    return int(weight) if isinstance(weight, int) or str(weight).isdigit() else _WEIGHTS.get(str(weight).lower(), 900)


def _files_beside(path: Path) -> list[Path]:
    """All that its folder holds, in order; nothing where the folder may not be listed."""
    try:
        return sorted(path.parent.iterdir())
    except OSError:
        return []


def _entry(path: Path) -> FontEntry | None:
    """What matplotlib knows of a font's file; nothing of what is none, such as a pipe that is named like one."""
    if path.suffix.lower() not in KINDS or not os.path.isfile(path):
        return None
    try:
        return ttfFontProperty(FT2Font(str(path)))
    except (RuntimeError, OSError, ValueError, KeyError):
        return None


@cache
def _installed() -> tuple[FontEntry, ...]:
    """Every font of this machine, in the order of its files' names."""
    entries = map(_entry, sorted(map(Path, findSystemFonts())))
    return tuple(entry for entry in entries if entry is not None)


@contextmanager
def registered(font: Font) -> Iterator[None]:
    """matplotlib knows the font by its family inside, and afterwards what it knew before."""
    before = list(fontManager.ttflist)
    if not any(entry.name == font.name and Path(entry.fname) == font.regular for entry in before):
        # before the same family's other faces, and those alone that were asked for
        fontManager.ttflist[:] = [entry for entry in before if entry.name != font.name]
        for path in dict.fromkeys((font.regular, font.strong)):
            fontManager.addfont(path)
    try:
        yield
    finally:
        if fontManager.ttflist != before:
            fontManager.ttflist[:] = before
            fontManager._findfont_cached.cache_clear()  # type: ignore[attr-defined]


def forget_others() -> None:
    """Let matplotlib know the report's fonts and its own alone, not a machine's, nor its cached list of them."""
    fontManager.ttflist.clear()
    for path in sorted([*FONTS.glob("*.ttf"), *Path(get_data_path(), "fonts", "ttf").glob("*.ttf")]):
        fontManager.addfont(path)


class Formulas(StixFonts):
    """STIX, and for words beside a formula their own font, with matplotlib's for letters that it lacks.

    matplotlib itself looks for those in other fonts only where there is no formula, and else draws a sign of none.
    """

    def _get_glyph(self, fontname: str, font_class: str, sym: str) -> tuple[FT2Font, int, bool]:
        if fontname == "default" and len(sym) == 1 and not self._get_font(fontname).get_char_index(ord(sym)):
            prop = FontProperties(family=FALLBACK, weight=self.default_font_prop.get_weight())
            other = get_font(fontManager.findfont(prop))
            if other.get_char_index(ord(sym)):
                return other, ord(sym), False
        return super()._get_glyph(fontname, font_class, sym)


MathTextParser._font_type_mapping["stix"] = Formulas  # type: ignore[attr-defined]
