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
    found: np.ndarray = np.abs(panels.at(sigma)(function(panels.nodes)) / function(sigma) - 1)
    return found


@pytest.mark.parametrize("sigma_max", SIGMA_MAX)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_smooth_positive_functions_are_reproduced_over_many_powers_of_ten(name: str, sigma_max: float) -> None:
    """With the panels of the attention law, to 1e-9 and 1e-6, from 1e-9 sigma_max up to both ends."""
    sigma = np.concatenate([[0.0], np.geomspace(1e-9 * sigma_max, sigma_max, 2000)])
    assert errors(PANELS.reaching(sigma_max), FUNCTIONS[name], sigma).max() < 1e-9
    assert errors(PANELS_OF_THE_LARGEST.reaching(sigma_max), FUNCTIONS[name], sigma).max() < 1e-6


def test_a_third_of_the_nodes_is_not_enough() -> None:
    """The negative control: the same functions and tolerance refuse them."""
    sigma = np.geomspace(1e-5, 1e4, 2000)
    coarse = SigmaPanels(PANELS.edges, PANELS.order // 3)
    refused = [name for name, function in FUNCTIONS.items() if errors(coarse, function, sigma).max() > 1e-6]
    assert refused == [name for name in FUNCTIONS if name != "constant"]


@pytest.mark.parametrize("value", [1e-300, 1e-3, 1.0, 1e3, 1e300])
@pytest.mark.parametrize("sigma_max", SIGMA_MAX)
def test_at_a_node_its_own_value_is_given(sigma_max: float, value: float) -> None:
    """For values of any size, where σ is the node itself and where rounding puts it next to it."""
    panels = PANELS.reaching(sigma_max)
    values = value * np.exp(np.cos(np.arange(panels.nodes.size)))  # different at every node, and not smooth
    assert panels.at(panels.nodes)(values) == pytest.approx(values, rel=1e-10, abs=0)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_last_edge_belongs_to_the_last_panel(name: str) -> None:
    """As the first one, 0, does to the first."""
    panels = SigmaPanels((0.0, 0.5, 2.0), 24)
    assert errors(panels, FUNCTIONS[name], np.sinh(np.array([0.0, 0.5, 2.0]))).max() < 1e-9


def test_nodes_are_distinct_and_inside() -> None:
    """`order` nodes a panel, in the panels' order, none shared and none at an end."""
    panels = SigmaPanels((0.0, 0.5, 2.0), 20)
    v = np.arcsinh(panels.nodes).reshape(2, 20)
    assert np.unique(v).size == 40
    assert np.all((v[0] > 0) & (v[0] < 0.5))
    assert np.all((v[1] > 0.5) & (v[1] < 2.0))


@pytest.mark.parametrize(("sigma_max", "n_panels"), [(1e-3, 1), (np.sinh(0.999), 1), (np.sinh(1.001), 2), (10.0, 3)])
def test_only_the_panels_that_are_needed_are_kept_and_stay_where_they_are(sigma_max: float, n_panels: int) -> None:
    """Nodes are the first of all the nodes, whatever is the largest σ."""
    panels = SigmaPanels((0.0, 1.0, 2.0, 4.0), 5)
    assert np.array_equal(panels.reaching(sigma_max).nodes, panels.nodes[: 5 * n_panels])


def test_beyond_the_last_edge_is_refused() -> None:
    """Extrapolation would be wrong silently."""
    with pytest.raises(ValueError, match=r"SigmaPanels: sigma must lie below 27.2899; received 27.5"):
        SigmaPanels((0.0, 1.0, 4.0), 5).reaching(27.5)


def test_values_have_the_shape_of_sigma() -> None:
    """Numbers give numbers and tables tables, each entry what its σ alone gives."""
    at_nodes = FUNCTIONS["bends at 5"](PANELS.nodes)
    sigma = np.array([[0.0, 1.0, 2.0], [5.0, 29.0, 30.0]])
    table = PANELS.at(sigma)(at_nodes)
    assert table.shape == sigma.shape
    for position in np.ndindex(sigma.shape):
        alone = PANELS.at(np.asarray(sigma[position]))(at_nodes)
        assert alone.shape == ()
        assert alone == pytest.approx(table[position], rel=1e-13)
