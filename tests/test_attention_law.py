"""The exact law of attention rows: direct samples, a brute average over |q|, and the limit of many dimensions."""

import sys
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from judge import disagreements
from scaling import Gaussian, Tiles, draw_scores, row_observables
from scaling.attention_law import FEW_NODES, MAX_D_K, PANELS, attention_law, query_lengths
from scaling.gradient_law import _spread
from scaling.interpolation import SigmaPanels
from scaling.laplace_transform import key_range
from scaling.saturation import OBSERVABLES
from scaling.softmax_law import SoftmaxLaw, softmax_law

PROMISED, PROMISED_MAX = 1e-7, 1e-5  # relative errors, the second for the largest weight
D_KS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
N_KEYS = [2, 8, 64, 512]
N_BLOCKS = 32
CHEAP = [name for name in OBSERVABLES if name != "max_weight"]


def promised(name: str) -> float:
    """The relative error that the law promises of a field."""
    return PROMISED_MAX if name == "max_weight" else PROMISED


def tiles_of(n_keys: int) -> Tiles:
    """512 rows a block, 8 to 64 of which share their keys."""
    return Tiles(8, 64, n_keys) if n_keys > 8 else Tiles(64, 8, n_keys)


@pytest.fixture(scope="module")
def sampled() -> dict[tuple[int, int], np.ndarray]:
    """Block means of all seven fields by direct sampling, (block, raw or scaled, field), for every d_k and n_keys."""
    cells = {}
    for d_k in D_KS:
        for n_keys in N_KEYS:
            blocks = np.zeros((N_BLOCKS, 2, len(OBSERVABLES)))
            for i, block in enumerate(blocks):
                rng = np.random.default_rng([d_k, n_keys, i])
                n_rows = 0
                for scores in draw_scores(rng, d_k, tiles_of(n_keys), Gaussian(), Gaussian()):
                    rows = scores.reshape(-1, n_keys)
                    found = row_observables(rows, [1.0, d_k**-0.5])
                    block += np.stack([getattr(found, name).sum(axis=1) for name in OBSERVABLES], axis=1)
                    n_rows += len(rows)
                block /= n_rows
            cells[d_k, n_keys] = blocks
    return cells


def expected(d_k: int, n_keys: int, scales: list[float], names: list[str]) -> np.ndarray:
    """The law's fields, (scale, field)."""
    laws = [attention_law(d_k, n_keys, scale) for scale in scales]
    return np.array([[getattr(law, name) for name in names] for law in laws])


def test_direct_samples_agree_everywhere(sampled: dict[tuple[int, int], np.ndarray]) -> None:
    """All seven fields of rows of QKᵀ that share keys, raw and scaled: 80 cells and 560 means, judged at once."""
    blocks = np.stack(list(sampled.values()), axis=1)  # (block, cell, scale, field)
    law = np.array([expected(d_k, n, [1.0, d_k**-0.5], list(OBSERVABLES)) for d_k, n in sampled])
    wrong = disagreements(blocks, law)
    cells = [(*cell, rule, name) for cell in sampled for rule in ("raw", "scaled") for name in OBSERVABLES]
    assert [cells[i] for i in wrong] == []


@pytest.mark.parametrize("d_k", [64, 512])
def test_a_scale_off_by_two_percent_is_caught(sampled: dict[tuple[int, int], np.ndarray], d_k: int) -> None:
    """The negative control: the same judge refuses the scaled law at 1.02 times its scale, and the raw at 1.04 times.

    Raw rows vary far more from query to query, so that 16 384 of them see less.
    """
    for n_keys in N_KEYS[2:]:
        law = expected(d_k, n_keys, [1.04, 1.02 * d_k**-0.5], list(OBSERVABLES))
        values = sampled[d_k, n_keys]
        assert disagreements(values[:, 0], law[0]) != [], "raw"
        assert disagreements(values[:, 1], law[1]) != [], "scaled"


def test_another_dimension_is_caught(sampled: dict[tuple[int, int], np.ndarray]) -> None:
    """A second negative control: σ fixed at 1, the limit of many dimensions, is refused at d_k = 8."""
    limit = softmax_law(1.0, 64)
    assert disagreements(sampled[8, 64][:, 1], [float(getattr(limit, name)) for name in OBSERVABLES]) != []


def over_lengths(d_k: int, n_keys: int, scale: float, names: list[str]) -> dict[str, float]:
    """Brute force: 240 Gauss-Legendre nodes over |q|, against scipy's density of its chi law."""
    x, w = np.polynomial.legendre.leggauss(240)
    low, high = max(0.0, d_k**0.5 - 9.5), d_k**0.5 + 9.5
    r = low + (high - low) * (x + 1) / 2
    weights = w * (high - low) / 2 * stats.chi.pdf(r, d_k)
    law = SoftmaxLaw(scale * r, n_keys)
    return {name: float(getattr(law, name) @ weights) for name in names}


def over_log_lengths(d_k: int, n_keys: int, scale: float, names: list[str]) -> dict[str, float]:
    """Brute force: a trapezoid rule in ln |q|, which resolves any scale; e^-38 of the mass is left out."""
    step = min(0.04, 0.6 / (2 * d_k) ** 0.5)  # half of it changes no field by more than 3e-9
    low, high = 0.5 * np.log(d_k) - 38 / d_k - 2, np.log(d_k**0.5 + 9.5)
    r = np.exp(np.arange(low, high, step))
    density = stats.chi.logpdf(r, d_k) + np.log(r)
    keep = density > -42 + 0.5 * np.log(d_k)
    law = SoftmaxLaw(scale * r[keep], n_keys)
    return {name: float(getattr(law, name) @ (step * np.exp(density[keep]))) for name in names}


def wrong(d_k: int, n_keys: int, scale: float, reference: dict[str, float]) -> dict[str, float]:
    """Relative errors of the law beyond its promise."""
    law = attention_law(d_k, n_keys, scale)
    errors = {name: abs(getattr(law, name) / value - 1) for name, value in reference.items()}
    return {name: error for name, error in errors.items() if not error <= promised(name)}


@pytest.mark.parametrize("rule", [lambda d_k: 1.0, lambda d_k: d_k**-0.5], ids=["raw", "scaled"])
@pytest.mark.parametrize("d_k", [1, 2, 3, 7, 16, 63, 64, 65, 128])
def test_equals_a_brute_average_over_the_query(d_k: int, rule: Callable[[int], float]) -> None:
    """Four times the nodes change no field by more than the promise, on both sides of the change of method at 64."""
    for n_keys in (2, 50, 10**6):
        assert wrong(d_k, n_keys, rule(d_k), over_lengths(d_k, n_keys, rule(d_k), CHEAP)) == {}, n_keys


@pytest.mark.parametrize("d_k", [1, 7, 64])
def test_the_largest_weight_equals_a_brute_average(d_k: int) -> None:
    """As above for the costliest field."""
    assert wrong(d_k, 50, 1.0, over_lengths(d_k, 50, 1.0, ["max_weight"])) == {}


@pytest.mark.parametrize("sigma", [1e-3, 0.1, 2.0, 20.0, 300.0, 1e4])
@pytest.mark.parametrize("d_k", [1, 2, 3, 8, 30, 63, 64, 100, 1000])
def test_the_whole_range_of_scales_equals_a_brute_average(d_k: int, sigma: float) -> None:
    """Large scales make the fields change at short queries, where 1/scale is the length that matters.

    At n = 10¹² they change sharply at √(2 ln n)/scale, where the scores freeze.
    """
    scale = sigma / d_k**0.5
    for n_keys in (2, 1000, 10**12):
        assert wrong(d_k, n_keys, scale, over_log_lengths(d_k, n_keys, scale, CHEAP)) == {}, n_keys


def test_the_brute_averages_agree_and_would_notice_a_millionth() -> None:
    """The two references agree, and the negative control, a scale off by 10⁻⁵, is refused in every field."""
    first, second = (f(5, 50, 0.7, CHEAP) for f in (over_lengths, over_log_lengths))
    assert all(first[name] == pytest.approx(second[name], rel=1e-10) for name in CHEAP)
    assert list(wrong(5, 50, 0.7 * (1 + 1e-5), first)) == CHEAP


@pytest.mark.parametrize("d_k", [1, 2, 5, 63, 64, 65, 1000, MAX_D_K])
def test_query_lengths_have_the_moments_of_the_chi_law(d_k: int) -> None:
    """Weights sum to 1; E|q|² = d, E|q|⁴ = d² + 2d and E|q| is chi's mean."""
    lengths, weights = query_lengths(d_k)
    assert np.all(lengths >= 0)
    assert np.all(weights >= 0)
    assert weights.sum() == pytest.approx(1, rel=1e-12)
    assert weights @ lengths**2 == pytest.approx(d_k, rel=1e-10)
    assert weights @ lengths**4 == pytest.approx(d_k**2 + 2 * d_k, rel=1e-10)
    mean = stats.chi.mean(d_k) if d_k < 300 else d_k**0.5 * (1 - 1 / (4 * d_k) + 1 / (32 * d_k**2))
    assert weights @ lengths == pytest.approx(mean, rel=1e-8)


@pytest.mark.parametrize("n_keys", [2, 50, 10**6])
@pytest.mark.parametrize("sigma", [0.1, 1.0, 5.0])
def test_many_dimensions_are_the_softmax_law_at_one_sigma(sigma: float, n_keys: int) -> None:
    """d_k → ∞ at fixed scale √d_k: the difference falls as 1/d_k (|q|² has relative variance 2/d_k)."""
    limit = softmax_law(sigma, n_keys)
    for name in CHEAP:
        target = float(getattr(limit, name))
        gaps = [
            d_k * (getattr(attention_law(d_k, n_keys, sigma / d_k**0.5), name) / target - 1)
            for d_k in (10**3, 10**4, MAX_D_K)
        ]
        assert abs(gaps[-1]) < 10 * max(1, sigma**2), name
        if abs(gaps[0]) > 1e-3:  # else the difference is too small to tell its order
            assert gaps[1] == pytest.approx(gaps[-1], rel=0.05, abs=1e-3), name


@pytest.mark.parametrize(
    ("d_k", "n_keys", "scale", "message"),
    [
        (0, 8, 1.0, "d_k must be .*received 0"),
        (MAX_D_K + 1, 8, 0.1, "d_k must be .*received 1000001"),
        (2.5, 8, 1.0, "d_k must be .*received 2.5"),
        (True, 8, 1.0, "d_k must be .*received True"),
        (np.True_, 8, 1.0, "d_k must be .*True"),
        (np.nan, 8, 1.0, "d_k must be .*received nan"),
        (np.inf, 8, 1.0, "d_k must be .*received inf"),
        (4, 0, 1.0, "n_keys must be .*received 0"),
        (4, 10**12 + 1, 1.0, "n_keys must be .*received 1000000000001"),
        (4, 2.5, 1.0, "n_keys must be .*received 2.5"),
        (4, True, 1.0, "n_keys must be .*received True"),
        (4, np.nan, 1.0, "n_keys must be .*received nan"),
        (4, 8, 0.0, "scale .* must lie .*received scale 0.0"),
        (4, 8, -1.0, "scale .* must lie .*received scale -1.0"),
        (4, 8, 4e-4, "scale .* must lie .*received scale 0.0004"),
        (4, 8, 6e3, "scale .* must lie .*received scale 6000.0"),
        (4, 8, np.nan, "scale .* must lie .*received scale nan"),
        (4, 8, np.inf, "scale .* must lie .*received scale inf"),
    ],
)
def test_values_out_of_range_get_one_clear_line(d_k: object, n_keys: object, scale: object, message: str) -> None:
    """The refused value is named, in one line."""
    with pytest.raises(ValueError, match=f"attention_law: {message}") as caught:
        attention_law(d_k, n_keys, scale)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("n_keys", [2, 50, 4096, 10**12])
def test_many_points_at_once_equal_each_alone(n_keys: int) -> None:
    """Arrays share a table of the softmax law, numbers do not: the two agree to the promise, in every field."""
    d_k = np.array([1, 2, 7, 63, 64, 1000, MAX_D_K])
    law = attention_law(d_k[:, None], n_keys, np.stack([np.ones(len(d_k)), d_k**-0.5], axis=1))
    for i, dimension in enumerate(d_k):
        for j, scale in enumerate((1.0, dimension**-0.5)):
            reference = {name: float(getattr(law, name)[i, j]) for name in OBSERVABLES}
            assert wrong(dimension, n_keys, scale, reference) == {}, (dimension, j)


ALONE = [1, 2, 7, 63, 64, 1000, MAX_D_K]
RULES = {"raw": 0.0, "scaled": -0.5}  # exponents of d_k


def departures(n_keys: int, exponent: float, names: list[str]) -> dict[str, float]:
    """Largest relative difference of each field between one law of all points and a law for each, beyond its promise.

    The one interpolates in σ, the others do not.
    """
    d_k = np.array(ALONE)
    together, alone = (
        attention_law(d_k, n_keys, d_k**exponent),
        [attention_law(d, n_keys, d**exponent) for d in ALONE],
    )
    assert together._lengths[0].size > FEW_NODES >= max(law._lengths[0].size for law in alone)
    errors = {
        name: np.abs(getattr(together, name) / [float(getattr(law, name)) for law in alone] - 1).max() for name in names
    }
    return {name: float(error) for name, error in errors.items() if not error <= promised(name)}


@pytest.mark.parametrize("n_keys", [2, 50, 4096, 10**12])
@pytest.mark.parametrize("rule", RULES)
def test_each_rule_at_once_equals_its_points_alone(rule: str, n_keys: int) -> None:
    """As above with a table for each rule, as the experiments have it; all fields but the costliest."""
    assert departures(n_keys, RULES[rule], CHEAP) == {}


def test_fewer_nodes_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: on panels of a third of the nodes, every field breaks the promise."""
    module = sys.modules["scaling.attention_law"]  # scaling.attention_law is the function
    monkeypatch.setattr(module, "PANELS", SigmaPanels(PANELS.edges, PANELS.order // 3))
    assert list(departures(10**12, RULES["raw"], CHEAP)) == CHEAP


def test_many_points_over_the_whole_range_of_scales_equal_each_alone() -> None:
    """σ = 10⁻³ … 10⁴ in one array, where the fields run over many powers of ten."""
    scales = np.geomspace(1.001e-3, 9.99e3, 11) / 8**0.5
    for n_keys in (2, 10**12):
        together = attention_law(8, n_keys, scales)
        assert together._lengths[0].size > FEW_NODES
        for i, scale in enumerate(scales):
            alone = attention_law(8, n_keys, scale)
            for name in CHEAP:
                expected_value = float(getattr(alone, name))
                assert getattr(together, name)[i] == pytest.approx(expected_value, rel=PROMISED, abs=0), (name, scale)


def test_fields_have_the_broadcast_shape_of_d_k_and_scale() -> None:
    """Numbers give numbers; a column of d_k and a row of scales give a table, each entry what its point alone gives."""
    d_k, scale = np.array([[1], [16], [100]]), np.array([0.1, 1.0])
    table, number = attention_law(d_k, 7, scale), attention_law(16, 7, 1.0)
    row, column = attention_law(16, 7, scale), attention_law(d_k, 7, 1.0)
    for name in OBSERVABLES:
        values = getattr(table, name)
        assert values.shape == (3, 2)
        assert getattr(number, name).shape == ()
        assert getattr(row, name) == pytest.approx(values[1], rel=promised(name), abs=0)
        assert getattr(column, name) == pytest.approx(values[:, 1:], rel=promised(name), abs=0)
        assert values[1, 1] == pytest.approx(float(getattr(number, name)), rel=promised(name), abs=0)


@pytest.mark.parametrize("d_k", [3, ALONE])
def test_one_key_takes_everything_at_any_length_of_query(d_k: int | list[int]) -> None:
    """n = 1: all weight on it, no entropy, and a log-partition of mean 0; alone and in arrays."""
    law = attention_law(d_k, 1, 0.01)
    certain = dict.fromkeys(OBSERVABLES, 0.0) | dict.fromkeys(("sum_p2", "sum_p3", "max_weight"), 1.0)
    for name in OBSERVABLES:
        values = getattr(law, name)
        assert values.shape == np.shape(d_k)
        assert values == pytest.approx(np.full(np.shape(d_k), certain[name]), abs=1e-14), name


@pytest.mark.parametrize(
    ("d_k", "scale", "message"),
    [
        ([4, 0, 8], 1.0, "d_k must be .*received 0$"),
        ([[4, 8], [16, MAX_D_K + 1]], 0.1, "d_k must be .*received 1000001$"),
        ([4.0, 2.5], 1.0, "d_k must be .*received 2.5$"),
        ([4.0, np.nan], 1.0, "d_k must be .*received nan$"),
        (np.array([True, True]), 1.0, "d_k must be .*received True$"),
        ([4, "8"], 1.0, "d_k must be .*received '4'$"),
        (4, [1.0, 0.5, 0.0], "scale .* must lie .*received scale 0.0$"),
        (4, [[1.0], [np.nan]], "scale .* must lie .*received scale nan$"),
        ([4, 10**6], [1.0, 11.0], "scale .* must lie .*received scale 11.0$"),  # 11 is too much for the second alone
        (
            [[1], [10**6]],
            [1.0, 9e-4],
            "scale .* must lie .*received scale 0.0009$",
        ),  # and 9e-4 too little for the first
    ],
)
def test_one_bad_element_of_an_array_is_named_in_one_line(d_k: object, scale: object, message: str) -> None:
    """The element that is refused, not the whole array."""
    with pytest.raises(ValueError, match=f"^attention_law: {message}") as caught:
        attention_law(d_k, 8, scale)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("d_k", "scale"), [([], 1.0), ([1, 2], [1.0, 2.0, 3.0]), (8, "a"), (8, None), ([[1], [1, 2]], 1.0)]
)
def test_arrays_that_do_not_go_together_get_one_clear_line(d_k: object, scale: object) -> None:
    """Empty, of shapes that are not broadcast, ragged, or no numbers."""
    with pytest.raises(ValueError, match=r"attention_law: .*received") as caught:
        attention_law(d_k, 50, scale)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("n_keys", [2, 60, 1000, 10**6, 10**9, 10**12])
def test_the_table_keeps_its_promise_where_all_queries_have_one_length(
    monkeypatch: pytest.MonkeyPatch, n_keys: int
) -> None:
    """At d_k = 10⁶ no average over |q| hides the error in σ; it is largest at n = 10¹², where the rows freeze."""
    sigmas = np.concatenate([np.geomspace(1.001e-3, 1, 8), np.linspace(1.02, 40, 120), np.geomspace(50, 9.99e3, 30)])
    together = attention_law(MAX_D_K, n_keys, sigmas / 1e3)
    assert together._lengths[0].size > FEW_NODES
    found = {name: getattr(together, name) for name in OBSERVABLES}
    monkeypatch.setattr(sys.modules["scaling.attention_law"], "FEW_NODES", 10**9)
    for names, step in ((CHEAP, 1), (["max_weight"], 8)):  # the second is the costliest
        alone = attention_law(MAX_D_K, n_keys, sigmas[::step] / 1e3)
        for name in names:
            assert np.abs(found[name][::step] / getattr(alone, name) - 1).max() <= 0.2 * promised(name), name


def test_the_longest_queries_at_the_largest_scale_are_in_the_table() -> None:
    """σ reaches nine times the largest scale · √d_k, at d_k = 1; every field is what it is with nothing tabulated."""
    scales = np.geomspace(5e3, 1e4, 3)
    together = attention_law(1, 50, scales)
    assert together._lengths[0].size > FEW_NODES
    for name in CHEAP:
        assert getattr(together, name)[-1] == pytest.approx(
            float(getattr(attention_law(1, 50, 1e4), name)), rel=PROMISED, abs=0
        )


def test_many_points_share_a_table_whose_size_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten times the points over the same σ take no further point of the softmax law."""
    sizes = []

    def recorded(sigma: np.ndarray, n_keys: int) -> SoftmaxLaw:
        sizes.append(sigma.size)
        return SoftmaxLaw(sigma, n_keys)

    monkeypatch.setattr(sys.modules["scaling.attention_law"], "SoftmaxLaw", recorded)
    for n_points in (40, 400):
        assert attention_law(1000, 50, np.geomspace(0.01, 1, n_points)).entropy.shape == (n_points,)
    assert len(sizes) == 2
    assert sizes[0] == sizes[1] < 1000 < 14 * 400  # 14 nodes a point without it


def test_what_the_caller_does_to_his_array_later_changes_nothing() -> None:
    """The law is computed when it is asked for, from the scales that were checked."""
    scales = np.array([0.5, 1.0])
    law = attention_law(4, 8, scales)
    scales[:] = 1e9
    assert law.entropy == pytest.approx([float(attention_law(4, 8, scale).entropy) for scale in (0.5, 1.0)], rel=1e-12)


@pytest.mark.parametrize(
    ("d_k", "scale"),
    [
        (4, "1"),
        (4, b"1"),
        (4, True),
        (4, [True]),
        (4, 10**400),
        (4, None),
        (4, np.timedelta64(1, "s")),
        (4, np.ma.array([1.0, 2.0], mask=[False, True])),
        (np.ma.array([4, 5], mask=[False, True]), 1.0),
    ],
    ids=["text", "bytes", "bool", "bools", "huge", "none", "time", "mask", "masked d_k"],
)
def test_what_is_no_number_is_refused_in_one_line(d_k: object, scale: object) -> None:
    """Text, bools, spans of time and masks are not read as numbers."""
    with pytest.raises(ValueError, match=r"^attention_law: .*received") as caught:
        attention_law(d_k, 8, scale)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("d_k", [5, 100])
def test_what_is_kept_for_the_next_call_cannot_be_changed(d_k: int) -> None:
    """Lengths and weights of a dimension, and spreads of the gradient."""
    for kept in (*query_lengths(d_k), _spread(1.0, -5.0, 0.25, 8, key_range(d_k))):
        with pytest.raises(ValueError, match="read-only"):
            kept[0] = 0
