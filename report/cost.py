"""What the chapter on costs says, from bench.json alone: its tables, its sentences' numbers, its figures' frame."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from experiments.runner import Say
from report.cost_record import OURS, Bench, Kernel, SamplerCost, SamplerName, read_bench
from report.wording import number, percent, plain

FILE = "bench.json"
SAMPLERS: dict[SamplerName, str] = {
    "second moments": "second moments, ours",
    "scores": "scores and their moments to the fourth, ours",
    "torch product": "torch: variance of a whole $QK^\\top$",
    "torch pairs": "torch: independent pairs",
    "einsum": "NumPy, float32, einsum",
    "numpy": "NumPy, float64, as a script has it",
    "lecture": "the lecture's loop over pairs",
}
KERNELS: dict[Kernel, str] = {
    "exp": "the exponentials alone, float32",
    "row_observables": "seven observables, ours, float32",
    "numpy": "entropy and $\\sum_j p_j^2$ in NumPy, float64",
    "scipy": "entropy and $\\sum_j p_j^2$ by SciPy, float64",
}


@dataclass(frozen=True)
class Line:
    """A line of a table: its label, plain text with maths as $...$, and its entries."""

    label: str
    entries: list[str]


@dataclass(frozen=True)
class Table:
    """Heads of the first column and of the others, and the lines."""

    head: str
    heads: list[str]
    lines: list[Line]


@dataclass(frozen=True)
class Cost:
    """The measurements, and their file's text."""

    bench: Bench
    text: str

    @property
    def growth(self) -> pd.DataFrame:
        """The tidy frame of the figures: seconds of a row at every size, and the exponent of its curve."""
        exponents = {(row.against, row.sampler): row for row in self.bench.exponents}
        rows = []
        for point in self.bench.growth:
            exponent = exponents[point.against, point.sampler]
            rows.append(
                point.model_dump(exclude={"seconds_per_row"})
                | {"estimate": point.seconds_per_row.median}
                | {name: getattr(point.seconds_per_row, name) for name in ("low", "high")}
                | {"exponent": exponent.exponent, "exponent_low": exponent.low, "exponent_high": exponent.high}
                | {"first": exponent.first, "last": exponent.last}
            )
        return pd.DataFrame(rows)

    @property
    def efficiency(self) -> Table:
        """How many times as much the second moments tell per second, sampler by sampler."""
        costs = self._samplers
        lines = []
        for name, words in SAMPLERS.items():
            if name != OURS and (name, self.dimensions[0]) in costs:
                lines.append(Line(words, [_ratio(costs[name, d_k]) for d_k in self.dimensions]))
        return Table("at $d_k =$", [str(d_k) for d_k in self.dimensions], lines)

    @property
    def _samplers(self) -> dict[tuple[SamplerName, int], SamplerCost]:
        return {(cost.sampler, cost.d_k): cost for cost in self.bench.samplers}

    @property
    def dimensions(self) -> list[int]:
        """Those at which samplers are compared."""
        return sorted({cost.d_k for cost in self.bench.samplers})

    def one_percent(self, name: SamplerName, d_k: int) -> str:
        """Seconds until the standard error of the variance is 1 %, in words."""
        efficiency = self._samplers[name, d_k].efficiency_per_s
        assert efficiency is not None
        return seconds_text(1 / (1e-4 * efficiency))

    def per_score(self, name: SamplerName, d_k: int) -> str:
        """Nanoseconds of a score."""
        return number(self._samplers[name, d_k].ns_per_score, 2)

    @property
    def kernels(self) -> Table:
        """Nanoseconds of an element and scale, and in brackets over the bare exponentials."""
        costs = {(cost.kernel, cost.n_keys): cost for cost in self.bench.kernels}
        keys = sorted({cost.n_keys for cost in self.bench.kernels})
        lines = []
        for kernel, words in KERNELS.items():
            row = [costs[kernel, n_keys] for n_keys in keys]
            entries = [number(cost.ns_per_element_and_factor.median, 2) for cost in row]
            if kernel != "exp":
                entries = [f"{ns} ({number(cost.exp_ratio.median, 2)})" for ns, cost in zip(entries, row, strict=True)]
            lines.append(Line(words, entries))
        return Table("at $n =$", [str(n_keys) for n_keys in keys], lines)

    @property
    def laws(self) -> Table:
        """Time of a point of each exact law."""
        lines = [Line(cost.law, [seconds_text(1e-6 * cost.us_per_point.median)]) for cost in self.bench.laws]
        return Table("function", ["time of a point"], lines)

    @property
    def phases(self) -> Table:
        """Seconds and shares of a whole run's parts."""
        run = self.bench.run
        assert run is not None
        total = sum(cost.seconds for cost in run.phases) or 1.0
        lines = [Line(cost.phase, [plain(cost.seconds, 2), percent(cost.seconds / total)]) for cost in run.phases]
        return Table("part", ["seconds", "share"], lines)


def read_cost(out: Path, say: Say) -> Cost | None:
    """The measurements in an output folder; None where there are none, or after one line none of use."""
    found = read_bench(out / FILE, say)
    return None if found is None else Cost(*found)


def _ratio(cost: SamplerCost) -> str:
    ratio = cost.second_moments_efficiency_ratio
    assert ratio is not None
    return number(ratio.median, 2 if ratio.median < 10 else 3)


def seconds_text(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{number(seconds / size, 2)}\u00a0{unit}"
    return f"{number(seconds / 1e-9, 2)}\u00a0ns"
