"""The kinds of ideas that slides have: each makes one slide of the material, or several that build up, or none.

An idea whose figure or claims this run does not have makes no slide. Its words are those that the page marks with its
name; see `report.kept`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup, escape

from report.contents import Chapter
from report.excerpts import excerpt
from report.prose import prose
from report.slides.material import LONGEST_FINDING, Material, evidence, first_sentence, passage
from report.slides.slide import NOTHING, Block, Code, Derivation, Picture, Slide, Step, Words
from report.slides.tables import comparison_tables, table
from report.slides.words.runs import plain_text
from report.wording import interval_text, measured, prediction_text

LONGEST_TITLE = 58  # characters of a title that leaves room for a finding under it


@dataclass(frozen=True)
class Place:
    """Where in the deck an idea stands."""

    part: str
    chapter: Chapter
    number: int | None  # the chapter's
    is_first: bool  # of its chapter

    def slide(
        self, name: str, title: Markup, blocks: Sequence[Block], notes: Sequence[Markup], finding: Markup = NOTHING
    ) -> Slide:
        """A slide there. Above its title stands the chapter; on the first one, when the lecture comes to it."""
        chapter = f"Chapter {self.number}" if self.number else ""
        if self.is_first and self.chapter.minutes:
            kicker = f"{chapter} · lecture, {self.chapter.minutes}"
        elif title == prose(self.chapter.title):
            kicker = chapter
        else:
            kicker = f"{self.number} · {self.chapter.short}" if self.number else self.chapter.short
        has_room = len(plain_text(title)) <= LONGEST_TITLE and len(plain_text(finding)) <= LONGEST_FINDING
        line = finding if has_room else NOTHING
        return Slide(name, self.part, prose(kicker), title, tuple(blocks), tuple(notes), finding=line)


class Idea(ABC):
    """What one slide says, or several that build up."""

    @abstractmethod
    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """Its slides, if the material has what it needs."""


@dataclass(frozen=True)
class Told(Idea):
    """Words of the page and formulas, in its order."""

    topic: str
    equations: tuple[str, ...] = ()
    heading: str = ""  # of the page, in place of the chapter's title
    points: tuple[str, ...] = ()  # headings of the page that say what comes

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One, if the page has its words or formulas."""
        kept, name = material.kept, f"about-{self.topic}"
        if not kept.has("shown", name) and not any(kept.has("equation", equation) for equation in self.equations):
            return
        title = kept.one("heading", self.heading) if self.heading else prose(place.chapter.title)
        told = material.told(name, self.equations)
        blocks: list[Block] = []
        for formula, parts in groupby((part for part in told if part.is_shown), key=lambda part: part.formula):
            blocks.append(formula or Words(tuple(part.words for part in parts)))
        if self.points:
            *blocks, last = blocks or [Words(())]
            begun = last.paragraphs if isinstance(last, Words) else ()
            blocks.append(Words((*begun, *(kept.one("heading", point) for point in self.points))))
        yield place.slide(name, title, blocks, [part.words for part in told])


@dataclass(frozen=True)
class Shown(Idea):
    """A figure; its notes are its caption, what the page says of it, and the claims that it is evidence for."""

    figure: str
    claims: tuple[str, ...] = ()  # patterns of their names
    groups: tuple[str, ...] = ()
    heading: str = ""  # of the page, in place of the figure's title

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One, if this run has the figure."""
        if self.figure in material.figures:
            title = material.kept.one("heading", self.heading) if self.heading else self.title(material)
            finding = prose(first_sentence(material.figures[self.figure].caption))
            yield place.slide(self.figure, title, [Picture(self.figure)], self.notes(material), finding)

    def title(self, material: Material) -> Markup:
        """The figure's."""
        return prose(material.figures[self.figure].spec.title)

    def notes(self, material: Material) -> list[Markup]:
        """Paragraphs, the caption first."""
        return [
            prose(material.figures[self.figure].caption),
            *material.said(self.figure),
            *material.evidence(claim for pattern in self.claims for claim in material.matching(pattern)),
            *(sentence for group in self.groups for sentence in material.verdicts_of(group)),
        ]


@dataclass(frozen=True)
class Built(Shown):
    """A figure, stage by stage."""

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One for each stage."""
        spec = material.figures[self.figure].spec
        for stage, words in enumerate(spec.stages):
            is_last = stage + 1 == len(spec.stages)
            said = prose(words)
            notes = [said, *(self.notes(material) if is_last else [])]
            picture = Picture(self.figure, stage)
            yield place.slide(picture.name, self.title(material), [picture], notes, said)


@dataclass(frozen=True)
class PrintedBeside(Idea):
    """Computed numbers beside those that the lecture prints."""

    name: str

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One, or several where rows are many."""
        printed = material.kept.one("printed", self.name)
        agreement = printed.comparison.agreement
        finding = prose(agreement[:1].upper() + agreement[1:] + ".")
        notes = [finding, *material.said(f"printed-{self.name}")]
        tables = comparison_tables(printed.comparison)
        for part, rows in enumerate(tables, 1):
            of_many = f" ({part} of {len(tables)})" if len(tables) > 1 else ""
            name = f"printed-{self.name}" + (f"-{part}" if of_many else "")
            yield place.slide(name, prose(printed.title + of_many), [rows], notes, finding)


@dataclass(frozen=True)
class Coded(Idea):
    """Functions or classes from the running source, without their docstrings."""

    topic: str
    things: tuple[str, ...]

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One."""
        name = f"code-{self.topic}"
        code = Code("\n".join(excerpt(thing).bare for thing in self.things))
        words = material.shown(name)
        blocks: list[Block] = [code, *([Words(words)] if words else [])]
        yield place.slide(name, prose(place.chapter.title), blocks, [*words, *material.said(name)])


STEPS = (  # claims of the calculation sheet's lines; those at the largest dimension end in it
    ("mean-entry", False), ("variance-entry", False), ("mean-product", False), ("variance-product", False),
    ("covariance-products", False), ("mean", True), ("variance", True), ("sd", True), ("scaled-variance", True),
)  # fmt: skip
NUMBERED = {"scaled-variance": "scaled"}  # lines that other chapters refer to by another name


@dataclass(frozen=True)
class Derived(Idea):
    """The calculation sheet, one line more each time, with the evidence for it."""

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One for each line."""
        judgements = [material.ledger[f"{name}-{material.found.d_max}" if is_last else name] for name, is_last in STEPS]
        steps = tuple(
            Step(
                latex=material.kept.one("equation", NUMBERED.get(name, name)),
                predicted=escape(prediction_text(judgement)),
                measured=escape(measured(judgement)),
                interval=escape(interval_text(judgement)),
                verdict=str(judgement.verdict),
            )
            for (name, _), judgement in zip(STEPS, judgements, strict=True)
        )
        for n_shown, ((name, _), judgement) in enumerate(zip(STEPS, judgements, strict=True), 1):
            notes = [prose(judgement.claim.statement), *material.said(f"step-{name}"), evidence(judgement)]
            blocks = [Derivation(steps, n_shown)]
            yield place.slide(f"derivation-{n_shown}", prose(place.chapter.title), blocks, notes)


@dataclass(frozen=True)
class Asked(Idea):
    """A common question, its short answer and its evidence; the whole answer is in the notes."""

    question: str

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One."""
        answer = material.kept.one("answer", self.question)
        judgements = [material.ledger[claim] for claim in answer.claims if claim in material.ledger]
        blocks: list[Block] = [Words(material.shown(f"question-{self.question}"))]
        if judgements:
            blocks.append(
                table(
                    ["claim", "predicted", "measured", "interval", "verdict"],
                    [
                        [it.claim.label, prediction_text(it), measured(it), interval_text(it), it.verdict]
                        for it in judgements
                    ],
                )
            )
        notes = [passage(answer.words), *map(evidence, judgements)]
        yield place.slide(f"question-{self.question}", material.kept.one("question", self.question), blocks, notes)
