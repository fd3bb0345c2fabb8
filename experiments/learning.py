"""Whether the division makes a head learn faster, each rule at its own best rate, and what decides that."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from experiments.claims import Claim
from experiments.experiment import ESTIMATE_COLUMNS, Column, Margin, Values, estimate_row, geometric_row
from experiments.learning_runs import NAMES, RIVALS, STARTS, TASK, VARIANTS, LearningCell, LearningRuns, Places, Runs

WIDE, NARROW = 256, TASK.d_in  # raw scores start 16 times as large as scaled ones, and 4 times
FEW, MANY = 0.25, 0.5  # of the examples
SPREAD, LEAST = 2.0, 4  # of the first scores, from where on it is in the way; heads for a slope
SOURCE = "Measured here, on a lookup task learned by plain gradient descent"


class Learning(LearningRuns):
    """How fast heads learn to find their key, by rule, first weights, d_k and learning rate."""

    name: ClassVar[str] = "learning"
    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "variant": Column(
            "raw: scores q·k; scaled: q·k/√d_k, both with first weights that give entries of q and k of variance 1; "
            "absorbed: raw, with both first weights multiplied by d_k^(-1/4); raw-default and scaled-default: with "
            "first weights that give entries of variance 1/3",
            "name",
        ),
        "rate": Column("learning rate; empty before learning"),
        "is_best": Column(
            "1: the rate that other blocks chose for this variant and d_k, by the largest area or, for reached, "
            "steps_to_90 and slowdown, by the fewest steps; 0: another; empty: no rate"
        ),
        "step_from": Column(
            "first of the steps over which an accuracy or a loss is averaged, from 1; else empty", "count"
        ),
        "step_to": Column("last of them", "count"),
        **ESTIMATE_COLUMNS,
        "quantity": Column(
            "accuracy: share of queries whose own key has the largest score; loss: half the squared distance of the "
            "output from the own key's value; area: the accuracy's mean over all steps; "
            "area_difference: the area at the best rate minus that of scaled (for raw-default, of scaled-default) at "
            "its own; shared_difference: the same, both at this rate; reached: share of blocks whose accuracy came to "
            "90 %; steps_to_90: geometric mean over blocks, with the last step where it did not; slowdown: ratio of "
            "this to that of scaled (scaled-default); dead_and_wrong: share of rows in which another key is the "
            "largest and the trace of the softmax's Jacobian below 0.01, before learning or, with a rate, at its end; "
            "spread: standard deviation of the first scores; gradient_median and gradient_mean, over examples, of the "
            "norm of a single one's first gradient; gradient_of_top: share of the squared gradients' sum that 1 % of "
            "the examples carries; examples_that_carry 90 % of it; batch_cosine: between gradients of two batches",
            "name",
        ),
        **{name: column for name, column in ESTIMATE_COLUMNS.items() if name != "quantity"},
    }

    margin: Margin

    def frame(self, observed: Mapping[LearningCell, Values]) -> pd.DataFrame:
        """Areas at every rate, what is seen at the best ones, and what is seen before learning."""
        runs = self.runs(observed)
        return pd.DataFrame(
            [*_at_every_rate(runs), *_at_the_best_rate(runs), *_at_the_quickest_rate(runs), *_before(runs)]
        )

    def claims(self, observed: Mapping[LearningCell, Values]) -> list[Claim]:
        """That raw is slower, that the first scores' spread is why, and that either sign can be had at one rate."""
        runs = self.runs(observed)
        areas = runs.at(runs.best, runs.areas)
        gaps = {name: areas[:, NAMES.index(name)] - areas[:, NAMES.index(rival)] for name, rival in RIVALS.items()}
        claims = [self._absorbed(gaps["absorbed"])]
        if self.d_k[-1] >= WIDE:
            claims += [self._slower(gaps["raw"][:, -1]), *self._carried(runs)]
        if self.d_k[0] == NARROW:
            claims += self._narrow(gaps["raw"][:, 0], gaps["raw-default"][:, 0])
        return claims + self._shared_rates(runs) + self._slope(runs)

    def _slower(self, gaps: Values) -> Claim:
        return Claim(
            id="learning-raw-is-slower",
            label=rf"area, raw $-$ scaled, $d_k = {self.d_k[-1]}$",
            statement=f"At $d_k = {self.d_k[-1]}$, each at its own best rate, the raw head's mean accuracy over "
            f"{self.n_steps} steps is below that of the scaled one by more than {self.margin:g}.",
            side="at most",
            prediction=-self.margin,
            evidence=gaps,
            **self._shared,
        )

    def _absorbed(self, gaps: Values) -> Claim:
        return Claim(
            id="learning-absorbed-is-scaled",
            label="area, absorbed $-$ scaled",
            statement="A raw head whose first weights are both multiplied by $d_k^{-1/4}$ learns as fast as the scaled "
            "one, at each $d_k$, each at its own best rate.",
            prediction=0.0,
            evidence=gaps,
            places=tuple(f"$d_k = {d_k}$" for d_k in self.d_k),
            **self._shared,
        )

    def _narrow(self, of_unit: Values, of_default: Values) -> list[Claim]:
        """Which rule is faster in the narrowest head: it depends on the first weights."""
        return [
            Claim(
                id=f"learning-{name}",
                label=rf"area, raw $-$ scaled, entries of variance {variance}, $d_k = {self.d_k[0]}$",
                statement=f"At $d_k = {self.d_k[0]}$, with first weights that give entries of variance {variance}, the "
                f"raw head's mean accuracy is {words} that of the scaled one, each at its own best rate.",
                side=side,
                prediction=0.0,
                evidence=gaps,
                **self._shared,
            )
            for name, variance, words, side, gaps in (
                ("narrow-raw-is-slower", "1", "no higher than", "at most", of_unit),
                ("default-hides-it", "1/3", "no lower than", "at least", of_default),
            )
        ]

    def _shared_rates(self, runs: Runs) -> list[Claim]:
        """Two rates at the largest d_k at which the choosing blocks see opposite signs; none if they do not."""
        gaps = _shared_differences(runs)[:, -1]  # (n_blocks, n_rates)
        chosen, rest = np.split(gaps, [runs.n_selection])
        mean = chosen.mean(axis=0)
        claims = []
        for sign, words, side in ((1, "above", "at least"), (-1, "below", "at most")):
            place = int((sign * mean).argmax())
            if sign * mean[place] < 2 * self.margin:
                continue
            claims.append(
                Claim(
                    id=f"learning-raw-{words}",
                    label=rf"area, raw $-$ scaled, both at rate {self.rates[place]:g}, $d_k = {self.d_k[-1]}$",
                    statement=f"At the rate {self.rates[place]:g} for both, at $d_k = {self.d_k[-1]}$, the raw head's "
                    f"mean accuracy lies {words} that of the scaled one by more than {self.margin:g}.",
                    side=side,
                    prediction=sign * self.margin,
                    evidence=rest[:, place],
                    **self._shared,
                )
            )
        return claims

    def _slope(self, runs: Runs) -> list[Claim]:
        """How the steps grow with the first scores' spread, where it is large; none for fewer than LEAST heads."""
        spread = np.array([[variant.spread(d_k) for d_k in self.d_k] for variant in VARIANTS])
        is_wide = (spread > SPREAD) & (np.array(self.d_k) > TASK.d_in)
        if is_wide.sum() < LEAST:
            return []
        logs = np.log(spread[is_wide])
        x = logs - logs.mean()
        return [
            Claim(
                id="learning-steps-slope",
                label=rf"$\mathrm{{d}} \ln(\mathrm{{steps}}) / \mathrm{{d}} \ln \sigma_0$, $\sigma_0 > {SPREAD:g}$",
                statement=rf"Where the first scores' spread $\sigma_0$ passes {SPREAD:g} and $d_k > {TASK.d_in}$, the "
                "steps until 90 % of the keys are found, each head at its own quickest rate, are proportional to it.",
                prediction=1.0,
                evidence=runs.at(runs.quickest, runs.log_steps)[:, is_wide] @ x / (x @ x),
                **{
                    **self._shared,
                    "margin": float(np.log(2) / np.ptp(logs)),
                    "reason": f"over a span of {np.exp(np.ptp(logs)):.3g} in the spread, the steps are then off by "
                    "less than a factor of 2",
                },
            )
        ]

    def _carried(self, runs: Runs) -> list[Claim]:
        """How many examples carry the first gradient at the largest d_k."""
        shares = runs.starts[runs.n_selection :, STARTS.index("examples_that_carry"), :, -1]
        shared = {**self._shared, "reason": f"{100 * self.margin:g} % of the examples"}
        return [
            Claim(
                id=f"learning-{name}-carried",
                label=rf"examples that carry 90 % of $\lVert \nabla \rVert^2$, {name}, $d_k = {self.d_k[-1]}$",
                statement=f"Before learning, at $d_k = {self.d_k[-1]}$, {words} {100 * bound:g} % of the examples "
                f"carry 90 % of the {name} head's squared gradients.",
                side=side,
                prediction=bound,
                evidence=shares[:, NAMES.index(name)],
                **shared,
            )
            for name, words, side, bound in (
                ("raw", "no more than", "at most", FEW),
                ("scaled", "no less than", "at least", MANY),
            )
        ]

    @property
    def _shared(self) -> dict[str, Any]:
        """What the claims have in common."""
        return {
            "group": "learning",
            "source": SOURCE,
            "margin": self.margin,
            "reason": f"{100 * self.margin:g} % of all answers",
            "sample": "a training run of every variant",
        }


def _shared_differences(runs: Runs) -> Values:
    """(n_blocks, n_d_k, n_rates): areas, raw minus scaled, both at the same rate."""
    differences: Values = runs.areas[:, NAMES.index("raw")] - runs.areas[:, NAMES.index("scaled")]
    return differences


def _index(
    runs: Runs, variant: int, place: int, rate: int | None = None, chosen: Places | None = None, bin_: int | None = None
) -> dict[str, Any]:
    """What a row is about, all by their numbers: a variant, a d_k and, if any, a rate and the bin of a curve."""
    cell, edges, best = runs.cell, runs.cell.edges, runs.best if chosen is None else chosen
    return {
        "d_k": cell.d_k[place],
        "variant": NAMES[variant],
        "rate": np.nan if rate is None else cell.rates[rate],
        "is_best": np.nan if rate is None else float(rate == best[variant, place]),
        "step_from": np.nan if bin_ is None else edges[bin_] + 1.0,
        "step_to": np.nan if bin_ is None else float(edges[bin_ + 1]),
    }


def _at_every_rate(runs: Runs) -> Iterator[dict[str, Any]]:
    areas, shared = runs.areas[runs.n_selection :], _shared_differences(runs)[runs.n_selection :]
    for variant, place, rate in np.ndindex(runs.cell.shape):
        yield estimate_row(_index(runs, variant, place, rate), "area", areas[:, variant, place, rate])
    for _, place, rate in np.ndindex(1, *runs.cell.shape[1:]):
        yield estimate_row(_index(runs, NAMES.index("raw"), place, rate), "shared_difference", shared[:, place, rate])


def _at_the_best_rate(runs: Runs) -> Iterator[dict[str, Any]]:
    """Where the mean accuracy is largest."""
    areas, dead = (runs.at(runs.best, values) for values in (runs.areas, runs.dead_at_the_end))
    curves = {"accuracy": runs.at(runs.best, runs.curves), "loss": runs.at(runs.best, runs.losses)}
    for variant, place in np.ndindex(runs.best.shape):
        rate = int(runs.best[variant, place])
        for quantity, values in curves.items():
            for bin_ in range(values.shape[-1]):
                index = _index(runs, variant, place, rate, bin_=bin_)
                yield estimate_row(index, quantity, values[:, variant, place, bin_])
        index = _index(runs, variant, place, rate)
        yield estimate_row(index, "dead_and_wrong", dead[:, variant, place])
        if NAMES[variant] in RIVALS:
            rival = NAMES.index(RIVALS[NAMES[variant]])
            yield estimate_row(index, "area_difference", areas[:, variant, place] - areas[:, rival, place])


def _at_the_quickest_rate(runs: Runs) -> Iterator[dict[str, Any]]:
    """Where 90 % are found after the fewest steps."""
    steps, logs = (runs.at(runs.quickest, values) for values in (runs.steps, runs.log_steps))
    for variant, place in np.ndindex(runs.quickest.shape):
        index = _index(runs, variant, place, int(runs.quickest[variant, place]), runs.quickest)
        yield estimate_row(index, "reached", np.isfinite(steps[:, variant, place]).astype(float))
        yield geometric_row(index, "steps_to_90", logs[:, variant, place])
        if NAMES[variant] in RIVALS:
            rival = NAMES.index(RIVALS[NAMES[variant]])
            yield geometric_row(index, "slowdown", logs[:, variant, place] - logs[:, rival, place])


def _before(runs: Runs) -> Iterator[dict[str, Any]]:
    starts = runs.starts[runs.n_selection :]
    for number, quantity in enumerate(STARTS):
        for variant, place in np.ndindex(runs.cell.shape[:2]):
            yield estimate_row(_index(runs, variant, place, None), quantity, starts[:, number, variant, place])
