"""What an experiment is: its settings, its cells, how one block is measured, and what the blocks say."""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from experiments.claims import Claim
from experiments.packages import lacking
from scaling.dot_product_law import MAX_D_K
from scaling.entries import entry_law
from scaling.intervals import mean_interval
from scaling.sampling import Tiles, TooManyScores, draw_scores

CellT = TypeVar("CellT")
NumberT = TypeVar("NumberT", int, float)
Values = NDArray[np.float64]

FIGURE_CONFIDENCE = 0.95  # of the intervals in frames and figures; verdicts use simultaneous ones (claims.py)


class Column(NamedTuple):
    """One line of a frame's data dictionary."""

    meaning: str
    unit: str = "1"


def increasing(values: list[NumberT]) -> list[NumberT]:
    """The values of a grid; ValueError where one is not larger than the one before."""
    if any(b <= a for a, b in pairwise(values)):
        raise ValueError("the values must increase strictly")
    return values


def _known_law(name: str) -> str:
    entry_law(name)
    return name


Grid = Annotated[  # of d_k, as far as its laws are computed
    list[Annotated[int, Field(ge=1, le=MAX_D_K)]], Field(min_length=1, max_length=64), AfterValidator(increasing)
]
EntryLawName = Annotated[str, AfterValidator(_known_law)]
Margin = Annotated[float, Field(ge=1e-6, lt=1)]
SingleBlock = Annotated[int, Field(ge=1, le=1)]  # for an experiment that shows one draw and estimates nothing


class BlockSize(NamedTuple):
    """Numbers that a block draws, or what takes as long as drawing them, and numbers that it holds at once."""

    draws: float
    held: float


MAX_DRAWS, MAX_HELD = 2.0**36, 2.0**26  # ten minutes of one core; 512 MB a worker


class Experiment(BaseModel, ABC, Generic[CellT]):
    """An experiment with its settings, as a preset declares them; its methods say everything about it.

    A cell is one combination of parameters (a frozen dataclass) and is measured in `n_blocks` independent blocks. A
    block's values are one float array whose shape depends on the cell alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    name: ClassVar[str]
    columns: ClassVar[Mapping[str, Column]]
    needs: ClassVar[tuple[str, ...]] = ()  # packages that may be absent, see `packages`
    files: ClassVar[tuple[Path, ...]] = ()  # that `measure` reads

    n_blocks: Annotated[int, Field(ge=2, le=100_000)]

    @property
    def absence(self) -> str | None:
        """Why it cannot run here, in words; None where it can."""
        return "; ".join(filter(None, map(lacking, self.needs))) or None

    @abstractmethod
    def cells(self) -> Sequence[CellT]:
        """Every combination of parameters, in the order of the frame."""

    @abstractmethod
    def size(self, cell: CellT) -> BlockSize:
        """What one block of a cell takes."""

    def excesses(self) -> list[str]:
        """One line, for the largest cell, when a block would take more than any machine should give."""
        at_most = f"at most {MAX_DRAWS:.2g} and {MAX_HELD:.2g} are allowed"
        try:
            sizes = {cell: self.size(cell) for cell in self.cells()}
        except TooManyScores:
            return [f"{self.name}: a block would draw and hold more numbers than can be planned; {at_most}"]
        large = [cell for cell, size in sizes.items() if size.held > MAX_HELD or size.draws > MAX_DRAWS]
        if not large:
            return []
        cell = max(large, key=lambda cell: sizes[cell])
        return [
            f"{self.name}: a block of {cell_key(cell)} would draw {sizes[cell].draws:.2g} numbers and hold "
            f"{sizes[cell].held:.2g} at once; {at_most}"
        ]

    @abstractmethod
    def measure(self, cell: CellT, rng: np.random.Generator) -> Values:
        """One block of a cell; `rng` decides all its draws."""

    @abstractmethod
    def frame(self, observed: Mapping[CellT, Values]) -> pd.DataFrame:
        """The tidy frame of the block values (n_blocks, ...) of every cell."""

    def claims(self, observed: Mapping[CellT, Values]) -> list[Claim]:
        """The claims this experiment gives evidence for; none unless overridden."""
        return []

    def controls(self, observed: Mapping[CellT, Values]) -> list[Claim]:
        """Claims that are wrong on purpose, to be judged beside the others; none unless overridden."""
        return []


def cell_key(cell: Any) -> str:
    """A cell's parameters as one stable line of JSON: the name under which its draws and blocks are known."""
    return json.dumps(asdict(cell), sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class ScoreCell:
    """Blocks of dot products at one d_k: n_tiles tiles of n_queries × n_keys."""

    d_k: int
    n_tiles: int
    n_queries: int
    n_keys: int
    entries: str

    @property
    def tiles(self) -> Tiles:
        """The block's shape."""
        return Tiles(self.n_tiles, self.n_queries, self.n_keys)

    @property
    def size(self) -> BlockSize:
        """Q and K of every tile are drawn, and every score is looked at; Q and the scores of one are held."""
        entries, scores = float(self.n_queries + self.n_keys) * self.d_k, float(self.n_queries) * self.n_keys
        return BlockSize(self.n_tiles * (entries + scores), float(self.n_queries) * self.d_k + scores)

    def scores(self, rng: np.random.Generator) -> Iterator[NDArray[np.float32]]:
        """The block's dot products, piece by piece (tiles, n_queries, n_keys), in single precision."""
        law = entry_law(self.entries)
        return draw_scores(rng, self.d_k, self.tiles, law, law)


class ScoreExperiment(Experiment[ScoreCell]):
    """An experiment on blocks of dot products."""

    entries: EntryLawName = "gaussian"

    def size(self, cell: ScoreCell) -> BlockSize:
        """As of any block of scores."""
        return cell.size


ESTIMATE_COLUMNS: Mapping[str, Column] = {
    "quantity": Column("what was measured", "name"),
    "estimate": Column("the mean over blocks (jackknife over blocks for the kurtosis)"),
    "standard_error": Column("the estimate's standard error, from the scatter of the blocks"),
    "low": Column("lower end of the 95 % Student t interval over blocks"),
    "high": Column("upper end of the 95 % Student t interval over blocks"),
    "prediction": Column("the exact value where one is known, else empty"),
    "n_blocks": Column("independent blocks behind the estimate", "count"),
}


def estimate_row(index: Mapping[str, Any], quantity: str, blocks: Values, prediction: float = np.nan) -> dict[str, Any]:
    """One row of a tidy frame: block values (n_blocks,) → estimate with its interval."""
    interval = mean_interval(blocks, FIGURE_CONFIDENCE)
    return {
        **index,
        "quantity": quantity,
        "estimate": float(interval.estimate),
        "standard_error": float(interval.standard_error),
        "low": float(interval.low),
        "high": float(interval.high),
        "prediction": prediction,
        "n_blocks": interval.n_blocks,
    }


def geometric_row(
    index: Mapping[str, Any], quantity: str, logarithms: Values, prediction: float = np.nan
) -> dict[str, Any]:
    """`estimate_row` of values whose logarithms are given, taken back: geometric means with their intervals.

    The standard error is taken back by the derivative.
    """
    row = estimate_row(index, quantity, logarithms, prediction)
    row |= {name: math.exp(row[name]) for name in ("estimate", "low", "high")}
    row["standard_error"] *= row["estimate"]
    return row
