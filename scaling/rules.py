"""Score scalings: what is done to queries, keys and their dot products before the softmax.

A rule turns q (..., n_queries, d_k) and k (..., n_keys, d_k) into scores (..., n_queries, n_keys). Most rules only
multiply the dot products by a number, which gives them an exact law; here are those whose number the dimension
decides, and QK-norm. Others: `length_rules`, `normalised_rules`, `shape_rules`; all of them by name: `rule_names`.

Scores are computed in float64, whatever q and k come as. Every `scores` raises ValueError for q and k that are not
finite real numbers of these shapes, and for products beyond the largest float. `formula` is what enters the softmax, in
LaTeX, with z for q·k and n for the number of keys; `source` is where the rule is from.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling.arrays import check_dimension, is_count, is_number, shown
from scaling.queries_and_keys import Array, checked_vectors, dot_products_of, unit_vectors

FloatsT = TypeVar("FloatsT", NDArray[np.float32], NDArray[np.float64])


class ScoreRule(Protocol):
    """What enters the softmax, given queries and keys; d_k and the number of keys are read off their shapes."""

    @property
    def name(self) -> str:
        """The rule's name in frames and figures."""

    @property
    def formula(self) -> str:
        """What enters the softmax, in LaTeX."""

    @property
    def source(self) -> str:
        """Where the rule is from: authors and year."""

    def scores(self, q: ArrayLike, k: ArrayLike) -> Array:
        """Scores (..., n_queries, n_keys) of q (..., n_queries, d_k) and k (..., n_keys, d_k)."""


class ProductRule(ABC):
    """A rule that sees queries and keys through their dot products alone."""

    name: str

    @abstractmethod
    def __call__(self, dot_products: FloatsT, d_k: int) -> FloatsT:
        """Scores of the same shape and precision as `dot_products` (..., n_keys)."""

    def scores(self, q: ArrayLike, k: ArrayLike) -> Array:
        """The rule on Q Kᵀ."""
        where = f"{type(self).__name__}.scores"
        q, k = checked_vectors(where, q, k)
        return self(dot_products_of(q, k, where), q.shape[-1])


class LinearRule(ProductRule):
    """A rule that multiplies every dot product by one number, which the dimension and the number of keys decide."""

    @abstractmethod
    def factor_at(self, d_k: int, n_keys: int) -> float:
        """The number c that multiplies every dot product; ValueError for sizes that are not whole numbers from 1."""

    def __call__(self, dot_products: FloatsT, d_k: int) -> FloatsT:
        """Scores c · q·k, of the same shape and precision as `dot_products` (..., n_keys)."""
        return dot_products * self.factor_at(d_k, dot_products.shape[-1])


class FactorRule(LinearRule):
    """A rule whose number the dimension alone decides, whatever the number of keys."""

    @abstractmethod
    def factor(self, d_k: int) -> float:
        """The number c that multiplies every dot product; ValueError for a d_k that is not a whole number from 1."""

    def factor_at(self, d_k: int, n_keys: int) -> float:
        """The same at any number of keys."""
        return self.factor(d_k)

    def __call__(self, dot_products: FloatsT, d_k: int) -> FloatsT:
        """Scores of the same shape and precision as `dot_products`, which may be a single number."""
        return dot_products * self.factor(d_k)

    def variance(self, d_k: int) -> float:
        """Var(score) = d_k c² for independent entries of mean 0 and variance 1."""
        return int(d_k) * self.factor(d_k) ** 2


@dataclass(frozen=True)
class PowerRule(FactorRule):
    """Divide the scores by d_k^alpha: alpha = 0 leaves them raw, alpha = 1/2 is attention's own rule.

    Vaswani et al. 2017, equation (1), for alpha = 1/2. Independent entries of unit variance then have scores of
    variance d_k^(1 - 2 alpha), exactly. ValueError for an alpha beyond ±8, a d_k that is not a whole number from 1, or
    a variance beyond the largest float.

    >>> PowerRule("halfway", alpha=0.25).variance(256)
    16.0
    >>> SCALED(np.array([16.0, -8.0]), 64)
    array([ 2., -1.])
    """

    name: str
    alpha: float

    @property
    def formula(self) -> str:
        """z / d_k^alpha."""
        plain = {0.0: "z", 0.5: r"z / \sqrt{d_k}", 1.0: "z / d_k"}
        return plain.get(float(self.alpha), rf"z / d_k^{{{self.alpha:g}}}")

    @property
    def source(self) -> str:
        """Published for the root and, up to a constant, for d_k itself."""
        published = {0.5: "Vaswani and others 2017", 1.0: "Yang and others 2022, up to a constant"}
        return published.get(float(self.alpha), "–")

    def __post_init__(self) -> None:
        if not is_number(self.alpha) or not -8 <= float(self.alpha) <= 8:
            raise ValueError(f"PowerRule: alpha must be a number from -8 to 8; received {shown(self.alpha)}")

    def factor(self, d_k: int) -> float:
        """The number c = d_k^(-alpha) that multiplies every dot product."""
        check_dimension("PowerRule.factor", d_k)
        return float(int(d_k) ** -float(self.alpha))

    def variance(self, d_k: int) -> float:
        """Var(score) = d_k^(1 - 2 alpha) for independent entries of mean 0 and variance 1."""
        check_dimension("PowerRule.variance", d_k)
        try:
            return float(int(d_k) ** (1 - 2 * float(self.alpha)))
        except OverflowError:
            raise ValueError(
                "PowerRule.variance: d_k^(1 - 2 alpha) must not pass the largest float; "
                f"received d_k = {shown(d_k)} and alpha = {shown(self.alpha)}"
            ) from None


@dataclass(frozen=True)
class ModelRule(FactorRule):
    """Divide by the root of the model's dimension d_model = n_heads · d_k, in place of the head's: a frequent slip.

    Scores of variance 1/n_heads. ValueError unless n_heads is a whole number from 1.
    """

    name: str
    n_heads: int
    source: ClassVar[str] = "a frequent slip"

    @property
    def formula(self) -> str:
        """z / √d_model."""
        return rf"z / \sqrt{{{self.n_heads}\, d_k}}"

    def __post_init__(self) -> None:
        if not is_count(self.n_heads):
            raise ValueError(
                f"ModelRule: n_heads must be a whole number from 1 to 2^62; received {shown(self.n_heads)}"
            )

    def factor(self, d_k: int) -> float:
        """c = (n_heads d_k)^(-1/2)."""
        check_dimension("ModelRule.factor", d_k)
        return float((int(self.n_heads) * int(d_k)) ** -0.5)


@dataclass(frozen=True)
class TemperatureRule(FactorRule):
    """Divide the scaled scores by a temperature T as well: softmax(q·k / (T √d_k)).

    Scores of variance 1/T². T = 1 is attention's own rule, and T = d_k^(-1/2) none at all. ValueError unless T is a
    number from 1e-6 to 1e6.
    """

    name: str
    temperature: float
    source: ClassVar[str] = "common in code"

    @property
    def formula(self) -> str:
        """z / (T √d_k)."""
        return rf"z / ({self.temperature:g} \sqrt{{d_k}})"

    def __post_init__(self) -> None:
        if not is_number(self.temperature) or not 1e-6 <= float(self.temperature) <= 1e6:
            raise ValueError(
                f"TemperatureRule: temperature must be a number from 1e-6 to 1e6; received {shown(self.temperature)}"
            )

    def factor(self, d_k: int) -> float:
        """c = 1 / (T √d_k)."""
        check_dimension("TemperatureRule.factor", d_k)
        return float(int(d_k) ** -0.5 / float(self.temperature))


@dataclass(frozen=True)
class SplitRule(FactorRule):
    """Multiply q and k by d_k^(-1/4) each, before their product is taken: attention's own rule, but for rounding."""

    name: str
    formula: ClassVar[str] = r"(d_k^{-1/4} q) \cdot (d_k^{-1/4} k)"
    source: ClassVar[str] = "common in code"

    def factor(self, d_k: int) -> float:
        """c = d_k^(-1/4) d_k^(-1/4) = d_k^(-1/2)."""
        check_dimension("SplitRule.factor", d_k)
        return float(int(d_k) ** -0.5)

    def scores(self, q: ArrayLike, k: ArrayLike) -> Array:
        """(d_k^(-1/4) q) · (d_k^(-1/4) k), multiplied in this order."""
        q, k = checked_vectors("SplitRule.scores", q, k)
        share = float(q.shape[-1] ** -0.25)
        return dot_products_of(share * q, share * k, "SplitRule.scores")


@dataclass(frozen=True)
class NormalisedRule:
    """A gain times the cosine of the angle between q and k: g (q/‖q‖)·(k/‖k‖), "QK-norm".

    Henry et al. 2020, arXiv 2010.04245, where g is one learned number. None stands for g = √d_k, which gives scores of
    variance exactly 1 wherever the direction of q or of k is uniform, as for normal entries of any size. No score
    passes ±g. A vector of length 0 is left as it is. ValueError unless g is None or a number from 1e-6 to 1e6.
    """

    name: str
    gain: float | None = None
    source: ClassVar[str] = "Henry and others 2020, with a learned gain"

    @property
    def formula(self) -> str:
        """g cos(q, k)."""
        gain = r"\sqrt{d_k}" if self.gain is None else f"{self.gain:g}"
        return rf"{gain} \cos(q, k)"

    def __post_init__(self) -> None:
        if self.gain is not None and (not is_number(self.gain) or not 1e-6 <= float(self.gain) <= 1e6):
            raise ValueError(
                f"NormalisedRule: gain must be None or a number from 1e-6 to 1e6; received {shown(self.gain)}"
            )

    def scores(self, q: ArrayLike, k: ArrayLike) -> Array:
        """g · cosines."""
        q, k = checked_vectors("NormalisedRule.scores", q, k)
        gain = q.shape[-1] ** 0.5 if self.gain is None else self.gain
        return gain * dot_products_of(unit_vectors(q), unit_vectors(k))

    def variance(self, d_k: int) -> float:
        """Var(score) = g²/d_k, exact wherever the direction of q or of k is uniform."""
        check_dimension("NormalisedRule.variance", d_k)
        return 1.0 if self.gain is None else float(self.gain) ** 2 / int(d_k)


RAW = PowerRule("raw", 0.0)
SCALED = PowerRule("scaled", 0.5)
