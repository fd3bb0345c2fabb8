"""Whether queries and keys are independent in a head before and after it has learned, and how large its scores are."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from experiments.claims import STANDARD_ERRORS_PER_MARGIN, Claim
from experiments.experiment import ESTIMATE_COLUMNS, BlockSize, Column, Experiment, Margin, Values, estimate_row
from experiments.faults import Faults
from scaling.lookup import Examples, Head, LookupTask, descend
from scaling.rules import SCALED

TASK = LookupTask()
STATES = ("before", "after")
KEYS = ("own", "other")
QUANTITIES = (  # of which keys, and what
    ("own", "mean"),
    ("own", "sd"),
    ("other", "mean"),
    ("other", "variance"),
    ("own", "correlation"),
    ("own", "found"),
)
EDGES = np.arange(-32, 97) * 0.5  # of the bins of q·k/√d_k
EXAMPLES_BEFORE, EXAMPLES_AFTER = 32, 512  # measured on each untrained head, and on the trained one
LEARNED = 1.0  # in standard deviations of an untrained score: less would not be called a dependence
DIVERGED = 1e6  # of a mean square score; what has been learned has some hundreds at most
SOURCE = "Measured here, on a lookup task learned by plain gradient descent"


@dataclass(frozen=True)
class LookupCell:
    """One head trained with scores q·k/√d_k, and so many untrained ones to compare it with."""

    d_k: int
    n_initial: int
    rate: float
    n_steps: int
    batch: int


class Lookup(Experiment[LookupCell]):
    """Scores of a query with its own key and with the others, in untrained heads and in one that has learned."""

    name: ClassVar[str] = "lookup"
    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "state": Column("before: heads with their first weights; after: one head of each block, trained", "name"),
        "keys": Column("own: the key that the query looks for; other: the rest", "name"),
        "bin_low": Column("lower edge of the bin of z = q·k/√d_k; empty for anything but a density"),
        "bin_high": Column("upper edge of the bin of z"),
        **ESTIMATE_COLUMNS,
        "quantity": Column(
            "mean and sd of z = q·k/√d_k; variance: the mean of its square; correlation of q_i with the key's k_i over "
            "examples, averaged over i; found: share of queries for which the key has the largest score; density of z "
            "in a bin",
            "name",
        ),
        "prediction": Column("exact, over the draw of the first weights, where one is known, else empty"),
    }

    d_k: Annotated[int, Field(ge=2, le=1024)]
    rate: Annotated[float, Field(ge=1e-3, le=10)]
    n_steps: Annotated[int, Field(ge=1, le=100_000)]
    batch: Annotated[int, Field(ge=1, le=4096)]
    margin: Margin

    def cells(self) -> Sequence[LookupCell]:
        """One cell, with untrained heads for the margin on the mean score of a query with its own key.

        In units of √d_k such a score has, for one head, a mean that scatters over the draw of the weights by
        overlap/√d_in, and about 1 around it: variance a²/d_in + 1/EXAMPLES_BEFORE for a head's measured mean.
        """
        per_head = TASK.overlap**2 / TASK.d_in + 1 / EXAMPLES_BEFORE
        n_initial = math.ceil(per_head / self.n_blocks * (STANDARD_ERRORS_PER_MARGIN / self.margin) ** 2)
        return [LookupCell(self.d_k, n_initial, self.rate, self.n_steps, self.batch)]

    def size(self, cell: LookupCell) -> BlockSize:
        """Weights of every head and all examples; the untrained heads with theirs are held."""
        example, weights = float(TASK.d_in * (TASK.n_keys + 1)), 2.0 * TASK.d_in * cell.d_k
        before = cell.n_initial * (weights + EXAMPLES_BEFORE * (example + cell.d_k * (TASK.n_keys + 1)))
        after = EXAMPLES_AFTER * (example + cell.d_k * (TASK.n_keys + 1))
        return BlockSize(before + after + float(cell.n_steps) * cell.batch * example, before + after)

    def measure(self, cell: LookupCell, rng: np.random.Generator) -> Values:
        """(n_states, n_quantities + n_keys · n_bins): means over the untrained heads, and of the trained one."""
        untrained = [
            _look(Head.initial(rng, TASK.d_in, cell.d_k), TASK.sample(rng, EXAMPLES_BEFORE))
            for _ in range(cell.n_initial)
        ]
        first = Head.initial(rng, TASK.d_in, cell.d_k)
        steps = descend(rng, TASK, first, SCALED.factor(cell.d_k), cell.rate, cell.batch)
        try:
            trained = _look(next(islice(steps, cell.n_steps - 1, None)), TASK.sample(rng, EXAMPLES_AFTER))
        except ValueError:  # a step was not finite
            trained = np.array([np.inf])
        if not np.abs(trained).max() < DIVERGED:
            raise Faults(
                f"lookup: rate: learning diverges within {cell.n_steps} steps at {cell.rate:g}; choose a smaller rate"
            )
        return np.stack([np.mean(untrained, axis=0), trained])

    def frame(self, observed: Mapping[LookupCell, Values]) -> pd.DataFrame:
        """One row per state and quantity, then the densities."""
        ((cell, blocks),) = observed.items()
        n_bins, rows = len(EDGES) - 1, []
        exact = {"mean": 0.0, "variance": 1.0, "correlation": 0.0}
        for i, state in enumerate(STATES):
            for j, (keys, quantity) in enumerate(QUANTITIES):
                index = {"d_k": cell.d_k, "state": state, "keys": keys, "bin_low": np.nan, "bin_high": np.nan}
                prediction = exact.get(quantity, np.nan) if state == "before" else np.nan
                rows.append(estimate_row(index, quantity, blocks[:, i, j], prediction))
        for i, state in enumerate(STATES):
            for which, keys in enumerate(KEYS):
                for b in range(n_bins):
                    index = {
                        "d_k": cell.d_k,
                        "state": state,
                        "keys": keys,
                        "bin_low": EDGES[b],
                        "bin_high": EDGES[b + 1],
                    }
                    values = blocks[:, i, len(QUANTITIES) + which * n_bins + b]
                    rows.append(estimate_row(index, "density", values))
        return pd.DataFrame(rows)

    def claims(self, observed: Mapping[LookupCell, Values]) -> list[Claim]:
        """Independent before, dependent after."""
        ((cell, blocks),) = observed.items()
        mean, variance = QUANTITIES.index(("own", "mean")), QUANTITIES.index(("other", "variance"))
        untrained = f"{cell.n_initial} untrained head{'s' * (cell.n_initial > 1)}"
        return [
            Claim(
                id="untrained-own-mean",
                group="training",
                label=r"$\mathbb{E}[q \cdot k_{\mathrm{own}}] / \sqrt{d_k} = 0$ before training",
                statement=f"Over untrained heads of $d_k = {cell.d_k}$ a query's score with its own key has mean 0.",
                source="Exact: $W_q$ and $W_k$ are drawn independently, with mean 0",
                prediction=0.0,
                margin=self.margin,
                reason=f"{100 * self.margin:g} % of an untrained score's standard deviation",
                evidence=blocks[:, 0, mean],
                sample=untrained,
            ),
            Claim(
                id="untrained-other-variance",
                group="training",
                label=r"$\operatorname{Var}(q \cdot k_{\mathrm{other}}) / d_k = 1$ before training",
                statement=f"Over untrained heads of $d_k = {cell.d_k}$ the variance of a score is $d_k$.",
                source="Vaswani and others 2017, section 3.2.1, footnote 4",
                prediction=1.0,
                margin=self.margin,
                reason=f"{100 * self.margin:g} % of the variance changes a score's size by {50 * self.margin:g} %",
                evidence=blocks[:, 0, variance],
                sample=untrained,
            ),
            Claim(
                id="trained-own-mean",
                group="training",
                label=r"$\mathbb{E}[q \cdot k_{\mathrm{own}}] / \sqrt{d_k}$ after training",
                statement=f"After {cell.n_steps} step{'s' * (cell.n_steps > 1)} of learning, a query's score with its "
                f"own key has a mean of at least {LEARNED:g} in units of $\\sqrt{{d_k}}$.",
                source=SOURCE,
                side="at least",
                prediction=LEARNED,
                margin=LEARNED,
                reason="one standard deviation of an untrained score",
                evidence=blocks[:, 1, mean],
                sample="one training run",
            ),
        ]


def _look(head: Head, examples: Examples) -> Values:
    """(n_quantities + n_keys · n_bins,): what one head shows on examples that it has not seen."""
    q, k = head.queries_and_keys(examples)  # (n, d_k), (n, n_keys, d_k)
    rows = np.arange(len(q))
    own_keys = k[rows, examples.own]
    z = (k @ q[:, :, None])[..., 0] / q.shape[1] ** 0.5  # (n, n_keys)
    is_own = np.zeros(z.shape, dtype=bool)
    is_own[rows, examples.own] = True
    own, other = z[is_own], z[~is_own]
    products = (q * own_keys).mean(axis=0)
    sizes = np.sqrt(np.square(q).mean(axis=0) * np.square(own_keys).mean(axis=0))
    found = np.mean(z.argmax(axis=1) == examples.own)
    values = [own.mean(), own.std(), other.mean(), np.square(other).mean(), np.mean(products / sizes), found]
    densities = [np.histogram(part, EDGES)[0] / (len(part) * np.diff(EDGES)) for part in (own, other)]
    return np.concatenate([values, *densities])
