"""What the sentences on variance, saturation, the exact law and the lecture's demonstration state."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.claims import STANDARD_ERRORS_PER_MARGIN, Judgement, Verdict
from experiments.lecture_demo import N_GROUPS
from experiments.peaky import FACTORS
from experiments.runner import Results
from report.figures.crossing import Bracket, bracket, exact_crossings
from report.figures.selection import levels, select
from report.wording import grouped, listing, number, rounded
from scaling.freezing import REMAINING_SHARE, REMAINING_SHARE_BY_SQUARES, freezing_d_k
from scaling.intervals import t_quantile


@dataclass(frozen=True)
class Corner:
    """Means over rows at one d_k and n_keys under one rule."""

    d_k: int
    n_keys: int
    normalised_entropy: float
    effective_keys: float  # exp of the mean entropy
    max_weight: float


@dataclass(frozen=True)
class DemoRun:
    """The lecture's demo at one d_k."""

    d_k: int
    n_pairs: int
    n_runs: int
    variance_raw: float  # of the first run
    variance_scaled: float
    relative_sd: float  # exact
    measured_sd: float  # over all runs, relative to d_k
    share_within: float  # of the runs within the margin
    margin: float
    judgement: Judgement
    reach: float  # half-width of its simultaneous interval, in standard errors
    pairs_needed: int | None  # planned: the margin would hold ten standard errors


@dataclass(frozen=True)
class CrossingRow:
    """Where the raw Jacobian becomes the smaller one, for one number of keys."""

    n_keys: int
    mean_square: str  # exact, in words
    mean: Bracket
    median: Bracket


@dataclass(frozen=True)
class Norms:
    """Mean and median of the Jacobian's norm over rows at one d_k and n_keys."""

    d_k: int
    n_keys: int
    raw_mean: float
    raw_median: float
    scaled_mean: float
    scaled_median: float


@dataclass(frozen=True)
class FitRow:
    """Anderson and Darling's statistic at one d_k against the exact and the normal law."""

    d_k: int
    distance: float  # largest difference between the two laws' distribution functions
    judgement: Judgement
    normal: float
    normal_reach: float  # half-width of its interval, as wide as those that decide
    normal_prediction: float

    @property
    def normal_interval(self) -> str:
        """As of a judgement."""
        return f"{number(self.normal - self.normal_reach, 2)} to {number(self.normal + self.normal_reach, 2)}"

    @property
    def tells(self) -> bool:
        """Whether draws from the exact law would show that they are not normal."""
        claim = self.judgement.claim
        return self.normal_prediction > claim.prediction + claim.margin


@dataclass(frozen=True)
class Row:
    """One row of the softmax: its scores' standard deviation, its largest weight and its entropy (nats)."""

    score_sd: float
    max_weight: float
    entropy: float


@dataclass(frozen=True)
class Findings:
    """Everything a sentence of the page needs beyond the judgements themselves."""

    d_min: int
    d_max: int
    n_variance: int
    n_confirmed_variance: int
    worst_deviation: float  # largest |variance/d_k - 1| over d_k
    worst_d_k: int
    n_dot_products: int
    corners: dict[str, Corner]  # by rule, at the largest d_k and n_keys of the saturation grid
    peaky: dict[float, Row]  # by factor
    peaky_even_entropy: float  # of equal weights on as many keys
    row: dict[str, Row]  # by rule
    row_d_k: int
    row_n_keys: int
    demo: list[DemoRun]
    fits: list[FitRow]
    fit_pairs: int  # behind each value of the statistic
    direct_places: str  # where rows come from drawn queries and keys, with formulas between dollar signs; may be empty
    is_radial: bool  # whether the others' rows were drawn by their law
    n_law: int  # curves held against the exact law
    n_confirmed_law: int
    freezing: list[tuple[int, float]]  # n_keys, 2 ln n_keys
    freezing_step: float  # what a thousand times as many keys add to that
    remaining: float  # e^(-1/2)
    remaining_by_squares: float
    norms: Norms
    crossings: list[CrossingRow]
    demo_verdicts: str  # such as "undecided at d_k = 5, 20 and 100", with formulas between dollar signs


def findings(results: Results) -> Findings:
    """All of it, from the frames and the ledger."""
    variance = results.frames["variance"]
    raw = variance[(variance["rule"] == "raw") & (variance["quantity"] == "variance")]
    deviation = (raw["estimate"] / raw["prediction"] - 1).abs()
    verdicts = [
        judgement
        for judgement in results.ledger.groups.get("variance", [])
        if judgement.claim.id.startswith("variance-")
    ]
    saturation = results.frames["saturation"]
    law = results.ledger.groups.get("exact law", [])
    peaky = results.frames["peaky"]
    row = results.frames["softmax_row"]
    demo = list(_demo_runs(results))
    return Findings(
        d_min=int(raw["d_k"].min()),
        d_max=int(raw["d_k"].max()),
        n_variance=len(verdicts),
        n_confirmed_variance=sum(judgement.verdict == "confirmed" for judgement in verdicts),
        worst_deviation=float(deviation.max()),
        worst_d_k=int(raw["d_k"].iloc[int(deviation.argmax())]),
        n_dot_products=int(raw["n_scores"].sum()),
        corners=_corners(saturation, int(saturation["d_k"].max())),
        peaky={factor: _row(peaky[peaky["factor"] == factor]) for factor in FACTORS},
        peaky_even_entropy=float(np.log(peaky["index"].nunique())),
        row={str(rule): _row(part) for rule, part in row.groupby("rule")},
        row_d_k=int(row["d_k"].iloc[0]),
        row_n_keys=int(row["n_keys"].iloc[0]),
        fits=_fits(results),
        fit_pairs=int(results.frames["goodness"]["n_pairs"].iloc[0]),
        direct_places=_places(select(saturation, sampler="direct")),
        is_radial=bool((saturation["sampler"] == "radial").any()),
        n_law=len(law),
        n_confirmed_law=sum(judgement.verdict == "confirmed" for judgement in law),
        freezing=[(n_keys, freezing_d_k(n_keys)) for n_keys in (50, 1024, 10**6)],
        freezing_step=freezing_d_k(1000 * 1024) - freezing_d_k(1024),
        remaining=REMAINING_SHARE,
        remaining_by_squares=REMAINING_SHARE_BY_SQUARES,
        norms=_norms(saturation),
        crossings=_crossings(results.frames["saturation_map"], saturation),
        demo=demo,
        demo_verdicts=_verdicts_in_words(demo),
    )


def _places(rows: pd.DataFrame) -> str:
    cells = {d_k: levels(select(rows, d_k=d_k), "n_keys") for d_k in levels(rows, "d_k")}
    return listing(f"$d_k = {d_k}$ (with {listing(n_keys)} keys)" for d_k, n_keys in cells.items()) if cells else ""


def _corners(saturation: pd.DataFrame, d_k: int) -> dict[str, Corner]:
    n_keys = int(saturation["n_keys"].max())
    cell = saturation[(saturation["d_k"] == d_k) & (saturation["n_keys"] == n_keys)]
    corners = {}
    for rule, part in cell.groupby("rule"):
        value = {str(name): float(estimate) for name, estimate in zip(part["quantity"], part["estimate"], strict=True)}
        corners[str(rule)] = Corner(
            d_k=d_k,
            n_keys=n_keys,
            normalised_entropy=value["normalised_entropy"],
            effective_keys=float(np.exp(value["entropy"])),
            max_weight=value["max_weight"],
        )
    return corners


def _norms(saturation: pd.DataFrame) -> Norms:
    """At the largest d_k and the middle one of the numbers of keys."""
    keys = levels(saturation, "n_keys")
    d_k, n_keys = levels(saturation, "d_k")[-1], keys[len(keys) // 2]
    cell = select(saturation, d_k=d_k, n_keys=n_keys).set_index(["rule", "quantity"])["estimate"]
    return Norms(
        d_k=d_k,
        n_keys=n_keys,
        raw_mean=float(cell["raw", "jacobian_norm"]),
        raw_median=float(cell["raw", "jacobian_norm_median"]),
        scaled_mean=float(cell["scaled", "jacobian_norm"]),
        scaled_median=float(cell["scaled", "jacobian_norm_median"]),
    )


def _crossings(map_frame: pd.DataFrame, saturation: pd.DataFrame) -> list[CrossingRow]:
    exact = exact_crossings(map_frame)
    rows = []
    for n_keys in levels(saturation, "n_keys"):
        rows.append(
            CrossingRow(
                n_keys=n_keys,
                mean_square=_exact_crossing(exact, n_keys, levels(map_frame, "d_k")[-1]),
                mean=bracket(saturation, "jacobian_norm", n_keys),
                median=bracket(saturation, "jacobian_norm_median", n_keys),
            )
        )
    return rows


def _exact_crossing(crossings: pd.Series, n_keys: int, last: int) -> str:
    d_k = float(crossings.get(n_keys, np.nan))
    if np.isnan(d_k):
        return "not on the map"
    if d_k == 0:
        return "nowhere larger"
    if np.isinf(d_k):
        return f"beyond {grouped(last)}"
    return number(d_k, 2) if d_k < 100 else rounded(d_k)


def _fits(results: Results) -> list[FitRow]:
    rows = []
    reach = t_quantile(results.ledger.confidence, int(results.frames["goodness"]["n_blocks"].iloc[0]))
    for _, row in select(results.frames["goodness"], law="normal").iterrows():
        rows.append(
            FitRow(
                d_k=int(row["d_k"]),
                distance=float(row["distance"]),
                judgement=results.ledger[f"exact-density-{row['d_k']}"],
                normal=float(row["estimate"]),
                normal_reach=reach * float(row["standard_error"]),
                normal_prediction=float(row["prediction"]),
            )
        )
    return rows


def _row(part: pd.DataFrame) -> Row:
    weights = part["weight"].to_numpy()
    positive = weights[weights > 0]
    return Row(
        score_sd=float(part["score"].std(ddof=0)),
        max_weight=float(weights.max()),
        entropy=float(-(positive * np.log(positive)).sum()),
    )


def _demo_runs(results: Results) -> Iterator[DemoRun]:
    for d_k, runs in results.frames["lecture_demo"].groupby("d_k"):
        judgement = results.ledger[f"lecture-{d_k}"]
        margin = judgement.claim.margin / judgement.claim.prediction
        relative = runs["variance_raw"] / runs["prediction_raw"]
        first = runs.iloc[0]
        planned = (STANDARD_ERRORS_PER_MARGIN * float(first["relative_sd"]) / margin) ** 2
        undecided = judgement.verdict is Verdict.UNDECIDED
        yield DemoRun(
            d_k=int(first["d_k"]),
            n_pairs=int(first["n_pairs"]),
            n_runs=len(runs),
            variance_raw=float(first["variance_raw"]),
            variance_scaled=float(first["variance_scaled"]),
            relative_sd=float(first["relative_sd"]),
            measured_sd=float(relative.to_numpy().std(ddof=1)),
            share_within=float(((relative - 1).abs() <= margin).mean()),
            margin=margin,
            judgement=judgement,
            reach=t_quantile(results.ledger.confidence, N_GROUPS),
            pairs_needed=math.ceil(int(first["n_pairs"]) * planned) if undecided else None,
        )


def _verdicts_in_words(runs: list[DemoRun]) -> str:
    by_verdict: dict[str, list[int]] = {}
    for run in runs:
        by_verdict.setdefault(run.judgement.verdict, []).append(run.d_k)
    return ", and ".join(f"{verdict} at $d_k$ = {listing(d_k)}" for verdict, d_k in by_verdict.items())
