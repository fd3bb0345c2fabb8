"""What can be found of a head: kinds of findings, each a condition with a threshold that has a reason."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

Flags = pd.Series  # of bools, one for each head
Depth = pd.Series  # of floats, one for each head

DEAD = 0.5  # share of rows: the typical row is dead
KEPT = 0.3  # of the entropy of scores of variance 1: normal scores fall to it beyond √(2 ln n), where attention freezes
SHARP_SD = 2.0  # of a row: twice what the division aims at
FLAT_LOSS = 1 / 16  # of what scores of variance 1 lose of ln n: a loss goes as the variance, so a sd of 1/4
DEPARTURE = 0.1  # of ln n: over 1000 keys, twice or half as many effective keys
ALIGNED = 2.0  # times the joint term that the same entries would have in directions of their own
OWN_SDS = 1.0  # of a row, by which a token's own key lies off the mean
ENTRY_VARIANCES = (0.5, 2.0)  # q or k alone then changes the scores by no more than √2
OFFSET_SHARE = 0.5  # of the variance: Var/d_k then says twice what a softmax sees
OFFSET_SDS = 2.0  # of a row's raw scores: nearly all scores have the same sign
SAME_KEYS = 0.5  # of the variance within rows
FEW = 0.25  # of d_k
TOKENS_PER_COMPONENT = 2  # of fewer tokens the components cannot be counted: those of noise look fewer
FIXED = 0.5  # share of rows: the typical row
AS_ASSUMED = (0.8, 1.25)  # of Var/d_k: the scores' standard deviation is right to about a tenth


@dataclass(frozen=True)
class Kind:
    """One kind of finding: for which rows of the frame it holds, and of which it says most."""

    name: str  # in the data
    meaning: str  # in the data: the condition in words
    holds: Callable[[pd.DataFrame], Flags]
    depth: Callable[[pd.DataFrame], Depth]  # the largest is named first


def is_saturated(frame: pd.DataFrame, prefix: str = "") -> Flags:
    """Whether the typical row is dead, or most of the entropy that scores of variance 1 leave is gone."""
    is_low = frame[f"{prefix}normalised_entropy"] < KEPT * frame["unit_entropy"]
    return (frame[f"{prefix}dead_share"] >= DEAD) | is_low


def is_flat(frame: pd.DataFrame) -> Flags:
    """Whether the weights are as good as equal."""
    return 1 - frame["normalised_entropy"] < FLAT_LOSS * (1 - frame["unit_entropy"])


def fixed_places(frame: pd.DataFrame) -> pd.DataFrame:
    """Shares of rows whose largest weight is on the own, the previous and the first token."""
    return frame[["on_own", "on_previous", "on_first"]]


def _departure(frame: pd.DataFrame) -> Depth:
    return (frame["law_entropy"] - frame["normalised_entropy"]).abs()


def _octaves_off(frame: pd.DataFrame) -> Depth:
    """How far the farther of both entry variances is from 1; 0 is farther than any."""
    with np.errstate(divide="ignore"):
        octaves = np.log2(frame[["entry_variance_q", "entry_variance_k"]].to_numpy())
    return pd.Series(np.abs(octaves).max(axis=1), frame.index)


def _are_off(frame: pd.DataFrame) -> Flags:
    low, high = ENTRY_VARIANCES
    return ~(frame["entry_variance_q"].between(low, high) & frame["entry_variance_k"].between(low, high))


def _key_share(frame: pd.DataFrame) -> Depth:
    return (frame["mean_key"] / frame["variance"]).fillna(0.0)


def _offset_sds(frame: pd.DataFrame) -> Depth:
    return (frame["mean"].abs() / frame["raw_row_sd"]).fillna(0.0)


def _offset(frame: pd.DataFrame) -> Depth:
    """The farther of both, in units of what makes a finding of it."""
    return (_key_share(frame) / OFFSET_SHARE).clip(lower=_offset_sds(frame) / OFFSET_SDS)


def _same_keys(frame: pd.DataFrame) -> Depth:
    return frame["mean_query"] / (frame["joint"] + frame["mean_query"])


def _are_few(frame: pd.DataFrame) -> Flags:
    n_tokens = frame[["n_queries", "n_keys"]].min(axis=1)
    return (frame["effective_d_k"] <= FEW * frame["d_k"]) & (n_tokens >= TOKENS_PER_COMPONENT * frame["d_k"])


KINDS = (  # in order of what needs attention first
    Kind(
        "saturated",
        f"as used, at least {DEAD:g} of the rows are dead or the entropy is below {KEPT:g} of unit_entropy",
        is_saturated,
        lambda frame: -frame["normalised_entropy"] / frame["unit_entropy"],
    ),
    Kind(
        "flat",
        f"as used, 1 - normalised_entropy is below {FLAT_LOSS:g} of 1 - unit_entropy: weights as good as equal",
        is_flat,
        lambda frame: frame["normalised_entropy"],
    ),
    Kind(
        "sharp",
        f"row_sd is at least {SHARP_SD:g}, and the head is not saturated",
        lambda frame: (frame["row_sd"] >= SHARP_SD) & ~is_saturated(frame),
        lambda frame: frame["row_sd"],
    ),
    Kind(
        "off-law",
        f"normalised_entropy differs from law_entropy by at least {DEPARTURE:g}",
        lambda frame: _departure(frame) >= DEPARTURE,
        _departure,
    ),
    Kind("aligned", f"alignment is at least {ALIGNED:g}", lambda frame: frame["alignment"] >= ALIGNED,
         lambda frame: frame["alignment"]),
    Kind("opposed", f"alignment is at most {1 / ALIGNED:g}", lambda frame: frame["alignment"] <= 1 / ALIGNED,
         lambda frame: -frame["alignment"]),
    Kind("own-key", f"own_z is at least {OWN_SDS:g} or at most {-OWN_SDS:g}",
         lambda frame: frame["own_z"].abs() >= OWN_SDS, lambda frame: frame["own_z"].abs()),
    Kind("same-keys", f"mean_query is at least {SAME_KEYS:g} of joint + mean_query",
         lambda frame: _same_keys(frame) >= SAME_KEYS, _same_keys),
    Kind(
        "entry-size",
        f"entry_variance_q or entry_variance_k lies outside {ENTRY_VARIANCES[0]:g} to {ENTRY_VARIANCES[1]:g}",
        _are_off,
        _octaves_off,
    ),
    Kind(
        "offset",
        f"mean_key is at least {OFFSET_SHARE:g} of variance, or |mean| at least {OFFSET_SDS:g} of raw_row_sd",
        lambda frame: _offset(frame) >= 1,
        _offset,
    ),
    Kind("few-components",
         f"effective_d_k is at most {FEW:g} of d_k, of at least {TOKENS_PER_COMPONENT} tokens to a component",
         _are_few, lambda frame: -frame["effective_d_k"]),
    Kind("fixed-place", f"on_own, on_previous or on_first is at least {FIXED:g}",
         lambda frame: fixed_places(frame).max(axis=1) >= FIXED, lambda frame: fixed_places(frame).max(axis=1)),
    Kind(
        "saved",
        "saturated in the same sense without the division, and not as used",
        lambda frame: (frame["scale"] < 1) & is_saturated(frame, "raw_") & ~is_saturated(frame),
        lambda frame: frame["normalised_entropy"] - frame["raw_normalised_entropy"],
    ),
    Kind(
        "as-assumed",
        f"variance_per_d_k lies within {AS_ASSUMED[0]:g} to {AS_ASSUMED[1]:g}",
        lambda frame: frame["variance_per_d_k"].between(*AS_ASSUMED),
        lambda frame: -(frame["variance_per_d_k"] - 1).abs(),
    ),
)  # fmt: skip


QUIET = frozenset({"few-components", "fixed-place", "saved", "as-assumed"})  # what needs no attention


def findings(frame: pd.DataFrame) -> list[list[str]]:
    """Names of the kinds that each head is of, in order of `KINDS`."""
    flags = {kind.name: kind.holds(frame).to_numpy(dtype=bool) for kind in KINDS}
    return [[name for name, holds in flags.items() if holds[i]] for i in range(len(frame))]
