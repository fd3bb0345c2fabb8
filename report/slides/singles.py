"""Slides of which a deck has one: its title, the lecture's demonstration, tables, the tally, where it comes from."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import escape

from experiments.claims import Verdict
from report.contents import TITLE
from report.prose import prose
from report.slides.ideas import Idea, Place
from report.slides.material import Material, evidence
from report.slides.slide import NOTHING, Slide, Table, Words
from report.slides.tables import in_parts, table
from report.wording import grouped, interval_text, margin, number, percent, plain


@dataclass(frozen=True)
class Demonstration(Idea):
    """One run of the lecture's demonstration for each dimension, judged."""

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One, or several where dimensions are many."""
        runs = material.found.demo
        finding = prose(
            f"Held to a margin of {margin(runs[0].margin)}, one run of {grouped(runs[0].n_pairs)} pairs is "
            f"{material.found.demo_verdicts}."
        )
        parts = in_parts(runs)
        for number_of_part, part in enumerate(parts, 1):
            rows = table(
                ["dimension $d_k$", "before ÷", "after ÷", "interval for Var", f"verdict at ±{margin(runs[0].margin)}"],
                [
                    [run.d_k, f"{run.variance_raw:.4f}", f"{run.variance_scaled:.4f}", interval_text(run.judgement),
                     run.judgement.verdict]
                    for run in part
                ],
            )  # fmt: skip
            notes = [finding, *material.said("demonstration"), *(evidence(run.judgement) for run in part)]
            of_many = f" ({number_of_part} of {len(parts)})" if len(parts) > 1 else ""
            name = "demonstration" + (f"-{number_of_part}" if of_many else "")
            title = prose(f"The lecture’s demonstration, judged{of_many}")
            yield place.slide(name, title, [rows], notes, finding)


@dataclass(frozen=True)
class PrintedRuns(Idea):
    """The runs that the lecture prints, and how far each is off."""

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One."""
        runs = material.lecture.printed_runs
        rows = table(
            ["dimension $d_k$", "before ÷", "after ÷", "off", "in standard deviations"],
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
        yield place.slide("printed-runs", prose("The runs that the lecture prints"), [rows], notes, finding)


@dataclass(frozen=True)
class Roles(Idea):
    """What query, key and value stand for."""

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One."""
        token = material.lecture.token
        roles = [[role.name, role.in_library, role.in_sentence, role.vector] for role in material.lecture.roles]
        rows = table(["role", "in a library", "in a sentence", f"“{token}”"], roles, numeric=False)
        words = Words(material.shown("roles"))
        notes = [*material.said("roles"), *words.paragraphs]
        yield place.slide("roles", prose(place.chapter.title), [rows, words], notes)


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
        rows = table(["verdict", "claims"], [[verdict, ledger.count(verdict)] for verdict in Verdict])
        notes = [*words.paragraphs, *material.said("answer")]
        yield place.slide("answer", prose(TITLE), [words, rows], notes)


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
        notes = [finding, *words.paragraphs, *material.said("verdicts")]
        yield place.slide("verdicts", prose("What the verdicts mean"), [words], notes, finding)


@dataclass(frozen=True)
class Provenance(Idea):
    """What decides these numbers."""

    def slides(self, material: Material, place: Place) -> Iterator[Slide]:
        """One."""
        known = tuple((escape(what), escape(words)) for what, words in material.provenance.items())  # a name may hold $
        rows = Table((prose("what"), prose("this deck")), known, numeric=False)
        notes = [prose("The same preset, seed, commit and versions give the same bytes again.")]
        if (commit := material.provenance["commit"]).endswith("+") or commit == "unknown":
            notes = [prose("The code is not that of a commit, so the rest alone does not fix the bytes.")]
        notes += material.said("provenance")
        yield place.slide("provenance", prose("Where these numbers come from"), [rows], notes)
