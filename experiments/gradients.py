"""What is claimed of gradients without the division: their exact means, and in which sense they vanish."""

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from experiments.claims import Claim
from experiments.experiment import Values
from experiments.gradient_sizes import LOST, NORMS, RULES, STATISTICS, GradientCell, GradientSizes
from scaling.freezing import freezing_d_k
from scaling.saturation import DEAD_TRACE

MEAN_OF_SCORES, MEAN_OF_QUERY, MEDIAN_OF_QUERY, DEAD = (
    STATISTICS.index(pair)
    for pair in (
        ("scores_norm2", "mean"),
        ("query_norm2", "mean"),
        ("query_norm2", "median"),
        ("jacobian_trace", "dead_share"),
    )
)

FACTOR = 2.0  # between two gradients: less than that would not be called far
CHANGE = 0.1  # of the share of dead rows: less than that would not be called a rise
STRAY = 0.01  # of all rows: so many dead ones would not matter
EVEN_FROM = 16  # below this d_k the length of q varies enough to silence a few scaled rows, too

SOURCE = "Exact for normal queries, keys and upstream gradients: the radial law of the query’s gradient"
FOLKLORE = "Measured here; the claim: without the division “the gradient vanishes”"


def is_silent(d_k: int, n_keys: int) -> bool:
    """Whether the typical raw row passes far less on than the typical scaled one, by a rule of thumb.

    The largest of n normal numbers leads by some ln 2/√(2 ln n), so that the typical raw ‖∂L/∂q‖² is near
    d_k e^(-2 ln 2 √(d_k / 2 ln n)); the scaled one is near e/n. One power of e is left between the two.
    """
    return 2 * math.log(2) * math.sqrt(d_k / freezing_d_k(n_keys)) >= math.log(d_k * n_keys) + 1


class Gradients(GradientSizes):
    """Both rules' means against their law, and what becomes of the typical row, the mean and the dead rows."""

    name: ClassVar[str] = "gradients"

    def claims(self, observed: Mapping[GradientCell, Values]) -> list[Claim]:
        """For each n_keys: both means against their law, and what becomes of the typical row, the mean and the dead."""
        claims = []
        for n_keys in self.n_keys:
            blocks = {cell: values for cell, values in observed.items() if cell.n_keys == n_keys}
            claims += self._law_claims(n_keys, blocks)
            claims += _typical_claims(n_keys, blocks)
            claims += _dead_claims(n_keys, blocks)
        return claims

    def _law_claims(self, n_keys: int, blocks: Mapping[GradientCell, Values]) -> list[Claim]:
        curves = (
            (MEAN_OF_SCORES, r"\partial L / \partial s", "scores"),
            (MEAN_OF_QUERY, r"\partial L / \partial q", "query"),
        )
        claims = []
        for i, rule in enumerate(RULES):
            for j, gradient, words in curves:
                k = NORMS.index(STATISTICS[j][0])
                ratios = [values[:, i, j] / self.law_of(cell)[i, k] for cell, values in blocks.items()]
                claims.append(
                    Claim(
                        id=f"gradient-law-{rule.name}-{words}-{n_keys}",
                        group="gradient law",
                        label=rf"{rule.name} mean $\Vert {gradient} \Vert^2$ over its law $= 1$, $n = {n_keys}$",
                        statement=f"At each $d_k$ the mean squared gradient that reaches the {words} of {rule.name} "
                        f"rows over {n_keys} keys is what the exact law says.",
                        source=SOURCE,
                        prediction=1.0,
                        margin=self.margin,
                        reason=f"{100 * self.margin:g} % of means that differ by powers of ten",
                        evidence=np.stack(ratios, axis=1),
                        sample=_rows_of(max(blocks, key=lambda cell: cell.n_rows)),
                        places=tuple(f"$d_k = {cell.d_k}$" for cell in blocks),
                    )
                )
        return claims


def _rows_of(cell: GradientCell) -> str:
    return f"{cell.n_rows} rows"


def _typical_claims(n_keys: int, blocks: Mapping[GradientCell, Values]) -> list[Claim]:
    """The two halves of “the gradient vanishes”, at the largest d_k, if typical rows are silent there."""
    cell, values = max(blocks.items(), key=lambda item: item[0].d_k)
    if not is_silent(cell.d_k, n_keys):
        return []
    halves = (
        ("median", MEDIAN_OF_QUERY, "at most", -math.log10(FACTOR), "less than half of"),
        ("mean", MEAN_OF_QUERY, "at least", math.log10(FACTOR), "more than twice"),
    )
    return [
        Claim(
            id=f"gradient-{name}-{n_keys}",
            group="gradients",
            label=rf"$\log_{{10}}$ raw/scaled, {name} $\Vert \partial L / \partial q \Vert^2$, $n = {n_keys}$",
            statement=f"At $d_k = {cell.d_k}$ the {name} over rows of the query’s squared gradient without the "
            f"division is {words} the one with it, over {n_keys} keys.",
            source=FOLKLORE,
            side=side,
            prediction=bound,
            margin=abs(bound),
            reason=f"gradients within a factor of {FACTOR:g} of each other would not be called different",
            evidence=np.log10(np.maximum(values[:, 0, j], LOST) / values[:, 1, j]),
            sample=_rows_of(cell),
        )
        for name, j, side, bound, words in halves
    ]


def _dead_claims(n_keys: int, blocks: Mapping[GradientCell, Values]) -> list[Claim]:
    """Raw rows die between the ends of the grid, if it leads from many keys at work to silence; scaled ones do not."""
    cells = sorted(blocks, key=lambda cell: cell.d_k)
    first, last = cells[0], cells[-1]
    claims = []
    if first.d_k <= freezing_d_k(n_keys) and is_silent(last.d_k, n_keys):
        claims.append(
            Claim(
                id=f"dead-rows-rise-{n_keys}",
                group="gradients",
                label=rf"raw dead rows rise, $n = {n_keys}$",
                statement=f"Without the division the share of rows over {n_keys} keys with "
                rf"$\operatorname{{tr}} J < {DEAD_TRACE:g}$ rises from $d_k = {first.d_k}$ to {last.d_k}.",
                source=FOLKLORE,
                side="at least",
                prediction=CHANGE,
                margin=CHANGE,
                reason=f"a rise by less than {100 * CHANGE:g} % of all rows would not be called one",
                evidence=blocks[last][:, 0, DEAD] - blocks[first][:, 0, DEAD],
                sample=_rows_of(last),
            )
        )
    even = [cell for cell in cells if cell.d_k >= EVEN_FROM]
    if even:
        claims.append(
            Claim(
                id=f"dead-rows-scaled-{n_keys}",
                group="gradients",
                label=rf"scaled dead rows $= 0$, $n = {n_keys}$",
                statement=f"With the division no more than {100 * STRAY:g} % of the rows over {n_keys} keys have "
                rf"$\operatorname{{tr}} J < {DEAD_TRACE:g}$, at each $d_k$ from {even[0].d_k} to {even[-1].d_k}.",
                source=FOLKLORE,
                prediction=0.0,
                margin=STRAY,
                reason=f"{100 * STRAY:g} % of silent rows would not be missed",
                evidence=np.stack([blocks[cell][:, 1, DEAD] for cell in even], axis=1),
                sample=_rows_of(max(even, key=lambda cell: cell.n_rows)),
                places=tuple(f"$d_k = {cell.d_k}$" for cell in even),
            )
        )
    return claims
