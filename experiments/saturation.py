"""What saturation is claimed to do, against d_k and the number of keys, judged by rows of the softmax."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from experiments.claims import Claim
from experiments.experiment import Values
from experiments.softmax_rows import CHANGE, QUANTITIES, RULES, RowCell, SoftmaxRows

LECTURE = "Measured here; the claim: lecture, chapter 7 (42:39)"
FLAT_FROM = 16  # below it the length of q still varies enough to move even scaled entropies: |q|² ~ χ²_d
LARGEST_NORM2 = 0.25  # of ‖J‖²_F: two keys that share all the weight


class Saturation(SoftmaxRows):
    """What the division does to them, and what the exact law says of each."""

    name: ClassVar[str] = "saturation"

    def claims(self, observed: Mapping[RowCell, Values]) -> list[Claim]:
        """The direction of saturation for each n_keys, between the ends of the grid of d_k."""
        claims = []
        for n_keys in self.n_keys:
            blocks = {cell.d_k: values for cell, values in observed.items() if cell.n_keys == n_keys}
            sample = next(self._rows_of(cell) for cell in observed if cell.n_keys == n_keys)
            claims += self._raw_claims(n_keys, blocks, sample)
            claims += self._scaled_claims(n_keys, blocks, sample)
            if self.entries == "gaussian":
                claims += self._law_claims(n_keys, {c.d_k: c for c in observed if c.n_keys == n_keys}, blocks, sample)
        if self.entries == "gaussian" and len(self.n_keys) > 1:
            claims += self._claims_over_keys(observed)
        return claims

    def _raw_claims(self, n_keys: int, blocks: Mapping[int, Values], sample: str) -> list[Claim]:
        first, last = min(blocks), max(blocks)
        if first == last:
            return []
        change = blocks[last][:, 0] - blocks[first][:, 0]  # (n_blocks, n_quantities)
        between = f"from $d_k = {first}$ to {last}"
        return [
            Claim(
                id=f"raw-entropy-falls-{n_keys}",
                group="saturation",
                label=rf"raw $H / \ln n$ falls, $n = {n_keys}$",
                statement=f"Without the division the entropy of a row over {n_keys} keys falls {between}.",
                source=LECTURE,
                side="at most",
                prediction=-CHANGE,
                margin=CHANGE,
                reason=f"a fall by less than {100 * CHANGE:g} % of $\\ln n$ would not be called saturation",
                evidence=change[:, QUANTITIES.index("normalised_entropy")],
                sample=sample,
            ),
            Claim(
                id=f"raw-weight-rises-{n_keys}",
                group="saturation",
                label=rf"raw $\max p$ rises, $n = {n_keys}$",
                statement=f"Without the division the largest of {n_keys} weights rises {between}.",
                source=LECTURE,
                side="at least",
                prediction=CHANGE,
                margin=CHANGE,
                reason=f"a rise by less than {CHANGE:g} would not be called saturation",
                evidence=change[:, QUANTITIES.index("max_weight")],
                sample=sample,
            ),
        ]

    def _scaled_claims(self, n_keys: int, blocks: Mapping[int, Values], sample: str) -> list[Claim]:
        flat = [d_k for d_k in blocks if d_k >= FLAT_FROM]
        if len(flat) < 2:
            return []
        first, last = flat[0], flat[-1]
        entropy = QUANTITIES.index("normalised_entropy")
        return [
            Claim(
                id=f"scaled-entropy-stays-{n_keys}",
                group="saturation",
                label=rf"scaled $H / \ln n$ stays, $n = {n_keys}$",
                statement=f"With the division the entropy over {n_keys} keys does not change "
                f"from $d_k = {first}$ to {last}.",
                source=LECTURE,
                prediction=0.0,
                margin=self.margin,
                reason=rf"{100 * self.margin:g} % of $\ln n$ is as much as a figure of entropies shows",
                evidence=blocks[last][:, 1, entropy] - blocks[first][:, 1, entropy],
                sample=sample,
            )
        ]

    def _law_claims(
        self, n_keys: int, cells: Mapping[int, RowCell], blocks: Mapping[int, Values], sample: str
    ) -> list[Claim]:
        """Every measured curve against its exact law; the scaled one as the number of keys that stay effective."""
        margin = self.margin
        share = f"{margin:g} of a row's whole weight"
        curves = (
            ("raw", "normalised_entropy", r"$H / \ln n$", "entropy", 1.0, rf"{100 * margin:g} % of $\ln n$"),
            ("raw", "sum_p2", r"$\sum p^2$", "sum of squared weights", 1.0, share),
            ("raw", "max_weight", r"$\max p$", "largest weight", 1.0, share),
            (
                "raw",
                "jacobian_norm2",
                r"$\Vert J \Vert_F^2$",
                "squared norm of the Jacobian",
                LARGEST_NORM2,
                f"{100 * margin:g} % of {LARGEST_NORM2:g}, the largest that a row can have",
            ),
            ("scaled", "entropy", "$H$", "entropy", 1.0, f"{100 * margin:g} % of the number of effective keys $e^H$"),
        )
        claims = []
        for rule, quantity, symbol, words, unit, reason in curves:
            dimensions = [d_k for d_k in blocks if rule == "raw" or d_k >= FLAT_FROM]
            if not dimensions:
                continue
            i, j = [r.name for r in RULES].index(rule), QUANTITIES.index(quantity)
            deviations = [blocks[d_k][:, i, j] - self.law(cells[d_k])[i, j] for d_k in dimensions]
            claims.append(
                Claim(
                    id=f"law-{rule}-{quantity}-{n_keys}".replace("_", "-"),
                    group="exact law",
                    label=rf"{rule} {symbol} minus its law $= 0$, $n = {n_keys}$",
                    statement=f"At each $d_k$ from {dimensions[0]} to {dimensions[-1]} the {words} of {rule} rows over "
                    f"{n_keys} keys is what the exact law says.",
                    source="Exact: softmax of normal scores, averaged over the length of the query",
                    prediction=0.0,
                    margin=margin * unit,
                    reason=reason,
                    evidence=np.stack(deviations, axis=1),
                    sample=sample,
                    places=tuple(f"$d_k = {d_k}$" for d_k in dimensions),
                )
            )
        return claims

    def _claims_over_keys(self, observed: Mapping[RowCell, Values]) -> list[Claim]:
        """At a d_k near 2 ln n: the variance is the same for few keys and for many, the saturation is not."""
        few, many, d_k = self.n_keys[0], self.n_keys[-1], self.turning
        of = {cell.n_keys: cell for cell in observed if cell.d_k == d_k}
        change = observed[of[many]][:, 0] - observed[of[few]][:, 0]  # (n_blocks, n_quantities), raw
        square, sum_p2 = QUANTITIES.index("mean_square"), QUANTITIES.index("sum_p2")
        expected = (self.law(of[many]) - self.law(of[few]))[0, sum_p2]
        claims = [
            Claim(
                id="variance-over-keys",
                group="number of keys",
                label=rf"$\operatorname{{Var}}(q \cdot k) / d_k$ at $d_k = {d_k}$, $n = {many}$ minus $n = {few}$",
                statement=f"At $d_k = {d_k}$ the variance of the raw scores is the same over {few} and {many} keys.",
                source="The variance of a dot product does not know how many others there are",
                prediction=0.0,
                margin=CHANGE,
                reason=rf"{100 * CHANGE:g} % of the variance, while $\sum p^2$ changes by a factor of "
                f"{self.law(of[few])[0, sum_p2] / self.law(of[many])[0, sum_p2]:.2g}",
                evidence=change[:, square] / d_k,
                sample=self._rows_of(of[many]),
            )
        ]
        if expected <= -2 * CHANGE:
            claims.append(
                Claim(
                    id="saturation-over-keys",
                    group="number of keys",
                    label=rf"raw $\sum p^2$ falls from $n = {few}$ to {many}",
                    statement=f"At $d_k = {d_k}$ the sum of squared raw weights falls from {few} keys to {many}.",
                    source="Exact law; its limit of many keys: Derrida 1981",
                    side="at most",
                    prediction=-CHANGE,
                    margin=CHANGE,
                    reason=f"a fall by less than {CHANGE:g} would not be called a dependence",
                    evidence=change[:, sum_p2],
                    sample=self._rows_of(of[many]),
                )
            )
        return claims

    @staticmethod
    def _rows_of(cell: RowCell) -> str:
        return f"{cell.n_rows} {cell.sampler} rows"
