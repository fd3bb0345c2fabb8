"""Streaming moments: merging is exact, whatever the pieces and their order."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scaling.moments import EMPTY, Moments

values = st.lists(st.floats(-100, 100, allow_subnormal=False), min_size=1, max_size=30)


def assert_same(found: Moments, expected: Moments, size: float) -> None:
    """Equal up to rounding, each moment relative to the size of its terms."""
    assert found.count == expected.count
    for name, power in (("mean", 1), ("m2", 2), ("m3", 3), ("m4", 4)):
        scale = expected.count * max(size, 1e-30) ** power
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=1e-12 * scale), name


@given(st.lists(values, min_size=1, max_size=6), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_any_split_in_any_order_gives_the_moments_of_the_whole(pieces: list[list[float]], random: object) -> None:
    """Merging pieces equals one pass over all values, in whatever order they come."""
    whole = np.concatenate(pieces)
    random.shuffle(pieces)  # type: ignore[attr-defined]
    assert_same(sum((Moments.of(piece) for piece in pieces), EMPTY), Moments.of(whole), np.abs(whole).max())


def test_against_numpy_and_scipy() -> None:
    """Variance and kurtosis equal the libraries' two-pass values."""
    x = np.random.default_rng(3).exponential(size=10_000) + 1000.0
    moments = sum((Moments.of(piece) for piece in np.array_split(x, 7)), EMPTY)
    assert moments.mean == pytest.approx(x.mean(), rel=1e-14)
    assert moments.variance == pytest.approx(x.var(), rel=1e-11)
    assert moments.sample_variance == pytest.approx(x.var(ddof=1), rel=1e-11)
    assert moments.excess_kurtosis == pytest.approx(stats.kurtosis(x), rel=1e-9)


def test_a_wrong_merge_would_be_seen() -> None:
    """Moments merged without the shift between the means are far from the truth: the comparison can fail."""
    a, b = np.zeros(5), np.ones(5)
    assert Moments.of(np.concatenate([a, b])).m2 == pytest.approx(2.5)
    assert Moments.of(a).m2 + Moments.of(b).m2 == 0


def test_array_form_round_trips() -> None:
    """to_array and from_array are inverse."""
    moments = Moments.of([1.0, 2.0, 4.0])
    assert Moments.from_array(moments.to_array()) == moments


def test_degenerate_samples() -> None:
    """No value is an error; one value has no unbiased variance; a constant has no kurtosis."""
    with pytest.raises(ValueError, match="the array is empty"):
        Moments.of([])
    assert np.isnan(Moments.of([1.0]).sample_variance)
    assert np.isnan(Moments.of([2.0, 2.0]).excess_kurtosis)


@pytest.mark.parametrize("values", [[0.1] * 1000, [1 / 3] * 999_999, [1e200] * 3, [1e-100, 3e-100], [1e-200, 2e-200]])
def test_what_rounding_leaves_of_a_constant_has_no_kurtosis(values: list[float]) -> None:
    """Deviations that are rounding alone, or whose fourth powers vanish, give nan; so do merged pieces of them."""
    moments = Moments.of(values)
    assert np.isnan(moments.excess_kurtosis)
    assert np.isnan((moments + moments).excess_kurtosis)


@pytest.mark.parametrize("mean", [1.0, 1e-9, 1e9])
def test_a_small_spread_about_a_large_mean_keeps_its_kurtosis(mean: float) -> None:
    """The negative control: a relative spread of 1e-12 is no constant, whatever the unit."""
    assert Moments.of([mean * (1 - 1e-12), mean * (1 + 1e-12)]).excess_kurtosis == pytest.approx(-2)


def test_what_counts_as_constant_ends_where_it_says() -> None:
    """At M2 = n (32 ε mean)² there is no kurtosis, a little above there is; nor with M4 below the smallest float."""
    rounding = 4 * (32 * sys.float_info.epsilon * 3.0) ** 2
    assert np.isnan(Moments(4.0, 3.0, rounding, 0.0, 1.0).excess_kurtosis)
    assert Moments(4.0, 3.0, rounding * 1.01, 0.0, 1.0).excess_kurtosis > 0
    assert Moments(2.0, 0.0, 2.0**-511, 0.0, sys.float_info.min).excess_kurtosis == -1
    assert np.isnan(Moments(2.0, 0.0, 2.0**-511, 0.0, sys.float_info.min / 2).excess_kurtosis)


def test_nothing_adds_nothing() -> None:
    """An empty sample changes no other one, however large its values, and two of them are empty."""
    large = Moments.of([1e200, 1e200])
    assert large + EMPTY == EMPTY + large == large
    assert (EMPTY + EMPTY).to_array().tolist() == [0.0] * 5


def test_two_values_have_an_unbiased_variance() -> None:
    """The smallest sample that has one: (3 - 1)²/2."""
    assert Moments.of([1.0, 3.0]).sample_variance == 2


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([np.nan], r"values must be finite real numbers; received nan in \[nan\]"),
        ([1.0, -np.inf], r"values must be finite real numbers; received -inf in \[1\.0, -inf\]"),
        (None, "values must be finite real numbers without a mask; received None"),
        ([1j], r"without a mask; received \[1j\]"),
        (np.ma.array([1.0, 2.0], mask=[False, True]), "without a mask; received masked_array"),
        (["a"], r"received \['a'\]"),
        ([[1.0], [2.0, 3.0]], r"received \[\[1\.0\], \[2\.0, 3\.0\]\]"),
        ([10**400], r"received \[10000"),
        (
            [1e200, -1e200],
            r"fourth powers .* must not pass the largest float; received values from -1e\+200 to 1e\+200",
        ),
        ([1e308, 1e308], r"fourth powers .* must not pass the largest float; received values from 1e\+308 to 1e\+308"),
    ],
)
def test_odd_values_get_one_clear_line(values: object, message: str) -> None:
    """What is not finite, not real or too large is refused by name."""
    with pytest.raises(ValueError, match=f"^Moments.of: .*{message}") as caught:
        Moments.of(values)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
