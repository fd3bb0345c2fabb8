"""Letters, words and marks, kept once for a whole page instead of once in each of its figures."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import count

from markupsafe import Markup

# As `export.page_svg` writes them: a letter or mark is a path with an id, and a word is a group of letters.
_OUTLINE = re.compile(r'<path id="(?P<id>[^"]+)"(?P<look>[^>]*)/>')
_WORD = re.compile(r'<g transform="(?P<place>[^"]*)">(?P<letters>(?:<use [^>]*/>){2,})</g>')
_UPRIGHT = re.compile(r"^translate\((\S+) (\S+)\)$")
_CLIP = re.compile(r'<clipPath id="([^"]+)"')
_NAME = re.compile(r'(?<= href="#)[^"]+|(?<="url\(#)[^)]+|(?<=<clipPath id=")[^"]+')


def share_glyphs(figures: Mapping[str, Markup]) -> tuple[dict[str, Markup], Markup]:
    """Inline figures by name → the same without what they can share, and one sheet that holds it.

    The sheet has to stand somewhere on the page. What it holds is named for its place in it, which depends on the
    figures and their order alone: every letter and mark, and those words that stand in two places or more.
    """
    outlines: dict[str, str] = {}  # name by look
    clips = count()
    named = {figure: _without_outlines(svg, outlines, clips) for figure, svg in figures.items()}
    uses = Counter(word["letters"] for svg in named.values() for word in _WORD.finditer(svg))
    words = {letters: f"w{number}" for number, letters in enumerate(uses) if uses[letters] > 1}

    def shared(word: re.Match[str]) -> str:
        if word["letters"] not in words:
            return word[0]
        upright = _UPRIGHT.match(word["place"])
        place = 'x="{}" y="{}"'.format(*upright.groups()) if upright else f'transform="{word["place"]}"'
        return f'<use href="#{words[word["letters"]]}" {place}/>'

    sheet = [f'<path id="{name}"{look}/>' for look, name in outlines.items()]
    sheet += [f'<g id="{name}">{letters}</g>' for letters, name in words.items()]
    return (
        {figure: Markup(_WORD.sub(shared, svg)) for figure, svg in named.items()},
        Markup(f'<svg class="marks" aria-hidden="true"><defs>{"".join(sheet)}</defs></svg>'),
    )


def _without_outlines(svg: str, outlines: dict[str, str], clips: Iterator[int]) -> str:
    """A figure without its letters and marks, which `outlines` takes up; all names are those of the page."""
    names = {path["id"]: outlines.setdefault(path["look"], f"g{len(outlines)}") for path in _OUTLINE.finditer(svg)}
    names |= {name: f"c{next(clips)}" for name in _CLIP.findall(svg)}
    return _NAME.sub(lambda name: names[name[0]], _OUTLINE.sub("", svg).replace("<defs></defs>", ""))
