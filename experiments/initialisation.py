"""How large the scores of a layer are before it has learned anything, by what its weights start from."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from experiments.claims import STANDARD_ERRORS_PER_MARGIN, Claim
from experiments.experiment import ESTIMATE_COLUMNS, BlockSize, Column, Experiment, Margin, Values, estimate_row
from experiments.one_head import ROW_SD, SHARED_KEYS
from scaling.arrays import Floats
from scaling.attention_law import attention_law
from scaling.entries import EntryLaw
from scaling.initialisation import EPSILON, INITIALISATIONS, initial_variance, layer_norm
from scaling.normals import standard_normals
from scaling.rules import SCALED
from scaling.sampling import Tiles, variance_of_mean_square
from scaling.saturation import row_observables

QUANTITIES = ("variance", "own_variance", "normalised_entropy")
GROUP = "initialisation"
NEAR = 4.0  # margins of an entropy times d_in, from which its law is claimed: it was off by up to about 1/d_in
SOURCE = "Exact, over the draw of the weights"
HEAD_WORK = 50_000  # draws that take as long as what the smallest head takes


@dataclass(frozen=True)
class Layer:
    """How a head's W_q and W_k (d_in, d_k) start: by which rule, within a matrix of how many outputs."""

    words: str
    initialisation: str
    fan_out: Callable[[int, int], int]  # of d_in and d_k


LAYERS: Mapping[str, Layer] = {
    "gpt-2": Layer("GPT-2’s", "gpt-2", lambda d_in, d_k: d_k),
    "linear": Layer("torch’s linear", "linear", lambda d_in, d_k: d_k),
    "glorot-packed": Layer("Glorot, packed", "glorot", lambda d_in, d_k: 3 * d_in),
    "unit": Layer(r"variance $1/d_{\mathrm{in}}$", "unit", lambda d_in, d_k: d_k),
    "glorot-square": Layer("Glorot, square", "glorot", lambda d_in, d_k: d_in),
    "glorot-head": Layer("Glorot, one head", "glorot", lambda d_in, d_k: d_k),
    "he": Layer("He’s", "he", lambda d_in, d_k: d_k),
}


@dataclass(frozen=True)
class Inputs:
    """Tokens of independent normal numbers of one size, normalised or not before they are projected."""

    sd: float
    is_normalised: bool

    @property
    def mean_square(self) -> float:
        """Of an entry that is projected: layer norm leaves s²/(s² + ε)."""
        return self.sd**2 / (self.sd**2 + EPSILON) if self.is_normalised else self.sd**2

    def of(self, z: Floats) -> Floats:
        """Standard normal numbers (tokens, d_in) → what is projected."""
        x: Floats = z * z.dtype.type(self.sd)
        return layer_norm(x) if self.is_normalised else x


@dataclass(frozen=True)
class LayerCell:
    """Untrained heads of one kind of layer, each with tokens of its own."""

    layer: str
    d_in: int
    d_k: int
    n_tokens: int
    n_heads: int
    input_sd: float

    @property
    def law(self) -> EntryLaw:
        """Of each weight."""
        layer = LAYERS[self.layer]
        return INITIALISATIONS[layer.initialisation].law(self.d_in, layer.fan_out(self.d_in, self.d_k))

    @property
    def inputs(self) -> tuple[Inputs, ...]:
        """Of size 1 and of the other size, as they are and normalised; in the order of the frame."""
        return tuple(Inputs(sd, is_normalised) for is_normalised in (False, True) for sd in (1.0, self.input_sd))

    def variance(self, inputs: Inputs) -> float:
        """Var(q·k/√d_k) of two different tokens, over the draw of the weights: (d_in σ_w² mean square)²."""
        return self._scaled(self.d_in**2 * inputs.mean_square**2)

    def own_variance(self, inputs: Inputs) -> float:
        """That of a token with itself, by E‖x‖⁴: (d_in² + 2 d_in) of normal entries, d_in² of normalised ones."""
        return self._scaled(self.d_in * (self.d_in + 2 * (not inputs.is_normalised)) * inputs.mean_square**2)

    def _scaled(self, squares: float) -> float:
        return initial_variance(self.d_k, self.law.variance, squares) * SCALED.factor(self.d_k) ** 2

    def entropy(self, inputs: Inputs) -> float:
        """H/ln n of scores of that variance, by the law of independent normal queries and keys."""
        scale = (self.variance(inputs) / self.d_k) ** 0.5
        return _entropy(self.d_k, self.n_tokens, scale) / math.log(self.n_tokens)

    @property
    def scatter(self) -> float:
        """Relative variance, from head to head, of the variance of a head's scores over unnormalised tokens.

        Given its matrices that is ‖W_q W_kᵀ‖²_F/d_k: the mean square of d_in² products of rows with d_k entries.
        """
        return variance_of_mean_square(self.d_k, Tiles(1, self.d_in, self.d_in), self.law.kurtosis, self.law.kurtosis)


@lru_cache(maxsize=256)
def _entropy(d_k: int, n_tokens: int, scale: float) -> float:
    return float(attention_law(d_k, n_tokens, scale).entropy)


class Initialisation(Experiment[LayerCell]):
    """Variance of the scaled scores of untrained heads, and the entropy of their weights."""

    name: ClassVar[str] = "initialisation"
    columns: ClassVar[Mapping[str, Column]] = {
        "layer": Column(
            "what the weights start from, with variance σ_w²: gpt-2, normal of sd 0.02; linear, uniform on ±1/√d_in; "
            "glorot, uniform of variance 2/(d_in + outputs), for all heads' d_in outputs (square), for queries, keys "
            "and values packed into one matrix (packed), or for the d_k outputs of one head (head); unit, normal of "
            "variance 1/d_in; he, normal of variance 2/d_in",
            "name",
        ),
        "d_in": Column("entries of a token", "count"),
        "d_k": Column("entries of q and of k", "count"),
        "n_keys": Column("keys in each row of the softmax, one token each", "count"),
        "input_sd": Column("standard deviation of a token's entries"),
        "norm": Column("what comes before the matrices: none, or layer norm", "name"),
        "n_heads": Column("untrained heads over all blocks", "count"),
        **ESTIMATE_COLUMNS,
        "quantity": Column(
            "variance of q·k/√d_k over heads and pairs of different tokens; own_variance: that of a token with itself; "
            "normalised_entropy: mean over rows of the weights' entropy / ln n_keys; scatter: mean square, over heads, "
            "of the relative deviation of ‖W_q W_kᵀ‖²_F/d_k, a head's variance over such tokens, from its mean",
            "name",
        ),
        "prediction": Column("exact; of the entropy approximate, by the law of normal queries and keys"),
    }

    d_in: Annotated[int, Field(ge=8, le=2**14)]  # fewer are near 0, now and then, after layer norm
    d_k: Annotated[int, Field(ge=1, le=2**12)]
    n_tokens: Annotated[int, Field(ge=2, le=2**12)]
    input_sd: Annotated[float, Field(ge=1.1, le=30)]  # larger ones make scores beyond what the exact law was tested on
    margin: Margin

    def cells(self) -> Sequence[LayerCell]:
        """One cell per layer, with heads for the margin on the variance and, in shares of ln n, on the entropy.

        The scores of a head scatter over its weights and over its tokens. For given weights they are like products of
        vectors of tr(A)²/tr(A²) components, A = W_qᵀW_q W_kᵀW_k, which is near d_k/(1 + 2 d_k/d_in).
        """
        wanted = self.n_blocks * (self.margin / STANDARD_ERRORS_PER_MARGIN) ** 2
        n, shared = self.n_tokens, (1 + 2 * self.d_k / self.d_in) / self.d_k
        over_tokens = (2 + 6 * shared + 2 * shared * (2 * n - 2)) / n**2
        over_rows = SHARED_KEYS * ROW_SD**2 / math.log(n) / n
        cells = []
        for layer in LAYERS:
            one = LayerCell(layer, self.d_in, self.d_k, n, 1, self.input_sd)
            n_heads = math.ceil(max(one.scatter + over_tokens, over_rows) / wanted)
            cells.append(LayerCell(layer, self.d_in, self.d_k, n, n_heads, self.input_sd))
        return cells

    def size(self, cell: LayerCell) -> BlockSize:
        """Matrices and tokens of every head, and scores for each kind of input; those of one head are held."""
        drawn = float(cell.n_tokens + 2 * cell.d_k) * cell.d_in
        scores = float(cell.n_tokens) ** 2
        return BlockSize(cell.n_heads * (HEAD_WORK + drawn + 16 * scores), 2 * drawn + 8 * scores)

    def measure(self, cell: LayerCell, rng: np.random.Generator) -> Values:
        """(n_inputs · n_quantities + 1,): means over the block's heads."""
        n, sums, scatter = cell.n_tokens, np.zeros((len(cell.inputs), len(QUANTITIES))), 0.0
        exact = cell.variance(Inputs(1.0, is_normalised=False))
        for _ in range(cell.n_heads):
            w_q, w_k = (cell.law.sample_single(rng, (cell.d_in, cell.d_k)) for _ in range(2))
            z = standard_normals(rng, (n, cell.d_in))
            for i, inputs in enumerate(cell.inputs):
                x = inputs.of(z)
                scores = SCALED((x @ w_q) @ (x @ w_k).T, cell.d_k)
                own = float(np.square(np.diagonal(scores)).sum(dtype=np.float64))
                every = float(np.vecdot(scores, scores).sum(dtype=np.float64))
                entropy = float(row_observables(scores).entropy.mean())
                sums[i] += (every - own) / (n * (n - 1)), own / n, entropy / math.log(n)
            squares = float(np.vdot(w_q.T @ w_q, w_k.T @ w_k)) / cell.d_k
            scatter += (squares / exact - 1) ** 2
        return np.append(sums, scatter) / cell.n_heads

    def frame(self, observed: Mapping[LayerCell, Values]) -> pd.DataFrame:
        """One row per layer, inputs and quantity; and the scatter of each layer's heads."""
        rows = []
        for cell, blocks in observed.items():
            shape = {"layer": cell.layer, "d_in": cell.d_in, "d_k": cell.d_k, "n_keys": cell.n_tokens}
            n_heads = {"n_heads": cell.n_heads * self.n_blocks}
            table = _table(cell, blocks)
            for i, inputs in enumerate(cell.inputs):
                norm = "layer" if inputs.is_normalised else "none"
                index = shape | {"input_sd": inputs.sd, "norm": norm} | n_heads
                exact = (cell.variance(inputs), cell.own_variance(inputs), cell.entropy(inputs))
                rows += [estimate_row(index, *line) for line in zip(QUANTITIES, table[:, i].T, exact, strict=True)]
            index = shape | {"input_sd": 1.0, "norm": "none"} | n_heads
            rows.append(estimate_row(index, "scatter", blocks[:, -1], cell.scatter))
        return pd.DataFrame(rows)

    def claims(self, observed: Mapping[LayerCell, Values]) -> list[Claim]:
        """The variance of each layer for all inputs; and the entropies, where their law is near enough."""
        claims = [self._variance_claim(cell, blocks) for cell, blocks in observed.items()]
        if self.margin * self.d_in >= NEAR:
            claims.append(self._entropy_claim(observed))
        return claims

    def _variance_claim(self, cell: LayerCell, blocks: Values) -> Claim:
        words = LAYERS[cell.layer].words
        exact = np.array([cell.variance(inputs) for inputs in cell.inputs])
        return Claim(
            id=f"initial-variance-{cell.layer}",
            group=GROUP,
            label=f"first scores’ variance over its law, weights: {words}",
            statement=f"In untrained layers (weights: {words}) the scaled scores of two tokens have variance "
            f"{exact[0]:.3g} after layer norm; without it, that times the fourth power of the inputs’ size.",
            source=SOURCE,
            prediction=1.0,
            margin=self.margin,
            reason=f"{100 * self.margin:g} % of the variance changes a score's size by {50 * self.margin:g} %",
            evidence=_table(cell, blocks)[:, :, 0] / exact,
            sample=_sample(cell),
            places=tuple(map(_place, cell.inputs)),
        )

    def _entropy_claim(self, observed: Mapping[LayerCell, Values]) -> Claim:
        less = [
            _table(cell, blocks)[:, :, -1] - np.array([cell.entropy(inputs) for inputs in cell.inputs])
            for cell, blocks in observed.items()
        ]
        first = next(iter(observed))
        return Claim(
            id="initial-entropies",
            group=GROUP,
            label=rf"first entropies less their law, as shares of $\ln n$, {len(observed)} layers",
            statement=f"In untrained layers the entropy over {first.n_tokens} keys is nearly that of independent "
            "normal queries and keys whose scores have the same variance.",
            source=r"Approximate, for $d_{in}$ well above 1: softmax of normal scores",
            prediction=0.0,
            margin=self.margin,
            reason=rf"{100 * self.margin:g} % of $\ln n$",
            evidence=np.concatenate(less, axis=1),
            sample=_sample(max(observed, key=lambda cell: cell.n_heads)),
            places=tuple(
                f"{LAYERS[cell.layer].words}, {_place(inputs)}" for cell in observed for inputs in cell.inputs
            ),
        )


def _table(cell: LayerCell, blocks: Values) -> Values:
    """(n_blocks, n_inputs, n_quantities)."""
    return blocks[:, :-1].reshape(len(blocks), len(cell.inputs), len(QUANTITIES))


def _place(inputs: Inputs) -> str:
    return f"inputs of sd {inputs.sd:g}" + (", normalised" if inputs.is_normalised else "")


def _sample(cell: LayerCell) -> str:
    return f"{cell.n_heads} untrained head{'s' * (cell.n_heads > 1)} with {cell.n_tokens} tokens each"
