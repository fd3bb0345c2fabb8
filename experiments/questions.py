"""Common claims about the division by √d_k, held against one head under many scalings."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from experiments.claims import Claim
from experiments.experiment import Values
from experiments.one_head import OUTPUTS, QUANTITIES, HeadCell, Observed, OneHead, Variant, law_of
from scaling.rules import SCALED

GROUP = "common claims"
MODEL = "Measured here, for independent standard normal entries"
ROUNDING_UNITS = 8.0  # a few roundings of each product; a different rule would be off by some 10¹⁵ of them
OUTPUT_MARGINS = 3.0  # times the margin of a variance: rows that share their values tell less


class Questions(OneHead):
    """What that head says to each question."""

    name: ClassVar[str] = "questions"

    def claims(self, observed: Mapping[HeadCell, Values]) -> list[Claim]:
        """One or two for each question that one head can answer."""
        ((cell, blocks),) = observed.items()
        seen = Observed(cell, blocks)
        return [
            *self._variance_claims(seen),
            *self._flattening_claims(seen),
            self._entropy_claim(seen),
            self._split_claim(seen),
            *self._output_claims(seen),
        ]

    def _variance_claims(self, seen: Observed) -> list[Claim]:
        """Var(score) of the variants that a question is about."""
        cell = seen.cell
        d_k, n_heads = cell.d_k, cell.n_heads
        d_model, sd = n_heads * d_k, cell.entry_sd
        normalised = rf"\sqrt{{{d_k}}} \cos(q, k)"
        lines = (
            ("inverse", rf"q \cdot k / {d_k}", f"Dividing by $d_k = {d_k}$ itself leaves scores of variance 1/{d_k}."),
            (
                "model",
                rf"q \cdot k / \sqrt{{{d_model}}}",
                f"With {n_heads} heads of $d_k = {d_k}$, dividing by the root of $d_{{\\mathrm{{model}}}} = {d_model}$ "
                f"leaves scores of variance 1/{n_heads}.",
            ),
            (
                "cold",
                rf"q \cdot k / ({cell.cold:g} \sqrt{{{d_k}}})",
                f"Scaled scores at a temperature of {cell.cold:g} have variance 1/{cell.cold:g}².",
            ),
            (
                "wide",
                rf"q \cdot k / \sqrt{{{d_k}}}",
                f"Entries of standard deviation {sd:g} leave scaled scores of variance {sd:g}⁴.",
            ),
            (
                "wide-normalised",
                normalised,
                f"Normalised first, the same entries of standard deviation {sd:g} leave scores of variance 1.",
            ),
        )
        exact = {variant.name: variant.variance(d_k) for variant in cell.variants}
        return [
            Claim(
                id=f"variance-of-{name}",
                group=GROUP,
                label=rf"$\operatorname{{Var}}({score}) = {_latex(exact[name])}$"
                + (f", entries of sd {sd:g}" if "wide" in name else ""),
                statement=statement,
                source=MODEL,
                prediction=exact[name],
                margin=self.margin * exact[name],
                reason=f"{100 * self.margin:g} % of the variance changes a score's size by {50 * self.margin:g} %",
                evidence=seen.of(name, "variance"),
                sample=_sample(cell),
            )
            for name, score, statement in lines
        ]

    def _flattening_claims(self, seen: Observed) -> list[Claim]:
        """Dividing by more than √d_k brings the entropy nearer to ln n, where that can be seen at all."""
        cell, law = seen.cell, law_of(seen.cell)
        names, entropy = [variant.name for variant in cell.variants], QUANTITIES.index("normalised_entropy")
        if law[names.index("inverse"), entropy] - law[names.index("scaled"), entropy] < 2 * self.margin:
            return []
        return [
            Claim(
                id="over-dividing-flattens",
                group=GROUP,
                label=rf"$H / \ln n$ rises from $q \cdot k/\sqrt{{{cell.d_k}}}$ to $q \cdot k/{cell.d_k}$",
                statement=f"Dividing by $d_k = {cell.d_k}$ in place of its root makes the softmax over {cell.n_keys} "
                "keys flatter, not sharper.",
                source=MODEL,
                side="at least",
                prediction=self.margin,
                margin=self.margin,
                reason=rf"a rise by less than {100 * self.margin:g} % of $\ln n$ would not be called flattening",
                evidence=seen.of("inverse", "normalised_entropy") - seen.of("scaled", "normalised_entropy"),
                sample=_sample(cell),
            )
        ]

    def _entropy_claim(self, seen: Observed) -> Claim:
        """The entropy under each rule that is a constant factor, against the one exact law of them all."""
        cell, law = seen.cell, law_of(seen.cell)
        entropy = QUANTITIES.index("normalised_entropy")
        known = [i for i in range(len(cell.variants)) if np.isfinite(law[i, entropy])]
        return Claim(
            id="entropy-of-every-factor",
            group=GROUP,
            label=rf"$H / \ln n$ minus its law $= 0$, {len(known)} rules",
            statement=f"Whatever constant multiplies the dot products at $d_k = {cell.d_k}$, the entropy over "
            f"{cell.n_keys} keys is what one exact law says for that constant.",
            source="Exact: softmax of normal scores, averaged over the length of the query",
            prediction=0.0,
            margin=self.margin,
            reason=rf"{100 * self.margin:g} % of $\ln n$",
            evidence=seen.table[:, known, entropy] - law[known, entropy],
            sample=_sample(cell),
            places=tuple(_words(cell.variants[i], cell) for i in known),
        )

    @staticmethod
    def _split_claim(seen: Observed) -> Claim:
        return Claim(
            id="split-is-scaled",
            group=GROUP,
            label=r"$d_k^{-1/4} q \cdot d_k^{-1/4} k$ less $q \cdot k/\sqrt{d_k}$, in roundings",
            statement="Multiplying both q and k by $d_k^{-1/4}$ gives the scores of dividing their product by "
            r"$\sqrt{d_k}$, but for rounding.",
            source="Exact in real arithmetic",
            side="at most",
            prediction=ROUNDING_UNITS,
            margin=ROUNDING_UNITS,
            reason=r"in units of $2^{-52} \sum_i |q_i k_i| / \sqrt{d_k}$, a few of which any order of operations costs",
            evidence=seen.rounding,
            sample=_sample(seen.cell),
        )

    def _output_claims(self, seen: Observed) -> list[Claim]:
        """The output's size, and that the values' own dimension does not move it."""
        cell, margin = seen.cell, OUTPUT_MARGINS * self.margin
        scaled, own = OUTPUTS.index(SCALED), cell.d_v.index(cell.d_k)
        exact = float(law_of(cell)[scaled, QUANTITIES.index("sum_p2")])
        outputs = seen.outputs[:, scaled]  # (n_blocks, n_d_v)
        others = [i for i in range(len(cell.d_v)) if i != own]
        return [
            Claim(
                id="output-variance",
                group=GROUP,
                label=rf"$\operatorname{{Var}}(z_i) = \mathbb{{E}} \sum p^2 = {_latex(exact)}$, $n = {cell.n_keys}$",
                statement=f"An entry of the output over {cell.n_keys} independent values of variance 1 has the mean of "
                r"$\sum p^2$ for its variance.",
                source="Exact: the variance of a weighted mean of independent values",
                prediction=exact,
                margin=margin * exact,
                reason=f"{100 * margin:g} % of the variance",
                evidence=outputs[:, own],
                sample=_sample(cell),
            ),
            Claim(
                id="output-over-d-v",
                group=GROUP,
                label=rf"$\operatorname{{Var}}(z_i)$ at other $d_v$, less that at $d_v = {cell.d_k}$",
                statement="The variance of an entry of the output does not depend on the dimension of the values.",
                source="The values enter after the softmax, each entry by itself",
                prediction=0.0,
                margin=margin * exact,
                reason=f"{100 * margin:g} % of the variance",
                evidence=outputs[:, others] - outputs[:, [own]],
                sample=_sample(cell),
                places=tuple(f"$d_v = {cell.d_v[i]}$" for i in others),
            ),
        ]


def _words(variant: Variant, cell: HeadCell) -> str:
    """A rule for readers."""
    return {
        "raw": r"$q \cdot k$",
        "scaled": r"$q \cdot k / \sqrt{d_k}$",
        "split": "split in two",
        "inverse": "$q \\cdot k / d_k$",
        "model": r"$q \cdot k / \sqrt{d_{\mathrm{model}}}$",
        "cold": f"$T = {cell.cold:g}$",
        "hot": f"$T = {cell.hot:g}$",
        "wide": f"entries of sd {cell.entry_sd:g}",
    }[variant.name]


def _latex(value: float) -> str:
    """Three digits or four, with a power of ten only where it helps."""
    if 1e-3 <= value < 1e5:
        return f"{value:.4g}" if value < 1e4 else f"{value:.0f}"
    mantissa, exponent = f"{value:.2e}".split("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}"


def _sample(cell: HeadCell) -> str:
    return f"{cell.n_tiles * cell.n_queries} rows"
