"""The lines of the derivation below Var(q·k) = d_k: entries, products of entries, and pairs of products."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from experiments.claims import STANDARD_ERRORS_PER_MARGIN, Claim
from experiments.experiment import (
    ESTIMATE_COLUMNS,
    BlockSize,
    Column,
    EntryLawName,
    Experiment,
    Margin,
    Values,
    estimate_row,
)
from scaling.entries import entry_law


@dataclass(frozen=True)
class DerivationCell:
    """Pairs of vectors (q, k) with d_k entries each."""

    d_k: int
    n_pairs: int
    entries: str


QUANTITIES = ("mean_entry", "variance_entry", "mean_product", "variance_product", "covariance_products")
PREDICTIONS = (0.0, 1.0, 0.0, 1.0, 0.0)
SHEET = "Lecture, calculation sheet"


class Derivation(Experiment[DerivationCell]):
    """E[q_i], Var(q_i), E[q_i k_i], Var(q_i k_i) and Cov(q_i k_i, q_j k_j) from independent pairs (q, k)."""

    name: ClassVar[str] = "derivation"
    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "n_pairs": Column("pairs (q, k) over all blocks", "count"),
        **ESTIMATE_COLUMNS,
    }

    d_k: Annotated[int, Field(ge=2, le=4096)]
    margin: Margin
    entries: EntryLawName = "gaussian"

    def cells(self) -> Sequence[DerivationCell]:
        """One cell, large enough for the line that needs most: a product's variance or two products' covariance.

        Per vector pair the former has relative variance (κ² - 1)/d, and the latter, averaged over the d(d-1)/2 pairs
        of components, variance 2/(d(d-1)); its margin is `margin`/(d-1), which would move Var(q·k) by `margin`.
        """
        d, kappa = self.d_k, entry_law(self.entries).kurtosis
        worst = max((kappa**2 - 1) / d, 2 * (d - 1) / d)
        planned = worst * (STANDARD_ERRORS_PER_MARGIN / self.margin) ** 2
        return [DerivationCell(self.d_k, max(2, int(np.ceil(planned / self.n_blocks))), self.entries)]

    def size(self, cell: DerivationCell) -> BlockSize:
        """Q, K, and their products."""
        return BlockSize(2.0 * cell.n_pairs * cell.d_k, 3.0 * cell.n_pairs * cell.d_k)

    def measure(self, cell: DerivationCell, rng: np.random.Generator) -> Values:
        """(5,): one unbiased estimate of each quantity."""
        law = entry_law(cell.entries)
        q = law.sample_single(rng, (cell.n_pairs, cell.d_k)).astype(np.float64)
        k = law.sample_single(rng, (cell.n_pairs, cell.d_k)).astype(np.float64)
        products = q * k  # (n_pairs, d_k)
        covariance = np.cov(products, rowvar=False)  # (d_k, d_k)
        off_diagonal = (covariance.sum() - np.trace(covariance)) / (cell.d_k * (cell.d_k - 1))
        entries = np.concatenate([q, k])
        return np.array([entries.mean(), entries.var(ddof=1), products.mean(), products.var(ddof=1), off_diagonal])

    def frame(self, observed: Mapping[DerivationCell, Values]) -> pd.DataFrame:
        """One row per quantity."""
        return pd.DataFrame(
            [
                estimate_row({"d_k": cell.d_k, "n_pairs": cell.n_pairs * self.n_blocks}, name, blocks[:, i], prediction)
                for cell, blocks in observed.items()
                for i, (name, prediction) in enumerate(zip(QUANTITIES, PREDICTIONS, strict=True))
            ]
        )

    def claims(self, observed: Mapping[DerivationCell, Values]) -> list[Claim]:
        """The sheet's first five lines."""
        ((cell, blocks),) = observed.items()
        percent = f"{100 * self.margin:g} %"
        of_variance = rf"moves $\operatorname{{Var}}(q \cdot k)$ by about {percent}"
        lines: tuple[tuple[str, str, str, float, str], ...] = (
            (
                "mean-entry",
                r"$\mathbb{E}[q_i] = \mathbb{E}[k_i] = 0$",
                "The entries of q and of k have mean 0.",
                self.margin,
                f"a shift of all means by it changes the variance of the dot product by {200 * self.margin**2:g} %",
            ),
            (
                "variance-entry",
                r"$\operatorname{Var}(q_i) = \operatorname{Var}(k_i) = 1$",
                "The entries of q and of k have variance 1.",
                self.margin,
                f"an error of that size {of_variance}",
            ),
            (
                "mean-product",
                r"$\mathbb{E}[q_i k_i] = 0$",
                "A product of one entry of q and one of k has mean 0.",
                self.margin,
                f"{percent} of the product's standard deviation",
            ),
            (
                "variance-product",
                r"$\operatorname{Var}(q_i k_i) = 1$",
                "A product of two entries has variance 1.",
                self.margin,
                f"an error of that size {of_variance}",
            ),
            (
                "covariance-products",
                r"$\operatorname{Cov}(q_i k_i, q_j k_j) = 0$",
                "Two products of different components are uncorrelated.",
                self.margin / (self.d_k - 1),
                rf"{self.margin:g}$/(d_k - 1)$: so large a covariance of every two products {of_variance}",
            ),
        )
        return [
            Claim(
                id=name,
                group="derivation",
                label=label,
                statement=statement,
                source=f"{SHEET}, line {i + 1}",
                prediction=PREDICTIONS[i],
                margin=margin,
                reason=reason,
                evidence=blocks[:, i],
                sample=f"{cell.n_pairs} pairs (q, k)",
            )
            for i, (name, label, statement, margin, reason) in enumerate(lines)
        ]
