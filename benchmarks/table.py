"""The record as tables for a terminal."""

from collections.abc import Iterator, Sequence

from report.cost_record import Bench, Spread


def lines_of(bench: Bench) -> Iterator[str]:
    """Every table, line by line."""
    where = bench.machine
    yield f"{where.processor}, {where.n_processors} processors, {where.blas}"
    yield f"one thread; medians of {bench.rounds} rounds, with quartiles"
    yield from _samplers(bench)
    yield from _kernels(bench)
    yield from _table(
        "exact laws", ["law", "µs per point"], [[cost.law, _plain(cost.us_per_point.median)] for cost in bench.laws]
    )
    yield from _growth(bench)
    yield from _run(bench)


def _plain(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _with_quartiles(spread: Spread) -> str:
    return f"{_plain(spread.median)} ({_plain(spread.low)}-{_plain(spread.high)})"


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as they need to be, the first to the left."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    yield ""
    yield title
    for row in (head, *rows):
        first, *rest = (
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(["", first, *rest])


def _samplers(bench: Bench) -> Iterator[str]:
    dimensions = sorted({cost.d_k for cost in bench.samplers})
    costs = {(cost.sampler, cost.d_k): cost for cost in bench.samplers}
    names = list(dict.fromkeys(cost.sampler for cost in bench.samplers))
    rows = []
    for name in names:
        ratios = [costs[name, d_k].second_moments_efficiency_ratio for d_k in dimensions]
        if name != "radial":
            rows.append([name, *(_with_quartiles(ratio) if ratio else "" for ratio in ratios)])
    head = ["", *(f"d_k = {d_k}" for d_k in dimensions)]
    yield from _table("variance: efficiency of the second moments over that of", head, rows)
    if bench.machine.torch is None:
        yield "  torch is not installed here: no rows of it"
    scores = [[name, *(_plain(costs[name, d_k].ns_per_score) for d_k in dimensions)] for name in names]
    yield from _table("variance: ns per score (which tell unequal amounts)", head, scores)


def _kernels(bench: Bench) -> Iterator[str]:
    keys = sorted({cost.n_keys for cost in bench.kernels})
    costs = {(cost.kernel, cost.n_keys): cost for cost in bench.kernels}
    names = list(dict.fromkeys(cost.kernel for cost in bench.kernels))
    head = ["", *(f"n = {n}" for n in keys)]
    for title, field in (
        ("softmax: ns per element and scale", "ns_per_element_and_factor"),
        ("softmax: over the bare exponentials", "exp_ratio"),
    ):
        rows = [[name, *(_with_quartiles(getattr(costs[name, n], field)) for n in keys)] for name in names]
        yield from _table(title, head, rows)


def _growth(bench: Bench) -> Iterator[str]:
    rows = [
        [
            f"{row.sampler}, against {row.against} from {row.first} to {row.last}",
            f"{row.exponent:.3f} ({row.low:.3f}-{row.high:.3f})",
        ]
        for row in bench.exponents
    ]
    yield from _table("seconds per softmax row: exponent of the growth", ["", "with 95 % interval"], rows)


def _run(bench: Bench) -> Iterator[str]:
    if bench.run is None:
        return
    run = bench.run
    rows = [[cost.phase, f"{cost.seconds:.2f}"] for cost in run.phases]
    rows.append(["all", f"{run.seconds.median:.2f}"])
    yield from _table(f"a report of the preset {run.preset}, {run.jobs} processes, {run.n_runs} runs", ["", "s"], rows)
    yield (
        f"  sampling and laws: {run.sampling_processor_seconds:.2f} s of work; floor of the sampling: "
        f"{run.floor_processor_seconds:.2f} ({run.draws:.3g} draws x {run.ns_per_normal:.2f} ns + "
        f"{run.multiply_adds:.3g} multiply-adds x {run.ns_per_multiply_add:.4f} ns)"
    )
