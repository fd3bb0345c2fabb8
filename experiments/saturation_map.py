"""Exact means over rows on a wide grid of d_k and n_keys, far beyond what can be sampled; nothing here is drawn."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from experiments.experiment import Column
from experiments.law_table import LawRow, LawTable, spaced
from scaling.attention_law import MAX_D_K
from scaling.rules import RAW, SCALED, PowerRule


class SaturationMap(LawTable):
    """Attention's exact law, raw and scaled, over n_keys and d_k; both grids are even on logarithmic axes."""

    name: ClassVar[str] = "saturation_map"
    rules: ClassVar[tuple[PowerRule, ...]] = (RAW, SCALED)
    quantities: ClassVar[tuple[str, ...]] = ("normalised_entropy", "sum_p2", "jacobian_norm2")
    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "n_keys": Column("keys in each row of the softmax", "count"),
        "rule": Column("raw: softmax(q·k); scaled: softmax(q·k/√d_k)", "name"),
        "quantity": Column(
            "normalised_entropy = entropy / ln n_keys; sum_p2; jacobian_norm2 ‖diag(p) - p pᵀ‖²_F; means over rows",
            "name",
        ),
        "exact": Column("exact expectation for independent standard normal entries of q and k"),
    }

    largest_d_k: Annotated[int, Field(ge=4, le=MAX_D_K)]
    largest_n_keys: Annotated[int, Field(ge=4, le=10**12)]
    d_k_per_octave: Annotated[int, Field(ge=1, le=8)]
    n_keys_per_octave: Annotated[int, Field(ge=1, le=8)]

    def cells(self) -> Sequence[LawRow]:
        """One cell per n_keys from 2."""
        dimensions = spaced(1, self.largest_d_k, self.d_k_per_octave)
        return [LawRow(n, dimensions) for n in spaced(2, self.largest_n_keys, self.n_keys_per_octave)]
