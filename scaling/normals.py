"""Standard normal numbers in float32, faster than NumPy's own: Box and Muller's method on vectorised ufuncs."""

import math

import numpy as np
from numpy.typing import NDArray

PIECE = 2**16  # numbers made at once, so that the work on them stays within a core's cache

_HALF, _UNIT, _TURN = np.float32(0.5), np.float32(2.0**-32), np.float32(2 * math.pi * 2.0**-32)
_MINUS_TWO = np.float32(-2.0)


def standard_normals(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Independent N(0, 1) draws of a shape; `rng` decides all of them.

    √(-2 ln u) cos 2πv and √(-2 ln u) sin 2πv, u and v uniform from 32 random bits each (Box and Muller 1958). The bits
    are read as unsigned and moved by half a unit, so that u is never 0: draws end at √(2 · 33 ln 2) = 6.76, beyond
    which lie 1.4e-11 of a normal law. Last digits may differ between kinds of processors.
    """
    size = math.prod(shape)
    normals = np.empty(size, np.float32)
    for first in range(0, size, PIECE):
        piece = normals[first : first + PIECE]
        half = -(-piece.size // 2)
        bits = rng.integers(0, 2**64 - 1, half, dtype=np.uint64, endpoint=True).view(np.uint32)
        uniforms = bits.astype(np.float32)
        radii, angles = uniforms[:half], uniforms[half:]
        radii += _HALF
        radii *= _UNIT
        np.log(radii, out=radii)
        radii *= _MINUS_TWO
        np.sqrt(radii, out=radii)
        angles *= _TURN
        np.multiply(radii, np.cos(angles), out=piece[:half])
        rest = piece[half:]
        np.multiply(radii[: rest.size], np.sin(angles[: rest.size]), out=rest)
    return normals.reshape(shape)
