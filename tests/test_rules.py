"""Score scalings against their definitions."""

from typing import Any

import numpy as np
import pytest

from scaling import RAW, SCALED, PowerRule


def test_raw_and_scaled_by_hand() -> None:
    """Raw leaves scores alone; scaled divides by √d_k."""
    scores = np.array([8.0, -4.0])
    assert RAW(scores, 16).tolist() == [8.0, -4.0]
    assert SCALED(scores, 16).tolist() == [2.0, -1.0]


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.45, 0.5, 1.0])
def test_variance_follows_the_exponent(alpha: float) -> None:
    """Var(score) = d_k · c² = d_k^(1 - 2 alpha)."""
    rule = PowerRule("power", alpha)
    assert rule.variance(64) == pytest.approx(64 * rule.factor(64) ** 2)


def test_one_half_is_the_only_exponent_that_keeps_the_variance() -> None:
    """At d_k > 1 every other power leaves a variance other than 1."""
    kept = [alpha for alpha in np.linspace(0, 1, 101) if PowerRule("power", alpha).variance(256) == pytest.approx(1)]
    assert kept == [0.5]


@pytest.mark.parametrize("d_k", [0, -4, 2.0, True, None, "4"])
def test_an_impossible_d_k_is_refused(d_k: Any) -> None:
    """Vectors have a whole number of entries, at least one."""
    for name in ("factor", "variance"):
        with pytest.raises(ValueError, match=rf"^PowerRule\.{name}: d_k must be a whole number .*; received {d_k!r}$"):
            getattr(SCALED, name)(d_k)
    with pytest.raises(ValueError, match=r"^PowerRule\.factor: d_k must be"):
        SCALED(np.ones(2), d_k)


@pytest.mark.parametrize("alpha", [np.nan, np.inf, 9, None, "a"])
def test_an_impossible_exponent_is_refused(alpha: Any) -> None:
    """An exponent is a number, small enough for every factor to be a float."""
    with pytest.raises(ValueError, match=f"^PowerRule: alpha must be a number from -8 to 8; received {alpha!r}$"):
        PowerRule("odd", alpha)
