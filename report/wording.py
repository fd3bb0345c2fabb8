"""Numbers and measurements as captions and sentences write them."""

import math
from collections.abc import Iterable

from experiments.claims import Judgement


def plain(value: float, decimals: int) -> str:
    """A number with that many decimals and a real minus sign; no minus sign before a zero."""
    text = f"{value:.{decimals}f}"
    return (text.lstrip("-") if float(text) == 0 else text).replace("-", "−")


def decimals_for(judgement: Judgement) -> int:
    """Decimals that show two digits of the interval's half-width."""
    half_width = (judgement.high - judgement.low) / 2
    return max(0, min(8, 1 - math.floor(math.log10(half_width)))) if half_width > 0 else 4


def measured(judgement: Judgement) -> str:
    """The estimate, rounded to what its interval supports."""
    return plain(judgement.estimate, decimals_for(judgement))


def interval_text(judgement: Judgement) -> str:
    """The simultaneous interval, "low to high"."""
    decimals = decimals_for(judgement)
    return f"{plain(judgement.low, decimals)} to {plain(judgement.high, decimals)}"


def prediction_text(judgement: Judgement) -> str:
    """What the claim predicts: a value and its margin, or a bound."""
    claim = judgement.claim
    if claim.side != "within":
        return f"{claim.side} {claim.prediction:.3g}".replace("-", "−")
    if claim.prediction == round(claim.prediction, 6):
        prediction = f"{claim.prediction:.10g}".replace("-", "−")
    else:
        decimals = max(0, 1 - math.floor(math.log10(claim.margin)))
        prediction = plain(claim.prediction, max(decimals, decimals_for(judgement)))
    return f"{prediction} ± {float(f'{claim.margin:.2g}'):g}"


def rounded(value: float) -> str:
    """A large number in two significant digits, in thousands or millions: "3.1 million", "160 000"."""
    if value >= 1e6:
        return f"{value / 1e6:.2g}\u00a0million" if value < 1e8 else f"{grouped(round(value / 1e6))}\u00a0million"
    return grouped(int(float(f"{value:.2g}")))


def grouped(value: int) -> str:
    """An integer with thin spaces between groups of three digits, from five digits on."""
    return f"{value:,}".replace(",", "\u2009") if value >= 10_000 else str(value)


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = 3) -> str:
    """`value` with that many significant digits, a real minus sign, and a power of ten only where it helps."""
    if value != 0 and abs(value) < 1e-3:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa}\u00a0×\u00a010{str(int(exponent)).translate(_SUPERSCRIPT)}".replace("-", "−")
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:.0f}".replace("-", "−")
    return f"{value:#.{digits}g}".rstrip(".").replace("-", "−")


def power_of_ten(value: float, plain_below: float = 10_000) -> str:
    """A whole number; from 10 000 on, in two digits and with its power of ten: `4096`, `10⁶`, `5.2 × 10⁵`."""
    if value < plain_below:
        return f"{value:.0f}"
    mantissa, exponent = f"{value:.1e}".split("e")
    power = f"10{str(int(exponent)).translate(_SUPERSCRIPT)}"
    return power if float(mantissa) == 1 else f"{mantissa.removesuffix('.0')}\u00a0×\u00a0{power}"


def percent(fraction: float, digits: int = 2) -> str:
    """`fraction` in percent."""
    return f"{number(100 * fraction, digits)}\u00a0%"


def margin(fraction: float) -> str:
    """A chosen margin in percent, as it was chosen."""
    return f"{100 * fraction:g}\u00a0%"


def listing(words: Iterable[object]) -> str:
    """`a, b and c`."""
    *head, last = [str(word) for word in words]
    return f"{', '.join(head)} and {last}" if head else last


def count(amount: int, noun: str) -> str:
    """`1 claim`, `2 claims`."""
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"
