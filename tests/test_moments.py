"""Streaming moments: merging is exact, whatever the pieces and their order."""

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
