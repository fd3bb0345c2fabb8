"""The whole ledger of claims over many seeds, at small size, and how often its intervals and verdicts are wrong."""

import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from conftest import ROOT, built_once
from experiments.claims import Claim, Verdict, judge, judge_all
from experiments.experiment import Experiment
from experiments.preset import load_preset
from judge import observed
from scaling.intervals import simultaneous_confidence, t_quantile

CALIBRATION = str(ROOT / "tests" / "calibration.toml")

# Whether a number of roundings or digits is small: no mean of draws, and what is wrong there is wrong by powers of ten.
ROUNDING = {"split-is-scaled", "no-change-by-shifted", "trained-terms", "trained-basis", "trained-replay"}
# What is claimed at a rate that the run's own first blocks have chosen: another quantity at another seed.
CHOSEN = {"learning-raw-above", "learning-raw-below"}


def claiming(preset: str) -> list[Experiment[Any]]:
    """The experiments of a preset that make claims."""
    return [one for one in load_preset(preset).experiments if type(one).claims is not Experiment.claims]


def ledger(seed: int, preset: str = CALIBRATION) -> list[Claim]:
    """Every claim of a preset at one seed, with its evidence and without its words."""
    with threadpool_limits(limits=1, user_api="blas"):
        return [
            replace(claim, label="", statement="", source="", reason="", sample="")
            for experiment in claiming(preset)
            for claim in experiment.claims(observed(experiment, seed))
        ]


def ledgers(n_seeds: int, preset: str = CALIBRATION) -> "Ledgers":
    """Those of the seeds from 0, computed once for all test processes."""

    def build(folder: Path) -> None:
        with ProcessPoolExecutor() as processes:
            found = list(processes.map(partial(ledger, preset=preset), range(n_seeds), chunksize=4))
        (folder / "claims.pickle").write_bytes(pickle.dumps(found))

    folder = built_once(f"{Path(preset).stem}-{n_seeds}", build)
    return Ledgers(pickle.loads((folder / "claims.pickle").read_bytes()))


@dataclass(frozen=True)
class Ledgers:
    """The claims of many seeds."""

    by_seed: Sequence[Sequence[Claim]]

    @property
    def n_intervals(self) -> int:
        """Of a ledger; of the longest, since some claims are made at some seeds alone."""
        return max(sum(claim.n_intervals for claim in claims) for claims in self.by_seed)

    @cached_property
    def truths(self) -> dict[str, NDArray[np.float64]]:
        """What each claim's evidence is a sample of, at each of its places: the mean over all seeds and blocks."""
        means: dict[str, list[NDArray[np.float64]]] = {}
        for claim in self._claims():
            means.setdefault(claim.id, []).append(columns(claim).mean(axis=0))
        return {name: np.mean(values, axis=0) for name, values in means.items()}

    def _claims(self) -> Iterator[Claim]:
        return (claim for claims in self.by_seed for claim in claims)

    def false_here(self) -> set[str]:
        """Claims that do not hold at this size: their truth lies outside the region."""
        found = set()
        for claim in self._claims():
            low, high = claim.region
            if np.any((self.truths[claim.id] < low) | (self.truths[claim.id] > high)):
                found.add(claim.id)
        return found

    def refuted(self, family_wise_error: float) -> list[set[str]]:
        """For each seed, the claims that are refuted."""
        judged = [judge_all(claims, family_wise_error).judgements for claims in self.by_seed]
        return [{one.claim.id for one in all_of_it if one.verdict == Verdict.REFUTED} for all_of_it in judged]

    def planted(self, name: str) -> list[tuple[int, float]]:
        """Places and shifts that put a claim's truth just outside its region, one place and one edge at a time."""
        claim = next(claim for claim in self._claims() if claim.id == name)
        edges = [edge for edge in claim.region if np.isfinite(edge)]
        return [
            (place, edge - truth + (1e-9 if edge == claim.region[1] else -1e-9) * (abs(edge) + 1e-9))
            for place, truth in enumerate(self.truths[name])
            for edge in edges
        ]

    def confirmed_though_planted(self, family_wise_error: float) -> tuple[int, list[set[str]]]:
        """How many deviations were planted, and for each seed the claims confirmed in spite of one."""
        confidence = simultaneous_confidence(family_wise_error, self.n_intervals)
        n_planted, found = 0, []
        plants = {name: self.planted(name) for name in self.truths.keys() - ROUNDING - CHOSEN}
        for claims in self.by_seed:
            wrong = set()
            for claim in claims:
                for place, shift in plants.get(claim.id, []):
                    evidence = columns(claim).copy()
                    evidence[:, place] += shift
                    planted = replace(claim, evidence=evidence if claim.places else evidence[:, 0])
                    n_planted += 1
                    if judge(planted, confidence).verdict == Verdict.CONFIRMED:
                        wrong.add(claim.id)
            found.append(wrong)
        return n_planted, found

    def t_values(self, name: str) -> NDArray[np.float64]:
        """(n_seeds, n_places): estimate less truth, in standard errors of its own blocks."""
        evidence = np.stack([columns(claim) for claim in self._claims() if claim.id == name])
        error = evidence.std(axis=1, ddof=1) / np.sqrt(evidence.shape[1])
        difference = evidence.mean(axis=1) - self.truths[name]
        return np.divide(difference, error, out=np.zeros_like(error), where=error > 0)

    def n_blocks(self, name: str) -> int:
        """Behind each of a claim's intervals."""
        return len(next(claim for claim in self._claims() if claim.id == name).evidence)

    def statistical(self) -> list[str]:
        """The claims about means of draws that are made at every seed."""
        return sorted(self.truths.keys() - ROUNDING - CHOSEN)

    def misses(self, family_wise_error: float, n_family: int | None = None) -> NDArray[np.bool_]:
        """(n_seeds,): whether any interval of a ledger misses its truth, had each 1/n_family of the error."""
        confidence = simultaneous_confidence(family_wise_error, n_family or self.n_intervals)
        return np.any(
            [
                (np.abs(self.t_values(name)) > t_quantile(confidence, self.n_blocks(name))).any(axis=1)
                for name in self.statistical()
            ],
            axis=0,
        )

    def tails(self, probability: float, n_blocks: int | None = None) -> float:
        """Share of all intervals of this error that miss their truth; as wide as those of so many blocks."""
        missed = [
            np.abs(self.t_values(name)) > t_quantile(1 - probability, n_blocks or self.n_blocks(name))
            for name in self.statistical()
        ]
        return float(np.concatenate([values.ravel() for values in missed]).mean())


def columns(claim: Claim) -> NDArray[np.float64]:
    """A claim's evidence, (n_blocks, n_places)."""
    return claim.evidence.reshape(len(claim.evidence), claim.n_intervals)
