"""What is said of one head for each kind of finding, in its own numbers; plain text with maths as $...$."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from experiments.audit.kinds import FIXED, SHARP_SD
from report.wording import number, power_of_ten

Head = Any  # a row of the frame, as `itertuples` gives it
MOST_OF_IT, LITTLE_OF_IT = 0.75, 0.25  # shares of a variance with two parts, of which one or both are named
NEARLY_ALL = 0.95
LONG = 1e6
PLACES = {"on_own": "the token itself", "on_previous": "the token before", "on_first": "the first token"}


def short(value: float, digits: int = 3) -> str:
    """`number`, with a power of ten for what would be long otherwise, and a plain 0."""
    if value == 0:
        return "0"
    if abs(value) < LONG:
        return number(value, digits)
    return f"{'−' if value < 0 else ''}{power_of_ten(abs(value))}"


def share(fraction: float, digits: int = 2) -> str:
    """In percent."""
    return f"{short(100 * fraction, digits)}\u00a0%"


def with_interval(head: Head, name: str, digits: int = 3) -> str:
    """The value and, where there is one, its interval: `0.31 [0.29, 0.33]`."""
    value, low, high = (float(getattr(head, part)) for part in (name, f"{name}_low", f"{name}_high"))
    ends = "" if math.isnan(low) else f" [{short(low, digits)}, {short(high, digits)}]"
    return f"{short(value, digits)}{ends}"


def saturated(head: Head) -> str:
    """How saturated, why, on which keys, and the remedy."""
    return (
        f"entropy {with_interval(head, 'normalised_entropy')} of $\\ln n$, where scores of variance 1 leave "
        f"{short(head.unit_entropy)}; {share(head.dead_share)} of the rows dead, largest weight "
        f"{short(head.max_weight)}. {_reason(head)}{_pattern(head)}{_remedy(head, 'bring')}"
    )


def flat(head: Head) -> str:
    """How flat, and the remedy."""
    return (
        f"entropy {short(head.normalised_entropy, 4)} of $\\ln n$, {short(head.effective_keys)} effective keys. The "
        f"scaled scores of a row have a standard deviation of {with_interval(head, 'row_sd')} only: divided too much, "
        f"or not learned.{_remedy(head, 'sharpen')}"
    )


def sharp(head: Head) -> str:
    """How large the scores are, and what makes them so."""
    return f"entropy {with_interval(head, 'normalised_entropy')} of $\\ln n$. {_size(head)}{_remedy(head, 'bring')}"


def off_law(head: Head) -> str:
    """On which side of the law."""
    if head.law_entropy > head.normalised_entropy:
        meaning = "its rows have a few keys farther ahead than normal scores have"
    else:
        meaning = "its rows have fewer keys far ahead than normal scores have"
    return (
        f"entropy {with_interval(head, 'normalised_entropy')} of $\\ln n$, where normal scores of the same spreads "
        f"leave {short(head.law_entropy)}: {meaning}."
    )


def aligned(head: Head) -> str:
    """By how much, and what it makes of the joint term."""
    return (
        f"alignment {with_interval(head, 'alignment')}: as many times the joint term that the same entries would have "
        f"if their directions had nothing to do with each other; it is {short(head.joint_per_d_k)} $d_k$."
    )


def own_key(head: Head) -> str:
    """On which side of the others."""
    side = "above" if head.own_z > 0 else "below"
    return (
        f"a token’s own key lies {short(abs(head.own_z))} standard deviations {side} the mean of its row"
        f"{_ends(head, 'own_z')}; it has the largest weight in {share(head.on_own)} of the rows."
    )


def same_keys(head: Head) -> str:
    """How much of the rows is the same in all of them."""
    of_all = head.mean_query / (head.joint + head.mean_query)
    return (
        f"{share(of_all, 3)} of the variance within rows is the mean query’s, "
        f"{short(head.mean_query_per_d_k)} $d_k$: the same keys lie ahead whatever the query is."
    )


def entry_size(head: Head) -> str:
    """Both variances, and what they come to."""
    product = head.entry_variance_q * head.entry_variance_k
    return (
        f"entries of $q$ have variance {with_interval(head, 'entry_variance_q')}, those of $k$ "
        f"{with_interval(head, 'entry_variance_k')}, and their product is {short(product)}."
    )


def offset(head: Head) -> str:
    """What the softmax does not see."""
    seen = head.variance_per_d_k - head.mean_key_per_d_k
    return (
        f"the mean of $q \\cdot k$ is {short(head.mean)}, beside rows with a raw standard deviation of "
        f"{short(head.raw_row_sd)}; the mean key’s term is {short(head.mean_key_per_d_k)} $d_k$ of a variance of "
        f"{with_interval(head, 'variance_per_d_k')} $d_k$, of which a softmax sees {short(seen)} $d_k$."
    )


def few_components(head: Head) -> str:
    """How few."""
    return f"the joint term is made of about {with_interval(head, 'effective_d_k')} components, $d_k = {head.d_k}$."


def fixed_place(head: Head) -> str:
    """Which place, in how many rows."""
    return f"{_places(head)}; largest weight {with_interval(head, 'max_weight')}."


def saved(head: Head) -> str:
    """Both entropies."""
    return (
        f"entropy {with_interval(head, 'normalised_entropy')} of $\\ln n$ as used, "
        f"{with_interval(head, 'raw_normalised_entropy')} without the division; dead rows "
        f"{share(head.dead_share)} and {share(head.raw_dead_share)}."
    )


def as_assumed(head: Head) -> str:
    """The variance."""
    return f"$\\Var(q \\cdot k)/d_k = {short(head.variance_per_d_k)}${_ends(head, 'variance_per_d_k')}."


SENTENCES: Mapping[str, Callable[[Head], str]] = {
    "saturated": saturated,
    "flat": flat,
    "sharp": sharp,
    "off-law": off_law,
    "aligned": aligned,
    "opposed": aligned,
    "own-key": own_key,
    "same-keys": same_keys,
    "entry-size": entry_size,
    "offset": offset,
    "few-components": few_components,
    "fixed-place": fixed_place,
    "saved": saved,
    "as-assumed": as_assumed,
}


def _ends(head: Head, name: str) -> str:
    low, high = (float(getattr(head, f"{name}_{end}")) for end in ("low", "high"))
    return "" if math.isnan(low) else f" [{short(low)}, {short(high)}]"


def _reason(head: Head) -> str:
    """Why a head is saturated: the spread of its rows, or single keys."""
    if head.row_sd >= SHARP_SD:
        return _size(head)
    return (
        f"The spread of its rows is not the reason: at a standard deviation of {with_interval(head, 'row_sd')} normal "
        f"scores would keep {short(head.law_entropy)}. In each row a few keys stand far ahead."
    )


def _size(head: Head) -> str:
    """The spread of the rows, and which of the two terms that a softmax sees makes it."""
    within = head.joint + head.mean_query
    of_mean_query = head.mean_query / within
    joint = (
        f"the joint term, {short(head.joint_per_d_k)} $d_k$ (entries of variance {short(head.entry_variance_q)} and "
        f"{short(head.entry_variance_k)}, alignment {short(head.alignment)})"
    )
    mean_query = f"the mean query, {short(head.mean_query_per_d_k)} $d_k$: the same keys lie ahead in every row"
    if of_mean_query > MOST_OF_IT:
        source = f"{_most(of_mean_query)} of its square is owed to {mean_query}"
    elif of_mean_query < LITTLE_OF_IT:
        source = f"{_most(1 - of_mean_query)} of its square is owed to {joint}"
    else:
        source = f"its square is owed to {joint}, and to {mean_query}"
    return f"The scaled scores of a row have a standard deviation of {with_interval(head, 'row_sd')}; {source}."


def _most(fraction: float) -> str:
    return "nearly all" if fraction > NEARLY_ALL else share(fraction)


def _most_often(head: Head) -> str:
    """The place where the largest weight is most often, of those that the head has."""
    shares = {name: float(getattr(head, name)) for name in PLACES}
    return max((name for name in PLACES if not math.isnan(shares[name])), key=lambda name: shares[name])


def _places(head: Head) -> str:
    """In how many rows the largest weight is there."""
    name = _most_often(head)
    return f"in {share(getattr(head, name))} of the rows the largest weight is on {PLACES[name]}"


def _pattern(head: Head) -> str:
    if getattr(head, _most_often(head)) < FIXED:
        return ""
    words = _places(head)
    return f" {words[0].upper()}{words[1:]}: if that is what the head is for, it is no fault."


def _remedy(head: Head, verb: str) -> str:
    """The temperature, and the scale that it comes to."""
    target = short(head.target_entropy)
    if math.isnan(head.temperature):
        return f" No temperature within reach would {verb} its entropy to {target}."
    return (
        f" A temperature of {short(head.temperature)}, that is a scale of {short(head.scale / head.temperature)} "
        f"instead of {short(head.scale)}, would {verb} {'it' if verb == 'sharpen' else 'the entropy'} to {target}."
    )
