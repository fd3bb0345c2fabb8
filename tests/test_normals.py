"""Fast normal draws: their law to its tails, their independence, their shapes."""

import math

import numpy as np
import pytest
from scipy import special, stats

import scaling.normals
from judge import disagreements
from scaling.normals import standard_normals


def generator(seed: int) -> np.random.Generator:
    """As blocks have it."""
    return np.random.Generator(np.random.SFC64(seed))


def draws(seed: int, size: int) -> np.ndarray:
    """So many of them, in double precision."""
    return standard_normals(generator(seed), (size,)).astype(np.float64)


def test_moments_to_the_eighth() -> None:
    """Means of powers over 40 blocks of 2·10⁵: 0, 1, 0, 3, 0, 15, 0, 105."""
    blocks = [[np.mean(x**power) for power in range(1, 9)] for x in (draws(seed, 200_000) for seed in range(40))]
    assert disagreements(blocks, [0, 1, 0, 3, 0, 15, 0, 105]) == []


def test_shares_of_every_quantile_and_of_the_tails() -> None:
    """Beyond ±1, ±2 … ±5 and between: shares of 40 blocks of 10⁶ against the normal law."""
    edges = np.arange(-5.0, 6.0)
    shares = [np.histogram(draws(seed, 1_000_000), [-np.inf, *edges, np.inf])[0] / 1e6 for seed in range(40)]
    expected = np.diff(special.ndtr([-np.inf, *edges, np.inf]))
    common = expected > 1e-5  # fewer than ten to a block are no sample for a t interval
    assert disagreements(np.array(shares)[:, common], expected[common]) == []
    rare = np.array(shares).sum(axis=0)[~common] * 1e6
    for count, share in zip(rare, expected[~common], strict=True):
        assert stats.poisson.cdf(count, 40e6 * share) > 1e-7
        assert stats.poisson.sf(count - 1, 40e6 * share) > 1e-7


def test_kolmogorov_smirnov() -> None:
    """The largest distance to the normal distribution function over 10⁶ draws."""
    assert stats.kstest(draws(5, 1_000_000), "norm").pvalue > 1e-6


def test_a_law_a_little_too_wide_is_caught() -> None:
    """The negative control: draws stretched by 0.5 % fail the one judge, by 2 % the other."""
    assert disagreements([np.mean((1.005 * draws(seed, 200_000)) ** 2) for seed in range(40)], 1.0) == [0]
    assert stats.kstest(1.02 * draws(5, 1_000_000), "norm").pvalue < 1e-6


def test_the_two_halves_of_a_pair_are_independent() -> None:
    """Cosine and sine of one angle, and their squares, are uncorrelated; so are neighbours."""
    size = scaling.normals.PIECE
    correlations = []
    for seed in range(40):
        x = draws(seed, size)
        first, second = x[: size // 2], x[size // 2 :]
        correlations.append(
            [
                np.mean(first * second),
                np.mean((first**2 - 1) * (second**2 - 1)),
                np.mean(x[:-1] * x[1:]),
                np.mean((x[:-1] ** 2 - 1) * (x[1:] ** 2 - 1)),
            ]
        )
    assert disagreements(correlations, 0.0) == []


def test_draws_are_box_and_mullers_of_the_bits() -> None:
    """√(-2 ln u) cos 2πv and, in the second half, √(-2 ln u) sin 2πv, worked out in double precision."""
    words = generator(3).integers(0, 2**64 - 1, 500, dtype=np.uint64, endpoint=True).view(np.uint32).astype(np.float64)
    u, v = (words[:500] + 0.5) / 2**32, words[500:] / 2**32
    radii, angles = np.sqrt(-2 * np.log(u)), 2 * np.pi * v
    expected = np.concatenate([radii * np.cos(angles), radii * np.sin(angles)])
    assert draws(3, 1000) == pytest.approx(expected, abs=3e-6)
    assert draws(3, 999) == pytest.approx(expected[:999], abs=3e-6)


class Bits:
    """A generator that gives one word for ever."""

    def __init__(self, word: int) -> None:
        self._word = word

    def integers(self, low: int, high: int, size: int, **_: object) -> np.ndarray:
        """That word."""
        return np.full(size, self._word, np.uint64)


@pytest.mark.parametrize("word", [0, 2**64 - 1, 2**32 - 1, (2**32 - 1) << 32, 1, 1 << 63])
def test_no_bits_give_anything_infinite(word: int) -> None:
    """The logarithm never sees 0, and what lies beyond the farthest draw is one in 10¹¹."""
    x = standard_normals(Bits(word), (2,))  # type: ignore[arg-type]
    assert np.isfinite(x).all()
    assert np.abs(x).max() <= 6.77
    if word == 0:
        assert x[0] == pytest.approx(math.sqrt(2 * 33 * math.log(2)))
    assert 2 * special.ndtr(-6.76) == pytest.approx(1.4e-11, rel=0.05)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (3, 5), (2, 0, 4), (1, 70_001), (3, 2**15)])
def test_every_shape(shape: tuple[int, ...]) -> None:
    """Odd, empty and larger than a piece; the same draws whatever the shape, and single precision."""
    x = standard_normals(generator(1), shape)
    assert x.shape == shape
    assert x.dtype == np.float32
    assert np.array_equal(x.ravel(), standard_normals(generator(1), (math.prod(shape),)))
    assert len(np.unique(x)) >= 0.99 * x.size
