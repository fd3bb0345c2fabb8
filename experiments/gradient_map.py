"""Exact mean sizes of J and of the query's gradient over d_k and numbers of keys; nothing here is drawn."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from experiments.experiment import Column
from experiments.law_table import LawRow, LawTable, spaced
from scaling.attention_law import MAX_D_K
from scaling.rules import RAW, SCALED, PowerRule


class GradientMap(LawTable):
    """The exact law of gradients, raw and scaled, over n_keys and d_k; both grids double at every step."""

    name: ClassVar[str] = "gradient_map"
    rules: ClassVar[tuple[PowerRule, ...]] = (RAW, SCALED)
    quantities: ClassVar[tuple[str, ...]] = ("jacobian_norm2", "query_gradient_norm2")
    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "n_keys": Column("keys in each row of the softmax", "count"),
        "rule": Column("raw: softmax(q·k); scaled: softmax(q·k/√d_k)", "name"),
        "quantity": Column(
            "jacobian_norm2 ‖diag(p) - p pᵀ‖²_F, which is also the mean of ‖∂L/∂s‖²; query_gradient_norm2 ‖∂L/∂q‖²; "
            "means over rows, with ∂L/∂p from N(0, I)",
            "name",
        ),
        "exact": Column("exact expectation for independent standard normal entries of q, k and ∂L/∂p"),
    }

    largest_d_k: Annotated[int, Field(ge=4, le=MAX_D_K)]
    largest_n_keys: Annotated[int, Field(ge=4, le=10**12)]

    def cells(self) -> Sequence[LawRow]:
        """One cell per n_keys from 2."""
        dimensions = spaced(1, self.largest_d_k, 1)
        return [LawRow(n, dimensions) for n in spaced(2, self.largest_n_keys, 1)]
