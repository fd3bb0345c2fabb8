"""What an interval can catch: the distance at which it excludes a value with a given power."""

import numpy as np
import pytest
from scipy import integrate, special, stats

from scaling.intervals import mean_interval, t_quantile
from scaling.power import detectable_distance

CASES = [(0.95, 2), (0.95, 8), (1 - 1e-3 / 350, 2), (1 - 1e-3 / 350, 4), (1 - 1e-3 / 350, 64), (1 - 1e-12, 100_000)]


@pytest.mark.parametrize("power", [0.5, 0.9, 0.99])
@pytest.mark.parametrize(("confidence", "n_blocks"), CASES)
def test_noncentral_t_lies_beyond_its_quantile_as_often(confidence: float, n_blocks: int, power: float) -> None:
    """The independent form: conditioning on the scatter instead of on the mean, by adaptive quadrature."""
    distance = detectable_distance(confidence, n_blocks, power)
    degrees, quantile = n_blocks - 1, t_quantile(confidence, n_blocks)

    def beyond(share: float) -> float:  # of blocks whose scatter is larger in this share of all samples
        return float(special.ndtr(distance - quantile * np.sqrt(special.chdtri(degrees, share) / degrees)))

    found, _ = integrate.quad(beyond, 0, 1, points=[1 - power], limit=500, epsabs=1e-9)
    assert found == pytest.approx(power, abs=2e-5)


@pytest.mark.parametrize("n_blocks", [5, 24, 64])
def test_it_is_scipys_noncentral_t(n_blocks: int) -> None:
    """Where SciPy's series converges it says the same."""
    distance = detectable_distance(0.999, n_blocks, 0.9)
    assert stats.nct.sf(t_quantile(0.999, n_blocks), n_blocks - 1, distance) == pytest.approx(0.9, abs=1e-5)


@pytest.mark.parametrize("factor", [1.0, 0.9])
def test_samples_that_far_off_are_caught_as_often(factor: float) -> None:
    """Of 20 000 samples of 8 blocks 90 % exclude the value, within five binomial errors; of nearer ones, fewer."""
    confidence, n_blocks = 0.999, 8
    distance = factor * detectable_distance(confidence, n_blocks, 0.9) / np.sqrt(n_blocks)
    blocks = np.random.default_rng(3).normal(distance, 1, size=(n_blocks, 20_000))
    caught = (mean_interval(blocks, confidence).low > 0).mean()
    assert (abs(caught - 0.9) < 5 * np.sqrt(0.09 / 20_000)) == (factor == 1.0)


def test_many_blocks_are_as_good_as_a_known_scatter() -> None:
    """The limit: the sum of two normal quantiles."""
    assert detectable_distance(0.95, 100_000, 0.9) == pytest.approx(1.959964 + 1.281552, abs=1e-4)


@pytest.mark.parametrize("power", [0.04, 0.0250001])
def test_little_more_than_comes_by_itself_takes_little_distance(power: float) -> None:
    """Less than a standard error, down to none; SciPy's noncentral t agrees there too."""
    distance = detectable_distance(0.95, 8, power)
    assert 0 < distance < 0.3
    assert stats.nct.sf(t_quantile(0.95, 8), 7, distance) == pytest.approx(power, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.5, 8, 0.25), "power is 0.25; it must lie between 0.25 and 1"),
        ((0.95, 8, 1.0), "power is 1.0; it must lie between 0.025 and 1"),
        ((0.95, 8, 0.02), r"power is 0\.02"),
        ((0.95, 8, float("nan")), "power is nan"),
        ((1.0, 8, 0.9), "confidence is 1.0"),
        ((0.95, 1, 0.9), "n_blocks is 1"),
    ],
)
def test_what_has_no_answer_is_refused(arguments: tuple[float, int, float], message: str) -> None:
    """In one line that names the argument."""
    with pytest.raises(ValueError, match=message):
        detectable_distance(*arguments)
