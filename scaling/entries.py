"""Laws of the entries of q and k, each with its exact mean, variance and kurtosis.

The derivation of Var(q·k) = d_k asks three things of the entries: independent, mean 0, variance 1. Which law they
follow is left open, and that is why several are offered here.
"""

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scaling.arrays import is_number, shown
from scaling.normals import standard_normals

Shape = tuple[int, ...]

LARGEST = 1e75  # parameter, and 1/LARGEST the smallest width: fourth powers stay within floats


class EntryLaw(Protocol):
    """The common law of independent, identically distributed entries."""

    @property
    def mean(self) -> float:
        """E[x]."""

    @property
    def variance(self) -> float:
        """E[(x - mean)²]."""

    @property
    def kurtosis(self) -> float:
        """Pearson's kurtosis E[(x - mean)⁴] / variance², 3 for a normal law."""

    def sample(self, rng: np.random.Generator, shape: Shape) -> NDArray[np.float64]:
        """Independent draws of the given shape; `rng` decides all of them."""

    def sample_single(self, rng: np.random.Generator, shape: Shape) -> NDArray[np.float32]:
        """The same law in single precision, where that is faster; other draws than those of `sample`."""


@dataclass(frozen=True)
class Gaussian:
    """N(mean, sd²); ValueError unless |mean| ≤ 1e75 and 1e-75 ≤ sd ≤ 1e75."""

    mean: float = 0.0
    sd: float = 1.0
    kurtosis: float = field(init=False, default=3.0)

    def __post_init__(self) -> None:
        if not is_number(self.mean) or abs(self.mean) > LARGEST:
            raise ValueError(f"Gaussian: mean must be a number from -1e75 to 1e75; received {shown(self.mean)}")
        if not is_number(self.sd) or not 1 / LARGEST <= self.sd <= LARGEST:
            raise ValueError(f"Gaussian: sd must be a number from 1e-75 to 1e75; received {shown(self.sd)}")

    @property
    def variance(self) -> float:
        """sd²."""
        return self.sd**2

    def sample(self, rng: np.random.Generator, shape: Shape) -> NDArray[np.float64]:
        """Independent draws of the given shape."""
        draws = rng.standard_normal(shape)
        if (self.mean, self.sd) != (0.0, 1.0):
            draws *= self.sd
            draws += self.mean
        return draws

    def sample_single(self, rng: np.random.Generator, shape: Shape) -> NDArray[np.float32]:
        """Independent draws in single precision."""
        draws = standard_normals(rng, shape)
        if (self.mean, self.sd) != (0.0, 1.0):
            draws *= np.float32(self.sd)
            draws += np.float32(self.mean)
        return draws


@dataclass(frozen=True)
class Uniform:
    """Uniform on [low, high); the default ±√3 has mean 0 and variance 1.

    Raises ValueError unless |low| ≤ 1e75, |high| ≤ 1e75 and high - low ≥ 1e-75.
    """

    low: float = -math.sqrt(3.0)
    high: float = math.sqrt(3.0)
    kurtosis: float = field(init=False, default=1.8)

    def __post_init__(self) -> None:
        for name, value in (("low", self.low), ("high", self.high)):
            if not is_number(value) or abs(value) > LARGEST:
                raise ValueError(f"Uniform: {name} must be a number from -1e75 to 1e75; received {shown(value)}")
        if self.high - self.low < 1 / LARGEST:
            raise ValueError(
                f"Uniform: high must be above low by 1e-75 or more; received low {self.low!r} and high {self.high!r}"
            )

    @property
    def mean(self) -> float:
        """(low + high) / 2."""
        return (self.low + self.high) / 2

    @property
    def variance(self) -> float:
        """(high - low)² / 12."""
        return (self.high - self.low) ** 2 / 12

    def sample(self, rng: np.random.Generator, shape: Shape) -> NDArray[np.float64]:
        """Independent draws of the given shape."""
        return rng.uniform(self.low, self.high, shape)

    def sample_single(self, rng: np.random.Generator, shape: Shape) -> NDArray[np.float32]:
        """Independent draws in single precision."""
        draws = rng.random(shape, dtype=np.float32)
        draws *= np.float32(self.high - self.low)
        draws += np.float32(self.low)
        return draws


@dataclass(frozen=True)
class Sign:
    """+1 or -1 with probability 1/2 each (Rademacher)."""

    mean: float = field(init=False, default=0.0)
    variance: float = field(init=False, default=1.0)
    kurtosis: float = field(init=False, default=1.0)

    def sample(self, rng: np.random.Generator, shape: Shape) -> NDArray[np.float64]:
        """Independent draws of the given shape."""
        return self._signs(rng, shape).astype(np.float64)

    def sample_single(self, rng: np.random.Generator, shape: Shape) -> NDArray[np.float32]:
        """The very same draws in single precision, which holds them exactly."""
        return self._signs(rng, shape).astype(np.float32)

    @staticmethod
    def _signs(rng: np.random.Generator, shape: Shape) -> NDArray[np.int8]:
        """One random bit each."""
        size = math.prod(shape)
        words = rng.integers(0, 2**64 - 1, -(-size // 64), dtype=np.uint64, endpoint=True)
        signs = np.unpackbits(words.view(np.uint8), count=size).view(np.int8)
        signs *= 2
        signs -= 1
        return signs.reshape(shape)


@dataclass(frozen=True)
class StudentT:
    """Student's t with `nu` > 4 degrees of freedom, divided by √(ν/(ν-2)), its own standard deviation: variance 1.

    Raises ValueError unless 4 < nu < ∞: the kurtosis 3 + 6/(ν-4) must exist, and ν = ∞ is the law `Gaussian`.
    """

    nu: float = 8.0
    mean: float = field(init=False, default=0.0)
    variance: float = field(init=False, default=1.0)

    def __post_init__(self) -> None:
        if not is_number(self.nu) or self.nu <= 4:
            raise ValueError(
                f"StudentT: nu is {shown(self.nu)}; it must be above 4 for the kurtosis to exist, and a finite number"
            )

    @property
    def kurtosis(self) -> float:
        """3 + 6/(ν-4)."""
        return 3 + 6 / (self.nu - 4)

    def sample(self, rng: np.random.Generator, shape: Shape) -> NDArray[np.float64]:
        """Independent draws of the given shape."""
        draws: NDArray[np.float64] = rng.standard_t(self.nu, shape)
        draws *= math.sqrt((self.nu - 2) / self.nu)
        return draws

    def sample_single(self, rng: np.random.Generator, shape: Shape) -> NDArray[np.float32]:
        """The same draws, rounded to single precision."""
        return self.sample(rng, shape).astype(np.float32)


ENTRY_LAWS: dict[str, Callable[[], EntryLaw]] = {
    "gaussian": Gaussian,
    "uniform": Uniform,
    "sign": Sign,
    "student-t": StudentT,
}


def entry_law(name: str) -> EntryLaw:
    """The entry law of that name with its default parameters; ValueError, with the nearest name, when unknown."""
    if not isinstance(name, str) or name not in ENTRY_LAWS:  # type: ignore[redundant-expr]  # callers may be untyped
        nearest = difflib.get_close_matches(str(name), ENTRY_LAWS, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        raise ValueError(f"entry law {shown(name)} is unknown; allowed: {', '.join(ENTRY_LAWS)}{hint}")
    return ENTRY_LAWS[name]()
