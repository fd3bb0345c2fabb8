"""What `make bench` has measured: the form of its file, bench.json, which the chapter on costs is made from."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from experiments.faults import Faults
from experiments.runner import Say

FORMAT: Literal["attention-scaling bench 1"] = "attention-scaling bench 1"
LARGEST_FILE = 200_000  # bytes; it travels inside the page
WANTED = "renew it with: make bench"

SamplerName = Literal[
    "second moments", "scores", "radial", "numpy", "einsum", "torch pairs", "torch product", "lecture"
]
Kernel = Literal["row_observables", "exp", "numpy", "scipy"]
Law = Literal["softmax_law", "softmax_law.max_weight", "attention_law", "dot_product_law.pdf", "dot_product_law.cdf"]
Against = Literal["d_k", "n_keys"]
RowSampler = Literal["direct", "radial"]
Phase = Literal["imports", "sampling and laws", "frames and claims", "drawing", "rendering", "rest"]

OURS: SamplerName = "second moments"
OF_TORCH: tuple[SamplerName, ...] = ("torch pairs", "torch product")


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be printable")
    return text


Text = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_printable)]
Count = Annotated[int, Field(ge=1, le=2**53)]
Positive = Annotated[float, Field(gt=1e-30, lt=1e30)]
NotNegative = Annotated[float, Field(ge=0, lt=1e30)]


class Record(BaseModel):
    """A part of the file: nothing missing, nothing more, no conversion, no nan."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Spread(Record):
    """A quantity over rounds: its median and quartiles."""

    median: Positive
    low: Positive
    high: Positive

    @model_validator(mode="after")
    def _ordered(self) -> "Spread":
        if not self.low <= self.median <= self.high:
            raise ValueError("low, median and high must be in order")
        return self


class SamplerCost(Record):
    """One way to estimate Var(q·k), at one d_k, at the best of the sizes tried."""

    sampler: SamplerName
    d_k: Count
    n_tiles: Count
    n_queries: Count
    n_keys: Count
    seconds: Spread  # of one estimate
    ns_per_score: Positive
    relative_variance: Positive | None  # of one estimate; none for radial rows, which say nothing of the variance
    efficiency_per_s: Positive | None  # 1 / (relative variance × seconds)
    second_moments_efficiency_ratio: Spread | None  # that of the second moments, over this one, in the same round

    @model_validator(mode="after")
    def _said_where_there_is_an_estimate(self) -> "SamplerCost":
        said = (self.relative_variance, self.efficiency_per_s, self.second_moments_efficiency_ratio)
        if any((value is None) != (self.sampler == "radial") for value in said):
            raise ValueError("all samplers but the radial one have a relative variance, an efficiency and a ratio")
        return self


class KernelCost(Record):
    """One way to the observables of softmax rows, at one number of keys, at several scales at once."""

    kernel: Kernel
    n_keys: Count
    n_rows: Count
    n_factors: Count
    ns_per_element_and_factor: Spread
    exp_ratio: Spread  # over the bare exponentials, in the same round


class LawCost(Record):
    """An exact law."""

    law: Law
    n_points: Count
    us_per_point: Spread


class GrowthPoint(Record):
    """A softmax row with its observables under both rules, at one size."""

    against: Against
    sampler: RowSampler
    d_k: Count
    n_keys: Count
    n_rows: Count
    seconds_per_row: Spread


class Exponent(Record):
    """How the seconds of a row grow with a size, over the upper part of its range."""

    against: Against
    sampler: RowSampler
    first: Count
    last: Count
    exponent: Annotated[float, Field(ge=-100, le=100)]
    low: Annotated[float, Field(ge=-1e6, le=1e6)]
    high: Annotated[float, Field(ge=-1e6, le=1e6)]
    confidence: Annotated[float, Field(gt=0, lt=1)]


class PhaseCost(Record):
    """A part of a whole run."""

    phase: Phase
    seconds: NotNegative


class RunCost(Record):
    """A whole report from an empty store, and the least that its sampling must take."""

    preset: Text
    jobs: Count
    n_runs: Count
    seconds: Spread
    phases: Annotated[list[PhaseCost], Field(max_length=20)]  # medians, of wall time
    sampling_processor_seconds: Positive  # of all workers together, laws included
    draws: Count
    multiply_adds: Count
    ns_per_normal: Positive
    ns_per_multiply_add: Positive
    floor_processor_seconds: Positive


class Machine(Record):
    """What it was measured on and with."""

    processor: Text
    n_processors: Count
    system: Text
    python: Text
    blas: Text
    packages: Annotated[dict[Text, Text], Field(max_length=20)]
    torch: Text | None


class Bench(Record):
    """The whole file."""

    format: Literal["attention-scaling bench 1"]
    is_quick: bool
    seed: Annotated[int, Field(ge=0, le=2**63)]
    rounds: Annotated[int, Field(ge=2, le=1000)]
    machine: Machine
    samplers: Annotated[list[SamplerCost], Field(max_length=200)]
    kernels: Annotated[list[KernelCost], Field(max_length=100)]
    laws: Annotated[list[LawCost], Field(max_length=20)]
    growth: Annotated[list[GrowthPoint], Field(max_length=400)]
    exponents: Annotated[list[Exponent], Field(max_length=10)]
    run: RunCost | None
    seal: Text | None = None  # tells a damaged file from what was written

    @property
    def sealed(self) -> "Bench":
        """The same with its seal."""
        return self.model_copy(update={"seal": self._digest()})

    def _digest(self) -> str:
        return hashlib.sha256(self.model_dump_json(exclude={"seal"}).encode()).hexdigest()

    @model_validator(mode="after")
    def _whole(self) -> "Bench":
        """What was written, and every combination once, or the chapter's tables would have holes."""
        if self.seal is not None and self.seal != self._digest():
            raise ValueError("seal: the file has been changed")
        without = () if self.machine.torch else OF_TORCH
        names = [name for name in get_args(SamplerName) if name not in without]
        _once("samplers", [(row.sampler, row.d_k) for row in self.samplers], names)
        _once("kernels", [(row.kernel, row.n_keys) for row in self.kernels], get_args(Kernel))
        _once("laws", [(row.law, 0) for row in self.laws], get_args(Law))
        ways = [(against, sampler) for against in get_args(Against) for sampler in get_args(RowSampler)]
        if sorted((row.against, row.sampler) for row in self.exponents) != sorted(ways):
            raise ValueError(f"exponents: one for each of {ways} is needed")
        for way in ways:
            points = [row for row in self.growth if (row.against, row.sampler) == way]
            sizes = [getattr(row, way[0]) for row in points]
            if len(points) < 3 or sizes != sorted(set(sizes)):
                raise ValueError(f"growth: at least 3 increasing sizes are needed for {way}")
            if len({row.d_k if way[0] == "n_keys" else row.n_keys for row in points}) > 1:
                raise ValueError(f"growth: only one size may differ for {way}")
        if self.run and [row.phase for row in self.run.phases] != list(get_args(Phase)):
            raise ValueError(f"run: phases must be {list(get_args(Phase))}")
        return self


def _once(where: str, found: list[tuple[str, int]], names: Iterable[str]) -> None:
    sizes = sorted({size for _, size in found})
    if not sizes or sorted(found) != sorted((name, size) for name in names for size in sizes):
        raise ValueError(f"{where}: each of {list(names)} is needed once at every size")


def read_bench(path: Path, say: Say) -> tuple[Bench, str] | None:
    """What the file says, and its text; None where there is none, and after one line where it is of no use."""
    try:
        if not path.is_file():
            if path.exists() or path.is_symlink():
                say(f"warning: {path}: is not a file; the page has no chapter on costs; {WANTED}")
            return None
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise ValueError(f"is larger than {LARGEST_FILE} bytes")
        return Bench.model_validate_json(content), content.decode()
    except OSError as error:
        fault = f"cannot be read ({error.strerror})"
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        fault = f"is not what make bench writes ({where + ': ' if where else ''}{first['msg']})"
    except ValueError as error:
        fault = str(error)
    (line,) = Faults(f"warning: {path}: {fault}; the page has no chapter on costs; {WANTED}").lines
    say(line)
    return None
