"""Var(q·k) against d_k, before and after the division: the lecture's second reason, measured by direct sampling."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.claims import STANDARD_ERRORS_PER_MARGIN, Claim
from experiments.experiment import (
    ESTIMATE_COLUMNS,
    Column,
    Grid,
    Margin,
    ScoreCell,
    ScoreExperiment,
    Values,
    estimate_row,
)
from scaling.entries import entry_law
from scaling.intervals import jackknife_values
from scaling.moments import EMPTY, Moments
from scaling.rules import RAW, SCALED, PowerRule
from scaling.sampling import plan_tiles

KURTOSIS_MARGIN = 0.05
LECTURE = "Lecture, chapter 7 (42:39)"
VASWANI = "Vaswani and others 2017, section 3.2.1, footnote 4"


class Variance(ScoreExperiment):
    """Moments up to the fourth of q·k and of the scaled score, on the same draws."""

    name: ClassVar[str] = "variance"
    rules: ClassVar[tuple[PowerRule, ...]] = (RAW, SCALED)
    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "rule": Column("raw: q·k; scaled: q·k/√d_k, on the same draws", "name"),
        "n_scores": Column("dot products over all blocks", "count"),
        **ESTIMATE_COLUMNS,
        "margin": Column("largest deviation from the prediction that would not matter; empty where none is claimed"),
    }

    d_k: Grid
    margin: Margin

    def cells(self) -> Sequence[ScoreCell]:
        """One cell per d_k, its blocks just large enough for the margin."""
        kurtosis = entry_law(self.entries).kurtosis
        per_block = self.n_blocks * (self.margin / STANDARD_ERRORS_PER_MARGIN) ** 2
        plans = {d_k: plan_tiles(d_k, per_block, kurtosis, kurtosis) for d_k in self.d_k}
        return [ScoreCell(d_k, t.n_tiles, t.n_queries, t.n_keys, self.entries) for d_k, t in plans.items()]

    def measure(self, cell: ScoreCell, rng: np.random.Generator) -> Values:
        """(n_rules, 5): the block's moments under each rule."""
        moments = [EMPTY] * len(self.rules)
        for dot_products in cell.scores(rng):
            for i, rule in enumerate(self.rules):
                moments[i] += Moments.of(rule(dot_products, cell.d_k))
        return np.array([moment.to_array() for moment in moments])

    def frame(self, observed: Mapping[ScoreCell, Values]) -> pd.DataFrame:
        """One row per d_k, rule and quantity; predictions are exact for independent entries of mean 0, variance 1."""
        rows = []
        for cell, blocks in observed.items():
            for i, rule in enumerate(self.rules):
                index = {"d_k": cell.d_k, "rule": rule.name, "n_scores": cell.tiles.n_scores * self.n_blocks}
                exact = self.predicted_variance(rule.name, cell.d_k)
                excess = self.predicted_kurtosis(cell.d_k)
                variance = _variances(blocks[:, i])
                estimates = (
                    ("mean", blocks[:, i, 1], 0.0, np.nan),
                    ("variance", variance, exact, self.margin * exact),
                    ("sd", np.sqrt(variance), exact**0.5, self.margin / 2 * exact**0.5),
                    ("excess_kurtosis", _excess_kurtosis(blocks[:, i]), excess, KURTOSIS_MARGIN * (2 + excess)),
                )
                rows += [
                    estimate_row(index, quantity, values, prediction) | {"margin": margin}
                    for quantity, values, prediction, margin in estimates
                ]
        return pd.DataFrame(rows)

    @staticmethod
    def predicted_variance(rule: str, d_k: int) -> float:
        """d_k for the raw score, 1 for the scaled one: the claim, whatever the code under `rule` computes."""
        return {"raw": float(d_k), "scaled": 1.0}[rule]

    def predicted_kurtosis(self, d_k: int) -> float:
        """Excess kurtosis (κ_q κ_k - 3)/d_k of q·k, which no scaling changes."""
        return float((entry_law(self.entries).kurtosis ** 2 - 3) / d_k)

    def claims(self, observed: Mapping[ScoreCell, Values]) -> list[Claim]:
        """Variance, standard deviation and kurtosis at each d_k; the slopes over all of them."""
        claims = []
        for cell, blocks in observed.items():
            claims += self._claims_at(cell, blocks)
        if len(self.d_k) > 1:
            claims += self._slope_claims(observed)
        return claims

    def _claims_at(self, cell: ScoreCell, blocks: Values) -> list[Claim]:
        d_k, margin = cell.d_k, self.margin
        raw, scaled = (_variances(blocks[:, i]) for i in range(2))
        excess = self.predicted_kurtosis(d_k)
        sample = f"{cell.tiles.n_scores} dot products"
        share = f"{100 * margin:g} % of the variance changes a score's size by {50 * margin:g} %"
        claims = [
            Claim(
                id=f"mean-{d_k}",
                group="derivation",
                label=rf"$\mathbb{{E}}[q \cdot k] = 0$ at $d_k = {d_k}$",
                statement=f"At $d_k = {d_k}$ the dot product has mean 0.",
                source=VASWANI,
                prediction=0.0,
                margin=margin * d_k**0.5,
                reason=f"{100 * margin:g} % of a score's standard deviation",
                evidence=blocks[:, 0, 1],
                sample=sample,
            ),
            Claim(
                id=f"variance-{d_k}",
                group="variance",
                label=rf"$\operatorname{{Var}}(q \cdot k) = {d_k}$",
                statement=f"At $d_k = {d_k}$ the dot product has variance {d_k}.",
                source=VASWANI,
                prediction=d_k,
                margin=margin * d_k,
                reason=share,
                evidence=raw,
                sample=sample,
            ),
            Claim(
                id=f"sd-{d_k}",
                group="variance",
                label=rf"$\operatorname{{sd}}(q \cdot k) = \sqrt{{{d_k}}}$",
                statement=rf"At $d_k = {d_k}$ the dot product has standard deviation $\sqrt{{{d_k}}}$.",
                source=f"Root of: {VASWANI}",
                prediction=d_k**0.5,
                margin=margin / 2 * d_k**0.5,
                reason=f"the variance's margin of {100 * margin:g} %, halved by the root",
                evidence=np.sqrt(raw),
                sample=sample,
            ),
            Claim(
                id=f"scaled-variance-{d_k}",
                group="scaling",
                label=rf"$\operatorname{{Var}}(q \cdot k / \sqrt{{{d_k}}}) = 1$",
                statement=f"At $d_k = {d_k}$ the division brings the variance to 1.",
                source=LECTURE,
                prediction=1.0,
                margin=margin,
                reason=share,
                evidence=scaled,
                sample=sample,
            ),
        ]
        if excess > -2:  # else every dot product has the same square, and there is nothing to be wrong about
            claims.append(
                Claim(
                    id=f"kurtosis-{d_k}",
                    group="shape",
                    label=rf"excess kurtosis $= {excess:.3g}$ at $d_k = {d_k}$",
                    statement=f"At $d_k = {d_k}$ the excess kurtosis of the dot product is {excess:.4g}.",
                    source=r"Exact: $(\kappa_q \kappa_k - 3) / d_k$",
                    prediction=excess,
                    margin=KURTOSIS_MARGIN * (2 + excess),
                    reason=f"{100 * KURTOSIS_MARGIN:g} % of 2 + excess kurtosis changes a variance's standard error by "
                    f"{50 * KURTOSIS_MARGIN:g} %",
                    evidence=_excess_kurtosis(blocks[:, 0]),
                    sample=sample,
                )
            )
        return claims

    def _slope_claims(self, observed: Mapping[ScoreCell, Values]) -> list[Claim]:
        span = max(self.d_k) / min(self.d_k)
        margin = np.log1p(self.margin) / np.log(span)
        reason = f"over a span of {span:g} in $d_k$ the power law then misses by less than {100 * self.margin:g} %"
        lines = (("raw", 0, 1.0, "grows in proportion to $d_k$"), ("scaled", 1, 0.0, "does not depend on $d_k$"))
        return [
            Claim(
                id=f"slope-{name}",
                group="variance" if name == "raw" else "scaling",
                label=rf"$\mathrm{{d}} \ln \operatorname{{Var}} / \mathrm{{d}} \ln d_k = {prediction:g}$, {name}",
                statement=f"The variance of the {name} score {words}: its slope on log-log axes is {prediction:g}.",
                source=f"Measured here; the claim: l{LECTURE[1:]}",
                prediction=prediction,
                margin=float(margin),
                reason=reason,
                evidence=_slopes(np.array(self.d_k), np.array([_variances(b[:, i]) for b in observed.values()])),
                sample="a block at every d_k",
            )
            for name, i, prediction, words in lines
        ]


def _variances(moments: Values) -> Values:
    """Unbiased variance of each block, (n_blocks,), from its moments (n_blocks, 5)."""
    return np.array([Moments.from_array(block).sample_variance for block in moments])


def _excess_kurtosis(moments: Values) -> Values:
    """Jackknife values (n_blocks,) of the excess kurtosis of all blocks together."""
    return jackknife_values([Moments.from_array(block) for block in moments], lambda merged: merged.excess_kurtosis)


def _slopes(d_k: NDArray[np.int64], variances: Values) -> Values:
    """Least-squares slope of ln variance on ln d_k for each block number, (n_blocks,), from (n_d_k, n_blocks)."""
    x = np.log(d_k) - np.log(d_k).mean()
    slopes: Values = x @ np.log(variances) / (x @ x)
    return slopes
