"""Letters, words and marks, kept once for a whole page instead of once in each of its figures."""

import re
from collections import Counter
from collections.abc import Mapping
from itertools import count

from markupsafe import Markup

# As `export.page_svg` writes them: a letter or mark is a path with an id, and a word is a group of letters.
_OUTLINE = re.compile(r'<path id="(?P<id>[^"]+)"(?P<look>[^>]*)/>')
_WORD = re.compile(r'<g transform="(?P<place>[^"]*)">(?P<letters>(?:<use [^>]*/>){2,})</g>')
_UPRIGHT = re.compile(r"translate\((\S+) (\S+)\)")
_CLIP = re.compile(r'<clipPath id="([^"]+)"')
_NAME = re.compile(r'(?<= href="#)[^"]+|(?<="url\(#)[^)]+|(?<=<clipPath id=")[^"]+')


def share_glyphs(figures: Mapping[str, Markup]) -> tuple[dict[str, Markup], Markup]:
    """Inline figures by name → the same without what they share, and one sheet that holds it.

    The sheet has to stand somewhere on the page. What it holds is named for its place in it, which depends on the
    figures and their order alone.
    """
    outlines: dict[str, str] = {}  # name by look
    clips = count()
    named = {}
    for figure, svg in figures.items():
        names = {found["id"]: outlines.setdefault(found["look"], f"g{len(outlines)}") for found in _OUTLINE.finditer(svg)}
        names |= {found: f"c{next(clips)}" for found in _CLIP.findall(svg)}
        text = _OUTLINE.sub("", svg).replace("<defs></defs>", "")
        named[figure] = _NAME.sub(lambda found, names=names: names[found[0]], text)
    uses = Counter(found["letters"] for text in named.values() for found in _WORD.finditer(text))
    words = {letters: f"w{number}" for number, letters in enumerate(uses) if uses[letters] > 1}

    def shared(word: re.Match[str]) -> str:
        if word["letters"] not in words:
            return word[0]
        place = _UPRIGHT.sub(r'x="\1" y="\2"', word["place"])
        return f'<use href="#{words[word["letters"]]}" {place}/>'

    sheet = [f'<path id="{name}"{look}/>' for look, name in outlines.items()]
    sheet += [f'<g id="{name}">{letters}</g>' for letters, name in words.items()]
    return (
        {figure: Markup(_WORD.sub(shared, text)) for figure, text in named.items()},
        Markup(f'<svg class="marks" aria-hidden="true"><defs>{"".join(sheet)}</defs></svg>'),
    )
