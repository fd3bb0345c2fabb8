"""Every figure, drawn from small simulated frames of the experiments' own shape."""

import os
import pickle
import re
import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib import get_data_path, rcParams
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from scipy import stats

from audit_heads import heads, many_heads
from bench_record import record
from conftest import ROOT, built_once
from experiments.aligned import Aligned
from experiments.assumptions import Assumptions
from experiments.audit.law_curve import law_curve
from experiments.causal import Causal
from experiments.experiment import Experiment
from experiments.explorer import Explorer
from experiments.freezing import Freezing
from experiments.gradient_map import GradientMap
from experiments.gradients import Gradients
from experiments.initialisation import Initialisation
from experiments.learning import Learning
from experiments.lookup import Lookup
from experiments.preset import load_preset
from experiments.questions import Questions
from experiments.saturation_map import SaturationMap
from experiments.scalings import Scalings
from experiments.self_attention import SelfAttention
from experiments.trained_heads import TrainedHeads
from judge import observed
from made_heads import made
from report.cost import Cost
from report.figures import SPECS, export, marks, style
from report.figures.crossing import bracket, exact_crossings
from report.figures.export import files, labelled, page_svg
from report.figures.fonts import FONTS
from report.figures.spec import FigureSpec
from report.wording import count, listing, number, percent, power_of_ten
from scaling import attention_law
from slide_judges import faults_of_text, shown_texts

FIGURES = tuple(SPECS.values())  # those of what it costs included
GRIDS = {
    "small": (2 ** np.arange(0, 9, 2), np.array([8, 64])),
    "large": (2 ** np.arange(15), np.array([8, 64, 512, 4096, 65536])),
}
BLOCKS = 8
RULES = {"raw": 0.0, "scaled": 0.5}  # the power of d_k that divides


def summary(blocks: np.ndarray, prediction: float, **columns: object) -> dict[str, object]:
    """One row of a frame: mean over blocks with its 95 % t interval."""
    error = blocks.std(ddof=1) / np.sqrt(len(blocks))
    reach = stats.t.ppf(0.975, len(blocks) - 1) * error
    estimate = blocks.mean()
    return columns | {
        "estimate": estimate, "standard_error": error, "low": estimate - reach, "high": estimate + reach,
        "prediction": prediction, "n_blocks": len(blocks),
    }  # fmt: skip


def scores(rng: np.random.Generator, d_k: int, amount: int) -> np.ndarray:
    """Blocks of dot products of Gaussian q and k, (BLOCKS, amount): |q| z with |q|² chi-squared."""
    return np.sqrt(rng.chisquare(d_k, (BLOCKS, amount))) * rng.standard_normal((BLOCKS, amount))


def variance_frame(rng: np.random.Generator, dimensions: np.ndarray) -> pd.DataFrame:
    """Moments of the scores, raw and scaled, of the same draws."""
    rows = []
    for d_k in dimensions:
        raw = scores(rng, d_k, 8_000)
        for rule, power in RULES.items():
            z = raw / d_k**power
            law = float(d_k ** (1 - 2 * power))
            moments = {
                "mean": (z.mean(1), 0.0), "variance": (z.var(1), law), "sd": (z.std(1), np.sqrt(law)),
                "excess_kurtosis": (stats.kurtosis(z, axis=1), 6 / d_k),
            }  # fmt: skip
            for quantity, (blocks, prediction) in moments.items():
                columns = {"quantity": quantity, "d_k": d_k, "rule": rule, "n_scores": z.size, "margin": 0.01 * law}
                rows.append(summary(blocks, prediction, **columns))
    return pd.DataFrame(rows)


def distribution_frame(rng: np.random.Generator, dimensions: np.ndarray) -> pd.DataFrame:
    """Densities of the scaled scores at a few d_k."""
    rows = []
    edges = np.round(np.arange(-8, 8.1, 0.2), 1)
    limit = np.diff(stats.norm.cdf(edges)) / 0.2
    for d_k in [d for d in (1, 4, 16, 64, 256) if d in dimensions]:
        z = scores(rng, d_k, 20_000) / np.sqrt(d_k)
        densities = np.array([np.histogram(block, edges)[0] for block in z]) / z.shape[1] / 0.2
        for j, (low, high) in enumerate(pairwise(edges)):
            columns = {"quantity": "density", "d_k": d_k, "bin_low": low, "bin_high": high}
            rows.append(summary(densities[:, j], 1.01 * limit[j], normal=limit[j], **columns))
    return pd.DataFrame(rows)


def saturation_frame(rng: np.random.Generator, dimensions: np.ndarray, keys: np.ndarray, has_law: bool) -> pd.DataFrame:
    """Row observables of the softmax of Gaussian scores."""
    rows = []
    for n_keys in keys:
        z = rng.standard_normal((BLOCKS, max(1, 64 // n_keys), n_keys))
        for d_k in dimensions:
            lengths = np.sqrt(rng.chisquare(d_k, z.shape[:2]))[..., None]
            for rule, power in RULES.items():
                s = z * lengths / d_k**power
                top = s.max(-1, keepdims=True)
                total = np.exp(s - top).sum(-1, keepdims=True)
                p = np.exp(s - top) / total
                log_partition = (top + np.log(total))[..., 0]
                entropy = log_partition - (p * s).sum(-1)
                p2, p3 = (p**2).sum(-1), (p**3).sum(-1)
                observables = {
                    "log_partition": log_partition, "entropy": entropy,
                    "normalised_entropy": entropy / np.log(n_keys), "sum_p2": p2, "sum_p3": p3,
                    "max_weight": p.max(-1), "jacobian_trace": 1 - p2, "jacobian_norm2": p2 - 2 * p3 + p2**2,
                }  # fmt: skip
                norms = np.sqrt(np.maximum(observables["jacobian_norm2"], 0))
                blocks_of = {name: values.mean(1) for name, values in observables.items()}
                blocks_of |= {
                    "jacobian_norm": norms.mean(1), "jacobian_norm_median": np.median(norms, axis=1),
                    "mean_square": (s**2).mean((1, 2)),
                }  # fmt: skip
                for quantity, blocks in blocks_of.items():
                    law = blocks.mean() if has_law and not quantity.startswith("jacobian_norm_") else np.nan
                    rows.append(summary(blocks, law, quantity=quantity, d_k=d_k, n_keys=n_keys, rule=rule))
    return pd.DataFrame(rows)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Weights of one row of scores."""
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


def softmax_row_frame(rng: np.random.Generator, n_keys: int) -> pd.DataFrame:
    """One row of scores and weights at d_k = 64, raw and scaled."""
    row = 8 * rng.standard_normal(n_keys)
    parts = [
        pd.DataFrame(
            {
                "key": np.arange(n_keys),
                "d_k": 64,
                "n_keys": n_keys,
                "rule": rule,
                "score": s,
                "weight": softmax(s),
            }
        )
        for rule, s in (("raw", row), ("scaled", row / 8))
    ]
    return pd.concat(parts, ignore_index=True)


def peaky_frame() -> pd.DataFrame:
    """The lecture's five scores, and the same times 8."""
    row = np.array([0.1, -0.2, 0.3, -0.2, 0.5])
    parts = [
        pd.DataFrame({"index": np.arange(5), "factor": factor, "score": factor * row, "weight": softmax(factor * row)})
        for factor in (1.0, 8.0)
    ]
    return pd.concat(parts, ignore_index=True)


def lecture_frame(rng: np.random.Generator, runs: int) -> pd.DataFrame:
    """Variances of runs of 1000 pairs."""
    rows = []
    for d_k in (5, 20, 100):
        z = np.sqrt(rng.chisquare(d_k, (runs, 1000))) * rng.standard_normal((runs, 1000))
        raw = z.var(axis=1)
        for run, variance in enumerate(raw):
            rows.append({
                "d_k": d_k, "run": run, "n_pairs": 1000, "variance_raw": variance, "variance_scaled": variance / d_k,
                "prediction_raw": float(d_k), "margin": 0.01, "relative_sd": np.sqrt((2 + 6 / d_k) / 1000),
            })  # fmt: skip
    return pd.DataFrame(rows)


def claims_frame(rng: np.random.Generator, amount: int) -> pd.DataFrame:
    """Claims of all three verdicts, some of them one-sided."""
    groups = ("derivation", "variance", "scaling", "shape", "saturation", "lecture")
    rows = []
    for i in range(amount):
        width = float(rng.choice([0.3, 0.5, 1.4]))
        estimate = float(rng.normal(0, width / 3)) + (4.5 if i % 17 == 16 else 0.0)
        one_sided = i % 13 == 5
        low, high = estimate - width, estimate + width
        verdict = "confirmed" if low >= -1 and high <= 1 else "refuted" if low > 1 or high < -1 else "undecided"
        if one_sided:
            verdict = "confirmed" if low >= -1 else "undecided"
        rows.append({
            "id": f"claim-{i}", "group": groups[min(i * len(groups) // amount, 5)],
            "label": f"variance of $q\\cdot k$ at $d_k = {2 ** (i % 13)}$", "estimate": 1 + 0.01 * estimate,
            "low": 1 + 0.01 * low, "high": 1 + 0.01 * high, "prediction": 1.0, "margin": 0.01,
            "region_low": 0.99, "region_high": np.inf if one_sided else 1.01, "verdict": verdict,
        })  # fmt: skip
    return pd.DataFrame(rows)


def trained_frame(large: bool) -> pd.DataFrame:
    """Trained heads that are made up, since their models may not be installed."""
    many = [0.02, 0.125, 0.25, 0.5, 0.7071, 1.0, 1.4142, 2.0, 2.8284, 4.0, 8.0, 16.0, 60.0]
    experiment = TrainedHeads(
        languages=["en", "pt"] if large else ["pt"], n_windows=8 if large else 2, n_draws=1, margin=0.5,
        multipliers=many if large else [1.0],
    )  # fmt: skip
    return experiment.frame(made(experiment, size=30.0 if large else 0.01))


def law_frame(experiment: Experiment) -> pd.DataFrame:  # type: ignore[type-arg]
    """The frame of an experiment that draws nothing."""
    rng = np.random.default_rng()
    return experiment.frame({cell: experiment.measure(cell, rng)[None] for cell in experiment.cells()})


def measured_experiments(large: bool) -> list[Experiment]:  # type: ignore[type-arg]
    """Experiments whose own frames are quickly had."""
    many = 300 if large else 2
    correlations = [0.0, 0.125, 0.25, 0.5, 0.75, 1.0] if large else [0.0]
    return [
        Questions(
            n_blocks=BLOCKS, d_k=1024 if large else 3, n_keys=many, n_heads=200 if large else 1, margin=0.5,
            entry_sd=9.75 if large else 1.1, cold=0.125, hot=16.0,
        ),
        Aligned(n_blocks=BLOCKS, d_k=[1, 4, 4096] if large else [4], rho=correlations, margin=0.5),
        Gradients(
            n_blocks=BLOCKS,
            d_k=[1, 32, 1024, 32768] if large else [2, 4],
            n_keys=[2, 8, 20, 50] if large else [5],
            margin=0.9,
        ),
        Assumptions(n_blocks=BLOCKS, d_k=[1, 2, 256, 300] if large else [3], margin=0.5),
        Initialisation(
            n_blocks=BLOCKS, d_in=300 if large else 8, d_k=128 if large else 1, n_tokens=16 if large else 2, margin=0.9,
            input_sd=29.5 if large else 1.1,
        ),
        Lookup(n_blocks=BLOCKS, d_k=256 if large else 4, rate=1.0, n_steps=50 if large else 1, batch=16, margin=0.5),
        Scalings(
            n_blocks=BLOCKS, d_k=[1, 4, 4096] if large else [4, 16], at_n_keys=256 if large else 8, margin=0.9,
            n_keys=[2, 64, 4096] if large else [8, 16], at_d_k=64 if large else 4,
            alpha=[0.0, 0.125, 0.25, 0.5, 0.75, 0.875, 1.0, 1.5] if large else [0.25],
            rules=load_preset("default").scalings.rules if large else [{"rule": "sigmoid"}],
        ),
        Learning(
            n_blocks=BLOCKS, n_selection=2, d_k=[16, 32, 64, 256, 1024, 4096] if large else [16], batch=8, margin=0.5,
            rates=[0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0] if large else [1.0], n_steps=40 if large else 2,
        ),
    ]  # fmt: skip


@cache
def frames(grid: str) -> dict[str, pd.DataFrame]:
    """A frame for each experiment, over a grid; simulated by one test process for all."""
    file = "frames.pickle"
    folder = built_once(f"{grid}-grid", lambda folder: (folder / file).write_bytes(pickle.dumps(simulated(grid))))
    found: dict[str, pd.DataFrame] = pickle.loads((folder / file).read_bytes())
    return found


def simulated(grid: str) -> dict[str, pd.DataFrame]:
    """A frame for each experiment, over a grid."""
    rng = np.random.default_rng(7)
    dimensions, keys = GRIDS[grid]
    large = grid == "large"
    return {
        "variance": variance_frame(rng, dimensions),
        "distribution": distribution_frame(rng, dimensions),
        "saturation": saturation_frame(rng, dimensions, keys, has_law=large),
        "saturation_map": law_frame(
            SaturationMap(
                largest_d_k=2**17 if large else 300,
                largest_n_keys=10**12 if large else 100,
                d_k_per_octave=1,
                n_keys_per_octave=1,
            )
        ),
        "gradient_map": law_frame(
            GradientMap(largest_d_k=2**17 if large else 300, largest_n_keys=10**12 if large else 100)
        ),
        "freezing": law_frame(Freezing(n_keys=[100, 10**6, 10**12] if large else [3])),
        "explorer": law_frame(Explorer(largest_d_k=4096 if large else 64, largest_n_keys=512 if large else 64)),
        "softmax_row": softmax_row_frame(rng, 50 if large else 8),
        "peaky": peaky_frame(),
        "causal": law_frame(Causal()),
        "self_attention": law_frame(SelfAttention()),
        "lecture_demo": lecture_frame(rng, 400 if large else 50),
        "claims": claims_frame(rng, 90 if large else 30),
        "trained_heads": trained_frame(large),
        "audit": (audited := many_heads(24, 16) if large else heads(4, 4)),
        "audit_law": law_curve(audited, causal=not large),
        "bench": Cost(record(largest=2**20 if large else 64), "").growth,
        **{experiment.name: experiment.frame(observed(experiment)) for experiment in measured_experiments(large)},
    }


@cache
def drawn(grid: str, name: str) -> Figure:
    """A figure of the page, drawn once for all tests."""
    spec = SPECS[name]
    return spec.draw(*spec.given(frames(grid)))


@cache
def inlined(name: str) -> str:
    """The inline SVG of a small figure, made once for all tests."""
    return page_of(drawn("small", name), name)


def page_of(figure: Figure, name: str) -> str:
    """The inline SVG of a figure; its file alone, since `files` takes twice as long, for a PNG beside it."""
    svg = export._svg(figure)
    return str(labelled(page_svg(svg, name), "what is seen"))


every_figure = pytest.mark.parametrize("spec", FIGURES, ids=lambda spec: spec.name)
every_grid = pytest.mark.parametrize("grid", GRIDS)


@every_grid
@every_figure
def test_texts_of_the_page_stand_apart_and_inside(spec: FigureSpec, grid: str) -> None:
    """On the page no text is cut off or covers another, for a small and a large grid."""
    assert faults_of_text(drawn(grid, spec.name)) == []


def test_the_judge_of_texts_can_find_faults() -> None:
    """Two labels at one place and a label beyond the canvas are both found."""
    figure = Figure(figsize=(2, 1))
    figure.text(0.5, 0.5, "one")
    figure.text(0.5, 0.5, "other")
    figure.text(0.99, 0.1, "far out")
    assert faults_of_text(figure) == ["outside: far out", "one | other"]


def test_text_is_large_enough_on_the_page() -> None:
    """No text is smaller than 10 points: 12 px where a figure is shown 605 px wide."""
    for name in SPECS:
        assert min(text.get_fontsize() for text in shown_texts(drawn("large", name))) >= 10, name


@every_figure
def test_inline_svg_is_for_the_page(spec: FigureSpec) -> None:
    """It follows the theme and CSS's size, carries no metadata or inline styles, and every reference has a target."""
    svg = inlined(spec.name)
    root = ElementTree.fromstring(svg)
    assert {"viewBox", "role", "aria-label"} <= root.attrib.keys()
    assert "height" not in root.attrib
    width = float(root.attrib["viewBox"].split()[2])
    if width < 72 * style.PAGE.width - 1:  # as large as it would be in a figure of the column's width
        assert root.attrib["width"] == f"{42 * width / (72 * style.PAGE.width):.4g}rem"
    else:
        assert "width" not in root.attrib
    assert root.get("fill") == "currentColor"
    assert not re.search(f"{style.LIGHT.ink}|{style.LIGHT.face}", svg)
    for unwanted in ("<?xml", "<!DOCTYPE", "metadata", "style=", "<style", "date", "xlink"):
        assert unwanted not in svg
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert len(ids) == len(set(ids))
    assert all(name.startswith(f"{spec.name}-") for name in ids)
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', svg)) == set(ids)


def test_ids_are_unique_on_a_page_of_all_figures() -> None:
    """No id of one figure is an id of another."""
    ids = [name for spec in FIGURES for name in re.findall(r'\bid="([^"]+)"', inlined(spec.name))]
    assert len(ids) == len(set(ids)) > len(FIGURES)


@every_figure
def test_same_frame_same_bytes(spec: FigureSpec) -> None:
    """A figure drawn again from the same frame is the same SVG."""
    again = spec.draw(*(frame.copy() for frame in spec.given(frames("small"))))
    assert page_of(again, spec.name) == inlined(spec.name)


def test_files_have_a_white_background_and_no_dates() -> None:
    """Files for slides stand on solid white; their bytes repeat."""
    figure = drawn("small", "peaky-softmax")
    made = files(figure)
    assert made == files(figure)
    assert labelled(page_svg(made.svg, "peaky-softmax"), "what is seen") == inlined("peaky-softmax")
    assert b"fill: #ffffff" in made.svg
    assert not re.search(rb"dc:date|Matplotlib v", made.svg)
    assert b"Software" not in made.png
    width = int.from_bytes(made.png[16:20], "big")
    assert width == round(style.PAGE.dpi * style.PAGE.width)


def test_alternative_text_is_escaped() -> None:
    """Whatever the text alternative holds comes out as written and closes nothing."""
    alt = """a "b" <c> & 'd' />"""
    svg = labelled(page_svg(files(drawn("small", "peaky-softmax")).svg, "name"), alt)
    assert ElementTree.fromstring(str(svg)).get("aria-label") == alt


def changed(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame with other results, raw ones more so than scaled ones."""
    frame = frame.copy()
    factor = 1.07 + 0.9 * (frame["rule"] == "raw") if "rule" in frame else 1.07
    results = {"estimate", "low", "high", "weight", "variance_raw", "exact", "value"}
    of_heads = {"variance_per_d_k", "row_sd", "normalised_entropy", "raw_normalised_entropy"}
    for column in (results | of_heads) & set(frame.columns):
        frame[column] *= factor
    if "matrix" in frame:
        frame = frame[(frame["row_label"] != "step") & (frame["column_label"] != "step")]
    if "verdict" in frame:
        frame["verdict"] = np.roll(np.where(frame["verdict"] == "confirmed", "refuted", "confirmed"), 1)
    return frame


@every_grid
@every_figure
def test_words_come_from_the_frame(spec: FigureSpec, grid: str) -> None:
    """Captions and text alternatives hold numbers, none of them missing, and change with the frame."""
    given = spec.given(frames(grid))
    for words in (spec.caption, spec.alt):
        text = words(*given)
        assert re.search(r"\d", text)
        assert not re.search(r"nan|inf\b|None|e[+-]\d\d", text)
        assert text.endswith(".")
        assert words(*map(changed, given)) != text or text.startswith(("No exact law", "0 residuals"))
    assert spec.caption(*given).count("$") % 2 == 0
    assert "$" not in spec.alt(*given)
    assert "\\" not in spec.alt(*given)


def test_caption_states_the_measured_end() -> None:
    """The variance's caption prints the frame's own last estimate and law."""
    frame = frames("large")["variance"]
    last = frame[(frame["quantity"] == "variance") & (frame["rule"] == "raw")].iloc[-1]
    caption = SPECS["variance-against-d"].caption(frame)
    assert f"{number(last['estimate'], 4)} at $d_k = 16384$" in caption


def test_contrast_is_that_of_wcag() -> None:
    """Black on white is 21; yellow on white fails."""
    assert style.contrast("black", "white") == pytest.approx(21)
    assert style.contrast("#767676", "white") == pytest.approx(4.54, abs=0.01)
    assert style.contrast("#ffff00", "white") < 3


def test_points_are_joined_only_without_a_law() -> None:
    """Where predictions are finite they are a line in ink and the estimates are points; else those are joined."""
    for grid, has_law in (("small", False), ("large", True)):
        lines = drawn(grid, "entropy-against-d").axes[0].get_lines()
        joined = [line for line in lines if line.get_marker() in {"o", "s"} and line.get_linestyle() != "None"]
        laws = [line for line in lines if line.get_color() == style.INK and line.get_linestyle() == "-"]
        assert (len(joined), len(laws)) == ((0, 2) if has_law else (2, 0))


def test_a_curve_through_octaves_is_the_law_between_them() -> None:
    """Drawn from the law at powers of two, both kinds of curve miss it in between by less than a line's width."""
    octaves, between = 2 ** np.arange(14), np.array([3, 6, 12, 24, 48, 96, 192])
    for n_keys in (8, 4096):
        law, truth = attention_law(octaves, n_keys, 1.0), attention_law(between, n_keys, 1.0)
        axes = Figure().add_subplot()
        marks.exact_curve(axes, octaves, law.sum_p2)
        marks.exact_curve(axes, octaves, law.jacobian_norm2, logarithmic=True)
        linear, logarithmic = (line.get_xydata() for line in axes.get_lines())
        drawn_here = np.interp(np.log(between), np.log(linear[:, 0]), linear[:, 1])
        assert np.abs(drawn_here - truth.sum_p2).max() < 0.006
        drawn_here = np.interp(np.log(between), np.log(logarithmic[:, 0]), np.log(logarithmic[:, 1]))
        assert np.abs(drawn_here - np.log(truth.jacobian_norm2)).max() < 0.05


def rule_rows(raw: list[float], scaled: list[float]) -> pd.DataFrame:
    """Norms at d_k = 1, 2, 4, … with intervals of ±0.1."""
    return pd.DataFrame(
        [
            {"quantity": "norm", "rule": rule, "n_keys": 8, "d_k": 2**i, "low": value - 0.1, "high": value + 0.1}
            for rule, values in (("raw", raw), ("scaled", scaled))
            for i, value in enumerate(values)
        ]
    )


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ([1, 2, 2, 0.5, 0.1], "between 4 and 8"),
        ([1, 2, 1.1, 0.9, 0.1], "between 2 and 16"),  # those near 1 are clear of neither side
        ([1, 2, 0.5, 2, 0.1], "between 8 and 16"),  # the last crossing
        ([1, 2, 2, 2, 2], "beyond 16"),
        ([1, 2, 0.5, 0.5, 1], "beyond 2"),
        ([1, 0.5, 0.4, 0.3, 0.2], "nowhere larger"),
        ([0.5, 0.5, 0.4, 0.3, 0.2], "nowhere larger"),
        ([1, 1, 1, 1, 1], "cannot tell"),
    ],
)
def test_a_bracket_holds_only_what_the_intervals_show(raw: list[float], words: str) -> None:
    """The crossing lies between the last d_k at which raw is clearly larger and the first from which it is smaller."""
    assert str(bracket(rule_rows(raw, [1.0] * 5), "norm", 8)) == words


def test_the_exact_crossing_is_where_the_law_crosses() -> None:
    """Interpolated on octaves, it is within 3 % of the whole numbers between which the law itself changes sides."""
    crossings = exact_crossings(frames("large")["saturation_map"])
    assert crossings[2] == 0
    assert np.isinf(crossings[10**12])
    for n_keys in (16, 64, 256):
        d_k = np.arange(2, 20_000) if n_keys == 256 else np.arange(2, 1000)
        raw, scaled = (attention_law(d_k, n_keys, scale).jacobian_norm2 for scale in (1.0, d_k**-0.5))
        assert crossings[n_keys] == pytest.approx(d_k[raw > scaled].max(), rel=0.03)


def test_axis_ticks_are_powers_of_two() -> None:
    """Whatever the grid, d_k has its ticks at powers of two and few of them are labelled."""
    axes = Figure().add_subplot()
    style.log2_axis(axes, "x", [5, 20, 100], most=3)
    ticks = np.concatenate([axes.get_xticks(), axes.get_xticks(minor=True)])
    assert np.all(np.log2(ticks) % 1 == 0)
    assert len(axes.get_xticks()) <= 3


def test_spread_keeps_order_and_gaps() -> None:
    """Places far enough apart stay; others move apart about their middle, to exactly the gap."""
    assert style.spread(np.array([0.0, 10.0]), 4.0) == pytest.approx([0, 10])
    assert style.spread(np.array([5.0, 5.0, 40.0]), 4.0) == pytest.approx([3, 7, 40])
    crowd = np.sort(np.random.default_rng(1).uniform(0, 20, 12))
    assert np.diff(style.spread(crowd, 3.0)).min() >= 3 - 1e-9


def test_drawing_leaves_settings_alone() -> None:
    """Settings of matplotlib are as before after a drawing, and after a medium was used."""
    before = dict(rcParams)
    with style.using(style.SLIDE):
        assert style.medium() is style.SLIDE
        SPECS["peaky-softmax"].draw(frames("small")["peaky"])
    assert style.medium() is style.PAGE
    assert dict(rcParams) == before


def test_a_grid_of_one_cell_draws() -> None:
    """A preset with one d_k and one number of keys has all its figures."""
    rng = np.random.default_rng(3)
    one = {
        "variance": variance_frame(rng, np.array([4])),
        "distribution": distribution_frame(rng, np.array([4])),
        "saturation": saturation_frame(rng, np.array([4]), np.array([8]), has_law=False),
        "saturation_map": frames("small")["saturation_map"],
    }
    drawn_here = [spec for spec in FIGURES if set(spec.experiments) <= set(one)]
    assert len(drawn_here) > 8
    for spec in drawn_here:
        assert faults_of_text(spec.draw(*spec.given(one))) == [], spec.name
        assert spec.caption(*spec.given(one)).endswith("."), spec.name


def test_published_runs_are_marked_where_they_are_known() -> None:
    """A d_k that the lecture did not run still draws."""
    frame = frames("small")["lecture_demo"].replace({"d_k": {100: 200}})
    assert "6 printed runs" in SPECS["lecture-scatter"].caption(frame)
    assert len(SPECS["lecture-scatter"].draw(frame).axes) == 3


def test_a_confirmed_bound_is_drawn_within_its_region() -> None:
    """At most -0.1 and at least 0.1, both held with room to spare: left of -1 and right of +1, one half a margin on."""
    rows = claims_frame(np.random.default_rng(4), 2)
    rows["estimate"], rows["margin"], rows["verdict"] = [-0.15, 0.15], 0.1, "confirmed"
    rows["low"], rows["high"], rows["prediction"] = rows["estimate"] - 0.01, rows["estimate"] + 0.01, [-0.1, 0.1]
    rows["region_low"], rows["region_high"] = [-np.inf, 0.1], [-0.1, np.inf]
    (line,) = (
        line for line in SPECS["claims-forest"].draw(rows).axes[0].get_lines() if line.get_label() == "confirmed"
    )
    assert line.get_xdata() == pytest.approx([-1.5, 1.5])


def test_claims_without_a_margin_or_with_one_verdict_draw() -> None:
    """A forest of few claims, one of them with no margin of its own, is drawn and told."""
    frame = frames("small")["claims"].head(3).assign(verdict="confirmed", margin=[np.nan, 0.0, 0.01])
    assert faults_of_text(SPECS["claims-forest"].draw(frame)) == []
    assert SPECS["claims-forest"].caption(frame).startswith("Of 3 claims, 3 confirmed, 0 undecided and 0 refuted.")


def test_names_are_stable_kebab_case() -> None:
    """Names serve as ids and file names: unique, lower case, words joined by hyphens."""
    assert len(SPECS) == len(FIGURES)
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) for name in SPECS)
    assert {name for spec in FIGURES for name in spec.experiments} == set(frames("small"))


def test_letters_come_from_bundled_fonts_alone() -> None:
    """What else a machine has, or once listed for matplotlib, cannot change a figure."""
    bundled = {FONTS, Path(get_data_path(), "fonts", "ttf")}
    assert {Path(font.fname).parent for font in fontManager.ttflist} == bundled
    for family in ("STIXGeneral", *style.font().families):
        assert Path(fontManager.findfont(family, fallback_to_default=False)).parent in bundled


def test_a_users_settings_of_matplotlib_decide_nothing(tmp_path: Path) -> None:
    """A matplotlibrc of somebody's own is read by matplotlib, and forgotten before anything is drawn."""
    (tmp_path / "matplotlibrc").write_text("path.simplify: False\n")
    tell = "print(matplotlib.rcParams['path.simplify'])"
    done = subprocess.run(
        [sys.executable, "-c", f"import matplotlib; {tell}; import report.figures.style; {tell}"],
        cwd=ROOT, env=os.environ | {"MATPLOTLIBRC": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["False", "True"]


def test_no_figure_uses_pyplot() -> None:
    """Figures have no global state of matplotlib's pyplot."""
    for path in Path(style.__file__).parent.glob("*.py"):
        assert "pyplot" not in path.read_text(encoding="utf-8"), path.name


@pytest.mark.parametrize(
    ("value", "digits", "words"),
    [
        (0.2872, 3, "0.287"), (16384.2, 4, "16384"), (-0.5, 2, "−0.50"), (3.53e-4, 3, "3.53\u00a0×\u00a010⁻⁴"),
        (0.0, 3, "0.00"), (6.0, 3, "6.00"), (999.6, 3, "1000"), (255.42, 4, "255.4"),
        (1e-5, 2, "1.0\u00a0×\u00a010⁻⁵"), (99.97, 3, "100"),
    ],
)  # fmt: skip
def test_numbers_as_written(value: float, digits: int, words: str) -> None:
    """Significant digits are kept, minus signs are real, and tiny numbers get a power of ten."""
    assert number(value, digits) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(8, "8"), (4096, "4096"), (10**4, "10⁴"), (65536, "6.6\u00a0×\u00a010⁴"), (2 * 10**9, "2\u00a0×\u00a010⁹")],
)
def test_large_counts_as_powers_of_ten(value: int, words: str) -> None:
    """Plain to 9999, then two digits and a power."""
    assert power_of_ten(value) == words


def test_words_for_amounts() -> None:
    """Lists, counts and shares read as English."""
    assert listing(["a"]) == "a"
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert (count(1, "claim"), count(2, "claim")) == ("1 claim", "2 claims")
    assert percent(0.1234) == "12\u00a0%"
