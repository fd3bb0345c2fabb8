"""Rules that normalise queries and keys before their product is taken; QK-norm with a free gain is in `rules`."""

import math
from dataclasses import dataclass
from typing import ClassVar

from numpy.typing import ArrayLike

from scaling.arrays import check_dimension, is_count, shown
from scaling.queries_and_keys import (
    Array,
    centred_directions,
    checked_vectors,
    dot_products_of,
    unit_vectors,
)
from scaling.rules import NormalisedRule


@dataclass(frozen=True)
class QKNormRule:
    """QK-norm as its learning begins: g₀ (q/‖q‖)·(k/‖k‖) with g₀ = log₂(L² - L).

    Henry et al. 2020, arXiv 2010.04245, where L is the 97.5th percentile of the training sequences' lengths. The gain
    is the same at every d_k, and is learned from there on. ValueError unless length is a whole number from 2.
    """

    name: str
    length: int
    source: ClassVar[str] = "Henry and others 2020, as it starts"

    def __post_init__(self) -> None:
        if not is_count(self.length) or self.length < 2:
            raise ValueError(f"QKNormRule: length must be a whole number from 2 to 2^62; received {shown(self.length)}")

    @property
    def formula(self) -> str:
        """g₀ cos(q, k)."""
        return rf"\log_2({self.length}^2 - {self.length}) \cos(q, k)"

    @property
    def gain(self) -> float:
        """g₀ = log₂(L² - L)."""
        length = int(self.length)
        return math.log2(length) + math.log2(length - 1)

    def scores(self, q: ArrayLike, k: ArrayLike) -> Array:
        """g₀ · cosines."""
        q, k = checked_vectors("QKNormRule.scores", q, k)
        return self.gain * dot_products_of(unit_vectors(q), unit_vectors(k))

    def variance(self, d_k: int) -> float:
        """Var(score) = g₀²/d_k, exact wherever the direction of q or of k is uniform."""
        return NormalisedRule(self.name, self.gain).variance(d_k)


@dataclass(frozen=True)
class LayerNormRule:
    """Layer-normed queries and keys: LN(q)·LN(k) / √d_k, LN(v) = (v - mean) / sd over the vector's own entries.

    Dehghani et al. 2023 (ViT-22B), arXiv 2302.05442, section 2, here without learned gains, biases or an ε in the root.
    A vector whose entries are all the same becomes 0.
    """

    name: str
    formula: ClassVar[str] = r"\operatorname{LN}(q) \cdot \operatorname{LN}(k) / \sqrt{d_k}"
    source: ClassVar[str] = "Dehghani and others 2023 (ViT-22B)"

    def scores(self, q: ArrayLike, k: ArrayLike) -> Array:
        """√d_k times the cosine of the centred vectors, since LN(v) = √d_k (v - mean)/‖v - mean‖."""
        q, k = checked_vectors("LayerNormRule.scores", q, k)
        unit_q, unit_k = (unit_vectors(centred_directions(vectors)) for vectors in (q, k))
        return float(q.shape[-1] ** 0.5) * dot_products_of(unit_q, unit_k)

    def variance(self, d_k: int) -> float:
        """Var(score) = d_k / (d_k - 1) for normal entries, and 0 at d_k = 1, where nothing is left of a vector."""
        check_dimension("LayerNormRule.variance", d_k)
        return int(d_k) / (int(d_k) - 1) if d_k > 1 else 0.0
