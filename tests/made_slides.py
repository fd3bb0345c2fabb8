"""A small deck with a slide of every kind, made up, for tests of what decks look like."""

from markupsafe import Markup

from report.prose import prose
from report.slides.slide import Block, Code, Derivation, Formula, Picture, PictureFiles, Slide, Step, Table, Words

TITLE = "Why does attention divide by √d_k?"
WORDS = Words((prose("Scores grow with the dimension, since $\\Var(q \\cdot k) = d_k$."), Markup("So divide.")))
FORMULA = Formula(
    r"\operatorname{Attention}(Q, K, V) = \operatorname{softmax}\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V"
)
NUMBERS = Table(
    (prose("dimension $d_k$"), Markup("variance"), Markup("scaled")),
    ((prose("$d_k$"), Markup("16"), Markup("1.00")), (Markup("256"), Markup("256"), Markup("1.00"))),
)
MEANINGS = Table(
    (Markup(""), Markup("meaning")), ((Markup("query"), Markup("what a token looks for")),) * 2, numeric=False
)
CODE = Code("def scores(q, k):\n    return q @ k.T if q.shape[-1] < 2 else '<b>' & k")
STEPS = tuple(
    Step(latex, Markup("1 ± 0.01"), Markup("1.0025"), Markup("−0.9978 to 1.0071"), verdict)
    for latex, verdict in (
        (r"\E[q_i] = \E[k_i] = 0", "confirmed"),
        (r"\Var(q_i k_i) = \E[q_i^2]\,\E[k_i^2] - 0 = 1", "undecided"),
        (r"\Cov(q_i k_i,\; q_j k_j) = \E[q_i q_j]\,\E[k_i k_j] - 0 = 0", "refuted"),
        *((r"\Var(q \cdot k) = \sum_{i=1}^{d_k} \Var(q_i k_i) = d_k", "confirmed"),) * 5,
        (r"\Var\left(\frac{q \cdot k}{\sqrt{d_k}}\right) = \frac{d_k}{\left(\sqrt{d_k}\right)^2} = 1", "confirmed"),
    )
)


def made_slides() -> list[Slide]:
    """Fifteen slides; the last two show one picture."""
    blocks: dict[str, tuple[Block, ...]] = {
        "words": (WORDS, FORMULA),
        "numbers": (NUMBERS, WORDS),
        "meanings": (MEANINGS,),
        "code": (CODE,),
        **{f"sheet-{n}": (Derivation(STEPS, n),) for n in range(1, len(STEPS) + 1)},
        "growth-1": (Picture("growth", 0),),
        "growth-2": (Picture("growth", 1),),
        "whole": (Picture("whole"),),
        "again": (Picture("whole"),),
    }
    notes = (prose("Let the room guess first: it is $\\sqrt{d_k}$."), Markup("Then go on."))
    opening = Slide("opening", "Opening", Markup("A laboratory"), prose("Why $\\sqrt{d_k}$?"), (WORDS,), notes, True)
    return [
        opening,
        *(
            Slide(
                name,
                "Its sheet" if name.startswith("sheet") else "Its rest",
                Markup("") if name == "meanings" else prose("1 Why divide?"),
                prose("Two reasons are given for it, and both are about the size of the scores $q \\cdot k$ in a row")
                if name == "words"
                else prose(f"What {name} & $d_k$ say"),
                shown,
                notes,
                finding=prose("The variance is $d_k$, and 1 after the division.") if name == "numbers" else Markup(""),
            )
            for name, shown in blocks.items()
        ),
    ]


def made_pictures() -> dict[str, PictureFiles]:
    """Their pictures, by name."""
    stages = {
        "growth-1": "",
        "growth-2": '<path d="M9 9V90" stroke="var(--raw, #d55e00)"/>',
        "whole": "<path d='M0 0'/>",
    }
    return {name: PictureFiles(b"<svg/>", b"png", name, drawing(name, more)) for name, more in stages.items()}


def drawing(name: str, more: str) -> Markup:
    """A drawing as figures for a page are: letters defined first and used by reference, parts of it clipped."""
    return Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 888 385.5" role="img" aria-label="{name}, drawn" '
        f'fill="currentColor"><defs><path id="{name}-0" d="M0 0h9v9z"/></defs><clipPath id="{name}-1">'
        f'<path d="M0 0h888v385H0z"/></clipPath><g clip-path="url(#{name}-1)"><path d="M9 9H800V300z"/></g>'
        f'<use href="#{name}-0" x="40" y="40"/>{more}</svg>'
    )
