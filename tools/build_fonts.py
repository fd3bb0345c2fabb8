"""Cut the page's fonts down to the signs it uses, into ``report/static/fonts``.

Run it again only to take a newer font or more signs. The sources, all under the SIL Open Font License 1.1, unpacked:

=================  ==========================================  =====================================
argument           where it comes from                         what is taken
=================  ==========================================  =====================================
``--math``         PyPI wheel ``ziamath`` 0.13                 ``ziamath/fonts/STIXTwoMath-Regular.ttf``
``--stix-text``    npm package ``@fontsource/stix-two-text``   ``files/*.woff2``, ``LICENSE``
                   5.3.0
``--inter``        npm package ``inter-ui`` 4.1.1              ``web/*.woff2``, ``LICENSE.txt``
=================  ==========================================  =====================================

The npm package of STIX Two Text comes in pieces by alphabet: Latin and Greek are merged, and the signs that neither
holds (√ ≈ ≤ → …) are added from STIX Two Math, which is drawn to match. Inter is taken from ``inter-ui``, since the
pieces of ``@fontsource/inter`` lack √ ≈ ≤ ≥ ∞ →.
"""

import argparse
import logging
from pathlib import Path
from tempfile import TemporaryDirectory

from fontTools.merge import Merger
from fontTools.merge import Options as MergeOptions
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.ttLib.scaleUpem import scale_upem

FONTS = Path(__file__).parent.parent / "report" / "static" / "fonts"

LATIN = [*range(0x20, 0x7F), *range(0xA0, 0x100), 0x131, 0x152, 0x153]
GREEK = [*range(0x391, 0x3AA), *range(0x3B1, 0x3CA), 0x3D1, 0x3D5, 0x3D6, 0x3F0, 0x3F1, 0x3F5]
PUNCTUATION = [
    *range(0x2010, 0x2016),
    *range(0x2018, 0x201F),
    *map(ord, "†‡•…‰′″‹›⁄€™\u2002\u2003\u2009\u200a\u202f\u2060"),
]
SCRIPTS = list(map(ord, "⁰ⁱ⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿ₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₙᵀᵢⱼₖ"))
SIGNS = list(map(ord, "−×·√≈≤≥±∞→←↑↓↔⇒≠≡∂∑∏∫∆∇∈∝∼≪≫⋅‖⟨⟩ℓℝ✓✗■□▲△▼▽◆◇●○"))
TEXT = [*LATIN, *GREEK, *PUNCTUATION, *SCRIPTS, *SIGNS]
MATH = [
    *range(0x20, 0x7F),
    *map(ord, "\u00a0¬°±·×÷"),
    *[0x131, 0x237, 0x2C6, 0x2C7, 0x2D8, 0x2D9, 0x2DA, 0x2DC],  # dotless i and j, accents as math-core writes them
    *[0x302, 0x303, 0x304, 0x305, 0x307, 0x308, 0x338],
    *GREEK,
    *map(ord, "‐–—‘’“”†‡…′″"),
    *[0x2016, 0x2034, 0x203E, 0x2057, *range(0x2061, 0x2065)],
    *map(ord, "ℕℝℤℬℰℱℋℐℒℳℛℓℎ"),
    *map(ord, "←↑→↓↔↦⇐⇒⇔⟵⟶⟹⟺"),
    *map(ord, "∀∂∃∅∆∇∈∉∏∑−∓∕∖∗∘∙√∝∞∣∥∧∨∩∪∫∼≃≅≈≔≠≡≤≥≪≫⊂⊆⊕⊗⊙⊤⊥⋂⋃⋅⋆⋮⋯⋱⌈⌉⌊⌋⏜⏝⏞⏟⟨⟩⩽⩾✓"),
    *range(0x1D434, 0x1D468),  # italic letters: plain ones become these
    *range(0x1D49C, 0x1D4B6),  # script capitals
    *range(0x1D538, 0x1D551),  # double-struck capitals
    0x1D5B3,  # sans-serif T, of the transpose
    *[0x1D6A4, 0x1D6A5, *range(0x1D6E2, 0x1D71C)],  # dotless letters and Greek, italic
]


LINE_HEIGHTS = ["ascent", "descent", "lineGap", "sTypoAscender", "sTypoDescender", "sTypoLineGap"]
LINE_HEIGHTS += ["usWinAscent", "usWinDescent"]


def subset(font: TTFont, signs: list[int], features: list[str]) -> TTFont:
    """Drop all but ``signs``, the glyphs they can turn into, and ``features``; keep the licence's name records."""
    options = Options()
    options.layout_features = features
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 7, 13, 14]
    options.notdef_outline = True
    options.hinting = False
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=signs)
    subsetter.subset(font)
    return font


def keep_script_forms_of_primes_only(font: TTFont) -> TTFont:
    """Drop the redrawn letters for sub- and superscripts: they are 60 kB, and only a prime looks wrong without them."""
    primes = {font.getBestCmap()[sign] for sign in (0x2032, 0x2033, 0x2034, 0x2057)}
    gsub = font["GSUB"].table
    for record in gsub.FeatureList.FeatureRecord:
        if record.FeatureTag != "ssty":
            continue
        for index in record.Feature.LookupListIndex:
            for table in gsub.LookupList.Lookup[index].SubTable:
                table = getattr(table, "ExtSubTable", table)
                forms = table.alternates if hasattr(table, "alternates") else table.mapping
                for glyph in set(forms) - primes:
                    del forms[glyph]
    return font


def let_accents_stand(font: TTFont) -> TTFont:
    """Give the combining accents a width: MathML sets them as signs of their own and puts them in place itself."""
    for code, name in font.getBestCmap().items():
        if 0x300 <= code < 0x370 or 0x20D0 <= code < 0x2100:
            glyph = font["glyf"][name]
            if glyph.isComposite() or glyph.numberOfContours == 0 or font["hmtx"][name][0] > 0:
                continue
            glyph.coordinates.translate((-glyph.xMin, 0))
            glyph.recalcBounds(font["glyf"])
            font["hmtx"][name] = (glyph.xMax, 0)
    return font


def scale_width(font: TTFont, name: str, width: int) -> None:
    """Narrow a glyph, outline and advance, to ``width``."""
    advance = font["hmtx"][name][0]
    glyph = font["glyf"][name]
    if advance <= width:
        return
    if glyph.isComposite():
        raise ValueError(f"{name} is made of other glyphs")
    glyph.coordinates.scale((width / advance, 1))
    glyph.coordinates.toInt()
    glyph.recalcBounds(font["glyf"])
    font["hmtx"][name] = (width, glyph.xMin)


def mend_right_arrows(font: TTFont) -> TTFont:
    """Swap the lengths by which an arrow's head may overlap its shaft: they are the wrong way round in the source."""
    for construction in font["MATH"].table.MathVariants.HorizGlyphConstruction:
        if construction.GlyphAssembly:
            head = construction.GlyphAssembly.PartRecords[-1]
            if head.StartConnectorLength == 0:
                head.StartConnectorLength, head.EndConnectorLength = head.EndConnectorLength, 0
    return font


def even_out_delimiters(font: TTFont) -> TTFont:
    """Give every size of a delimiter (nearly) one width.

    Chromium leaves as much room for a stretchy sign as its widest size needs, so that the tall radical's 1.2 em
    would stand as a hole behind each √d_k.
    """
    variants = font["MATH"].table.MathVariants
    names = font.getBestCmap()
    for name, construction in zip(variants.VertGlyphCoverage.glyphs, variants.VertGlyphConstruction, strict=True):
        if name not in {names[ord(sign)] for sign in "√()[]{}|‖⟨⟩⌊⌋⌈⌉"}:
            continue
        width = round(font["hmtx"][name][0] * (1 if name == names[ord("√")] else 1.2))
        sizes = [record.VariantGlyph for record in construction.MathGlyphVariantRecord]
        parts = [part.glyph for part in construction.GlyphAssembly.PartRecords] if construction.GlyphAssembly else []
        for glyph in [*sizes, *parts]:
            scale_width(font, glyph, width)
    return font


def save(font: TTFont, name: str) -> None:
    """Write the font as the file's suffix says, with its own date, so that the same sources give the same bytes."""
    font.recalcTimestamp = False
    font.flavor = "woff2" if name.endswith(".woff2") else None
    font.save(FONTS / name)
    print(f"{name:32} {(FONTS / name).stat().st_size / 1000:5.1f} kB, {len(font.getBestCmap())} signs")


def merge_text(latin: Path, greek: Path, math: Path) -> TTFont:
    """Join the pieces of one style of STIX Two Text and fill in from STIX Two Math the signs that are in neither."""
    held = set(TTFont(latin).getBestCmap()) | set(TTFont(greek).getBestCmap())
    with TemporaryDirectory() as folder:
        pieces = []
        for path, signs in [
            (latin, TEXT),
            (greek, [sign for sign in GREEK if sign not in TTFont(latin).getBestCmap()]),
            (math, [sign for sign in TEXT if sign not in held]),
        ]:
            piece = subset(TTFont(path), signs, ["kern", "liga", "mark", "mkmk", "ccmp"] if path == latin else [])
            for table in ["MATH", "GDEF", "GSUB", "GPOS"] if path != latin else []:
                if table in piece:
                    del piece[table]
            for table in ["STAT", "DSIG", "meta", "BASE", "gasp"]:
                if table in piece:
                    del piece[table]
            scale_upem(piece, 1000)
            piece.flavor = None
            piece.recalcTimestamp = False
            pieces.append(str(Path(folder, f"{len(pieces)}.ttf")))
            piece.save(pieces[-1])
        merged = Merger(MergeOptions()).merge(pieces)
        merged["head"].created = merged["head"].modified = TTFont(latin)["head"].modified
        for tag in ["hhea", "OS/2"]:  # line heights are the text font's, not the tallest of the three
            original = TTFont(latin)[tag]
            for field in LINE_HEIGHTS:
                if hasattr(original, field):
                    setattr(merged[tag], field, getattr(original, field))
        return merged


def main() -> None:
    """Build every font and copy the licences beside them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--math", type=Path, required=True, help="STIXTwoMath-Regular.ttf")
    parser.add_argument("--stix-text", type=Path, required=True, help="the npm package's folder")
    parser.add_argument("--inter", type=Path, required=True, help="the npm package's folder")
    args = parser.parse_args()
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    FONTS.mkdir(parents=True, exist_ok=True)

    math = TTFont(args.math)
    for change in (keep_script_forms_of_primes_only, let_accents_stand, mend_right_arrows, even_out_delimiters):
        math = change(math)
    save(subset(math, MATH, ["ssty", "dtls"]), "stix-two-math.woff2")
    for name, style in {"regular": "400-normal", "italic": "400-italic", "semibold": "600-normal"}.items():
        latin, greek = (args.stix_text / "files" / f"stix-two-text-{part}-{style}.woff2" for part in ("latin", "greek"))
        save(merge_text(latin, greek, args.math), f"stix-two-text-{name}.woff2")
    for name, style in {"regular": "Regular", "semibold": "SemiBold"}.items():
        source = args.inter / "web" / f"Inter-{style}.woff2"
        save(subset(TTFont(source), TEXT, ["kern", "tnum", "zero", "calt", "ccmp", "mark"]), f"inter-{name}.woff2")
        static = subset(TTFont(source), TEXT, ["kern"])  # matplotlib reads neither woff2 nor features
        for record in static["name"].names:  # and finds a weight by its number within one family
            if record.nameID in (1, 2):
                static["name"].setName(
                    "Inter" if record.nameID == 1 else style,
                    record.nameID,
                    record.platformID,
                    record.platEncID,
                    record.langID,
                )
        save(static, f"inter-{name}.ttf")
    (FONTS / "OFL-stix.txt").write_text((args.stix_text / "LICENSE").read_text(), encoding="utf-8")
    (FONTS / "OFL-inter.txt").write_text((args.inter / "LICENSE.txt").read_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
