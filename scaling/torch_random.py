"""torch's uniform random numbers without torch: the stream behind the weights that the lecture prints.

For float32, `torch.rand` takes one 32-bit word of the Mersenne Twister (MT19937) for each number, keeps its low 24 bits
and divides by 2²⁴. NumPy has the same generator, seeded in the same way.
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from scaling.arrays import check_sizes, is_count, is_whole, shown

FIRST_SEED, LAST_SEED = -(2**63), 2**64 - 1  # what torch.manual_seed takes


class TorchRandom:
    """The stream that torch's CPU generator gives after `torch.manual_seed(seed)`; each call goes on where it is.

    Seeds are whole numbers from -2⁶³ to 2⁶⁴ - 1; as in torch a negative one counts back from 2⁶⁴, and the generator
    looks at the low 32 bits alone. ValueError for any other seed, and for a shape that is not of whole numbers from 1.

    >>> TorchRandom(123).rand((2,)).round(4)
    array([0.2961, 0.5166])
    """

    def __init__(self, seed: int) -> None:
        if not _is_seed(seed):
            raise ValueError(f"TorchRandom: seed must be a whole number from -2^63 to 2^64 - 1; received {shown(seed)}")
        self._words = np.random.RandomState(int(seed) % 2**32)

    def rand(self, shape: Iterable[int]) -> NDArray[np.float64]:
        """`torch.rand(*shape)`, bit for bit: uniform on [0, 1), in multiples of 2⁻²⁴."""
        try:
            sides = tuple(shape)
        except TypeError:  # a single number
            raise ValueError(_odd_shape(shape)) from None
        if not all(is_count(side) for side in sides):
            raise ValueError(_odd_shape(sides))
        size = tuple(int(side) for side in sides)
        words: NDArray[np.uint32] = self._words.randint(0, 2**32, size=size, dtype=np.uint32)
        return (words & np.uint32(2**24 - 1)).astype(np.float64) / 2.0**24

    def linear_weight(self, fan_in: int, fan_out: int) -> NDArray[np.float64]:
        """The weight (fan_out, fan_in) that `torch.nn.Linear(fan_in, fan_out, bias=False)` starts from.

        Uniform on ±1/√fan_in (Kaiming's rule as torch calls it, with a = √5), so that its entries have variance
        1/(3 fan_in). Equal to torch's up to the rounding of float32.
        """
        check_sizes("TorchRandom.linear_weight", fan_in=fan_in, fan_out=fan_out)
        return (2 * self.rand((fan_out, fan_in)) - 1) / math.sqrt(fan_in)

    def linear_bias(self, fan_in: int, fan_out: int) -> NDArray[np.float64]:
        """The bias (fan_out,) that a linear layer draws after its weight, uniform on ±1/√fan_in as well."""
        check_sizes("TorchRandom.linear_bias", fan_in=fan_in, fan_out=fan_out)
        return (2 * self.rand((fan_out,)) - 1) / math.sqrt(fan_in)


def _odd_shape(shape: object) -> str:
    return f"TorchRandom: a shape must hold whole numbers from 1; received {shown(shape)}"


def _is_seed(value: object) -> bool:
    return is_whole(value) and FIRST_SEED <= int(value) <= LAST_SEED
