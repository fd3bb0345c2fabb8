"""Heads that learn the lookup task side by side, from the same examples: every rule, d_k and learning rate."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, model_validator

from experiments.experiment import BlockSize, Experiment, Values, increasing
from scaling.gradient_shares import batch_cosines, examples_that_carry, share_of_largest, squared_gradients
from scaling.gram import GramHeads, descend_together, respond
from scaling.lookup import Head, LookupTask
from scaling.rules import RAW, SCALED, PowerRule

Places = NDArray[np.intp]

TASK = LookupTask()
LEVEL = 0.9  # of the queries found: learned
EXAMPLES = 2048  # on which the first gradients are looked at
TOP, CARRIED = 0.01, 0.9  # of the examples, and of the squared gradient
STARTS = (  # what is measured of each head before it learns
    "spread",
    "gradient_median",
    "gradient_mean",
    "gradient_of_top",
    "examples_that_carry",
    "batch_cosine",
    "dead_and_wrong",
)
HEAD_WORK = 6.0  # draws that take as long as one head's work on one example of a batch


@dataclass(frozen=True)
class Variant:
    """A rule of scaling, met by weights weight_sd · d_k^(-weight_power) times those that give entries of variance 1."""

    name: str
    rule: PowerRule
    weight_sd: float = 1.0
    weight_power: float = 0.0

    def size(self, d_k: int) -> float:
        """What multiplies both first weights."""
        return float(self.weight_sd * d_k**-self.weight_power)

    def spread(self, d_k: int) -> float:
        """σ_0 = c a² √d_k: the first scores' standard deviation over draws of the weights, but for the own key's."""
        return float(self.rule.factor(d_k) * self.size(d_k) ** 2 * d_k**0.5)

    def first(self, head: Head) -> Head:
        """The head with this variant's first weights."""
        size = self.size(head.w_q.shape[-1])
        return Head(size * head.w_q, size * head.w_k)


DEFAULT_SD = 3**-0.5  # of an entry of q or k, at a linear layer's default weights
VARIANTS = (
    Variant("raw", RAW),
    Variant("scaled", SCALED),
    Variant("absorbed", RAW, weight_power=0.25),
    Variant("raw-default", RAW, DEFAULT_SD),
    Variant("scaled-default", SCALED, DEFAULT_SD),
)
NAMES = tuple(variant.name for variant in VARIANTS)
RIVALS = {"raw": "scaled", "absorbed": "scaled", "raw-default": "scaled-default"}  # what each is held against


@dataclass(frozen=True)
class LearningCell:
    """Heads of every variant, d_k and rate, which learn from the same examples."""

    d_k: tuple[int, ...]
    rates: tuple[float, ...]
    n_steps: int
    batch: int

    @property
    def edges(self) -> tuple[int, ...]:
        """Steps between which accuracies and losses are averaged: 0, and half octaves back from the last one."""
        halves = range(math.ceil(2 * math.log2(self.n_steps)) + 1)
        return tuple(sorted({0, *(round(self.n_steps * 2 ** (-i / 2)) for i in halves)}))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n_variants, n_d_k, n_rates): of the heads."""
        return len(VARIANTS), len(self.d_k), len(self.rates)


@dataclass(frozen=True)
class Runs:
    """Block values of a cell, taken apart."""

    cell: LearningCell
    blocks: Values  # (n_blocks, 2 · n_heads · n_bins + n_heads + n_starts · n_variants · n_d_k)
    n_selection: int  # the first blocks choose each variant's rates, the others report

    @property
    def _parts(self) -> list[Values]:
        n_heads = math.prod(self.cell.shape)
        n_bins = len(self.cell.edges) - 1
        ends = np.cumsum([n_heads * n_bins, n_heads * n_bins, n_heads])
        return np.split(self.blocks, ends, axis=1)

    @cached_property
    def curves(self) -> Values:
        """(n_blocks, n_variants, n_d_k, n_rates, n_bins): share of queries that found their key."""
        return self._parts[0].reshape(len(self.blocks), *self.cell.shape, -1)

    @cached_property
    def losses(self) -> Values:
        """(n_blocks, n_variants, n_d_k, n_rates, n_bins): mean losses."""
        return self._parts[1].reshape(len(self.blocks), *self.cell.shape, -1)

    @cached_property
    def dead_at_the_end(self) -> Values:
        """(n_blocks, n_variants, n_d_k, n_rates): dead and wrong rows in the last bin."""
        return self._parts[2].reshape(len(self.blocks), *self.cell.shape)

    @cached_property
    def starts(self) -> Values:
        """(n_blocks, n_starts, n_variants, n_d_k)."""
        return self._parts[3].reshape(len(self.blocks), len(STARTS), *self.cell.shape[:2])

    @cached_property
    def areas(self) -> Values:
        """(n_blocks, n_variants, n_d_k, n_rates): under the curve of accuracy, as a mean over the steps."""
        areas: Values = self.curves @ np.diff(self.cell.edges) / self.cell.n_steps
        return areas

    @cached_property
    def steps(self) -> Values:
        """(n_blocks, n_variants, n_d_k, n_rates): steps to LEVEL; inf where it was not reached."""
        return steps_to_level(self.curves, self.cell.edges)

    @cached_property
    def log_steps(self) -> Values:
        """(n_blocks, n_variants, n_d_k, n_rates): their logarithms, the last step's where LEVEL was not reached."""
        return np.log(np.minimum(self.steps, self.cell.n_steps))

    @cached_property
    def best(self) -> Places:
        """(n_variants, n_d_k): which rate has the largest mean area over the choosing blocks."""
        return np.asarray(self.areas[: self.n_selection].mean(axis=0).argmax(axis=-1))

    @cached_property
    def quickest(self) -> Places:
        """(n_variants, n_d_k): which rate has the smallest mean of ln steps over the choosing blocks."""
        return np.asarray(self.log_steps[: self.n_selection].mean(axis=0).argmin(axis=-1))

    def at(self, rates: Places, values: Values) -> Values:
        """(n_blocks, n_variants, n_d_k, n_rates, ...) → (n_reporting, n_variants, n_d_k, ...) at those rates."""
        variants, places = np.indices(rates.shape)
        return values[self.n_selection :, variants, places, rates]


class LearningRuns(Experiment[LearningCell]):
    """How fast heads learn to find their key, by rule, first weights, d_k and learning rate."""

    d_k: Annotated[
        list[Annotated[int, Field(ge=TASK.d_in, le=2**12)]],
        Field(min_length=1, max_length=8),
        AfterValidator(increasing),
    ]
    rates: Annotated[
        list[Annotated[float, Field(ge=1e-4, le=1e4)]], Field(min_length=1, max_length=16), AfterValidator(increasing)
    ]
    n_steps: Annotated[int, Field(ge=2, le=4096)]
    batch: Annotated[int, Field(ge=1, le=1024)]
    n_selection: Annotated[int, Field(ge=1, le=10_000)]

    @model_validator(mode="after")
    def _has_blocks_to_report(self) -> "LearningRuns":
        if self.n_blocks < self.n_selection + 2:
            raise ValueError("n_blocks must be n_selection + 2 at least: some blocks choose, the others report")
        return self

    def cells(self) -> Sequence[LearningCell]:
        """One cell: everything learns side by side."""
        return [LearningCell(tuple(self.d_k), tuple(self.rates), self.n_steps, self.batch)]

    def size(self, cell: LearningCell) -> BlockSize:
        """Examples of every step, and each head's work on them; heads and their part in a batch are held."""
        example, n_heads = float(TASK.d_in * (TASK.n_keys + 1)), math.prod(cell.shape)
        n_examples = float(cell.n_steps) * cell.batch + EXAMPLES
        held = n_heads * (16.0 * TASK.d_in**2 + 5.0 * cell.batch * TASK.n_keys)
        first = EXAMPLES * (example + 5.0 * TASK.n_keys * len(VARIANTS) * len(cell.d_k))
        return BlockSize(n_examples * (example + HEAD_WORK * n_heads) + 2.0 * TASK.d_in * cell.d_k[-1], held + first)

    def measure(self, cell: LearningCell, rng: np.random.Generator) -> Values:
        """See `Runs`, which takes it apart; narrower heads start with columns of the widest one's weights."""
        widest = Head.initial(rng, TASK.d_in, cell.d_k[-1])
        nested = [Head(widest.w_q[:, :d_k], widest.w_k[:, :d_k]) for d_k in cell.d_k]
        heads = GramHeads.of(
            [variant.first(head) for variant in VARIANTS for head in nested],
            [variant.rule.factor(d_k) for variant in VARIANTS for d_k in cell.d_k],
        )
        starts = _starts(heads, rng, cell.batch)
        rates = np.tile(cell.rates, len(heads.factors))
        steps = islice(descend_together(rng, TASK, heads.repeat(len(cell.rates)), rates, cell.batch), cell.n_steps)
        edges = cell.edges
        curves, dead = (
            np.zeros((2, len(edges) - 1, len(rates))),
            np.zeros(len(rates)),
        )  # of what is found, and of losses
        for number, step in enumerate(steps):
            curves[:, np.searchsorted(edges, number, side="right") - 1] += step.found, step.loss
            dead += step.dead_and_wrong if number >= edges[-2] else 0.0
        curves /= np.diff(edges)[:, None]
        return np.concatenate([curves.transpose(0, 2, 1).ravel(), dead / (edges[-1] - edges[-2]), starts.ravel()])

    def runs(self, observed: Mapping[LearningCell, Values]) -> Runs:
        """The only cell's blocks."""
        ((cell, blocks),) = observed.items()
        return Runs(cell, blocks, self.n_selection)


def steps_to_level(curves: Values, edges: Sequence[int]) -> Values:
    """The first step (...) at which curves (..., n_bins) are at LEVEL, counted from 1; inf where they never are.

    A curve is joined between the middles of its bins, of the steps edges[i] + 1 to edges[i + 1], on an axis of ln step.
    """
    middles = np.log((1 + np.array(edges[:-1]) + np.array(edges[1:])) / 2)
    is_there = curves >= LEVEL
    first = is_there.argmax(axis=-1)[..., None]
    before = np.maximum(first - 1, 0)
    high, low = (np.take_along_axis(curves, place, axis=-1)[..., 0] for place in (first, before))
    part = np.where(high > low, (LEVEL - low) / np.where(high > low, high - low, 1.0), 0.0)
    logs = middles[before[..., 0]] + part * (middles[first[..., 0]] - middles[before[..., 0]])
    return np.where(is_there.any(axis=-1), np.exp(logs), np.inf)


def _starts(heads: GramHeads, rng: np.random.Generator, batch: int) -> Values:
    """(n_starts, n_heads): STARTS, on examples that no head will learn from."""
    examples = TASK.sample(rng, EXAMPLES)
    response = respond(heads, examples)
    squares = squared_gradients(heads, examples.queries, response.pulls)
    norms = np.sqrt(squares)
    return np.stack(
        [
            heads.scores(examples).std(axis=(0, 1)),
            np.median(norms, axis=0),
            norms.mean(axis=0),
            share_of_largest(squares, TOP),
            examples_that_carry(squares, CARRIED),
            batch_cosines(heads, examples.queries, response.pulls, batch),
            response.dead_and_wrong.mean(axis=0),
        ]
    )
