"""The kinds of ideas that slides have: each makes one slide of the material, or several that build up, or none.

An idea whose figure or claims this run does not have makes no slide. Its words are those that the page marks with its
name; see `report.kept`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from experiments.claims import Verdict
from report.contents import TITLE, Chapter
from report.excerpts import excerpt
from report.prose import prose
from report.slides.material import Material, evidence, first_sentence, passage
from report.slides.runs import plain_text
from report.slides.slide import NOTHING, Block, Code, Derivation, Formula, Picture, Slide, Step, Table, Words
from report.walkthrough import Comparison
from report.wording import grouped, interval_text, margin, measured, number, percent, plain, prediction_text

LONGEST_TITLE = 58  # characters of a title that leaves room for a finding under it
MOST_ROWS, MOST_COLUMNS = 8, 6  # of a comparison's table; of numbers


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
        line = finding if len(plain_text(title)) <= LONGEST_TITLE else NOTHING
        return Slide(name, self.part, prose(kicker), title, tuple(blocks), tuple(notes), finding=line)


class Idea(ABC):
    """What one slide says, or several that build up."""

    @abstractmethod
    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """Its slides, if the material has what it needs."""


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]], numeric: bool = True) -> Table:
    """Cells of plain text with maths as $...$."""
    return Table(
        tuple(map(prose, columns)), tuple(tuple(prose(str(cell)) for cell in row) for row in rows), numeric=numeric
    )


@dataclass(frozen=True)
class Told(Idea):
    """Words of the page, and formulas: above them, or under them where the words lead up to the formulas."""

    topic: str
    equations: tuple[str, ...] = ()
    heading: str = ""  # of the page, in place of the chapter's title
    points: tuple[str, ...] = ()  # headings of the page that say what comes
    is_led: bool = False

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One, if the page has its words or formulas."""
        kept, name = material.kept, f"about-{self.topic}"
        if not kept.has("shown", name) and not any(kept.has("equation", equation) for equation in self.equations):
            return
        title = kept.one("heading", self.heading) if self.heading else prose(place.chapter.title)
        formulas = [Formula(kept.one("equation", equation)) for equation in self.equations]
        words = material.shown(name, ":" if self.is_led else ".")
        shown = (*words, *(kept.one("heading", point) for point in self.points))
        text = [Words(shown)] if shown else []
        blocks: list[Block] = [*text, *formulas] if self.is_led else [*formulas, *text]
        notes = [*words, *(prose(f"${formula.latex}$") for formula in formulas), *material.said(name)]
        yield place.slide(name, title, blocks, notes)


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
        for part, table in enumerate(tables, 1):
            of_many = f" ({part} of {len(tables)})" if len(tables) > 1 else ""
            name = f"printed-{self.name}" + (f"-{part}" if of_many else "")
            yield place.slide(name, prose(printed.title + of_many), [table], notes, finding)


def comparison_tables(comparison: Comparison) -> list[Table]:
    """Rows of computed numbers over printed ones; both in one row where rows are many and columns few."""
    lines, columns = comparison.lines, comparison.columns
    if 2 * len(lines) > MOST_ROWS and 2 * len(columns) <= MOST_COLUMNS:
        heads = [f"{column}, {what}" for what in ("computed", "printed") for column in columns]
        return [_table(["", *heads], [[line.label, *line.computed, *line.printed] for line in lines])]
    n_tables = -(-2 * len(lines) // MOST_ROWS)
    size = -(-len(lines) // n_tables)
    rows = [[[f"{line.label} computed", *line.computed], [f"{line.label} printed", *line.printed]] for line in lines]
    return [
        _table(["", *columns], [row for pair in rows[i : i + size] for row in pair]) for i in range(0, len(lines), size)
    ]


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
                _table(
                    ["claim", "predicted", "measured", "interval", "verdict"],
                    [
                        [it.claim.label, prediction_text(it), measured(it), interval_text(it), it.verdict]
                        for it in judgements
                    ],
                )
            )
        notes = [passage(answer.words), *map(evidence, judgements)]
        yield place.slide(f"question-{self.question}", material.kept.one("question", self.question), blocks, notes)


@dataclass(frozen=True)
class Demonstration(Idea):
    """One run of the lecture's demonstration, judged."""

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One."""
        runs = material.found.demo
        table = _table(
            ["dimension $d_k$", "before", "after", "interval for Var", f"verdict at ±{margin(runs[0].margin)}"],
            [
                [run.d_k, f"{run.variance_raw:.4f}", f"{run.variance_scaled:.4f}", interval_text(run.judgement),
                 run.judgement.verdict]
                for run in runs
            ],
        )  # fmt: skip
        finding = prose(
            f"Held to a margin of {margin(runs[0].margin)}, one run of {grouped(runs[0].n_pairs)} pairs is "
            f"{material.found.demo_verdicts}."
        )
        notes = [finding, *material.said("demonstration"), *(evidence(run.judgement) for run in runs)]
        yield place.slide("demonstration", prose("The lecture’s demonstration, judged"), [table], notes, finding)


@dataclass(frozen=True)
class PrintedRuns(Idea):
    """The runs that the lecture prints, and how far each is off."""

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One."""
        runs = material.lecture.printed_runs
        table = _table(
            ["dimension $d_k$", "before", "after", "off", "in standard deviations"],
            [
                [run.d_k, f"{run.before:.4f}", f"{run.after:.4f}", percent(run.off), plain(run.standard_deviations, 1)]
                for run in runs
            ],
        )
        farthest = max(abs(run.standard_deviations) for run in runs)
        finding = prose(
            f"{len(runs)} runs of {grouped(material.lecture.n_pairs)} pairs, none farther off than "
            f"{number(farthest, 2)} standard deviations."
        )
        notes = [finding, *material.said("printed-runs")]
        yield place.slide("printed-runs", prose("The runs that the lecture prints"), [table], notes, finding)


@dataclass(frozen=True)
class Roles(Idea):
    """What query, key and value stand for."""

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One."""
        token = material.lecture.token
        rows = [[role.name, role.in_library, role.in_sentence, role.vector] for role in material.lecture.roles]
        table = _table(["role", "in a library", "in a sentence", f"“{token}”"], rows, numeric=False)
        words = Words(material.shown("roles"))
        notes = [*material.said("roles"), *words.paragraphs]
        yield place.slide("roles", prose(place.chapter.title), [table, words], notes)


@dataclass(frozen=True)
class Opening(Idea):
    """The title."""

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One."""
        words = Words(material.shown("opening"))
        notes = [*words.paragraphs, *material.said("opening")]
        yield Slide("opening", place.part, NOTHING, prose(TITLE), (words,), tuple(notes), is_opening=True)


@dataclass(frozen=True)
class Tally(Idea):
    """The short answer, and how many claims came out how."""

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One."""
        ledger = material.ledger
        words = Words(material.shown("answer"))
        table = _table(["verdict", "claims"], [[verdict, ledger.count(verdict)] for verdict in Verdict])
        notes = [*words.paragraphs, *material.said("answer")]
        yield place.slide("answer", prose(place.chapter.title), [words, table], notes)


@dataclass(frozen=True)
class Verdicts(Idea):
    """What confirmed, undecided and refuted mean."""

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One."""
        error = material.ledger.family_wise_error
        finding = prose(
            f"The intervals of all {len(material.ledger.judgements)} claims hold together with probability "
            f"{1 - error:.6g}."
        )
        words = Words(material.shown("verdicts"))
        notes = [finding, *material.said("verdicts"), *words.paragraphs]
        yield place.slide("verdicts", prose("What the verdicts mean"), [words], notes, finding)


@dataclass(frozen=True)
class Provenance(Idea):
    """What decides these numbers."""

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One."""
        table = _table(["what", "this deck"], list(material.provenance.items()), numeric=False)
        notes = [prose("The same preset, seed, commit and versions give the same bytes again.")]
        if (commit := material.provenance["commit"]).endswith("+") or commit == "unknown":
            notes = [prose("The code is not that of a commit, so the rest alone does not fix the bytes.")]
        notes += material.said("provenance")
        yield place.slide("provenance", prose("Where these numbers come from"), [table], notes)
