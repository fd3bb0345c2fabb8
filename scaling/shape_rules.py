"""Rules that do more to scaled scores than multiply them: bound them, replace the exponential, or shift them all."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from scaling.arrays import check_dimension, check_sizes, is_number, shown
from scaling.attention_law import query_lengths
from scaling.rules import FloatsT, ProductRule


@dataclass(frozen=True)
class SoftCapRule(ProductRule):
    """A soft cap: cap · tanh(z / (cap √d_k)), never beyond ±cap, and z / √d_k where that is much less than the cap.

    Gemma 2 (2024), arXiv 2408.00118, with cap = 50 on attention's scores. ValueError unless cap is a number from 1e-6
    to 1e6.
    """

    name: str
    cap: float
    source: ClassVar[str] = "Gemma 2, 2024"

    def __post_init__(self) -> None:
        if not is_number(self.cap) or not 1e-6 <= float(self.cap) <= 1e6:
            raise ValueError(f"SoftCapRule: cap must be a number from 1e-6 to 1e6; received {shown(self.cap)}")

    @property
    def formula(self) -> str:
        """cap tanh(z / (cap √d_k))."""
        return rf"{self.cap:g} \tanh(z / ({self.cap:g} \sqrt{{d_k}}))"

    def __call__(self, dot_products: FloatsT, d_k: int) -> FloatsT:
        """cap · tanh(z / (cap √d_k))."""
        check_dimension("SoftCapRule", d_k)
        cap = float(self.cap)
        capped: FloatsT = cap * np.tanh(dot_products * float(int(d_k) ** -0.5 / cap))
        return capped


@dataclass(frozen=True)
class SigmoidRule(ProductRule):
    """Sigmoid attention: weights σ(z/√d_k + b) that need not sum to 1, with b = -ln n unless a bias is given.

    Ramapuram et al. 2024, arXiv 2409.04431. Its weights over their sum are the softmax of ln σ(z/√d_k + b), and their
    sum is exp of that softmax's log-partition: so its scores here are ln σ, and its total weight is to be told beside
    them. Adding a constant to every dot product of a row changes its weights. ValueError unless bias is None or a
    number from -100 to 100.
    """

    name: str
    bias: float | None = None
    source: ClassVar[str] = "Ramapuram and others 2024"

    def __post_init__(self) -> None:
        if self.bias is not None and (not is_number(self.bias) or not -100 <= float(self.bias) <= 100):
            raise ValueError(
                f"SigmoidRule: bias must be None or a number from -100 to 100; received {shown(self.bias)}"
            )

    @property
    def formula(self) -> str:
        """ln σ(z / √d_k + b)."""
        bias = r"- \ln n" if self.bias is None else f"{self.bias:+g}"
        return rf"\ln \sigma(z / \sqrt{{d_k}} {bias})"

    def bias_at(self, n_keys: int) -> float:
        """b = -ln n, or the bias that was given."""
        check_sizes("SigmoidRule.bias_at", n_keys=n_keys)
        return -math.log(int(n_keys)) if self.bias is None else float(self.bias)

    def __call__(self, dot_products: FloatsT, d_k: int) -> FloatsT:
        """ln σ(z/√d_k + b), the logarithms of the weights."""
        check_dimension("SigmoidRule", d_k)
        return special.log_expit(dot_products * float(int(d_k) ** -0.5) + self.bias_at(dot_products.shape[-1]))

    def total(self, d_k: int, n_keys: int) -> float:
        """E[Σ σ(s_j + b)] = n E[σ(s + b)], exact for standard normal entries: s is normal given |q|, of sd |q|/√d_k.

        As n grows it tends to E[e^s], which is (1 - 1/d_k)^(-d_k/2) for d_k > 1 and √e for large d_k.
        """
        check_dimension("SigmoidRule.total", d_k)
        lengths, weights = query_lengths(int(d_k))
        x = np.linspace(-12.0, 12.0, 481)  # of a standard normal score; the trapezoid rule
        normal = np.exp(-(x**2) / 2)
        shares: NDArray[np.float64] = special.expit(np.outer(lengths * d_k**-0.5, x) + self.bias_at(n_keys))
        return float(int(n_keys) * (weights @ shares @ normal) / normal.sum())


@dataclass(frozen=True)
class ShiftedRule(ProductRule):
    """Scalable softmax as it is sometimes written: z/√d_k - s ln n, the same number off every score of a row.

    A softmax sees differences only, so the weights are those of z/√d_k, whatever s: a negative control. ValueError
    unless s is a number from 1e-6 to 1e6.
    """

    name: str
    s: float
    source: ClassVar[str] = "a misreading of Nakanishi 2025"

    def __post_init__(self) -> None:
        if not is_number(self.s) or not 1e-6 <= float(self.s) <= 1e6:
            raise ValueError(f"ShiftedRule: s must be a number from 1e-6 to 1e6; received {shown(self.s)}")

    @property
    def formula(self) -> str:
        """z / √d_k - s ln n."""
        return rf"z / \sqrt{{d_k}} - {self.s:g} \ln n"

    def __call__(self, dot_products: FloatsT, d_k: int) -> FloatsT:
        """z/√d_k - s ln n."""
        check_dimension("ShiftedRule", d_k)
        return dot_products * float(int(d_k) ** -0.5) - float(self.s) * math.log(dot_products.shape[-1])
