"""What is measured and claimed of gradients: confirmed at planned sizes, refuted where a fault is planted, and told."""

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from experiments.claims import Verdict
from experiments.gradient_map import GradientMap
from experiments.gradient_sizes import (
    DEAD_TRACE,
    LOST,
    NORMS,
    QUANTILES,
    STATISTICS,
    GradientCell,
    GradientSizes,
    relative_variance,
)
from experiments.gradients import EVEN_FROM, Gradients, is_silent
from judge import observed, verdicts
from report.figures import gradient_map as map_figure
from report.figures import gradients as figures
from report.findings.gradients import gradients
from scaling import attention_law
from scaling.gradients import draw_gradient_rows, gradient_norms

GRID: dict[str, Any] = {"n_blocks": 24, "d_k": [1, 16, 512], "n_keys": [3, 12], "margin": 0.3}
OF_ONE = {
    "gradient-law-raw-scores", "gradient-law-raw-query", "gradient-law-scaled-scores", "gradient-law-scaled-query",
    "gradient-median", "gradient-mean", "dead-rows-rise", "dead-rows-scaled",
}  # fmt: skip


def test_true_claims_are_confirmed_at_planned_sizes() -> None:
    """For several seeds, all of them, with nine standard errors or more to the margin of each mean."""
    errors = []
    for seed in range(4):
        found = verdicts(Gradients(**GRID), seed)
        assert set(found) == {f"{name}-{n_keys}" for name in OF_ONE for n_keys in GRID["n_keys"]}
        assert {judgement.verdict for judgement in found.values()} == {Verdict.CONFIRMED}
        laws = [judgement.claim for judgement in found.values() if judgement.claim.group == "gradient law"]
        errors.append([claim.evidence.std(axis=0, ddof=1) / 24**0.5 for claim in laws])
    assert 0.3 / np.mean(errors, axis=0).max() > 9


@pytest.mark.parametrize(("d_k", "n_keys"), [(4, 2), (64, 2), (1024, 8), (8, 50), (256, 50), (64, 1024)])
def test_the_planned_scatter_is_a_bound(d_k: int, n_keys: int) -> None:
    """What rows scatter by is below it, and not by so much that most rows are drawn in vain once keys freeze."""
    pieces = draw_gradient_rows(np.random.default_rng(1), d_k, 6_000_000 // (n_keys + 60), n_keys)
    squares = np.concatenate([gradient_norms(rows, [1.0, d_k**-0.5]).query_norm2 for rows in pieces], axis=1)
    worst = (squares.var(axis=1) / squares.mean(axis=1) ** 2).max()
    assert worst < relative_variance(d_k, n_keys)
    if d_k > 100:
        assert worst > 0.4 * relative_variance(d_k, n_keys)


@pytest.mark.parametrize("n_keys", [2, 4, 16, 64, 300])
def test_rows_are_silent_where_they_are_said_to_be(n_keys: int) -> None:
    """At the first d_k at which the rule of thumb speaks, the raw median is below a third of the scaled one."""
    d_k = next(d for d in range(1, 5000) if is_silent(d, n_keys))
    pieces = draw_gradient_rows(np.random.default_rng(2), d_k, 4000, n_keys)
    squares = np.concatenate([gradient_norms(rows, [1.0, d_k**-0.5]).query_norm2 for rows in pieces], axis=1)
    raw, scaled = np.median(squares, axis=1)
    assert raw < scaled / 3
    assert all(is_silent(d, n_keys) for d in range(d_k, 2 * d_k))


class Planted(Gradients):
    """Rows that are not what they are called: of another d_k, with the rules exchanged, or pulled at harder."""

    name: ClassVar[str] = "gradients"
    fault: str

    def measure(self, cell: GradientCell, rng: np.random.Generator) -> np.ndarray:
        """As of the cell, but for the fault."""
        if self.fault == "d_k":
            return super().measure(GradientCell(4 * cell.d_k, cell.n_keys, cell.n_rows), rng)
        block = super().measure(cell, rng)
        if self.fault == "rules":
            return block[::-1]
        harder = np.array([quantity in NORMS[1:] and statistic != "top_share" for quantity, statistic in STATISTICS])
        return np.where(harder, 2 * block, block)


@pytest.mark.parametrize(
    ("fault", "refuted"),
    [
        ("d_k", {"gradient-law-raw-scores", "gradient-law-raw-query"}),
        ("rules", OF_ONE),
        ("pull", {name for name in OF_ONE if "law" in name}),
    ],
)
def test_a_planted_fault_is_refuted(fault: str, refuted: set[str]) -> None:
    """Rows of four times the d_k, raw taken for scaled, an upstream gradient of variance 2: in the claims about it."""
    found = verdicts(Planted(**{**GRID, "n_keys": [12]}, fault=fault))
    assert {name for name, judgement in found.items() if judgement.verdict == Verdict.REFUTED} >= {
        f"{name}-12" for name in refuted
    }
    if fault != "rules":
        assert found["dead-rows-scaled-12"].verdict == Verdict.CONFIRMED


@pytest.mark.parametrize(
    ("d_k", "n_keys", "left"),
    [
        ([16, 512], 3, OF_ONE - {"dead-rows-rise"}),  # many rows are dead at the first d_k
        ([1, 16], 12, OF_ONE - {"gradient-median", "gradient-mean", "dead-rows-rise"}),  # none is silent at the last
        ([1, 4], 3, {name for name in OF_ONE if "law" in name}),
        ([512], 12, OF_ONE - {"dead-rows-rise"}),
    ],
)
def test_only_what_the_grid_can_show_is_claimed(d_k: list[int], n_keys: int, left: set[str]) -> None:
    """Nothing of silence without it, no rise without a beginning, no even scaled rows at a handful of dimensions."""
    found = verdicts(Gradients(n_blocks=8, d_k=d_k, n_keys=[n_keys], margin=0.9))
    assert set(found) == {f"{name}-{n_keys}" for name in left}
    assert Verdict.REFUTED not in {judgement.verdict for judgement in found.values()}


def test_a_block_by_its_definition() -> None:
    """Means, quantiles and both shares of a block's rows, from the same draws in plain NumPy."""
    cell = GradientCell(32, 6, 2100)
    block = Gradients(**GRID).measure(cell, np.random.default_rng(3))
    (rows,) = draw_gradient_rows(np.random.default_rng(3), 32, 2100, 6)
    norms = gradient_norms(rows, [1.0, 32**-0.5])
    assert block.shape == (2, len(STATISTICS))
    for i in range(2):
        values = dict(zip(STATISTICS, block[i], strict=True))
        for name in NORMS:
            squares = getattr(norms, name)[i]
            assert values[name, "mean"] == pytest.approx(squares.mean())
            assert values[name, "median"] == pytest.approx(np.median(squares))
            assert values[name, "q95"] == pytest.approx(np.quantile(squares, 0.95))
        largest = sorted(norms.query_norm2[i])[-21:]
        assert values["query_norm2", "top_share"] == pytest.approx(sum(largest) / norms.query_norm2[i].sum())
        assert values["jacobian_trace", "dead_share"] == sum(norms.jacobian_trace[i] < DEAD_TRACE) / 2100


def test_the_frame_holds_means_beside_their_law_and_quantiles_by_their_logarithms() -> None:
    """E‖J‖²_F for J and for the scores; a quantile's estimate is a geometric mean, and what is lost is said to be."""
    experiment = Gradients(**{**GRID, "n_blocks": 3, "d_k": [2, 9], "n_keys": [5]})
    blocks = observed(experiment)
    median = STATISTICS.index(("query_norm2", "median"))
    lost = next(cell for cell in blocks if cell.d_k == 9)
    blocks[lost][:, 0, median] = [0.0, 1e-200, 1e-27]  # type: ignore[index]
    frame = experiment.frame(blocks)  # type: ignore[arg-type]
    assert frame.columns.tolist() == list(Gradients.columns)
    assert len(frame) == 2 * 2 * len(STATISTICS)
    for _, row in frame.iterrows():
        law = attention_law(row["d_k"], 5, 1.0 if row["rule"] == "raw" else row["d_k"] ** -0.5)
        exact = {"jacobian_norm2": law.jacobian_norm2, "scores_norm2": law.jacobian_norm2}
        exact["query_norm2"] = law.query_gradient_norm2
        if row["statistic"] == "mean":
            assert row["prediction"] == pytest.approx(float(exact[row["quantity"]]), rel=1e-7)
        else:
            assert np.isnan(row["prediction"])
        (values,) = (values for cell, values in blocks.items() if cell.d_k == row["d_k"])  # type: ignore[attr-defined]
        values = values[:, int(row["rule"] == "scaled"), STATISTICS.index((row["quantity"], row["statistic"]))]
        if row["statistic"] in QUANTILES:
            expected = np.exp(np.log(np.maximum(values, LOST)).mean())
            assert row["low"] < row["estimate"] < row["high"]
        else:
            expected = values.mean()
        assert row["estimate"] == pytest.approx(expected)


def test_rows_are_planned_for_the_margin_and_for_the_quantiles() -> None:
    """By hand: the bound over n_blocks (margin/10)², and never fewer than 2000."""
    experiment = Gradients(n_blocks=10, d_k=[16, 4096], n_keys=[2], margin=0.2)
    bound = 2.6 * (4096 / (2 * np.log(2))) ** 0.5 * 2 + (7 + 2**0.6) / 4096
    few, many = (cell.n_rows for cell in experiment.cells())
    assert many == np.ceil(bound / (10 * 0.02**2))
    assert few == np.ceil(relative_variance(16, 2) / (10 * 0.02**2)) > 2000
    assert [cell.n_rows for cell in Gradients(**{**GRID, "margin": 0.9}).cells()] == [2000] * 6
    size = experiment.size(experiment.cells()[0])
    assert size.draws == 2 * few * 3
    assert size.held >= 4 * 2 * few


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_keys": [1]}, "greater than or equal to 2"),
        ({"n_keys": [8, 8]}, "the values must increase strictly"),
        ({"n_keys": [2, 3, 4, 5, 6]}, "at most 4"),
        ({"d_k": [4, 2]}, "the values must increase strictly"),
        ({"d_k": [1_000_001]}, "less than or equal to 1000000"),
        ({"d_k": []}, "at least 1"),
        ({"margin": 1.0}, "less than 1"),
        ({"n_blocks": 1}, "greater than or equal to 2"),
        ({"entries": "sign"}, "Extra inputs are not permitted"),
    ],
)
def test_bad_settings_are_refused(change: dict[str, Any], message: str) -> None:
    """With what is allowed."""
    with pytest.raises(ValueError, match=message):
        Gradients(**{**GRID, **change})


def map_frame(largest_d_k: int, largest_n_keys: int) -> pd.DataFrame:
    """The exact map to these sizes."""
    experiment = GradientMap(largest_d_k=largest_d_k, largest_n_keys=largest_n_keys)
    return experiment.frame(observed(experiment))  # type: ignore[arg-type]


def test_the_map_is_the_exact_law() -> None:
    """Both quantities under both rules at every power of two, to the largest sizes themselves."""
    frame = map_frame(100, 40).set_index(["d_k", "n_keys", "rule", "quantity"])["exact"]
    assert sorted(set(frame.index.get_level_values(0))) == [1, 2, 4, 8, 16, 32, 64, 100]
    assert sorted(set(frame.index.get_level_values(1))) == [2, 4, 8, 16, 32, 40]
    for (d_k, n_keys, rule, quantity), exact in frame.items():
        if n_keys in (2, 40) and d_k in (1, 8, 100):
            law = attention_law(d_k, n_keys, 1.0 if rule == "raw" else d_k**-0.5)
            assert exact == pytest.approx(float(getattr(law, quantity)), rel=1e-7)


def test_the_maps_words_are_true_of_odd_maps() -> None:
    """No line where raw is nowhere larger, none is claimed; and nothing of “wherever” once a ratio is below 1."""
    frame, small = map_frame(4096, 64), map_frame(64, 4)
    assert "above the line, which reaches" in map_figure.caption(frame)
    assert "nowhere equal but at" in map_figure.caption(small)
    assert map_figure.alt(small).count("nowhere equal beyond d_k = 1") == 2
    assert "larger without the division wherever" in map_figure.caption(small)
    is_one = (frame["quantity"] == "query_gradient_norm2") & (frame["rule"] == "raw") & (frame["d_k"] == 64)
    lower = frame.assign(exact=frame["exact"].where(~is_one, 1e-9))
    assert "wherever" not in map_figure.caption(lower)
    raw, scaled = (attention_law(4096, 64, c).query_gradient_norm2 for c in (1.0, 1 / 64))
    assert map_figure.times(frame, "query_gradient_norm2", 64, 4096) == f"{float(f'{raw / scaled:.2g}'):.0f}"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """A measured frame whose largest d_k is silent."""
    experiment = Gradients(**{**GRID, "n_blocks": 4, "margin": 0.9})
    return experiment.frame(observed(experiment))  # type: ignore[arg-type]


def changed(frame: pd.DataFrame, rule: str, statistic: str, factor: float) -> pd.DataFrame:
    """The frame with one statistic of ‖∂L/∂q‖² under one rule so many times as large."""
    rows = (frame["rule"] == rule) & (frame["statistic"] == statistic) & (frame["quantity"] != "jacobian_norm2")
    columns = ["estimate", "low", "high"]
    return frame.assign(**{name: frame[name].where(~rows, factor * frame[name]) for name in columns})


def test_findings_are_those_of_the_frame(frame: pd.DataFrame) -> None:
    """Both halves where the frame has them, and neither sentence where its half is not there."""

    def found(frame: pd.DataFrame) -> Any:
        return gradients(SimpleNamespace(frames={"gradients": frame, "gradient_map": map_frame(64, 64)}))  # type: ignore[arg-type]

    facts = found(frame)
    assert [(end.n_keys, end.d_k) for end in facts.ends] == [(3, 512), (12, 512)]
    assert (facts.has_line, facts.is_larger_everywhere, facts.even_from) == (True, True, EVEN_FROM)
    assert facts.end is facts.ends[0]
    end = facts.ends[1]
    assert (end.is_half_true, end.is_heavy, end.median_crosses) == (True, True, True)
    assert (end.median_crossing.low, end.median_crossing.high) == (16, 512)
    assert not found(changed(frame, "raw", "mean", 1e-4)).ends[1].is_half_true
    assert not found(changed(frame, "raw", "median", 1e9)).ends[1].is_half_true
    assert not found(changed(frame, "raw", "median", 1e9)).ends[1].median_crosses
    assert not found(changed(frame, "raw", "top_share", 0.1)).ends[1].is_heavy
    lost = changed(frame, "raw", "median", 1e-30).assign(estimate=lambda f: f["estimate"].clip(lower=LOST))
    assert found(lost).ends[1].raw.median_in_words == "below 2\u00a0×\u00a010⁻³⁰"


def test_captions_say_only_what_is_so(frame: pd.DataFrame) -> None:
    """The raw mean above three quarters of its rows or not; shares of 0 are none."""
    above = "The raw mean lies above three quarters of its rows."
    assert above in figures.caption_against_d(frame)
    assert above not in figures.caption_against_d(changed(frame, "raw", "q75", 1e9))
    none = changed(frame, "scaled", "dead_share", 0.0)
    assert "without the division and none with it" in figures.caption_shares(none)
    assert figures.share(0.123) == "12\u00a0%"


def test_statements_say_their_own_numbers() -> None:
    """The sizes claimed about stand in every sentence, and no sentence is another's."""
    claims = Gradients(**GRID).claims(observed(Gradients(**{**GRID, "margin": 0.9})))  # type: ignore[arg-type]
    statements = [claim.statement for claim in claims]
    assert len(set(statements)) == len(statements) == 16
    for claim in claims:
        assert f"{claim.id.rpartition('-')[2]} keys" in claim.statement
        assert claim.statement.count("$") % 2 == 0
    assert issubclass(Gradients, GradientSizes)
