"""Faults to plant in a sampler, a rule or a law; between them they must refute every claim."""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

import numpy as np
import pytest
from scipy import special

import experiments.learning
import scaling.attention_law
import scaling.entries
import scaling.goodness
import scaling.initialisation
import scaling.lookup
import scaling.normals
import scaling.pair_moments
import scaling.sampling
import scaling.vectors
from experiments.head_windows import HeadVectors
from experiments.learning_runs import Runs, Variant
from experiments.one_head import HeadCell
from experiments.rule_sweeps import RulesCell
from scaling import Gaussian, PowerRule
from scaling.attention_law import AttentionLaw
from scaling.decoder import Decoder
from scaling.normalised_rules import LayerNormRule, QKNormRule
from scaling.rules import ModelRule, NormalisedRule, SplitRule, TemperatureRule
from scaling.shape_rules import ShiftedRule, SigmoidRule

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]


@dataclass(frozen=True)
class Fault:
    """A fault in a sampler, a rule or a law, and the experiments that are to notice it."""

    kind: str
    words: str
    experiments: frozenset[str]
    plant: Plant


FAULTS: list[Fault] = []


def planted(kind: str, words: str, among: str) -> Callable[[Plant], Plant]:
    """Put a fault among the others."""

    def put(plant: Plant) -> Plant:
        FAULTS.append(Fault(kind, words, frozenset(among.split()), plant))
        return plant

    return put


@contextmanager
def with_fault(fault: Fault) -> Iterator[None]:
    """The project with a fault in it; what laws remember is forgotten before and afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        fault.plant(patch)
        _forget()
        yield
    _forget()


def _ours() -> list[Any]:
    return [module for name, module in sys.modules.items() if name.split(".")[0] in ("scaling", "experiments")]


def _forget() -> None:
    for module in _ours():
        for value in list(vars(module).values()):
            if hasattr(value, "cache_clear") and getattr(value, "__module__", "").startswith("experiments"):
                value.cache_clear()


def everywhere(patch: Patch, one: object, other: object) -> None:
    """Put one object in the place of another, under whatever name modules of the project know it."""
    for module in _ours():
        for name, value in list(vars(module).items()):
            if value is one:
                patch.setattr(module, name, other)


def changed(patch: Patch, function: Callable[..., Any], change: Callable[[Any], Any]) -> None:
    """Change what a function returns, for whoever calls it."""
    everywhere(patch, function, lambda *args, **more: change(function(*args, **more)))


def changed_method(patch: Patch, kind: type, name: str, change: Callable[..., Any]) -> None:
    """Change what a method returns; `change` gets its object, too, and its arguments."""
    method = getattr(kind, name)
    patch.setattr(kind, name, lambda self, *args, **more: change(method(self, *args, **more), self, *args))


def normal_entries(patch: Patch, change: Callable[[Any], Any]) -> None:
    """Change all standard normal numbers, in single precision and in double."""
    changed(patch, scaling.normals.standard_normals, lambda draws: change(draws).astype(np.float32))
    sample = Gaussian.sample
    patch.setattr(Gaussian, "sample", lambda self, rng, shape: change(sample(self, rng, shape)))


@planted(
    "sampler",
    "normal entries twice as wide",
    "derivation variance goodness lecture_demo saturation gradients questions aligned scalings assumptions "
    "initialisation learning",
)
def _(patch: Patch) -> None:
    normal_entries(patch, lambda draws: 2 * draws)


@planted("sampler", "normal entries of mean 1/2", "derivation variance aligned questions")
def _(patch: Patch) -> None:
    normal_entries(patch, lambda draws: draws + draws.dtype.type(0.5))


@planted("sampler", "components of a vector that share a part", "derivation variance")
def _(patch: Patch) -> None:
    normal_entries(patch, lambda draws: 0.8 * draws + 0.6 * draws[..., :1])


@planted("sampler", "uniform entries in place of normal ones", "variance")
def _(patch: Patch) -> None:
    normal_entries(patch, lambda draws: math.sqrt(3) * (2 * special.ndtr(draws) - 1))


@planted("sampler", "rows of equal scores, drawn by the radial law", "saturation")
def _(patch: Patch) -> None:
    changed(patch, scaling.sampling.draw_rows, lambda pieces: (0 * piece for piece in pieces))


@planted("sampler", "scores that grow with the number of keys", "variance saturation assumptions")
def _(patch: Patch) -> None:
    changed(patch, scaling.sampling.draw_scores, lambda pieces: (piece * piece.shape[-1] for piece in pieces))


@planted("sampler", "pairs with too much of a mean, and too wide", "assumptions")
def _(patch: Patch) -> None:
    changed(
        patch,
        scaling.pair_moments.measure_pairs,
        lambda found: type(found)(found.mean + math.sqrt(found.variance), 2 * found.variance),
    )


@planted("sampler", "pairs without any mean", "assumptions")
def _(patch: Patch) -> None:
    changed(patch, scaling.pair_moments.measure_pairs, lambda found: type(found)(0 * found.mean, found.variance))


@planted("sampler", "heads that never learn", "lookup")
def _(patch: Patch) -> None:
    everywhere(patch, scaling.lookup.descend, lambda rng, task, head, *rest: repeat(head))


def heads_start(patch: Patch, change: Callable[[Any], Any]) -> None:
    """Change every head's first weights."""
    initial = vars(scaling.lookup.Head)["initial"].__func__
    patch.setattr(scaling.lookup.Head, "initial", classmethod(lambda *args, **more: change(initial(*args, **more))))


@planted("sampler", "first weights three times as large", "lookup")
def _(patch: Patch) -> None:
    heads_start(patch, lambda head: replace(head, w_q=3 * head.w_q, w_k=3 * head.w_k))


@planted("sampler", "queries that widen with d_k and with the number of keys", "scalings")
def _(patch: Patch) -> None:
    def widened(drawn: Any, cell: RulesCell, *_: Any) -> Any:
        return ((q * math.sqrt(cell.d_k * cell.n_keys) / 8, k) for q, k in drawn)

    changed_method(patch, RulesCell, "draws", widened)


@planted("sampler", "queries that shrink with the number of keys", "scalings")
def _(patch: Patch) -> None:
    changed_method(patch, RulesCell, "draws", lambda drawn, cell, *_: ((q * 16 / cell.n_keys, k) for q, k in drawn))


@planted("sampler", "values that widen with their dimension", "questions")
def _(patch: Patch) -> None:
    def widened(drawn: Any, *_: Any) -> Any:
        return ((q, k, v * np.sqrt(1 + np.arange(v.shape[-1]))) for q, k, v in drawn)

    changed_method(patch, HeadCell, "draws", widened)


@planted("rule", "a decoder whose scores are off by a thousandth", "trained_heads")
def _(patch: Patch) -> None:
    run = Decoder.run
    patch.setattr(Decoder, "run", lambda self, tokens, multiplier=1.0: run(self, tokens, 1.001 * multiplier))


@planted("sampler", "drawn decoders with larger weights", "trained_heads")
def _(patch: Patch) -> None:
    initial = scaling.decoder.initial_decoder
    everywhere(patch, initial, lambda like, sd, rng: initial(like, 2 * sd, rng))


@planted("rule", "raw and scaled exchanged", "saturation gradients questions scalings learning")
def exchanged(patch: Patch) -> None:
    """Each with the other's factor."""
    factor, other = PowerRule.factor, {0.0: 0.5, 0.5: 0.0}
    patch.setattr(PowerRule, "factor", lambda self, d_k: factor(PowerRule("", other.get(self.alpha, self.alpha)), d_k))


@planted("rule", "rates chosen by the opposite sign", "learning")
def chosen_by_the_opposite(patch: Patch) -> None:
    """In the blocks that choose, where raw is slower it seems faster."""

    def opposite(runs: Runs) -> Any:
        differences = found(runs)
        return np.concatenate([-differences[: runs.n_selection], differences[runs.n_selection :]])

    found = experiments.learning._shared_differences
    everywhere(patch, found, opposite)


@planted("rule", "rates chosen by the opposite sign, raw and scaled exchanged", "learning")
def _(patch: Patch) -> None:
    exchanged(patch)
    chosen_by_the_opposite(patch)


@planted("rule", "a quarter in place of every power's half", "questions scalings")
def _(patch: Patch) -> None:
    factor = PowerRule.factor
    patch.setattr(PowerRule, "factor", lambda self, d_k: factor(self, d_k) * float(d_k) ** (self.alpha / 2))


def a_hundredth(patch: Patch, alpha: float) -> None:
    """Of every score under one power."""
    factor = PowerRule.factor
    patch.setattr(PowerRule, "factor", lambda self, d_k: factor(self, d_k) * (0.01 if self.alpha == alpha else 1.0))


@planted("rule", "raw scores a hundred times too small", "learning")
def _(patch: Patch) -> None:
    a_hundredth(patch, 0.0)


@planted("rule", "scaled scores a hundred times too small", "learning")
def _(patch: Patch) -> None:
    a_hundredth(patch, 0.5)


@planted("law", "the spread of first scores, its cube", "wide-heads")
def _(patch: Patch) -> None:
    changed_method(patch, Variant, "spread", lambda spread, *_: spread**3)


@planted("rule", "other factors doubled: of a temperature, a model, a split, a cosine", "questions")
def _(patch: Patch) -> None:
    for kind in (TemperatureRule, ModelRule):
        changed_method(patch, kind, "factor", lambda factor, *_: 2 * factor)
    for kind in (SplitRule, NormalisedRule, QKNormRule, LayerNormRule):
        changed_method(patch, kind, "scores", lambda scores, *_: 2 * scores)


@planted("rule", "a shift of the first key alone", "scalings")
def _(patch: Patch) -> None:
    def first_only(scores: Any, rule: ShiftedRule, dot_products: Any, d_k: int) -> Any:
        scores[..., 1:] = (dot_products / math.sqrt(d_k))[..., 1:]
        return scores

    changed_method(patch, ShiftedRule, "__call__", first_only)


@planted("rule", "a sigmoid without its bias", "scalings")
def _(patch: Patch) -> None:
    patch.setattr(SigmoidRule, "bias_at", lambda self, n_keys: 0.0)
    total = SigmoidRule.total
    patch.setattr(SigmoidRule, "total", lambda self, d_k, n_keys: total(self, d_k, n_keys) / n_keys)


@planted("law", "attention's exact law at twice the scale", "saturation questions")
def _(patch: Patch) -> None:
    law = scaling.attention_law
    everywhere(patch, law, lambda d_k, n_keys, scale: law(d_k, n_keys, 2 * np.asarray(scale)))


@planted("law", "attention's exact law of the gradient, ten times too large", "gradients")
def _(patch: Patch) -> None:
    for name in ("jacobian_norm2", "query_gradient_norm2"):
        value = vars(AttentionLaw)[name].fget
        patch.setattr(AttentionLaw, name, property(lambda self, value=value: 10 * value(self)))


@planted("law", "the density of another d_k", "goodness")
def _(patch: Patch) -> None:
    law = scaling.dot_product_law
    everywhere(patch, law, lambda d_k: law(2 * d_k))


@planted("rule", "a hundredth of every distance between laws", "goodness")
def _(patch: Patch) -> None:
    distance = scaling.goodness.anderson_darling
    everywhere(patch, distance, lambda log_cdf, log_sf: 0.01 * distance(log_cdf, log_sf))


@planted("sampler", "aligned pairs with half the correlation", "aligned")
def _(patch: Patch) -> None:
    draw = scaling.aligned.draw_aligned
    everywhere(patch, draw, lambda rng, d_k, n, rhos: draw(rng, d_k, n, [rho / 2 for rho in rhos]))


@planted("sampler", "aligned pairs whose products grow by the root of d_k too much", "aligned")
def _(patch: Patch) -> None:
    draw = scaling.aligned.draw_aligned

    def grown(rng: np.random.Generator, d_k: int, *rest: Any) -> Iterator[Any]:
        return (math.sqrt(d_k) * piece for piece in draw(rng, d_k, *rest))

    everywhere(patch, draw, grown)


@planted("sampler", "the same first weights for queries and keys", "lookup")
def _(patch: Patch) -> None:
    heads_start(patch, lambda head: replace(head, w_k=head.w_q))


@planted("rule", "a softmax at four times the scale", "scalings trained_heads")
def _(patch: Patch) -> None:
    observables = scaling.saturation.row_observables
    everywhere(patch, observables, lambda scores, factors=1.0: observables(scores, 4 * np.asarray(factors)))


@planted("rule", "a softmax at no scale", "questions")
def _(patch: Patch) -> None:
    observables = scaling.saturation.row_observables
    everywhere(patch, observables, lambda scores, factors=1.0: observables(scores, 1e-3 * np.asarray(factors)))


@planted("law", "another basis for the keys than for the queries", "trained_heads")
def _(patch: Patch) -> None:
    patch.setattr(HeadVectors, "in_basis", lambda self, a: HeadVectors(self.q @ a.T, self.k @ a))


@planted("law", "the variance of first scores, a quarter of it", "initialisation")
def _(patch: Patch) -> None:
    changed(patch, scaling.initialisation.initial_variance, lambda variance: variance / 4)


@planted("law", "the terms of a variance, that of the means twice", "trained_heads")
def _(patch: Patch) -> None:
    changed(patch, scaling.vectors.variance_terms, lambda terms: terms._replace(mean_key=2 * terms.mean_key + 1e-3))
