"""Laws of the entries of q and k, each with its exact mean, variance and kurtosis.

The derivation of Var(q·k) = d_k asks three things of the entries: independent, mean 0, variance 1. Which law they
follow is left open, and that is why several are offered here.
"""

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from scaling.arrays import is_number, shown
from scaling.normals import standard_normals

Shape = tuple[int, ...]

SMALLEST, LARGEST = 1e-75, 1e75  # width, and parameter: fourth powers stay within floats


@runtime_checkable
class VectorLaw(Protocol):
    """A law of vectors whose components have one mean and one variance, and may depend on each other."""

    @property
    def mean(self) -> float:
        """E[x] of every component."""

    @property
    def variance(self) -> float:
        """E[(x - mean)²] of every component."""

    def sample_single(self, rng: np.random.Generator, shape: Shape) -> NDArray[np.float32]:
        """Independent vectors along the last axis of the shape, in single precision; `rng` decides all of them."""


class EntryLaw(VectorLaw, Protocol):
    """The common law of independent, identically distributed entries: of a vector, or of an array of any shape.

    `sample_single` may be faster than `sample`, and draw others.
    """

    @property
    def kurtosis(self) -> float:
        """Pearson's kurtosis E[(x - mean)⁴] / variance², 3 for a normal law."""

    def sample(self, rng: np.random.Generator, shape: Shape) -> NDArray[np.float64]:
        """Independent draws of the given shape; `rng` decides all of them."""


@dataclass(frozen=True)
class Gaussian:
    """N(mean, sd²); ValueError unless |mean| ≤ 1e75 and 1e-75 ≤ sd ≤ 1e75.

    >>> Gaussian(mean=0.5).variance
    1.0
    """

    mean: float = 0.0
    sd: float = 1.0
    kurtosis: float = field(init=False, default=3.0)

    def __post_init__(self) -> None:
        if not is_number(self.mean) or abs(float(self.mean)) > LARGEST:
            raise ValueError(f"Gaussian: mean must be a number from -1e75 to 1e75; received {shown(self.mean)}")
        if not is_number(self.sd) or not SMALLEST <= float(self.sd) <= LARGEST:
            raise ValueError(f"Gaussian: sd must be a number from 1e-75 to 1e75; received {shown(self.sd)}")
        object.__setattr__(self, "mean", float(self.mean))  # of another precision its powers would not fit
        object.__setattr__(self, "sd", float(self.sd))

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

    >>> round(Uniform().variance, 12), round(Uniform(0, 1).variance, 4)
    (1.0, 0.0833)
    """

    low: float = -math.sqrt(3.0)
    high: float = math.sqrt(3.0)
    kurtosis: float = field(init=False, default=1.8)

    def __post_init__(self) -> None:
        for name, value in (("low", self.low), ("high", self.high)):
            if not is_number(value) or abs(float(value)) > LARGEST:
                raise ValueError(f"Uniform: {name} must be a number from -1e75 to 1e75; received {shown(value)}")
            object.__setattr__(self, name, float(value))
        if self.high - self.low < SMALLEST:
            raise ValueError(
                f"Uniform: high must be above low by 1e-75 or more; received low {self.low:g} and high {self.high:g}"
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
    """+1 or -1 with probability 1/2 each (Rademacher).

    >>> Sign().variance, Sign().kurtosis
    (1.0, 1.0)
    """

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

    >>> StudentT(nu=10).kurtosis
    4.0
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
        """Independent draws in single precision: z √((ν-2)/(2g)), z normal and g of the gamma law of shape ν/2."""
        draws = rng.standard_gamma(self.nu / 2, shape, dtype=np.float32)
        np.divide(np.float32((self.nu - 2) / 2), draws, out=draws)
        np.sqrt(draws, out=draws)
        draws *= standard_normals(rng, shape)
        return draws


@dataclass(frozen=True)
class Sparse:
    """0, but with probability `share` ±1/√share, either sign alike: variance 1.

    Not among ENTRY_LAWS: a small block of its products may be all zeros, whose variance has no logarithm. ValueError
    unless 1e-6 ≤ share ≤ 1; a share of 1 is the law `Sign`.

    >>> Sparse(share=0.25).kurtosis
    4.0
    """

    share: float = 0.1
    mean: float = field(init=False, default=0.0)
    variance: float = field(init=False, default=1.0)

    def __post_init__(self) -> None:
        if not is_number(self.share) or not 1e-6 <= self.share <= 1:
            raise ValueError(f"Sparse: share must be a number from 1e-6 to 1; received {shown(self.share)}")

    @property
    def kurtosis(self) -> float:
        """1/share."""
        return 1 / self.share

    def sample(self, rng: np.random.Generator, shape: Shape) -> NDArray[np.float64]:
        """Independent draws of the given shape."""
        u = rng.random(shape)
        draws: NDArray[np.float64] = self._where(u < self.share, u < self.share / 2) * np.float64(self.share**-0.5)
        return draws

    def sample_single(self, rng: np.random.Generator, shape: Shape) -> NDArray[np.float32]:
        """Independent draws in single precision, whose share is a multiple of 2⁻²⁴ not 6e-8 above the stated one."""
        u = rng.random(shape, dtype=np.float32)
        draws: NDArray[np.float32] = self._where(u < self.share, u < self.share / 2) * np.float32(self.share**-0.5)
        return draws

    @staticmethod
    def _where(is_used: NDArray[np.bool_], is_negative: NDArray[np.bool_]) -> NDArray[np.int8]:
        """0 where not used, else -1 or +1."""
        signs: NDArray[np.int8] = is_used.view(np.int8) - 2 * is_negative.view(np.int8)
        return signs


ENTRY_LAWS: dict[str, Callable[[], EntryLaw]] = {
    "gaussian": Gaussian,
    "uniform": Uniform,
    "sign": Sign,
    "student-t": StudentT,
}


def entry_law(name: str) -> EntryLaw:
    """The entry law of that name with its default parameters; ValueError, with the nearest name, when unknown.

    >>> entry_law("student-t").kurtosis  # 3 + 6/(8 - 4)
    4.5
    """
    if not isinstance(name, str) or name not in ENTRY_LAWS:  # type: ignore[redundant-expr]  # callers may be untyped
        nearest = difflib.get_close_matches(str(name), ENTRY_LAWS, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        raise ValueError(f"entry law {shown(name)} is unknown; allowed: {', '.join(ENTRY_LAWS)}{hint}")
    return ENTRY_LAWS[name]()
