"""What the page consists of: its parts and their chapters, in order."""

from dataclasses import dataclass

TITLE = "Why does attention divide by $\\sqrt{d_k}$?"


@dataclass(frozen=True)
class Chapter:
    """One chapter: a template of that name, its title, and a shorter one for the contents."""

    name: str
    title: str  # plain text with maths as $...$
    short: str
    minutes: str = ""  # where the lecture comes to it
    is_numbered: bool = True


@dataclass(frozen=True)
class Part:
    """Chapters that belong together, under a heading in the contents."""

    title: str
    chapters: tuple[Chapter, ...]


PARTS = (
    Part("", (Chapter("summary", "What was found", "What was found", is_numbered=False),)),
    Part(
        "The lecture",  # fourteen chapters, whose numbers are the lecture's own
        (
            Chapter("recap", "Context vectors without weights", "Without weights", "4:04"),
            Chapter("matrices", "Three weight matrices: query, key and value", "Three matrices", "8:37"),
            Chapter("coding", "The three matrices, coded", "The matrices, coded", "15:33"),
            Chapter("projections", "From embeddings to queries, keys and values", "Queries, keys, values", "22:31"),
            Chapter("scores", "Attention scores", "Attention scores", "25:07 and 30:07"),
            Chapter("weights", "Attention weights", "Attention weights", "35:17 and 39:58"),
            Chapter("scaling", "Why the scores are divided by $\\sqrt{d_k}$", "Why divide?", "42:39"),
            Chapter("context", "Context vectors", "Context vectors", "51:06 and 53:50"),
            Chapter("formula", "The formula", "The formula", "57:43"),
            Chapter("basic", "Self-attention as a class: the basic version", "The basic class", "1:00:46"),
            Chapter("advanced", "Self-attention as a class: the advanced version", "The advanced class", "1:09:08"),
            Chapter("picture", "Self-attention in one figure", "One figure", "1:12:29"),
            Chapter("intuition", "What query, key and value stand for", "What they stand for", "1:15:29"),
            Chapter(
                "sheet",
                "The calculation sheet: $\\Var(q \\cdot k) = d_k$, line by line",
                "The calculation sheet",
            ),
        ),
    ),
    Part(
        "Beyond the lecture",
        (
            Chapter("next", "Where the lecture stops: causal masks and several heads", "Causal masks, heads"),
            Chapter("saturation", "Both reasons together: saturation, measured", "Saturation, measured"),
            Chapter("law", "The exact law, and when attention freezes", "The exact law"),
            Chapter("jacobian", "The softmax’s Jacobian: which rows still answer", "The Jacobian"),
            Chapter("gradients", "“The gradient vanishes” is half the truth", "The gradient"),
            Chapter("scalings", "Other rules, on the same draws", "Other rules"),
            Chapter("assumptions", "When the assumptions break", "Broken assumptions"),
            Chapter("initialisation", "What a layer really starts from", "Initialisation"),
            Chapter("learning", "Does a head learn faster with it?", "Learning"),
            Chapter("trained", "Trained models: what heads have become", "Trained models"),
            Chapter("explorer", "Try it: one row of attention", "Explorer"),
            Chapter("questions", "Common claims, measured", "Common claims"),
        ),
    ),
    Part(
        "The record",
        (
            Chapter("verdicts", "Every claim and its verdict", "Every claim"),
            Chapter("method", "How it was measured", "How it was measured"),
            Chapter("glossary", "Words and symbols", "Words and symbols"),
            Chapter("provenance", "Data, provenance and sources", "Data and sources"),
        ),
    ),
)
COST = Chapter("cost", "What it costs", "What it costs")  # where it was measured


def parts_of(has_cost: bool) -> tuple[Part, ...]:
    """All parts; the last one with what it costs, behind how it was measured, if that was measured."""
    if not has_cost:
        return PARTS
    *parts, record = PARTS
    place = [chapter.name for chapter in record.chapters].index("method") + 1
    return (*parts, Part(record.title, (*record.chapters[:place], COST, *record.chapters[place:])))


CHAPTERS = tuple(chapter for part in PARTS for chapter in part.chapters)
