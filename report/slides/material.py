"""What slides are made from: the results, the figures' words, and what the page keeps of itself."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from experiments.claims import Judgement, Ledger, Verdict
from report.figures.spec import FigureSpec
from report.findings.measured import Findings
from report.kept import Kept
from report.prose import prose
from report.slides.slide import Formula
from report.walkthrough import Walkthrough
from report.wording import count, interval_text, measured, prediction_text

LONGEST_FINDING = 92  # characters that stand on one line under a title
_REFERENCE = re.compile(r'<a class="reference"[^>]*>([^<]*)</a>')
_STOPS = (".", "?", "!", ":", "”", ".)")
_HERE = re.compile(r"\bthis page\b")
_SENTENCE = re.compile(r"(?:[^.$]|\$[^$]*\$|\.(?!\s|$))+\.")


@dataclass(frozen=True)
class ToldFigure:
    """A figure, and what is said of it."""

    spec: FigureSpec
    caption: str  # its finding; plain text with maths as $...$
    alt: str  # plain text


def told(specs: Iterable[FigureSpec], frames: Mapping[str, pd.DataFrame]) -> dict[str, ToldFigure]:
    """Figures by name."""
    given = {spec.name: (spec, spec.given(frames)) for spec in specs}
    return {name: ToldFigure(spec, spec.caption(*of), spec.alt(*of)) for name, (spec, of) in given.items()}


@dataclass(frozen=True)
class Part:
    """A passage of a slide, or a formula and how it is said."""

    words: Markup
    formula: Formula | None = None
    is_shown: bool = True  # not for the notes alone


@dataclass(frozen=True)
class Material:
    """Everything that an idea may name."""

    ledger: Ledger
    figures: Mapping[str, ToldFigure]  # those that this run has
    kept: Kept
    lecture: Walkthrough
    found: Findings
    provenance: Mapping[str, str]  # what decides the bytes, by what it is

    def shown(self, name: str) -> tuple[Markup, ...]:
        """The passages that the page shows under that name."""
        return tuple(map(passage, self.kept.all("shown", name)))

    def said(self, name: str) -> tuple[Markup, ...]:
        """The passages that it has for notes."""
        return tuple(map(passage, self.kept.all("said", name)))

    def told(self, name: str, equations: Iterable[str] = ()) -> tuple[Part, ...]:
        """The passages and formulas of a slide, as they stand on the page one after the other."""
        wanted = {("shown", name), ("said", name), *(("equation", equation) for equation in equations)}
        found = self.kept.in_order(wanted)
        followers = [*(kind for kind, _ in found[1:]), ""]
        return tuple(
            Part(prose(f"${thing}$"), Formula(thing))
            if kind == "equation"
            else Part(passage(thing, ":" if follower == "equation" else "."), is_shown=kind == "shown")
            for (kind, thing), follower in zip(found, followers, strict=True)
        )

    def evidence(self, claims: Iterable[str]) -> tuple[Markup, ...]:
        """A sentence on each of these claims that the run has judged."""
        return tuple(evidence(self.ledger[claim]) for claim in claims if claim in self.ledger)

    def verdicts_of(self, group: str) -> tuple[Markup, ...]:
        """A sentence on a group of claims; nothing where this run has none."""
        judgements = self.ledger.groups.get(group, [])
        if not judgements:
            return ()
        tally = {verdict: sum(judgement.verdict is verdict for judgement in judgements) for verdict in Verdict}
        said = ", ".join(f"{number} {verdict}" for verdict, number in tally.items() if number)
        return (prose(f"{group.capitalize()}: {count(len(judgements), 'claim')}, {said}."),)

    def matching(self, pattern: str) -> list[str]:
        """The names of the claims that a pattern fits as a whole."""
        return [judgement.claim.id for judgement in self.ledger.judgements if re.fullmatch(pattern, judgement.claim.id)]


def first_sentence(text: str) -> str:
    """Of plain text with maths as $...$, if it is short enough for one line."""
    found = _SENTENCE.match(text)
    sentence = found[0] if found else ""
    return sentence if len(re.sub(r"[\\${}]", "", sentence)) <= LONGEST_FINDING else ""


def evidence(judgement: Judgement) -> Markup:
    """What was claimed and predicted, and what came out, with its interval and verdict."""
    place = f" (nearest to its margin: {judgement.place})" if judgement.place else ""
    return prose(
        f"{judgement.claim.label}{place}: predicted {prediction_text(judgement)}, measured {measured(judgement)} "
        f"({interval_text(judgement)}), {judgement.verdict}."
    )


def passage(words: Markup, stop: str = ".") -> Markup:
    """A passage of the page by itself: it begins with a capital and ends with a stop, and its links are words."""
    text = _REFERENCE.sub(r"\1 of the report", str(words).strip())  # as Markup it would be escaped once more
    text = _HERE.sub("the report", text)
    text = text[:1].upper() + text[1:]
    return Markup(text if text.endswith((*_STOPS, "</p>")) else text.rstrip(",;") + stop)
