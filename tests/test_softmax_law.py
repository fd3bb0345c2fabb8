"""The exact softmax law: against printed values, other integrals, series, many digits, and itself at a finer step."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, special

from scaling import laplace_transform, largest_weight, panels
from scaling.softmax_law import FIELDS, SIGMA_RANGE, SoftmaxLaw, softmax_law

RELATIVE, RELATIVE_MAX = 1e-9, 1e-6  # what the law promises; the second for the largest weight
TWO_DIMENSIONS = 1e-8  # of the reference at n = 3
ALL_FIELDS = (*FIELDS, "max_weight")
GOLDEN = json.loads((Path(__file__).parent / "golden_laws.json").read_text())["softmax_law"]

# Over the whole range, on both sides of every change of method: σ = 0.4, 4 and 45, n = 60 and 4097.
SIGMAS = np.array([1e-3, 0.03, 0.39, 0.41, 1.0, 2.5, 3.9, 4.1, 10.0, 44.0, 46.0, 300.0, 1e4])
N_KEYS = [2, 3, 4, 5, 16, 59, 60, 1024, 4096, 4097, 10**6, 10**9, 10**12]


def forget() -> None:
    """Nothing that an earlier law has left is used."""
    for kept in ("_transforms", "_columns", "_toeplitz", "_at_chebyshev_nodes"):
        getattr(laplace_transform, kept).cache_clear()
    largest_weight._nodes.cache_clear()


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[object, str, float], None]]:
    """Set a constant of a module for this test."""

    def change(module: object, name: str, value: float) -> None:
        monkeypatch.setattr(module, name, value)
        forget()

    yield change
    monkeypatch.undo()
    forget()


def promised(name: str) -> float:
    """The relative error that the law promises of a field."""
    return RELATIVE_MAX if name == "max_weight" else RELATIVE


def fields(law: SoftmaxLaw) -> dict[str, np.ndarray]:
    """Every field as an array."""
    return {name: np.asarray(getattr(law, name)) for name in ALL_FIELDS}


def wrong(found: dict[str, np.ndarray], expected: dict[str, float], tolerance: Callable[[str], float]) -> list[str]:
    """Names of the expected fields that are off by more than their relative tolerance (nan is off)."""
    return [
        name
        for name, value in expected.items()
        if not np.all(np.abs(found[name] - value) <= tolerance(name) * np.abs(value))
    ]


def two_keys(sigma: float) -> dict[str, float]:
    """Every field at n = 2 by one-dimensional integrals over D = |s_1 - s_2|, a half-normal of scale √2 σ.

    The smaller weight is r = 1/(1 + e^D), the larger p = 1 - r. All that is integrated decays with D.
    """
    spread = np.sqrt(2) * sigma
    end = min(14 * spread, 60.0)  # e^-60, or 14 standard deviations, is left out

    def mean(f: Callable[[float, float, float], float]) -> float:
        def integrand(d: float) -> float:
            r = 1 / (1 + np.exp(d))
            return f(d, 1 - r, r) * 2 * np.exp(-((d / spread) ** 2) / 2) / (spread * np.sqrt(2 * np.pi))

        return integrate.quad(integrand, 0, end, epsabs=0, epsrel=1e-12, limit=200)[0]

    product = mean(lambda d, p, r: p * r)
    return {
        "log_partition": sigma / np.sqrt(np.pi) + mean(lambda d, p, r: np.log1p(np.exp(-d))),
        "entropy": mean(lambda d, p, r: r * d - np.log1p(-r)),  # -p ln p - r ln r, with ln r = ln p - D
        "sum_p2": 1 - 2 * product,
        "sum_p3": 1 - 3 * product,
        "jacobian_trace": 2 * product,
        "jacobian_norm2": 4 * mean(lambda d, p, r: (p * r) ** 2),
        "max_weight": 1 - mean(lambda d, p, r: r),
    }


def three_keys(sigma: float) -> dict[str, float]:
    """Every field at n = 3 by an integral over the gaps x = s_(1) - s_(2) and y = s_(2) - s_(3) of the ordered scores.

    (x, y) has density 6 exp(-(x² + x y + y²)/(3σ²)) / (2π√3 σ²), and E[s_(1)] = 3σ/(2√π).
    """
    end = 14 * sigma
    edges = np.linspace(0, min(end, 40.0), 21)
    if end > 40:
        edges = np.concatenate([edges, np.geomspace(40, end, 16)[1:]])
    nodes, weights = np.polynomial.legendre.leggauss(16)
    half = np.diff(edges)[:, None] / 2
    gap = (edges[:-1, None] + half * (nodes + 1)).ravel()
    weight = (half * weights).ravel()
    x, y = gap[:, None], gap[None, :]
    mass = 6 * np.exp(-(x**2 + x * y + y**2) / (3 * sigma**2)) / (2 * np.pi * np.sqrt(3) * sigma**2)
    mass = mass * weight[:, None] * weight[None, :]
    z = 1 + np.exp(-x) + np.exp(-x - y)
    a, b, c = 1 / z, np.exp(-x) / z, np.exp(-x - y) / z
    pairs = {(0, 1): a * b, (0, 2): a * c, (1, 2): b * c}  # J's entries off the diagonal, with a minus sign

    def mean(f: np.ndarray) -> float:
        return float((f * mass).sum())

    others = mean(b + c)
    diagonal = (a * (b + c)) ** 2 + (b * (a + c)) ** 2 + (c * (a + b)) ** 2
    return {
        "log_partition": 1.5 * sigma / np.sqrt(np.pi) + mean(np.log1p(z - 1)),
        "entropy": mean(np.log1p(z - 1) + b * x + c * (x + y)),
        "sum_p2": 1 - 2 * mean(pairs[0, 1] + pairs[0, 2] + pairs[1, 2]),
        "sum_p3": mean(a**3 + b**3 + c**3 - 1) + 1,
        "jacobian_trace": 2 * mean(pairs[0, 1] + pairs[0, 2] + pairs[1, 2]),
        "jacobian_norm2": mean(diagonal + 2 * sum(v**2 for v in pairs.values())),
        "max_weight": 1 - others,
    }


def mean_of_largest(n: int) -> float:
    """E[max of n standard normals] = ∫ x n f Φ^(n-1) dx, with ln Φ through the upper tail."""

    def integrand(x: float) -> float:
        return x * n * np.exp(-(x**2) / 2 + (n - 1) * special.log_ndtr(x)) / np.sqrt(2 * np.pi)

    return integrate.quad(integrand, -9, 12, points=[0, 2, 4, 6, 8], epsabs=1e-10, limit=500)[0]


@pytest.mark.parametrize(
    ("sigma", "n_keys", "printed"),
    [
        (1, 2, ("0.9026619", "0.6368382", "0.5395001", "0.1481064", "0.725213")),
        (1, 8, ("2.489494", "0.2323134", "1.7218074", "0.1345223", "0.361200")),
        (3, 16, ("5.8599093", "0.4769065", "1.1520674", "0.1098213", "0.608985")),
        (8, 1024, ("26.3927521", "0.6016569", "0.8987967", "0.0852263", "0.70918")),
    ],
)
def test_gives_the_printed_values(sigma: float, n_keys: int, printed: tuple[str, ...]) -> None:
    """Values computed elsewhere, to all the digits that were printed (one unit of the last)."""
    found = fields(softmax_law(sigma, n_keys))
    names = ("log_partition", "sum_p2", "entropy", "jacobian_norm2", "max_weight")
    for name, text in zip(names, printed, strict=True):
        last_digit = 10.0 ** -len(text.partition(".")[2])
        assert abs(found[name] - float(text)) <= last_digit, name


@pytest.mark.parametrize("sigma", [1e-3, 0.01, 0.1, 0.39, 0.41, 1.0, 2.0, 3.9, 4.1, 8.0, 29.0, 31.0, 100.0, 1e3, 1e4])
def test_two_keys_are_a_one_dimensional_integral(sigma: float) -> None:
    """At n = 2 everything is a function of the difference of two scores, at every σ."""
    assert wrong(fields(softmax_law(sigma, 2)), two_keys(sigma), promised) == []


@pytest.mark.parametrize("sigma", [0.1, 0.5, 1.0, 5.0, 50.0, 2000.0])
def test_three_keys_are_a_two_dimensional_integral(sigma: float) -> None:
    """At n = 3 everything is a function of the two gaps between the ordered scores."""
    expected = three_keys(sigma)
    assert wrong(fields(softmax_law(sigma, 3)), expected, lambda name: max(TWO_DIMENSIONS, promised(name))) == []


@pytest.mark.parametrize(("reference", "n_keys"), [(two_keys, 2), (three_keys, 3)], ids=["n=2", "n=3"])
def test_the_integrals_would_notice_a_millionth(reference: Callable[[float], dict[str, float]], n_keys: int) -> None:
    """The negative control: σ off by 10⁻⁵ at σ = 1 is refused in every field."""
    assert wrong(fields(softmax_law(1 + 1e-5, n_keys)), reference(1.0), promised) == list(ALL_FIELDS)


@pytest.mark.parametrize("point", GOLDEN, ids=lambda point: f"sigma={point['sigma']:g}, n={point['n_keys']:g}")
def test_agrees_with_thirty_digits(point: dict[str, object]) -> None:
    """Scattered points in arbitrary precision (tools/golden_laws.py)."""
    expected = {name: float(point[name]) for name in FIELDS}
    assert wrong(fields(softmax_law(point["sigma"], point["n_keys"])), expected, promised) == []


def test_there_are_enough_golden_points() -> None:
    """At least ten, from the smallest to the largest σ and n."""
    assert len(GOLDEN) >= 10
    assert {point["sigma"] for point in GOLDEN} >= set(SIGMA_RANGE)
    assert {point["n_keys"] for point in GOLDEN} >= {2, 10**12}


@pytest.mark.parametrize("n_keys", [2, 3, 6, 16, 59, 61, 1024, 10**6, 10**12])
@pytest.mark.parametrize("sigma", [1e-3, 0.01, 0.03, 0.1])
def test_small_sigma_follows_the_series(sigma: float, n_keys: int) -> None:
    """Nearly uniform weights: the series in σ to σ⁴, whose σ⁶ term is at most 3σ⁶ relative to 1, ln n or 1/n.

    With K(c) = ln Σ e^(cσx): H = K(1) - K'(1) and Σp² = exp(K(2) - 2K(1)), and the row's cumulants have means
    E[v] = 1 - 1/n, E[κ_4] = -6(n - 1)/n², E[v²] = (n² - 1)/n². To σ² these are ln n + (σ²/2)(1 - 1/n),
    ln n - (σ²/2)(1 - 1/n) and (1/n)(1 + σ²(1 - 1/n)).
    """
    found = fields(softmax_law(sigma, n_keys))
    n, s2 = float(n_keys), sigma**2
    v, quartic = 1 - 1 / n, s2**2 * (n - 1) / n**2
    next_term = 3 * sigma**6
    rounding = 1e-12
    concentration = s2 * v + quartic * (n - 6) / 2  # n Σp² - 1
    allowed = next_term + rounding
    assert abs(found["log_partition"] - (np.log(n) + s2 / 2 * v - quartic / 4)) <= allowed + rounding * np.log(n)
    assert abs(found["entropy"] - (np.log(n) - s2 / 2 * v + 0.75 * quartic)) <= allowed + rounding * np.log(n)
    assert abs(n * found["sum_p2"] - 1 - concentration) <= allowed
    assert abs(found["jacobian_trace"] - (1 - 1 / n - concentration / n)) <= next_term / n + rounding
    # To σ² only, so the σ⁴ term, at most 4σ⁴ relative, is the tolerance.
    assert abs(n * found["jacobian_norm2"] / v - 1 - s2 * (1 - 4 / n)) <= 4 * s2**2 + rounding
    assert abs(n**2 * found["sum_p3"] - 1 - 3 * s2 * v) <= 12 * s2**2 + rounding
    largest = sigma * mean_of_largest(n_keys)
    assert abs(n * found["max_weight"] - 1 - largest) <= largest**2 + RELATIVE_MAX


def test_the_series_to_second_order_alone_is_refused() -> None:
    """The negative control: the σ⁴ term is larger than what the test above allows, so its sign is tested too."""
    sigma, n = 0.03, 16
    quartic = sigma**4 * (n - 1) / n**2
    assert min(quartic / 4, 0.75 * quartic, quartic * (n - 6) / 2) > 3 * sigma**6 + 1e-12


@pytest.mark.parametrize("n_keys", N_KEYS)
def test_identities_and_bounds_hold_over_the_whole_range(n_keys: int) -> None:
    """tr J = 1 - Σp², Stein's H = E[ln Z] - σ² tr J, the order of the weights' means, and entropies within 0 … ln n."""
    found = fields(softmax_law(SIGMAS, n_keys))
    rounding = 1e-12
    for name, values in found.items():
        assert values.shape == SIGMAS.shape
        assert np.all(np.isfinite(values) & (values > 0)), name
    trace_error = np.abs(found["jacobian_trace"] + found["sum_p2"] - 1)
    assert trace_error[SIGMAS < laplace_transform.WIDE].max() <= rounding
    assert trace_error.max() <= 0.1 * RELATIVE  # the polynomial for wide σ has an absolute error, felt at n = 10¹²
    stein = found["log_partition"] - SIGMAS**2 * found["jacobian_trace"]
    assert np.all(np.abs(found["entropy"] - stein) <= 1e-10 * found["log_partition"])  # what the cancellation leaves
    up = 1 + RELATIVE_MAX
    assert np.all(1 / n_keys <= found["sum_p2"] * (1 + rounding))
    assert np.all(found["sum_p2"] <= found["max_weight"] * up)
    assert np.all(found["max_weight"] <= up)
    assert np.all(found["sum_p2"] ** 2 <= found["sum_p3"] * (1 + rounding))  # Cauchy and Schwarz, Σp = 1
    assert np.all(found["sum_p3"] <= found["sum_p2"] * (1 + rounding))
    assert np.all(found["entropy"] <= np.log(n_keys) * (1 + rounding))
    assert np.all(found["jacobian_norm2"] <= found["jacobian_trace"] * (1 + rounding))  # eigenvalues within 0 … 1
    assert np.all(found["log_partition"] >= np.log(n_keys) * (1 - rounding))  # Jensen


@pytest.mark.parametrize("n_keys", N_KEYS)
def test_every_field_moves_one_way_with_sigma(n_keys: int) -> None:
    """A wider spread concentrates the weights, also across the changes of method."""
    law = fields(softmax_law(np.sort(np.concatenate([SIGMAS, SIGMAS[:-1] * 1.02, [0.4, 4.0, 45.0]])), n_keys))
    for name in ("log_partition", "sum_p2", "sum_p3", "max_weight"):
        assert np.all(np.diff(law[name]) > 0), name
    assert np.all(np.diff(law["entropy"]) < 0)
    assert np.all(np.diff(law["jacobian_trace"]) < 1e-12)  # at n = 10¹² and small σ its changes are below rounding
    assert law["jacobian_trace"][-1] < 0.01 * law["jacobian_trace"][0]


@pytest.mark.parametrize("n_keys", [2, 59, 61, 1024, 10**12])
@pytest.mark.parametrize(
    ("module", "constant", "sigma"),
    [(laplace_transform, "NARROW", 0.4), (laplace_transform, "WIDE", 45.0), (largest_weight, "NARROW", 4.0)],
    ids=["narrow", "wide", "largest"],
)
def test_neighbouring_methods_agree_where_they_meet(
    changed: Callable[[object, str, float], None], module: object, constant: str, sigma: float, n_keys: int
) -> None:
    """Either method, forced at the σ that separates them, gives the same values, but not the same digits."""
    assert getattr(module, constant) == sigma
    changed(module, constant, sigma / 1.1)
    above = fields(softmax_law(sigma, n_keys))
    changed(module, constant, sigma * 1.1)
    below = fields(softmax_law(sigma, n_keys))
    assert wrong(below, above, promised) == []
    assert any(below[name] != above[name] for name in ALL_FIELDS)


@pytest.mark.parametrize("sigma", [0.1, 1.0, 4.5, 30.0, 1e4])
@pytest.mark.parametrize("change", [60, 4097])
def test_fields_are_smooth_in_n_across_the_changes_of_method(sigma: float, change: int) -> None:
    """The eighth difference over nine neighbouring n magnifies a jump in the middle 35 times; the law's own is 10⁻⁹."""
    assert change in [keys.fewest for keys in laplace_transform.KEY_RANGES]
    around = [softmax_law(sigma, n) for n in range(change - 5, change + 4)]
    for name in ALL_FIELDS:
        values = np.array([float(getattr(law, name)) for law in around])
        allowed = 5 * promised(name) * values[4]
        assert abs(np.diff(values, 8)[0]) <= allowed, name
        values[5:] *= 1 + promised(name)
        assert abs(np.diff(values, 8)[0]) > allowed, "a jump of the promised error must show"


@pytest.mark.parametrize("n_keys", [2, 59, 60, 4096, 10**12])
def test_fields_are_smooth_in_sigma_across_the_grids(n_keys: int) -> None:
    """As above, where a new grid begins: at σ = 1, 2^(1/4), 2^(1/2) and so on to 2^13."""
    octaves = np.arange(0, 13, 1 / laplace_transform.GRIDS_PER_OCTAVE)
    found = fields(softmax_law(2.0 ** (octaves[:, None] + 1e-3 * (np.arange(9) - 4.5)), n_keys))
    for name in FIELDS:
        values = found[name].copy()
        allowed = 5 * promised(name) * values[:, 4]
        assert np.all(np.abs(np.diff(values, 8)[:, 0]) <= allowed), name
        values[:, 5:] *= 1 + promised(name)
        assert np.all(np.abs(np.diff(values, 8)[:, 0]) > allowed), "a jump of the promised error must show"


def finer(changed: Callable[[object, str, float], None], what: str) -> None:
    """One approximation made better."""
    if what == "steps halved":
        for module in (laplace_transform, largest_weight):
            changed(module, "STEP", module.STEP / 2)
    elif what == "longer tails":
        for module, more in ((laplace_transform, 12.0), (largest_weight, 8.0)):
            changed(module, "TAIL", module.TAIL + more)
        for module in (laplace_transform, largest_weight):
            changed(module, "GUMBEL_END", module.GUMBEL_END + 0.45)
    elif what == "higher degree":
        changed(laplace_transform, "N_CHEBYSHEV", 44)
        changed(panels, "ORDER", 14)
    elif what == "nothing left out":
        changed(largest_weight, "NEGLIGIBLE", 0.0)


@pytest.mark.parametrize("what", ["steps halved", "longer tails", "higher degree", "nothing left out"])
def test_refining_the_quadrature_changes_nothing(changed: Callable[[object, str, float], None], what: str) -> None:
    """Half the steps, longer tails, higher degrees or all nodes move no field by more than the promised error."""
    sigmas = np.sort(np.append(SIGMAS, [3.0, 5.5, 7.4, 11.0]))
    before = {n: fields(softmax_law(sigmas, n)) for n in (2, 59, 60, 4096, 4097, 10**6, 10**12)}
    finer(changed, what)
    for n, coarse in before.items():
        fine = fields(softmax_law(sigmas, n))
        assert any(not np.array_equal(fine[name], coarse[name]) for name in ALL_FIELDS), "the refinement took hold"
        assert wrong(coarse, fine, promised) == [], n


def test_coarser_steps_are_noticed(changed: Callable[[object, str, float], None]) -> None:
    """The negative control of the refinement: steps four times as long are off by more than the promised errors."""
    exact = fields(softmax_law(1.0, 50))
    changed(laplace_transform, "STEP", 1.0)
    changed(largest_weight, "STEP", 1.6)
    assert wrong(fields(softmax_law(1.0, 50)), exact, promised) == list(ALL_FIELDS)


def test_digits_do_not_depend_on_what_was_asked_for_before() -> None:
    """A law's values are the same to the last bit alone, after others, with other σ, and in several threads."""
    numbers = (2, 7, 59, 60, 1000, 4097, 10**12)
    laws = {}
    for n in numbers:
        forget()
        laws[n] = fields(softmax_law(SIGMAS, n))
    forget()
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda n: fields(softmax_law(SIGMAS, n)), numbers[::-1]))
    for n, threaded in zip(numbers[::-1], together, strict=True):
        some = fields(softmax_law(SIGMAS[::-3], n))
        for name in ALL_FIELDS:
            assert np.array_equal(threaded[name], laws[n][name])
            assert np.array_equal(some[name], laws[n][name][::-3])


def test_transforms_are_shared_by_the_numbers_of_keys_of_a_range() -> None:
    """A second number of keys computes nothing anew; another range does."""
    forget()
    misses = []
    for n in (60, 61, 4096, 4097):
        fields(softmax_law(SIGMAS, n))
        misses.append((laplace_transform._transforms.cache_info().misses, largest_weight._nodes.cache_info().misses))
    assert misses[0] == misses[1] == misses[2] == (len(SIGMAS) - 3, len(SIGMAS))  # the four σ below 1 share a grid
    assert misses[3] == (2 * misses[0][0], 2 * misses[0][1])


def test_below_freezing_the_entropy_is_that_of_the_random_energy_model() -> None:
    """Asymptotic, n → ∞ at σ < √(2 ln n): H → ln n - σ²/2 and ln Z → ln n + σ²/2.

    At σ = 2 the error shrinks with n at every step and is below 10⁻³ nats (0.004 % of ln n) at n = 10¹².
    """
    ns = [10**3, 10**6, 10**9, 10**12]
    laws = [softmax_law(2.0, n) for n in ns]
    for sign, name in ((-1, "entropy"), (1, "log_partition")):
        errors = np.array(
            [abs(float(getattr(law, name)) - (np.log(n) + sign * 2.0)) for law, n in zip(laws, ns, strict=True)]
        )
        assert np.all(np.diff(errors) < 0), name
        assert errors[-1] < 1e-3, name
        assert errors[0] > 1e-2, "at n = 1000 the limit is visibly not the law"


@pytest.mark.parametrize("ratio", [1.5, 2.0, 4.0])
def test_beyond_freezing_a_few_keys_take_a_fixed_share(ratio: float) -> None:
    """Asymptotic, n → ∞ at σ = ratio · √(2 ln n): Σp² → 1 - 1/ratio, slowly, from above."""
    ns = [10**2, 10**4, 10**6, 10**9, 10**12]
    errors = [float(softmax_law(ratio * np.sqrt(2 * np.log(n)), n).sum_p2) - (1 - 1 / ratio) for n in ns]
    assert np.all(np.diff(errors) < 0)
    assert 0 < errors[-1] < 0.06


def test_one_key_takes_everything() -> None:
    """n = 1: all weight on it, no entropy, and a log-partition of mean 0."""
    expected = dict.fromkeys(ALL_FIELDS, 0.0) | dict.fromkeys(("sum_p2", "sum_p3", "max_weight"), 1.0)
    assert {name: float(value) for name, value in fields(softmax_law(3.0, 1)).items()} == expected


def test_fields_have_the_shape_of_sigma() -> None:
    """Numbers give numbers, tables give tables, each entry what its σ alone gives."""
    sigmas = np.array([[0.1, 1.0], [5.0, 50.0]])
    table = fields(softmax_law(sigmas, 7))
    for name, values in table.items():
        assert values.shape == sigmas.shape
        assert float(getattr(softmax_law(5.0, 7), name)) == values[1, 0]
        assert np.shape(getattr(softmax_law(5.0, 7), name)) == ()


@pytest.mark.parametrize(
    ("sigma", "n_keys", "message"),
    [
        (0.9e-3, 8, "sigma must lie .*received 0.0009"),
        (1.1e4, 8, "sigma must lie .*received 11000"),
        (-1.0, 8, "sigma must lie .*received -1"),
        (np.nan, 8, "sigma must lie .*received nan"),
        (np.inf, 8, "sigma must lie .*received inf"),
        ([1.0, np.nan], 8, "sigma must lie .*nan"),
        (np.append(np.ones(200), np.nan), 8, "sigma must lie .*nan"),
        (1.0, 0, "n_keys must be .*received 0"),
        (1.0, -3, "n_keys must be .*received -3"),
        (1.0, 10**12 + 1, "n_keys must be .*received 1000000000001"),
        (1.0, 2.5, "n_keys must be .*received 2.5"),
        (1.0, True, "n_keys must be .*received True"),
        (1.0, np.True_, "n_keys must be .*True"),
        (1.0, np.nan, "n_keys must be .*received nan"),
        (1.0, np.inf, "n_keys must be .*received inf"),
    ],
)
def test_values_out_of_range_get_one_clear_line(sigma: object, n_keys: object, message: str) -> None:
    """The refused value is named, in one line."""
    with pytest.raises(ValueError, match=message) as caught:
        softmax_law(sigma, n_keys)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("n_keys", [1, 10**12, 8.0, np.int64(8)])
@pytest.mark.parametrize("sigma", [1e-3, 1e4])
def test_the_ends_of_the_ranges_are_allowed(sigma: float, n_keys: float) -> None:
    """Ranges include their ends, and a whole float is a whole number."""
    assert softmax_law(sigma, n_keys).n_keys == n_keys  # type: ignore[arg-type]
