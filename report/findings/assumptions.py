"""What the sentences on broken assumptions state, computed from the results of the run."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from experiments.assumptions import CASES, INDEPENDENT, KINDS, SLIGHT, Case, kind_of
from experiments.claims import Judgement, Verdict
from experiments.runner import Results
from report.figures.selection import levels, select
from report.wording import plain
from scaling.pairs import PAIR_LAWS, AlignedPair, SharedSignPair


@dataclass(frozen=True)
class CaseRow:
    """One case: what the division leaves of it at the largest d_k, as measured, and the verdict on its variance."""

    case: Case
    kind: str
    variance: float
    mean: str
    judgement: Judgement  # on the variance


@dataclass(frozen=True)
class Broken:
    """Everything that the chapter states beyond the judgements themselves."""

    d_k: int
    margin: float
    rows: Mapping[str, list[CaseRow]]  # by kind
    n_confirmed: int  # of the variances
    means: Judgement
    rho: float  # correlation of q_i with k_i
    r: float  # correlation of any two components of q, and of k
    shared_by_keys: float  # share of Var(q·k) that all keys of a query have in common, entries uniform on [0, 1)
    controls: Mapping[str, Judgement]  # of the slight alignment taken for independence: variance, mean, square

    @property
    def crossing(self) -> float:
        """1/ρ²: the d_k at which the mean d ρ of aligned vectors is as large as √d."""
        return self.rho**-2

    @property
    def correlated_crossing(self) -> float:
        """1/r²: the d_k near which correlations within both vectors have doubled the variance."""
        return self.r**-2

    @property
    def is_caught(self) -> bool:
        """Whether the mean refutes what the variance does not."""
        mean, variance = self.controls["mean"].verdict, self.controls["variance"].verdict
        return mean is Verdict.REFUTED and variance is not Verdict.REFUTED


def broken_assumptions(results: Results) -> Broken:
    """All of it, from the frame, the ledger and the controls."""
    frame = results.frames["assumptions"]
    d_k = levels(frame, "d_k")[-1]
    aligned, shared = PAIR_LAWS[SLIGHT], PAIR_LAWS["shared-sign"]
    assert isinstance(aligned, AlignedPair)
    assert isinstance(shared, SharedSignPair)
    rows = [_row(name, select(frame, case=name, d_k=d_k), results) for name in CASES]
    controls = {judgement.claim.id: judgement for judgement in results.controls}
    return Broken(
        d_k=d_k,
        margin=results.preset.assumptions.margin,
        rows={kind: [row for row in rows if row.kind == kind] for kind in KINDS},
        n_confirmed=sum(row.judgement.verdict is Verdict.CONFIRMED for row in rows),
        means=results.ledger["assumption-means"],
        rho=aligned.rho,
        r=shared.r,
        shared_by_keys=PAIR_LAWS["unit-interval"].spread(d_k).mean_by_query,
        controls={
            what: controls[f"assumption-{what}-{SLIGHT}-as-{INDEPENDENT}"] for what in ("variance", "mean", "square")
        },
    )


def _row(name: str, rows: pd.DataFrame, results: Results) -> CaseRow:
    value = rows.set_index("quantity")["estimate"]
    d_k = int(rows["d_k"].iloc[0])
    return CaseRow(
        case=CASES[name],
        kind=kind_of(PAIR_LAWS[name]),
        variance=float(value["variance"]) / d_k,
        mean=plain(float(value["mean"]) / d_k**0.5, 3),
        judgement=results.ledger[f"assumption-variance-{name}"],
    )
