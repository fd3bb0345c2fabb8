"""What readers call the rules of scaling, and how each is drawn: by what it does to the dot products."""

import pandas as pd

from report.figures import marks, style

WORDS = {  # by name; a rule that is not among them goes by its own
    "inverse": "÷ $d_k$",
    "model": "÷ $\\sqrt{d_{\\mathrm{model}}}$",
    "log-n": "log $n$",
    "root-log-n": "root of log $n$",
    "yarn": "YaRN",
    "normalised": "cosine",
    "qk-norm": "QK-norm",
    "layer-norm": "layer norm",
    "soft-cap": "soft cap",
}
PLAIN = WORDS | {"inverse": "divided by d_k", "model": "divided by the root of d_model", "log-n": "log n"}
PLAIN |= {"root-log-n": "root of log n"}
MOST = 5  # rules of a panel, beside raw and scaled
FOLLOWS = 0.03  # of the scaled value: a rule that never comes farther from it is drawn as one with it
_COLOURS = {  # of marks and of words
    "factor": (style.GREEN, style.GREEN_TEXT),
    "length": (style.GREEN, style.GREEN_TEXT),
    "normalised": (style.PINK, style.PINK_TEXT),
    "shape": (style.INK, style.INK),
}
_MARKERS = ("D", "^", "v", "P", "X")


def followers(rows: pd.DataFrame) -> list[str]:
    """The rules whose every estimate along a sweep over d_k is that of scaled scores, or all but."""
    scaled = rows[rows["rule"] == "scaled"].set_index("d_k")["estimate"]
    distance = (rows["estimate"] / rows["d_k"].map(scaled) - 1).abs().groupby(rows["rule"], sort=False).max()
    return [str(rule) for rule in distance.index[distance < FOLLOWS] if rule != "scaled"]


def marks_of(rows: pd.DataFrame, *families: str, hidden: list[str] | None = None) -> dict[str, marks.Mark]:
    """How the rules of some families are drawn, as many as can be told apart."""
    family = dict(zip(rows["rule"], rows["family"], strict=True))
    shown = [str(rule) for rule in family if family[rule] in families and rule not in (hidden or [])]
    found = {}
    for rule, marker in zip(shown, _MARKERS, strict=False):
        colour, text = _COLOURS[family[rule]]
        found[rule] = marks.Mark(colour, marker, colour, text=text)
    return found
