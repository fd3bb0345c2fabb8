"""The benchmark: samplers that estimate what they say, works that agree, a record, tables, and its command line."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from bench_record import record
from benchmarks import default_run, growth, laws, phases, samplers, slides, softmax_kernel, timing
from benchmarks.__main__ import main
from benchmarks.machine import machine
from benchmarks.table import lines_of
from conftest import ROOT, command_line
from experiments.preset import load_preset
from experiments.softmax_rows import RowCell
from judge import disagreements
from report.cost_record import FORMAT, Bench
from scaling.sampling import Tiles, variance_of_mean_square
from scaling.saturation import row_observables

D_K = 6
SHAPES = {  # small ones, of which hundreds are drawn
    "second moments": Tiles(1, 40, 30),
    "scores": Tiles(2, 20, 30),
    "numpy": Tiles(400, 1, 1),
    "einsum": Tiles(400, 1, 1),
    "lecture": Tiles(400, 1, 1),
    "torch pairs": Tiles(400, 1, 1),
    "torch product": Tiles(1, 40, 30),
}
N_ESTIMATES = 1500


@pytest.fixture
def _no_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short work is timed once: the numbers mean little, but are there."""
    monkeypatch.setattr(timing, "LEAST", 1e-9)


def estimates(name: str) -> np.ndarray:
    """Estimates of Var(q·k)/d_k by one sampler."""
    found = samplers.samplers(11)
    if name not in found:
        pytest.skip("torch is not installed")
    sampler = found[name]  # type: ignore[index]
    return np.array([sampler.estimate(D_K, SHAPES[name]) for _ in range(N_ESTIMATES)]) / D_K


@pytest.mark.parametrize("name", SHAPES)
def test_every_sampler_is_unbiased_and_scatters_as_theory_says(name: str) -> None:
    """At the judge's level: the mean of its estimates is d_k, their relative variance the one that ratios are made of.

    A sample variance of N scores scatters more than their mean square, by 2/N² and less: told apart by neither.
    """
    values = estimates(name)
    wanted = variance_of_mean_square(D_K, SHAPES[name])
    assert disagreements(np.column_stack([values, (values - 1) ** 2]), [1.0, wanted]) == []


def test_a_wrong_variance_would_be_seen() -> None:
    """The negative control: taken for independent pairs, or a few per cent off, the judge says no."""
    values = estimates("second moments")
    independent = variance_of_mean_square(D_K, Tiles(40 * 30, 1, 1))
    assert disagreements((values - 1) ** 2, independent) == [0]
    assert disagreements(1.1 * values, 1.0) == [0]


def test_candidate_sizes_are_legitimate() -> None:
    """Several for each competitor with a choice, none that passes 2²⁵ entries, at every d_k."""
    for d_k in samplers.DIMENSIONS:
        for name, sampler in samplers.samplers(1).items():
            sizes = sampler.sizes(d_k)
            assert len(set(sizes)) == len(sizes) >= 1
            if name in ("numpy", "einsum"):
                assert len(sizes) >= 2
                assert max(size.n_tiles for size in sizes) * d_k <= 2**25


def test_every_softmax_gives_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ways that are compared compute the same entropy and Σp²."""
    scores = 3 * np.random.default_rng(1).standard_normal((20, 50))
    ours = row_observables(scores, softmax_kernel.FACTORS)
    for way in (softmax_kernel.by_numpy, softmax_kernel.by_scipy):
        entropy, sum_p2 = way(scores, softmax_kernel.FACTORS)
        assert entropy == pytest.approx(ours.entropy, rel=1e-9)
        assert sum_p2 == pytest.approx(ours.sum_p2, rel=1e-9)
    taken: list[int] = []
    monkeypatch.setattr(softmax_kernel.np, "exp", lambda piece, out: taken.append(piece.size))
    softmax_kernel.bare_exponentials(np.ones((3, softmax_kernel.PIECE), np.float32)[:, 1:], 2)
    assert sum(taken) == 2 * 3 * (softmax_kernel.PIECE - 1)


def test_the_slope_is_recovered_from_the_upper_sizes() -> None:
    """Seconds that are a power of the size from 256 on, and anything below; the interval closes around it."""
    way = growth.Sizes("d_k", "direct", (1, 4, 16, 64, 256, 1024, 4096))
    sizes = np.array(way.values, dtype=float)
    wobble = 1 + 1e-3 * np.random.default_rng(2).standard_normal((len(sizes), 5))
    seconds = np.where(sizes < 256, 7.0, 3 * sizes**1.25)[:, None] * wobble
    found = growth.exponent_of(way, seconds)
    assert (found.first, found.last) == (256, 4096)
    assert found.low < 1.25 < found.high
    assert found.high - found.low < 0.01


@pytest.mark.usefixtures("_no_repeats")
def test_rows_of_growth_are_counted_as_drawn() -> None:
    """Whole tiles of rows, each with its observables under both rules, of either sampler."""
    rng = np.random.default_rng(1)
    for sampler in ("direct", "radial"):
        cell = RowCell(4, 8, 50, "gaussian", sampler)
        rows = sum(len(piece) for piece in cell.rows(rng))
        assert growth.n_rows(cell) == rows >= 50
        assert 0 < growth.measure_cell(cell, rng) < 2 * rows * np.log(8)


@pytest.mark.usefixtures("_no_repeats")
def test_each_law_is_asked_what_it_was_not_asked_before() -> None:
    """Two calls give different values, since tables that are kept would cost nothing."""
    for work, n_points in laws.works(np.random.default_rng(1)).values():
        first, second = np.asarray(work()), np.asarray(work())
        assert first.size == n_points
        assert np.any(first != second)


def test_all_take_turns_in_every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once to warm up, then in each round each once, not always in one order; short work is repeated."""
    monkeypatch.setattr(timing, "LEAST", 0.0)
    calls: list[str] = []
    seconds = timing.interleaved({name: partial(calls.append, name) for name in "abc"}, 20)
    rounds = ["".join(calls[first : first + 3]) for first in range(0, len(calls), 3)]
    assert rounds[0] == "abc"
    assert {"".join(sorted(turns)) for turns in rounds} == {"abc"}
    assert len(set(rounds)) > 3
    assert all(len(taken) == 20 and min(taken) > 0 for taken in seconds.values())
    monkeypatch.setattr(timing, "LEAST", 1e-3)
    calls.clear()
    timing.interleaved({"a": partial(calls.append, "a")}, 1)
    assert len(calls) > 10


def test_spreads_are_medians_and_ratios_are_of_rounds() -> None:
    """A ratio's median is not the ratio of the medians."""
    assert timing.spread([4, 1, 2], 10).model_dump() == {"median": 20, "low": 15, "high": 30}
    assert timing.ratio([1, 10, 100], [1, 20, 25]).median == 1
    assert timing.spread([0.1, 0.1, 0.1]).median == 0.1


def test_the_floor_counts_what_the_cells_say() -> None:
    """Draws and products of a variance's blocks, by hand; a row by its radius multiplies nothing."""
    preset = load_preset("tests/tiny.toml")
    draws, products = default_run.work_of(preset)
    by_hand = sum(
        preset.variance.n_blocks * np.array([t.n_tiles * (t.n_queries + t.n_keys) * cell.d_k, t.n_scores * cell.d_k])
        for cell in preset.variance.cells()
        for t in [cell.tiles]
    )
    assert draws > by_hand[0]
    assert products > by_hand[1]
    assert default_run._work_of_block(RowCell(4, 8, 50, "gaussian", "radial"), 450.0) == (450.0, 0.0)
    assert default_run._work_of_block(RowCell(4, 8, 50, "gaussian", "direct"), 1.0) == (1.0, 4 * 16 * 8 * 4)


def test_the_phase_timer_finds_its_functions() -> None:
    """What it wraps exists under these names, and is what it takes it for."""
    found = []
    for path in (*phases.TIMED, phases.SAMPLING):
        phases.replace(path, lambda function: found.append(function) or function)  # type: ignore[func-returns-value]
    assert all(map(callable, found))
    assert len(found) == 4


def test_the_phase_timer_times_calls_and_generators() -> None:
    """By phase, and passes on what comes."""
    timer = phases.PhaseTimer()

    def numbers() -> Iterator[int]:
        yield from range(3)

    assert timer("a", lambda x: x + 1)(2) == 3
    assert list(timer.generator("b", numbers)()) == [0, 1, 2]
    assert timer.seconds["a"] > 0
    assert timer.seconds["b"] > 0


def test_a_whole_run_is_taken_apart(report: Path, tmp_path: Path) -> None:
    """Each phase of a real run takes its time, drawing too where figures are kept."""
    shutil.copytree(report / ".figures", tmp_path / ".figures", copy_function=os.link)
    command = [sys.executable, "-m", "benchmarks.phases", "page", "--preset", "tests/tiny.toml", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert set(told["phases"]) == {"imports", "sampling and laws", "frames and claims", "drawing", "rendering"}
    assert all(seconds > 0 for seconds in told["phases"].values())
    assert told["sampling_processor_seconds"] > 0


def test_the_machine_is_told_without_its_name() -> None:
    """Processor and versions; no host and no path."""
    text = machine().model_dump_json()
    assert "numpy" in text
    assert "/" not in text.replace("\\/", "/")


@pytest.mark.usefixtures("_no_repeats")
def test_a_small_measurement_makes_a_whole_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it, at sizes that take no time: the record is valid, and its tables have a line for everything."""
    monkeypatch.setattr(softmax_kernel, "N_SCORES", 2**10)
    monkeypatch.setattr(growth, "SCORES", 2**8)
    monkeypatch.setattr(laws, "SIGMAS", np.array([1.0, 2.0]))
    monkeypatch.setattr(laws, "DIMENSIONS", np.array([1, 4]))
    points, exponents = growth.measure(1, 2, growth.ways(2**4, 2**4))
    bench = Bench(
        format=FORMAT, is_quick=True, seed=1, rounds=2, machine=machine(), samplers=samplers.measure(1, 2, (8,)),
        kernels=softmax_kernel.measure(1, 2, (16,)), laws=laws.measure(1, 2), growth=points, exponents=exponents,
        run=None,
    )  # fmt: skip
    assert Bench.model_validate_json(bench.model_dump_json()) == bench
    text = "\n".join(lines_of(bench))
    for name in ("second moments", "lecture", "row_observables", "softmax_law.max_weight", "radial, against n_keys"):
        assert name in text
    assert ("torch is not installed" in text) == (samplers.torch is None)


def test_tables_say_what_the_record_says() -> None:
    """Ratios, exponents, phases and the floor of a record made up."""
    text = "\n".join(lines_of(record()))
    for words in ("233 (210-256)", "0.980 (0.970-0.990)", "drawing", "floor of the sampling: 2.50", "1 processes"):
        assert words in text, words
    assert "torch is not installed" in "\n".join(lines_of(record(torch=None)))


def test_a_record_has_no_holes() -> None:
    """A missing sampler, law or phase, quartiles out of order, an estimate of the variance by radial rows: refused."""
    whole = record().model_dump()
    Bench.model_validate(whole)
    for part in ("samplers", "kernels", "laws", "growth", "exponents"):
        with pytest.raises(ValidationError):
            Bench.model_validate(whole | {part: whole[part][1:] if part != "growth" else whole[part][4:]})
    with pytest.raises(ValidationError, match="phases"):
        Bench.model_validate(whole | {"run": whole["run"] | {"phases": whole["run"]["phases"][1:]}})
    with pytest.raises(ValidationError, match="in order"):
        Bench.model_validate(whole | {"run": whole["run"] | {"seconds": {"median": 1.0, "low": 2.0, "high": 3.0}}})
    radial = [row | {"relative_variance": 1.0} if row["sampler"] == "radial" else row for row in whole["samplers"]]
    with pytest.raises(ValidationError, match="radial"):
        Bench.model_validate(whole | {"samplers": radial})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rounds", "1"], r"error: --rounds: '1' is not allowed; a whole number from 2 to 100 is needed"),
        (["--rounds", "many"], r"error: --rounds: 'many' is not allowed"),
        (["--out", ""], "error: --out: is empty; the path of a folder is needed"),
        (["--quik"], "error: --quik: unknown option; allowed: .*did you mean '--quick'"),
    ],
)
def test_a_wrong_option_gets_one_line(arguments: list[str], message: str) -> None:
    """Exit code 2, before anything is measured."""
    done = command_line("benchmarks", *arguments)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert re.match(message, line), line


def test_the_command_writes_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """bench.json in the folder, the table on the terminal; what was there is left alone by an interruption."""
    monkeypatch.setattr("benchmarks.__main__.measure", lambda *_: record())
    assert main(["--out", str(tmp_path)]) == 0
    written = (tmp_path / "bench.json").read_bytes()
    assert Bench.model_validate_json(written) == record().sealed
    assert "whole" not in capsys.readouterr().err

    def interrupted(*_: object) -> Bench:
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmarks.__main__.measure", interrupted)
    with pytest.raises(KeyboardInterrupt, match=r"^nothing was written$"):
        main(["--out", str(tmp_path)])
    assert (tmp_path / "bench.json").read_bytes() == written


def test_what_slides_cost_is_told_beside_the_page() -> None:
    """Medians of seconds, and of each round's ratios; the page's own ratio is 1."""
    lines = slides.lines_of({"page": [10.0, 20.0, 40.0], "slides": [30.0, 20.0, 60.0]})
    assert [line.split() for line in lines[1:]] == [["page", "20.0", "1.00"], ["slides", "30.0", "1.50"]]
