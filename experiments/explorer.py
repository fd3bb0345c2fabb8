"""Exact means over rows at every stop of the page's sliders, under three rules; nothing here is drawn."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from experiments.experiment import Column
from experiments.law_table import LawRow, LawTable, spaced
from scaling.rules import RAW, SCALED, PowerRule


def _power_of_two(value: int) -> int:
    if value & (value - 1):
        raise ValueError("a power of two is needed, since the stops are powers of two")
    return value


class Explorer(LawTable):
    """Attention's exact law where the reader of the page can ask for it: d_k from 1 and n_keys from 2, doubling."""

    name: ClassVar[str] = "explorer"
    rules: ClassVar[tuple[PowerRule, ...]] = (RAW, SCALED, PowerRule("inverse", 1.0))
    quantities: ClassVar[tuple[str, ...]] = ("entropy", "max_weight", "jacobian_trace")
    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "n_keys": Column("keys in the row", "count"),
        "rule": Column("raw: softmax(q·k); scaled: softmax(q·k/√d_k); inverse: softmax(q·k/d_k)", "name"),
        "quantity": Column(
            "entropy in nats; max_weight, the largest weight; jacobian_trace tr(diag(p) - p pᵀ); means over rows",
            "name",
        ),
        "exact": Column("exact expectation for independent standard normal entries of q and k"),
    }

    largest_d_k: Annotated[int, Field(ge=64, le=2**16), AfterValidator(_power_of_two)]
    largest_n_keys: Annotated[int, Field(ge=64, le=2**12), AfterValidator(_power_of_two)]

    def cells(self) -> Sequence[LawRow]:
        """One cell per n_keys from 2."""
        dimensions = spaced(1, self.largest_d_k, per_octave=1)
        return [LawRow(n_keys, dimensions) for n_keys in spaced(2, self.largest_n_keys, per_octave=1)]
