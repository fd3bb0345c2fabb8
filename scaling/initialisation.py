"""What weight matrices start from, and how large that makes the first scores."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scaling.arrays import Floats, check_sizes, is_number, real_array_of_any_precision, shown
from scaling.entries import EntryLaw, Gaussian, Uniform

EPSILON = 1e-5  # of layer norm, as torch and GPT-2 have it
GPT_2_SD = 0.02  # of every weight, whatever its matrix


@dataclass(frozen=True)
class Initialisation:
    """Independent weights of mean 0, uniform or normal, whose variance may depend on their matrix."""

    of_fans: Callable[[int, int], float]
    is_uniform: bool

    def variance(self, fan_in: int, fan_out: int) -> float:
        """σ_w² of a matrix from `fan_in` numbers to `fan_out`; ValueError unless both are whole numbers from 1."""
        check_sizes("Initialisation.variance", fan_in=fan_in, fan_out=fan_out)
        return self.of_fans(int(fan_in), int(fan_out))

    def law(self, fan_in: int, fan_out: int) -> EntryLaw:
        """The law of each weight."""
        sd = self.variance(fan_in, fan_out) ** 0.5
        return Uniform(-math.sqrt(3.0) * sd, math.sqrt(3.0) * sd) if self.is_uniform else Gaussian(sd=sd)


INITIALISATIONS: dict[str, Initialisation] = {
    "linear": Initialisation(lambda fan_in, _: 1 / (3 * fan_in), is_uniform=True),  # torch's Linear: ±1/√fan_in
    "glorot": Initialisation(lambda fan_in, fan_out: 2 / (fan_in + fan_out), is_uniform=True),
    "he": Initialisation(lambda fan_in, _: 2 / fan_in, is_uniform=False),
    "unit": Initialisation(lambda fan_in, _: 1 / fan_in, is_uniform=False),
    "gpt-2": Initialisation(lambda _, __: GPT_2_SD**2, is_uniform=False),
}


def initial_variance(d_k: int, weight_variance: float, squares: float) -> float:
    """Var(q·k) = d_k σ_w⁴ E[‖x‖²‖y‖²] over the draw of the weights, for q = W_qᵀx and k = W_kᵀy; the mean is 0.

    Given x and y the components of q are independent, of mean 0 and variance σ_w² ‖x‖², those of k likewise, and q is
    independent of k: d_k terms, each of variance σ_w⁴ ‖x‖²‖y‖². Exact for all tokens: `squares` is (E‖x‖²)² for two
    independent ones, E‖x‖⁴ for a token with itself. ValueError for a d_k that is not a whole number from 1, and for
    numbers below 0 or too large for a float.

    >>> initial_variance(d_k=64, weight_variance=1 / 768, squares=768**2)  # unit weights after layer norm
    64.0
    """
    check_sizes("initial_variance", d_k=d_k)
    for name, value in (("weight_variance", weight_variance), ("squares", squares)):
        if not is_number(value) or float(value) < 0:
            raise ValueError(f"initial_variance: {name} must be a number from 0; received {shown(value)}")
    variance = int(d_k) * (float(weight_variance) * float(weight_variance)) * float(squares)
    if not math.isfinite(variance):
        raise ValueError(
            "initial_variance: d_k weight_variance² squares must not pass the largest float; "
            f"received {shown(d_k)}, {shown(weight_variance)} and {shown(squares)}"
        )
    return variance


def layer_norm(x: ArrayLike, epsilon: float = EPSILON) -> Floats:
    """(x - mean)/√(variance + ε) along the last axis, in the precision of x: ‖x‖² becomes the number of entries.

    But for ε: it becomes d variance/(variance + ε). An offset common to all entries drops out, and so does their size.
    ValueError for anything but finite real numbers along an axis of at least one, or larger ones than have a
    square in that precision, and for ε not a positive number.

    >>> layer_norm([1.0, 2.0, 3.0, 6.0]).round(3)
    array([-1.069, -0.535,  0.   ,  1.604])
    """
    values = real_array_of_any_precision(x, "layer_norm: x")
    if values.ndim == 0 or values.shape[-1] == 0:
        raise ValueError(f"layer_norm: x must have the shape (..., d) with d from 1; received shape {values.shape}")
    if not is_number(epsilon) or epsilon <= 0:
        raise ValueError(f"layer_norm: epsilon must be a positive number; received {shown(epsilon)}")
    with np.errstate(over="ignore", invalid="ignore"):  # looked for below
        deviations: Floats = values - values.mean(axis=-1, keepdims=True)
        variances = np.vecdot(deviations, deviations)[..., None] / values.shape[-1]
    if not np.isfinite(variances).all():
        raise ValueError(
            f"layer_norm: x must hold numbers whose squares fit its precision; received up to {np.abs(values).max():g}"
        )
    deviations /= np.sqrt(variances + variances.dtype.type(epsilon))
    return deviations
