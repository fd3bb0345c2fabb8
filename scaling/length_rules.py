"""Rules whose factor depends on the number of keys, for rows of very different lengths: m(n) · q·k / √d_k."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from scaling.arrays import check_sizes, is_count, is_number, shown
from scaling.rules import LinearRule


class LengthRule(LinearRule):
    """Scaled scores times a number m that the number of keys decides."""

    @abstractmethod
    def multiplier(self, n_keys: int) -> float:
        """The number m that multiplies every scaled score; ValueError unless n_keys is a whole number from 1."""

    def factor_at(self, d_k: int, n_keys: int) -> float:
        """c = m(n_keys) / √d_k."""
        check_sizes(f"{type(self).__name__}.factor_at", d_k=d_k, n_keys=n_keys)
        return float(self.multiplier(n_keys) * int(d_k) ** -0.5)


@dataclass(frozen=True)
class LogRule(LengthRule):
    """Multiply by the logarithm of n to the base `length`, at which m = 1: m = (ln n / ln length)^power.

    power = 1: Su 2021, with the base 512; Chiang and Cholak 2022 (arXiv 2202.12172), with another constant. power = 1/2
    is the one that keeps H/ln n where scores are independent and normal: then H ≈ ln n - m²/2 below freezing, which
    lies at m = √(2 ln n). ValueError unless length is a whole number from 2 and power a number from 0 to 4.
    """

    name: str
    length: int
    power: float = 1.0

    def __post_init__(self) -> None:
        _refuse_length("LogRule", self.length, least=2)
        if not is_number(self.power) or not 0 <= float(self.power) <= 4:
            raise ValueError(f"LogRule: power must be a number from 0 to 4; received {shown(self.power)}")

    @property
    def formula(self) -> str:
        """(log n)^power z / √d_k."""
        logarithm = rf"\log_{{{self.length}}} n"
        words = {1.0: logarithm, 0.5: rf"\sqrt{{{logarithm}}}"}
        return rf"{words.get(float(self.power), f'({logarithm})^{{{self.power:g}}}')} \, z / \sqrt{{d_k}}"

    @property
    def source(self) -> str:
        """Published for the power 1."""
        return "Su 2021; Chiang and Cholak 2022" if self.power == 1 else "from the exact law"

    def multiplier(self, n_keys: int) -> float:
        """m = (ln n / ln length)^power."""
        check_sizes("LogRule.multiplier", n_keys=n_keys)
        return float((math.log(int(n_keys)) / math.log(int(self.length))) ** float(self.power))


@dataclass(frozen=True)
class ScalableRule(LengthRule):
    """Scalable softmax: n^(s z) in place of e^z, that is m = s ln n; not z - s ln n, for which see `ShiftedRule`.

    Nakanishi 2025, arXiv 2501.19399, equation (2), where z stands for scaled scores and s is learned. ValueError unless
    s is a number from 1e-6 to 1e6.
    """

    name: str
    s: float
    source: ClassVar[str] = "Nakanishi 2025"

    def __post_init__(self) -> None:
        _refuse_s("ScalableRule", self.s)

    @property
    def formula(self) -> str:
        """s ln n · z / √d_k."""
        return rf"{self.s:g} \ln n \cdot z / \sqrt{{d_k}}"

    def multiplier(self, n_keys: int) -> float:
        """m = s ln n."""
        check_sizes("ScalableRule.multiplier", n_keys=n_keys)
        return float(self.s) * math.log(int(n_keys))


@dataclass(frozen=True)
class YarnRule(LengthRule):
    """YaRN's temperature: z / (t √d_k) with √(1/t) = 0.1 ln(n / length) + 1 beyond the trained length; t = 1 up to it.

    Peng et al. 2023, arXiv 2309.00071, whose extension of the context is taken to be n_keys / length here. What YaRN
    does to positions is left out. ValueError unless length is a whole number from 1.
    """

    name: str
    length: int
    source: ClassVar[str] = "Peng and others 2023 (YaRN)"

    def __post_init__(self) -> None:
        _refuse_length("YarnRule", self.length, least=1)

    @property
    def formula(self) -> str:
        """1/t · z / √d_k."""
        return rf"(0.1 \ln \max(n / {self.length}, 1) + 1)^2 \, z / \sqrt{{d_k}}"

    def multiplier(self, n_keys: int) -> float:
        """m = 1/t = (0.1 ln(max(n / length, 1)) + 1)²."""
        check_sizes("YarnRule.multiplier", n_keys=n_keys)
        return (0.1 * math.log(max(int(n_keys) / int(self.length), 1.0)) + 1) ** 2


def _refuse_length(where: str, length: int, least: int) -> None:
    if not is_count(length) or length < least:
        raise ValueError(f"{where}: length must be a whole number from {least} to 2^62; received {shown(length)}")


def _refuse_s(where: str, s: float) -> None:
    if not is_number(s) or not 1e-6 <= float(s) <= 1e6:
        raise ValueError(f"{where}: s must be a number from 1e-6 to 1e6; received {shown(s)}")
