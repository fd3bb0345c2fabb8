"""Interpolation in σ: known positive functions, their values at nodes and ends, and panels too wide to pass."""

from collections.abc import Callable

import numpy as np
import pytest

from scaling.attention_law import PANELS, PANELS_OF_THE_LARGEST
from scaling.interpolation import SigmaPanels

Function = Callable[[np.ndarray], np.ndarray]
SIGMA_MAX = [1e-3, 1.0, 30.0, 1e4]
FUNCTIONS: dict[str, Function] = {
    "constant": lambda s: np.full_like(s, 7.0),
    "falls to 1e-72": lambda s: (1 + s**2) ** -9.0,
    "rises to 1e240": lambda s: (1 + s**2) ** 30,
    "bends at 5": lambda s: 1 + (s / 5) ** 4 / (1 + (s / 5) ** 4),
    "steep as a freezing sum": lambda s: 1e-12 * np.exp(25 * s**2 / (s**2 + 50)),
}


def errors(panels: SigmaPanels, function: Function, sigma: np.ndarray) -> np.ndarray:
    """Relative errors at `sigma`."""
    found: np.ndarray = np.abs(panels.interpolate(function(panels.nodes), sigma) / function(sigma) - 1)
    return found


@pytest.mark.parametrize("sigma_max", SIGMA_MAX)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_smooth_positive_functions_are_reproduced_over_many_powers_of_ten(name: str, sigma_max: float) -> None:
    """With the panels of the attention law, to 1e-10 and 1e-6, from 1e-9 sigma_max up to both ends."""
    sigma = np.concatenate([[0.0], np.geomspace(1e-9 * sigma_max, sigma_max, 2000)])
    assert errors(SigmaPanels(sigma_max, *PANELS), FUNCTIONS[name], sigma).max() < 1e-10
    assert errors(SigmaPanels(sigma_max, *PANELS_OF_THE_LARGEST), FUNCTIONS[name], sigma).max() < 1e-6


def test_panels_four_times_as_wide_are_not_enough() -> None:
    """The negative control: the same functions and tolerance refuse them."""
    sigma = np.geomspace(1e-5, 1e4, 2000)
    coarse = SigmaPanels(1e4, 4 * PANELS[0], PANELS[1] // 4)
    refused = [name for name, function in FUNCTIONS.items() if errors(coarse, function, sigma).max() > 1e-6]
    assert refused == [name for name in FUNCTIONS if name != "constant"]


@pytest.mark.parametrize("value", [1e-300, 1e-3, 1.0, 1e3, 1e300])
@pytest.mark.parametrize("sigma_max", SIGMA_MAX)
def test_at_a_node_its_own_value_is_given(sigma_max: float, value: float) -> None:
    """For values of any size, where σ is the node itself and where rounding puts it next to it."""
    panels = SigmaPanels(sigma_max, *PANELS)
    values = value * np.exp(np.cos(np.arange(panels.nodes.size)))  # different at every node, and not smooth
    assert panels.interpolate(values, panels.nodes) == pytest.approx(values, rel=1e-10, abs=0)


def test_nodes_are_distinct_and_inside() -> None:
    """`order` nodes a panel, none shared, none at an end, panels of at most the given width."""
    for sigma_max in SIGMA_MAX:
        panels = SigmaPanels(sigma_max, 0.5, 20)
        nodes = np.sort(panels.nodes)
        assert nodes.size == 20 * max(1, np.ceil(np.arcsinh(sigma_max) / 0.5))
        assert np.all(np.diff(nodes) > 0)
        assert 0 < nodes[0] < nodes[-1] < sigma_max


def test_values_have_the_shape_of_sigma() -> None:
    """Numbers give numbers and tables tables, each entry what its σ alone gives."""
    panels = SigmaPanels(30.0, *PANELS)
    at_nodes = FUNCTIONS["bends at 5"](panels.nodes)
    sigma = np.array([[0.0, 1.0, 2.0], [5.0, 29.0, 30.0]])
    table = panels.interpolate(at_nodes, sigma)
    assert table.shape == sigma.shape
    for position in np.ndindex(sigma.shape):
        alone = panels.interpolate(at_nodes, np.asarray(sigma[position]))
        assert alone.shape == ()
        assert alone == pytest.approx(table[position], rel=1e-13)
