"""A record of a benchmark, made up: every number chosen, none measured."""

from typing import get_args

from report.cost_record import (
    FORMAT,
    Against,
    Bench,
    Exponent,
    GrowthPoint,
    Kernel,
    KernelCost,
    Law,
    LawCost,
    Machine,
    Phase,
    PhaseCost,
    RowSampler,
    RunCost,
    SamplerCost,
    SamplerName,
    Spread,
)

DIMENSIONS, KEYS = (8, 512, 16384), (16, 1024)


def spread(median: float) -> Spread:
    """A tenth to each side."""
    return Spread(median=median, low=0.9 * median, high=1.1 * median)


def sampler_cost(sampler: SamplerName, d_k: int) -> SamplerCost:
    """A ratio of 1 for the second moments, of 233 for the lecture, of 1.5 for the others."""
    ratio = {"second moments": 1.0, "lecture": 233.0}.get(sampler, 1.5)
    tells = sampler != "radial"
    return SamplerCost(
        sampler=sampler, d_k=d_k, n_tiles=1, n_queries=100, n_keys=100, seconds=spread(1e-3), ns_per_score=100.0,
        relative_variance=1e-4 if tells else None, efficiency_per_s=1e7 / ratio if tells else None,
        second_moments_efficiency_ratio=spread(ratio) if tells else None,
    )  # fmt: skip


def record(torch: str | None = "2.9", is_quick: bool = False, largest: int = 4096) -> Bench:
    """A whole record; rows grow to the largest size, directly sampled ones to a quarter of it."""
    sizes = {"direct": range(0, largest.bit_length() - 2, 2), "radial": range(0, largest.bit_length(), 2)}
    without = () if torch else ("torch pairs", "torch product")
    names = [name for name in get_args(SamplerName) if name not in without]
    ways = [(against, sampler) for against in get_args(Against) for sampler in get_args(RowSampler)]
    return Bench(
        format=FORMAT,
        is_quick=is_quick,
        seed=7,
        rounds=5,
        machine=Machine(
            processor="A <b>fast</b> one", n_processors=1, system="Linux", python="3.12", blas="openblas",
            packages={"numpy": "2.4"}, torch=torch,
        ),
        samplers=[sampler_cost(name, d_k) for d_k in DIMENSIONS for name in names],
        kernels=[
            KernelCost(
                kernel=kernel, n_keys=n_keys, n_rows=64, n_factors=8, ns_per_element_and_factor=spread(1.25),
                exp_ratio=spread(2.5),
            )
            for n_keys in KEYS for kernel in get_args(Kernel)
        ],
        laws=[LawCost(law=law, n_points=3, us_per_point=spread(300.0)) for law in get_args(Law)],
        growth=[
            GrowthPoint(
                against=against, sampler=sampler, d_k=2**power if against == "d_k" else 64,
                n_keys=2**power + 1 if against == "n_keys" else 1024, n_rows=32,
                seconds_per_row=spread(1e-6 * 2.0**power),
            )
            for against, sampler in ways for power in sizes[sampler]
        ],
        exponents=[
            Exponent(
                against=against, sampler=sampler, first=4, last=largest if sampler == "radial" else largest // 4,
                exponent=0.98, low=0.97, high=0.99, confidence=0.95,
            )
            for against, sampler in ways
        ],
        run=None if is_quick else RunCost(
            preset="default", jobs=1, n_runs=3, seconds=spread(20.0),
            phases=[PhaseCost(phase=phase, seconds=3.0) for phase in get_args(Phase)],
            sampling_processor_seconds=10.0, draws=10**9, multiply_adds=10**10, ns_per_normal=2.25,
            ns_per_multiply_add=0.025, floor_processor_seconds=2.5,
        ),
    )  # fmt: skip
