"""The lecture's own demonstration: the variance of 1000 dot products, and how widely it scatters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from experiments.claims import Claim
from experiments.experiment import BlockSize, Column, Experiment, Grid, Margin, Values
from scaling.entries import Gaussian
from scaling.rules import RAW, SCALED
from scaling.sampling import Tiles, variance_of_mean_square


@dataclass(frozen=True)
class DemoCell:
    """One run of the demo draws n_pairs pairs of standard normal vectors with d_k entries."""

    d_k: int
    n_pairs: int


N_GROUPS = 50  # a run's pairs are split into this many groups to give a single run an interval


class LectureDemo(Experiment[DemoCell]):
    """Population variance of `n_pairs` dot products before and after the division; every block is one whole run."""

    name: ClassVar[str] = "lecture_demo"
    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "run": Column("number of the run, from 0", "count"),
        "n_pairs": Column("independent pairs (q, k) in the run", "count"),
        "variance_raw": Column("population variance (ddof 0) of the run's dot products"),
        "variance_scaled": Column("the same after dividing each by √d_k"),
        "prediction_raw": Column("exact variance of q·k, d_k"),
        "margin": Column("largest relative deviation from d_k that would not matter"),
        "relative_sd": Column("exact relative standard deviation of such a variance, √((2 + 6/d_k)/n_pairs)"),
    }

    d_k: Grid
    n_pairs: Annotated[int, Field(ge=2 * N_GROUPS, le=10**6, multiple_of=N_GROUPS)]
    margin: Margin

    def cells(self) -> Sequence[DemoCell]:
        """One cell per d_k."""
        return [DemoCell(d_k, self.n_pairs) for d_k in self.d_k]

    def size(self, cell: DemoCell) -> BlockSize:
        """Q and K."""
        return BlockSize(2.0 * cell.n_pairs * cell.d_k, 2.0 * cell.n_pairs * cell.d_k)

    def measure(self, cell: DemoCell, rng: np.random.Generator) -> Values:
        """(2, N_GROUPS + 1): for q·k raw and scaled, the population variance of all pairs, then each group's share.

        A group's share is its mean squared deviation from the mean of all pairs times N/(N - 1), so that the shares'
        mean is the unbiased variance of the run.
        """
        q = Gaussian().sample_single(rng, (cell.n_pairs, cell.d_k))
        k = Gaussian().sample_single(rng, (cell.n_pairs, cell.d_k))
        dot_products = np.vecdot(q, k).astype(np.float64)
        values = []
        for rule in (RAW, SCALED):
            scores = rule(dot_products, cell.d_k)
            squares = (scores - scores.mean()) ** 2
            shares = squares.reshape(N_GROUPS, -1).mean(axis=1) * (scores.size / (scores.size - 1))
            values.append([squares.mean(), *shares])
        return np.array(values)

    def frame(self, observed: Mapping[DemoCell, Values]) -> pd.DataFrame:
        """One row per run."""
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "d_k": cell.d_k,
                        "run": np.arange(len(blocks)),
                        "n_pairs": cell.n_pairs,
                        "variance_raw": blocks[:, 0, 0],
                        "variance_scaled": blocks[:, 1, 0],
                        "prediction_raw": float(cell.d_k),
                        "margin": self.margin,
                        "relative_sd": variance_of_mean_square(cell.d_k, Tiles(cell.n_pairs, 1, 1)) ** 0.5,
                    }
                )
                for cell, blocks in observed.items()
            ],
            ignore_index=True,
        )

    def claims(self, observed: Mapping[DemoCell, Values]) -> list[Claim]:
        """What the first run alone can say about Var(q·k) = d_k."""
        return [
            Claim(
                id=f"lecture-{cell.d_k}",
                group="lecture",
                label=rf"$\operatorname{{Var}}(q \cdot k) = {cell.d_k}$ from {cell.n_pairs} pairs",
                statement=f"One run of {cell.n_pairs} pairs shows variance {cell.d_k} at $d_k = {cell.d_k}$.",
                source="Lecture, chapter 7 (42:39)",
                prediction=cell.d_k,
                margin=self.margin * cell.d_k,
                reason=f"{100 * self.margin:g} % of the variance changes a score's size by {50 * self.margin:g} %",
                evidence=blocks[0, 0, 1:],
                sample=f"{cell.n_pairs // N_GROUPS} pairs (q, k)",
            )
            for cell, blocks in observed.items()
        ]
