"""Claims and their verdicts.

A claim predicts that a quantity lies in a region: within a margin of a value, or beyond a bound. Its evidence is one
value per independent block. The verdict compares the whole simultaneous interval with the region:
confirmed when it lies inside, refuted when it lies outside, undecided otherwise.

A claim about a curve has evidence at several places, an interval at each: it is confirmed when all of them lie inside,
refuted when any lies outside; the judgement shows the place that decides.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from scaling.intervals import mean_interval, simultaneous_confidence
from scaling.power import detectable_distance

# A margin is planned to hold this many standard errors. Simultaneous 99.9 % intervals over as many as a thousand
# claims reach 5.4 standard errors (Student's t, 64 blocks); the rest is room for the estimate itself to be off by
# four, so that a true claim comes out confirmed. Fixed, so that one more claim changes nobody's draws.
STANDARD_ERRORS_PER_MARGIN = 10.0

POWER = 0.9  # with which a deviation counts as one that a claim catches


class Verdict(StrEnum):
    """What the evidence says of a claim."""

    CONFIRMED = "confirmed"
    UNDECIDED = "undecided"
    REFUTED = "refuted"


@dataclass(frozen=True)
class Claim:
    """What is claimed, where, and the block values it is judged by."""

    id: str
    group: str
    label: str  # a few words for a table or a figure; mathematics between dollar signs
    statement: str  # one sentence
    source: str  # where the lecture or paper says it
    prediction: float
    margin: float
    reason: str  # why a deviation of less than the margin would not matter
    evidence: NDArray[np.float64] = field(repr=False)  # (n_blocks,) or, for a curve, (n_blocks, n_places)
    sample: str = ""  # what one block is, for the sentence that says how many more are needed
    side: str = "within"  # "within" the margin of the prediction, or "at most" / "at least" the prediction
    places: tuple[str, ...] = ()  # of a curve's evidence, such as "$d_k = 4$"

    @property
    def n_intervals(self) -> int:
        """How many intervals must hold for its verdict to be right."""
        return len(self.places) or 1

    @property
    def region(self) -> tuple[float, float]:
        """The closed range in which the claim says the quantity lies."""
        if self.side == "at most":
            return -math.inf, self.prediction
        if self.side == "at least":
            return self.prediction, math.inf
        return self.prediction - self.margin, self.prediction + self.margin


@dataclass(frozen=True)
class Judgement:
    """A claim with its estimate, its simultaneous interval and its verdict; for a curve, at the place that decides."""

    claim: Claim
    estimate: float
    standard_error: float
    low: float
    high: float
    n_blocks: int
    verdict: Verdict
    blocks_needed: int | None  # for an undecided claim: blocks for a margin of ten standard errors; None if it has them
    detectable: float  # smallest deviation from the prediction, anywhere on a curve, that is refuted with POWER
    place: str = ""  # where on a curve


@dataclass(frozen=True)
class Ledger:
    """All judgements of a report, whose intervals hold together with probability 1 - family_wise_error."""

    judgements: tuple[Judgement, ...]
    family_wise_error: float

    @property
    def confidence(self) -> float:
        """Confidence of each single interval."""
        return _confidence([judgement.claim for judgement in self.judgements], self.family_wise_error)

    @property
    def n_intervals(self) -> int:
        """How many intervals hold together."""
        return sum(judgement.claim.n_intervals for judgement in self.judgements)

    def count(self, verdict: Verdict) -> int:
        """How many claims got this verdict."""
        return sum(judgement.verdict is verdict for judgement in self.judgements)

    @property
    def summary(self) -> str:
        """N confirmed, N undecided, N refuted."""
        return ", ".join(f"{self.count(verdict)} {verdict}" for verdict in Verdict)

    @property
    def reach(self) -> float:
        """What half of the claims with a margin catch, in margins: the median of their detectable deviations."""
        return float(np.median([j.detectable / j.claim.margin for j in self.judgements if j.claim.side == "within"]))

    def __getitem__(self, claim_id: str) -> Judgement:
        for judgement in self.judgements:
            if judgement.claim.id == claim_id:
                return judgement
        raise KeyError(f"no claim is named {claim_id!r}")

    def __contains__(self, claim_id: object) -> bool:
        return any(judgement.claim.id == claim_id for judgement in self.judgements)

    @property
    def groups(self) -> dict[str, list[Judgement]]:
        """The judgements by group, both in the ledger's order."""
        groups: dict[str, list[Judgement]] = {}
        for judgement in self.judgements:
            groups.setdefault(judgement.claim.group, []).append(judgement)
        return groups


def judge_all(claims: Sequence[Claim], family_wise_error: float) -> Ledger:
    """Judge every claim with intervals that are simultaneous over all of them."""
    ids = [claim.id for claim in claims]
    if len(set(ids)) < len(ids):
        raise ValueError(f"claims share an id: {sorted({i for i in ids if ids.count(i) > 1})}")
    confidence = _confidence(claims, family_wise_error)
    return Ledger(tuple(judge(claim, confidence) for claim in claims), family_wise_error)


def _confidence(claims: Sequence[Claim], family_wise_error: float) -> float:
    return simultaneous_confidence(family_wise_error, max(1, sum(claim.n_intervals for claim in claims)))


def judge(claim: Claim, confidence: float) -> Judgement:
    """One claim against t intervals of the given confidence over its blocks."""
    interval = mean_interval(claim.evidence.reshape(len(claim.evidence), claim.n_intervals), confidence)
    region_low, region_high = claim.region
    inside = np.minimum(interval.low - region_low, region_high - interval.high)  # how far, of each interval's near end
    outside = np.maximum(region_low - interval.high, interval.low - region_high)
    if np.any(outside > 0):
        verdict, decides = Verdict.REFUTED, int(outside.argmax())
    else:
        verdict, decides = (Verdict.CONFIRMED if np.all(inside >= 0) else Verdict.UNDECIDED), int(inside.argmin())
    estimate, standard_error = float(interval.estimate[decides]), float(interval.standard_error[decides])
    widest = float(interval.standard_error.max())  # every place has to come inside, and a deviation may be at any
    detectable = widest * detectable_distance(confidence, interval.n_blocks, POWER)
    if claim.side == "within":
        detectable += claim.margin
    blocks_needed = None
    if verdict is Verdict.UNDECIDED:
        planned = math.ceil(interval.n_blocks * (STANDARD_ERRORS_PER_MARGIN * widest / claim.margin) ** 2)
        blocks_needed = planned if planned > interval.n_blocks else None
    return Judgement(
        claim=claim,
        estimate=estimate,
        standard_error=standard_error,
        low=float(interval.low[decides]),
        high=float(interval.high[decides]),
        n_blocks=interval.n_blocks,
        verdict=verdict,
        blocks_needed=blocks_needed,
        detectable=detectable,
        place=claim.places[decides] if claim.places else "",
    )
