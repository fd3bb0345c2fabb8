"""Whether dot products follow their exact law: the Anderson-Darling statistic of independent pairs (q, k)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field
from scipy import special

from experiments.claims import STANDARD_ERRORS_PER_MARGIN, Claim
from experiments.experiment import ESTIMATE_COLUMNS, BlockSize, Column, Experiment, Grid, Values, estimate_row
from scaling.dot_product_law import dot_product_law
from scaling.entries import Gaussian
from scaling.goodness import NULL_MEAN, NULL_SD, anderson_darling, mean_against_normal
from scaling.sampling import Tiles, draw_scores

LAWS = ("exact", "normal")
SOURCE = "Exact density: Madan, Carr and Chang 1998; statistic: Anderson and Darling 1954"


@dataclass(frozen=True)
class GoodnessCell:
    """Independent pairs (q, k) at one d_k."""

    d_k: int
    n_pairs: int


class Goodness(Experiment[GoodnessCell]):
    """A² of a block's pairs against the exact law of q·k and against N(0, d_k), for standard normal entries."""

    name: ClassVar[str] = "goodness"
    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "law": Column("what the pairs are compared with: exact (variance-gamma) or normal, N(0, d_k)", "name"),
        "distance": Column("largest difference between that law's distribution function and the exact one"),
        "n_pairs": Column("independent pairs (q, k) behind each value of the statistic", "count"),
        **ESTIMATE_COLUMNS,
        "prediction": Column("the statistic's exact mean over blocks"),
    }

    d_k: Grid
    distance: Annotated[float, Field(ge=1e-4, le=0.5)]

    def cells(self) -> Sequence[GoodnessCell]:
        """One per d_k, with so many pairs that laws `distance` apart move the mean of A² by the planned margin."""
        return [GoodnessCell(d_k, math.ceil(self._margin / self.distance**2)) for d_k in self.d_k]

    @property
    def _margin(self) -> float:
        return float(STANDARD_ERRORS_PER_MARGIN * NULL_SD / self.n_blocks**0.5)

    def size(self, cell: GoodnessCell) -> BlockSize:
        """Q, K and their products."""
        return BlockSize(2.0 * cell.n_pairs * cell.d_k, 3.0 * cell.n_pairs)

    def measure(self, cell: GoodnessCell, rng: np.random.Generator) -> Values:
        """(2,): A² against both laws, of the same pairs."""
        pairs = Tiles(cell.n_pairs, 1, 1)
        pieces = [piece.ravel() for piece in draw_scores(rng, cell.d_k, pairs, Gaussian(), Gaussian())]
        z = np.concatenate(pieces, dtype=np.float64)
        exact = anderson_darling(*dot_product_law(cell.d_k).log_tails(z))
        standardised = z / cell.d_k**0.5
        return np.array([exact, anderson_darling(special.log_ndtr(standardised), special.log_ndtr(-standardised))])

    def frame(self, observed: Mapping[GoodnessCell, Values]) -> pd.DataFrame:
        """One row per d_k and law."""
        rows = []
        for cell, blocks in observed.items():
            distances = (0.0, dot_product_law(cell.d_k).distance_to_normal())
            for law, distance, values in zip(LAWS, distances, blocks.T, strict=True):
                index = {"d_k": cell.d_k, "law": law, "distance": distance, "n_pairs": cell.n_pairs}
                rows.append(estimate_row(index, "anderson_darling", values, self.prediction(cell, law)))
        return pd.DataFrame(rows)

    @staticmethod
    def prediction(cell: GoodnessCell, law: str) -> float:
        """The mean of A²: 1 against the pairs' own law, whatever their number."""
        return NULL_MEAN if law == "exact" else mean_against_normal(dot_product_law(cell.d_k), cell.n_pairs)

    def claims(self, observed: Mapping[GoodnessCell, Values]) -> list[Claim]:
        """The exact law fits everywhere; the normal law fails where, by their distance, it must be seen to."""
        claims = []
        for cell, blocks in observed.items():
            sample = f"{cell.n_pairs} pairs (q, k)"
            claims.append(
                Claim(
                    id=f"exact-density-{cell.d_k}",
                    group="exact density",
                    label=rf"$\mathbb{{E}}[A^2] = 1$ against the exact law, $d_k = {cell.d_k}$",
                    statement=f"At $d_k = {cell.d_k}$ independent dot products follow the exact law: the mean of "
                    "Anderson and Darling's $A^2$ is 1.",
                    source=SOURCE,
                    prediction=NULL_MEAN,
                    margin=self._margin,
                    reason=f"laws whose distribution functions are {self.distance:g} apart (root mean square, "
                    "weighted as in $A^2$) would differ by so much",
                    evidence=blocks[:, 0],
                    sample=sample,
                )
            )
            if self.prediction(cell, "normal") > NULL_MEAN + 4 * self._margin:
                claims.append(
                    Claim(
                        id=f"not-normal-{cell.d_k}",
                        group="exact density",
                        label=rf"$\mathbb{{E}}[A^2] > 1$ against the normal law, $d_k = {cell.d_k}$",
                        statement=f"At $d_k = {cell.d_k}$ the same dot products do not follow a normal law.",
                        source=SOURCE,
                        side="at least",
                        prediction=NULL_MEAN + self._margin,
                        margin=self._margin,
                        reason=f"anything less could come from a law within {self.distance:g}",
                        evidence=blocks[:, 1],
                        sample=sample,
                    )
                )
        return claims
