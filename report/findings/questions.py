"""What the sentences of the common claims state, computed from the results of the run."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.lookup import STATES, TASK
from experiments.runner import Results
from report.figures.aligned import correlations
from report.figures.selection import levels, select
from scaling.attention_law import attention_law

FEW, MANY = 8, 4096  # keys between which the exact law is compared


@dataclass(frozen=True)
class Under:
    """One head under one rule, as measured."""

    variance: float
    entropy: float  # as a share of ln n

    @property
    def sd(self) -> float:
        """The size of a typical score."""
        return math.sqrt(self.variance)


@dataclass(frozen=True)
class Head:
    """The head that all rules share, with what a sentence needs besides."""

    d_k: int
    n_keys: int
    n_heads: int
    entry_sd: float
    cold: float
    hot: float

    @property
    def d_model(self) -> int:
        """The dimension of all heads together."""
        return self.n_heads * self.d_k

    @property
    def is_peakier_when_wide(self) -> bool:
        """Whether wide entries, scaled, make larger scores than those of size 1 do unscaled."""
        return self.entry_sd**4 > 1.001 * self.d_k

    @property
    def temperature_of_raw(self) -> float:
        """1/√d_k, at which scaled scores are the raw ones."""
        return float(self.d_k**-0.5)

    @property
    def largest_cosine_weight(self) -> float:
        """e²/(e² + n - 1): the most that one of n keys can get when scores are cosines, from -1 to 1."""
        return math.exp(2) / (math.exp(2) + self.n_keys - 1)


@dataclass(frozen=True)
class OverKeys:
    """Exact values at one number of keys, for normal entries at the head's d_k."""

    n_keys: int
    raw_sum_p2: float
    scaled_sum_p2: float


@dataclass(frozen=True)
class AlignedEnd:
    """The strongest correlation of the run, at its largest d_k."""

    rho: float
    d_k: int
    mean: float
    sd: float


@dataclass(frozen=True)
class Learned:
    """Scores of the lookup task in units of √d_k, before or after training."""

    own_mean: float
    other_variance: float
    correlation: float
    found: float


@dataclass(frozen=True)
class Answers:
    """Everything that the answers state beyond the judgements themselves."""

    head: Head
    under: dict[str, Under]  # by rule
    output_raw: float  # variance of an output's entry, measured at d_v = d_k
    output_scaled: float
    over_keys: list[OverKeys]
    aligned: AlignedEnd
    lookup_d_k: int
    lookup_steps: int
    n_lookup_keys: int
    lookup_d_in: int
    learned: dict[str, Learned]  # by state
    accident: float  # sd over untrained heads of one head's mean score with the own key, in units of √d_k


def answers(results: Results) -> Answers:
    """All of it, from the frames."""
    settings = results.preset.questions
    frame = results.frames["questions"]
    d_k = settings.d_k
    outputs = select(frame, quantity="output_variance", d_v=float(d_k)).set_index("rule")["estimate"]
    return Answers(
        head=Head(d_k, settings.n_keys, settings.n_heads, settings.entry_sd, settings.cold, settings.hot),
        under={str(rule): _under(part) for rule, part in frame.groupby("rule")},
        output_raw=float(outputs["raw"]),
        output_scaled=float(outputs["scaled"]),
        over_keys=[_over_keys(d_k, n_keys) for n_keys in (FEW, MANY)],
        aligned=_aligned(results.frames["aligned"]),
        lookup_d_k=results.preset.lookup.d_k,
        lookup_steps=results.preset.lookup.n_steps,
        n_lookup_keys=TASK.n_keys,
        lookup_d_in=TASK.d_in,
        learned={state: _learned(results.frames["lookup"], state) for state in STATES},
        accident=TASK.overlap / TASK.d_in**0.5,
    )


def _values(rows: pd.DataFrame) -> dict[str, float]:
    return {str(name): float(value) for name, value in zip(rows["quantity"], rows["estimate"], strict=True)}


def _under(part: pd.DataFrame) -> Under:
    value = _values(part)
    return Under(variance=value["variance"], entropy=value["normalised_entropy"])


def _over_keys(d_k: int, n_keys: int) -> OverKeys:
    raw, scaled = attention_law(d_k, n_keys, np.array([1.0, d_k**-0.5])).sum_p2
    return OverKeys(n_keys, float(raw), float(scaled))


def _aligned(frame: pd.DataFrame) -> AlignedEnd:
    rho, d_k = correlations(frame)[-1], levels(frame, "d_k")[-1]
    value = _values(select(frame, rho=rho, d_k=d_k))
    return AlignedEnd(rho=rho, d_k=d_k, mean=value["mean"], sd=value["sd"])


def _learned(frame: pd.DataFrame, state: str) -> Learned:
    own, other = (_values(select(frame, state=state, keys=keys)) for keys in ("own", "other"))
    return Learned(own["mean"], other["variance"], own["correlation"], own["found"])
