"""Many heads trained side by side on the same examples, each known by the Gram matrix of its weights.

Stack a head's weights, W = [W_q; W_k] (2 d_in, d_k). Its scores are made of products of these rows alone, and its
gradient is a matrix times W. With u of `scaling.lookup.gradients` and G = mean(x_q uᵀ):

    S = W Wᵀ = [A M; Mᵀ B],  q·k = x_q M x_k,  dL/dW = H W,  H = [0 G; Gᵀ 0].

So a step of plain gradient descent, W ← (I - ηH) W, is S ← (I - ηH) S (I - ηH): exact, and at a cost that does not
depend on d_k. It also shows that the size of the first weights is no setting of its own: a head a W with factor c and
rate η does, step by step, what W does with factor a² c and rate η/a².
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling.arrays import check_sizes, real_array, shown
from scaling.lookup import Examples, Head, LookupTask
from scaling.saturation import DEAD_TRACE

Array = NDArray[np.float64]


@dataclass(frozen=True)
class GramHeads:
    """Heads that take inputs of the same size, each with a factor c of its scores c q·k."""

    gram: Array  # (n_heads, 2 d_in, 2 d_in): S
    factors: Array  # (n_heads,)

    @classmethod
    def of(cls, heads: Sequence[Head], factors: ArrayLike) -> "GramHeads":
        """Single heads, of any d_k each.

        ValueError unless there is a factor above 0 for each of at least one, and W Wᵀ is finite.
        """
        numbers = _one_for_each("GramHeads.of", "factors", factors, len(heads))
        weights = [np.concatenate([head.w_q, head.w_k]) for head in heads]  # (2 d_in, d_k) each
        with np.errstate(over="ignore", invalid="ignore"):
            gram = np.stack([w @ w.T for w in weights])
        return cls(real_array(gram, "GramHeads.of: products of the weights"), numbers)

    def repeat(self, n_times: int) -> "GramHeads":
        """Each head so many times, one after the other; ValueError unless that is a whole number from 1."""
        check_sizes("GramHeads.repeat", n_times=n_times)
        return GramHeads(np.repeat(self.gram, n_times, axis=0), np.repeat(self.factors, n_times))

    @property
    def d_in(self) -> int:
        """Entries of an input."""
        return int(self.gram.shape[1]) // 2

    def scores(self, examples: Examples) -> Array:
        """c x_q M x_i, (n_examples, n_keys, n_heads)."""
        probes = examples.queries @ self.gram[:, : self.d_in, self.d_in :]  # (n_heads, n_examples, d_in)
        scores: Array = examples.keys @ probes.transpose(1, 2, 0)
        scores *= self.factors
        return scores


@dataclass(frozen=True)
class Response:
    """What heads make of examples, and what each example by itself would change in them."""

    found: NDArray[np.bool_]  # (n_examples, n_heads): the own key has the largest score
    loss: Array  # (n_examples, n_heads): ½‖o - v_own‖²
    trace: Array  # (n_examples, n_heads): 1 - Σp², of the softmax's Jacobian
    pulls: Array  # (n_examples, d_in, n_heads): u, of the gradient x_q uᵀ by M

    @property
    def dead_and_wrong(self) -> NDArray[np.bool_]:
        """(n_examples, n_heads): rows that have settled on another key and pass next to nothing on."""
        return (self.trace < DEAD_TRACE) & ~self.found


def respond(heads: GramHeads, examples: Examples) -> Response:
    """The softmax of the heads' scores, and its gradient row by row; see `scaling.lookup.gradients`."""
    weights = heads.scores(examples)  # (n_examples, n_keys, n_heads), and turned into weights in place
    largest = weights.max(axis=1)
    found = weights[np.arange(len(examples.own)), examples.own] >= largest
    weights -= largest[:, None]
    np.exp(weights, out=weights)
    weights /= weights.sum(axis=1)[:, None]
    error = np.swapaxes(examples.values, 1, 2) @ weights - examples.targets[:, :, None]
    loss = 0.5 * np.einsum("ijh,ijh->ih", error, error)
    of_scores = examples.values @ error  # (n_examples, n_keys, n_heads)
    of_scores -= np.einsum("ijh,ijh->ih", weights, of_scores)[:, None]
    of_scores *= weights
    pulls = np.swapaxes(examples.keys, 1, 2) @ of_scores
    pulls *= heads.factors
    return Response(found, loss, 1 - np.einsum("ijh,ijh->ih", weights, weights), pulls)


def mean_gradients(queries: Array, pulls: Array) -> Array:
    """G = mean(x_q uᵀ) over examples, (n_heads, d_in, d_in), of x_q (n_examples, d_in) and `Response.pulls`."""
    n_examples, d_in, n_heads = pulls.shape
    flat = queries.T @ pulls.reshape(n_examples, -1) / n_examples
    mean: Array = flat.reshape(-1, d_in, n_heads).transpose(2, 0, 1)
    return mean


@dataclass(frozen=True)
class Step:
    """What share of a batch was found, its loss, what was dead and wrong, before heads learned from it; and those."""

    found: Array  # (n_heads,); 0 for a head that has diverged
    loss: Array  # (n_heads,); 1, that of a wrong answer, for a head that has diverged
    dead_and_wrong: Array  # (n_heads,); 1 for a head that has diverged
    heads: GramHeads  # after the step; the next step overwrites them
    has_diverged: NDArray[np.bool_]  # (n_heads,): in this step or before


def descend_together(
    rng: np.random.Generator, task: LookupTask, heads: GramHeads, rates: ArrayLike, batch: int
) -> Iterator[Step]:
    """Plain stochastic gradient descent of all heads on the same fresh examples, each at its own rate.

    It goes on for as long as it is asked; `rng` decides the examples. A head whose weights pass the largest float is
    set to 0 and stays there, unnoticed by the others. ValueError, at the call, unless batch is a whole number from 1,
    the heads take the task's inputs, and there is a rate above 0 for each.
    """
    check_sizes("descend_together", batch=batch)
    if heads.d_in != task.d_in:
        raise ValueError(f"descend_together: heads must take inputs of {task.d_in} entries; received {heads.d_in}")
    return _steps(rng, task, heads, _one_for_each("descend_together", "rates", rates, len(heads.gram)), batch)


def _steps(rng: np.random.Generator, task: LookupTask, heads: GramHeads, rates: Array, batch: int) -> Iterator[Step]:
    d_in, has_diverged = task.d_in, np.zeros(len(rates), dtype=bool)
    heads = GramHeads(heads.gram.copy(), heads.factors)
    move, halfway = np.tile(np.eye(2 * d_in), (len(rates), 1, 1)), np.empty_like(heads.gram)
    while True:
        examples = task.sample(rng, batch)
        with np.errstate(over="ignore", invalid="ignore"):  # where a head diverges
            response = respond(heads, examples)
            change = mean_gradients(examples.queries, response.pulls) * -rates[:, None, None]
            move[:, :d_in, d_in:] = change  # I - ηH
            move[:, d_in:, :d_in] = np.swapaxes(change, 1, 2)
            np.matmul(move, heads.gram, out=halfway)
            np.matmul(halfway, move, out=heads.gram)
            found, loss = response.found.mean(axis=0), response.loss.mean(axis=0)
            dead = response.dead_and_wrong.mean(axis=0)
            now_diverged = has_diverged | ~np.isfinite(heads.gram.sum(axis=(1, 2)))
        heads.gram[now_diverged] = 0.0
        found, loss, dead = np.where(has_diverged, np.array([[0.0], [1.0], [1.0]]), [found, loss, dead])
        yield Step(found, loss, dead, heads, now_diverged)
        has_diverged = now_diverged


def _one_for_each(where: str, name: str, values: ArrayLike, n_heads: int) -> Array:
    """`values` (n_heads,), all above 0, or a ValueError that begins with `where`."""
    numbers = real_array(values, f"{where}: {name}")
    if not n_heads or numbers.shape != (n_heads,) or not (numbers > 0).all():
        raise ValueError(
            f"{where}: {name} must be a number above 0 for each head, of at least one; "
            f"received {shown(values)} for {n_heads} heads"
        )
    return numbers
