"""Quadrature on panels: exact for the polynomials it says, panel by panel, for any stack of values."""

import numpy as np
import pytest

from scaling.panels import ORDER, Panels


@pytest.mark.parametrize(("width", "count"), [(5.0, 1), (3.0, 1), (1.5, 2), (1.4, 3), (0.1, 30)])
def test_panels_are_no_wider_than_asked_for(width: float, count: int) -> None:
    """As few as that allows, equal, with their nodes in order and inside; the weights add up to the length."""
    panels = Panels.on(-1.0, 2.0, width)
    assert panels.nodes.shape == panels.weights.shape == (ORDER * count,)
    assert panels.half_width == pytest.approx(1.5 / count)
    assert np.all(np.diff(panels.nodes) > 0)
    assert panels.weights.sum() == pytest.approx(3.0)
    cells = np.floor((panels.nodes + 1) / (3 / count)).astype(int)
    assert cells.tolist() == np.repeat(np.arange(count), ORDER).tolist()


@pytest.mark.parametrize("width", [3.0, 0.7])
def test_polynomials_are_integrated_exactly(width: float) -> None:
    """To twice the order as a whole, and to every node below the order; one degree more is off in a single panel."""
    panels = Panels.on(-1.0, 2.0, width)
    for power in range(2 * ORDER):
        exact = (2.0 ** (power + 1) - (-1.0) ** (power + 1)) / (power + 1)
        assert panels.nodes**power @ panels.weights == pytest.approx(exact, rel=1e-12), power
    for power in range(ORDER):
        exact_at = (panels.nodes ** (power + 1) - (-1.0) ** (power + 1)) / (power + 1)
        assert panels.cumulative(panels.nodes**power) == pytest.approx(exact_at, abs=1e-12), power
    beyond = (panels.nodes ** (ORDER + 1) - (-1.0) ** (ORDER + 1)) / (ORDER + 1)
    assert (np.abs(panels.cumulative(panels.nodes**ORDER) - beyond).max() > 1e-6) == (width == 3.0)


def test_stacks_are_integrated_row_by_row() -> None:
    """Along the last axis, whatever stands before it."""
    panels = Panels.on(0.0, 2.0, 0.5)
    values = np.random.default_rng(1).normal(size=(2, 3, len(panels.nodes)))
    found = panels.cumulative(values)
    assert found.shape == values.shape
    for i in range(2):
        assert found[i] == pytest.approx(panels.cumulative(values[i]), rel=1e-13)
        for j in range(3):
            assert found[i, j] == pytest.approx(panels.cumulative(values[i, j]), rel=1e-13)
