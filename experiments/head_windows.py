"""What is measured of language models on a window of text: all heads, trained and with first weights."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import AfterValidator, Field

from experiments.experiment import BlockSize, Margin, SingleBlock, Values, increasing
from experiments.language_models import OnLanguageModels, Tokens, library_model, load_decoder, tokens_of, training_of
from scaling.decoder import Decoder, DecoderPass, cross_entropy, initial_decoder
from scaling.head_rows import Visible
from scaling.heads import HeadQuantities, measure_rows
from scaling.queries_and_keys import dot_products_of
from scaling.row_pieces import hide
from scaling.saturation import row_observables
from scaling.vector_moments import VectorMoments
from scaling.vectors import VarianceTerms, variance_terms

N_TOKENS, N_WORDS, D_MODEL = 128, 1024, 128  # of the models of both languages, as are the next three
N_LAYERS, N_HEADS, D_K = 4, 4, 32
WITHOUT = math.sqrt(D_K)  # the multiplier of scaled scores that takes the division away
WEIGHTS = ("trained", "initial")
KEPT = (
    "variance", "joint", "mean_query", "mean_key", "row_sd", "normalised_entropy", "raw_normalised_entropy",
    "law_entropy", "raw_law_entropy", "max_weight", "raw_max_weight", "dead_share", "raw_dead_share",
    "on_own", "on_previous", "on_first",
)  # fmt: skip
PLACES = [HeadQuantities._fields.index(name) for name in KEPT]


def _with_one(multipliers: list[float]) -> list[float]:
    """The multipliers; ValueError unless the scores as they are among them, and all can be told apart."""
    if 1.0 not in multipliers:
        raise ValueError("1 must be among the multipliers")
    if any(0.99 < multiplier / WITHOUT < 1.01 for multiplier in multipliers):
        raise ValueError(f"{WITHOUT:.4g}, no division, is among the multipliers anyway")
    return multipliers


def _distinct(languages: list[str]) -> list[str]:
    if len(set(languages)) < len(languages):
        raise ValueError("the languages must differ")
    return languages


@dataclass(frozen=True)
class WindowCell:
    """A stretch of a language's text: its model, and models drawn anew, over it."""

    language: str
    window: int  # from 0, in the order of the text
    multipliers: tuple[float, ...]  # of the scaled scores, ascending
    n_draws: int  # of first weights

    @property
    def tokens(self) -> tuple[Tokens, Tokens]:
        """Tokens (1, N_TOKENS), and the one that follows each of them."""
        first = self.window * N_TOKENS
        stretch = tokens_of(self.language)[first : first + N_TOKENS + 1]
        return stretch[None, :-1], stretch[None, 1:]


class HeadVectors(NamedTuple):
    """All heads' queries and keys in one sequence, (n_layers, n_heads, n_tokens, d_k), in double precision."""

    q: Values
    k: Values

    @classmethod
    def of(cls, found: DecoderPass) -> "HeadVectors":
        """Those of the pass of one sequence; a key head's keys stand with each head that shares them."""
        q, k = (np.asarray(vectors[:, 0], dtype=np.float64) for vectors in (found.queries, found.keys))
        return cls(q, np.repeat(k, q.shape[1] // k.shape[1], axis=1))

    @property
    def products(self) -> Values:
        """q·k of all pairs, (n_layers, n_heads, n_tokens, n_tokens)."""
        return dot_products_of(self.q, self.k)

    @property
    def heads(self) -> Iterator[tuple[Values, Values]]:
        """q and k (n_tokens, d_k) of one head after another."""
        q, k = (vectors.reshape(-1, *vectors.shape[2:]) for vectors in self)
        return zip(q, k, strict=True)

    @property
    def terms(self) -> list[VarianceTerms]:
        """Of each head's Var(q·k)."""
        moments = [[VectorMoments.of(x, [(0, len(x))]) for x in head] for head in self.heads]
        return [variance_terms(q.mean, q.covariance, k.mean, k.covariance) for q, k in moments]

    @property
    def quantities(self) -> Values:
        """(n_layers · n_heads, n_kept): what `measure_head` says of each head."""
        found = [measure_rows(q, k, causal=True, intervals=False).quantities for q, k in self.heads]
        return np.array(found)[:, PLACES]

    def entropy(self, factor: float) -> float:
        """Mean of H/ln n over all heads, and rows of at least 16 keys, for scores of `factor` times q·k."""
        n_tokens = self.q.shape[2]
        visible = Visible(n_tokens, n_tokens, causal=True)
        queries = visible.queries()
        scores = self.products[:, :, queries].reshape(-1, n_tokens)
        counts = np.tile(visible.counts(queries), len(scores) // len(queries))
        hide(scores, np.arange(n_tokens) < counts[:, None])
        return float(np.mean(row_observables(scores, factor).entropy / np.log(counts)))

    def in_basis(self, a: Values) -> "HeadVectors":
        """A q and A^(-T) k."""
        return HeadVectors(self.q @ a.T, self.k @ np.linalg.inv(a))

    def misses(self) -> float:
        """The largest deviation of Var(q·k) and its parts, as the products have them, from the terms, over Var(q·k)."""
        worst = 0.0
        for (q, k), terms in zip(self.heads, self.terms, strict=True):
            rows = dot_products_of(q, k)
            found = rows.var(), rows.var(axis=1).mean(), rows.mean(axis=1).var()
            expected = terms.total, terms.within_rows, terms.mean_key
            worst = max(worst, *(abs(a - b) / terms.total for a, b in zip(found, expected, strict=True)))
        return worst

    def change(self, other: "HeadVectors") -> float:
        """The largest difference to another's products, over the head's largest, and to its terms, over Var(q·k)."""
        products = self.products
        differences = np.abs(other.products - products).max(axis=(2, 3)) / np.abs(products).max(axis=(2, 3))
        worst = float(differences.max())
        for terms, others in zip(self.terms, other.terms, strict=True):
            worst = max(worst, *(abs(a - b) / terms.total for a, b in zip(terms, others, strict=True)))
        return worst


@dataclass(frozen=True)
class Observed:
    """A window's values, taken apart."""

    cell: WindowCell
    values: Values

    @property
    def _parts(self) -> list[Values]:
        sizes = [2 * N_LAYERS * N_HEADS * len(KEPT), 2 * len(self.cell.multipliers), self.cell.n_draws * N_LAYERS]
        return np.split(self.values, np.cumsum(sizes))

    @property
    def heads(self) -> Values:
        """(n_weights, n_layers, n_heads, n_kept)."""
        return self._parts[0].reshape(len(WEIGHTS), N_LAYERS, N_HEADS, len(KEPT))

    @property
    def sweep(self) -> Values:
        """(n_multipliers, 2): loss in nats a token, and mean H/ln n over heads and rows."""
        return self._parts[1].reshape(-1, 2)

    @property
    def mean_squares(self) -> Values:
        """(n_draws, n_layers): of q·k over d_k, over the pairs of all heads of a layer, with first weights."""
        return self._parts[2].reshape(-1, N_LAYERS)

    @property
    def rounding(self) -> Values:
        """(n_weights, 2): largest deviation of the terms from the scores, and of both in another basis."""
        return self._parts[3][:4].reshape(len(WEIGHTS), 2)

    @property
    def replayed(self) -> float:
        """Root mean square difference of logits from the library's own, over their standard deviation."""
        return float(self._parts[3][4])

    @property
    def initial_loss(self) -> float:
        """With the first draw of first weights."""
        return float(self._parts[3][5])


class HeadWindows(OnLanguageModels[WindowCell]):
    """Every head of small language models on their texts, trained and with first weights."""

    n_blocks: SingleBlock = 1
    languages: Annotated[list[Literal["en", "pt"]], Field(min_length=1), AfterValidator(_distinct)]
    n_windows: Annotated[int, Field(ge=2, le=18)]  # the shorter text has no more
    n_draws: Annotated[int, Field(ge=1, le=64)]
    multipliers: Annotated[
        list[Annotated[float, Field(ge=2**-6, le=2**6)]],
        Field(min_length=1, max_length=24),
        AfterValidator(increasing),
        AfterValidator(_with_one),
    ]
    margin: Margin

    def cells(self) -> Sequence[WindowCell]:
        """One cell per language and window."""
        multipliers = tuple(sorted([*self.multipliers, WITHOUT]))
        return [
            WindowCell(language, window, multipliers, self.n_draws)
            for language in self.languages
            for window in range(self.n_windows)
        ]

    def size(self, cell: WindowCell) -> BlockSize:
        """The weights of every draw, of which one is held, and all heads' scores, several times over."""
        weights = 12.0 * N_LAYERS * D_MODEL**2 + N_WORDS * D_MODEL
        scores = float(N_LAYERS * N_HEADS) * N_TOKENS**2
        passes = 2.0 * len(cell.multipliers) + cell.n_draws + 8
        return BlockSize(cell.n_draws * weights + passes * 4 * scores, 2 * weights + 8 * scores)

    def measure(self, cell: WindowCell, rng: np.random.Generator) -> Values:
        """All of `Observed`, in a row."""
        decoder, (tokens, targets) = load_decoder(cell.language), cell.tokens
        passes = {multiplier: decoder.run(tokens, multiplier) for multiplier in cell.multipliers}
        drawn = [_first_pass(decoder, cell, rng) for _ in range(cell.n_draws)]
        vectors = [HeadVectors.of(found) for found in (passes[1.0], drawn[0])]
        a, library = _well_conditioned(rng), _library_logits(cell)
        return np.concatenate(
            [
                *(heads.quantities.ravel() for heads in vectors),
                np.ravel([_outcome(found, targets, multiplier) for multiplier, found in passes.items()]),
                np.ravel([np.square(HeadVectors.of(found).products).mean(axis=(1, 2, 3)) / D_K for found in drawn]),
                np.ravel([[heads.misses(), heads.change(heads.in_basis(a))] for heads in vectors]),
                [np.sqrt(np.mean(np.square(passes[1.0].logits - library))) / library.std()],
                [cross_entropy(drawn[0].logits, targets).mean()],
            ]
        )


def _library_logits(cell: WindowCell) -> Values:
    """What the library's own forward pass makes of the window, (1, N_TOKENS, N_WORDS)."""
    (tokens, _), (model, _) = cell.tokens, library_model(cell.language)
    logits: Values = model.forward(tokens).data
    return logits


def _first_pass(decoder: Decoder, cell: WindowCell, rng: np.random.Generator) -> DecoderPass:
    """That of the same model with weights drawn anew."""
    tokens, _ = cell.tokens
    return initial_decoder(decoder, training_of(cell.language).initial_sd, rng).run(tokens)


def _outcome(found: DecoderPass, targets: Tokens, multiplier: float) -> tuple[float, float]:
    """Loss and mean H/ln n of the model whose scaled scores were multiplied, in all heads."""
    loss = cross_entropy(found.logits, targets).mean()
    return float(loss), HeadVectors.of(found).entropy(multiplier / math.sqrt(D_K))


def _well_conditioned(rng: np.random.Generator) -> Values:
    """A random matrix (d_k, d_k) with singular values from 1/e to e."""
    left, right = (np.linalg.qr(rng.standard_normal((D_K, D_K)))[0] for _ in range(2))
    matrix: Values = left * np.exp(rng.uniform(-1, 1, D_K)) @ right
    return matrix
