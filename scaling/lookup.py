"""A noisy key lookup: the smallest task that attention has to learn, and its gradients by hand.

Each example holds n keys' inputs x_i, a query's input that overlaps with one of them, and a value for each key. The
head must find its own key among the others and return that key's value. With W_q and W_k (d_in, d_k):

    q = x_q W_q,  k_i = x_i W_k,  s_i = c q·k_i,  p = softmax(s),  o = Σ p_i v_i,  loss = ½‖o - v_own‖².
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from scaling.arrays import check_sizes, is_count, is_number, shown
from scaling.normals import standard_normals

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Examples:
    """Inputs and values of a batch: n_keys keys to each example, one of which is the query's own."""

    queries: Array  # (n_examples, d_in)
    keys: Array  # (n_examples, n_keys, d_in)
    own: NDArray[np.int64]  # (n_examples,): which key is the query's own
    values: Array  # (n_examples, n_keys, n_classes)

    @property
    def targets(self) -> Array:
        """(n_examples, n_classes): the own key's value."""
        return self.values[np.arange(len(self.own)), self.own]


@dataclass(frozen=True)
class LookupTask:
    """Keys x_i ~ N(0, I); query a x_own + √(1 - a²) z with overlap a; values are random classes, one-hot.

    ValueError unless the counts are whole and positive, with n_keys and n_classes from 2, and 0 ≤ a ≤ 1.
    """

    n_keys: int = 16
    d_in: int = 16
    n_classes: int = 8
    overlap: float = 0.9

    def __post_init__(self) -> None:
        for name, fewest in (("n_keys", 2), ("d_in", 1), ("n_classes", 2)):
            value = getattr(self, name)
            if not is_count(value) or value < fewest:
                raise ValueError(f"LookupTask: {name} must be a whole number from {fewest}; received {shown(value)}")
        if not is_number(self.overlap) or not 0 <= self.overlap <= 1:
            raise ValueError(f"LookupTask: overlap must be a number from 0 to 1; received {shown(self.overlap)}")

    def sample(self, rng: np.random.Generator, n_examples: int) -> Examples:
        """Independent examples; `rng` decides all of them. ValueError unless n_examples is a whole number from 1."""
        check_sizes("LookupTask.sample", n_examples=n_examples)
        keys = standard_normals(rng, (n_examples, self.n_keys, self.d_in)).astype(np.float64)
        noise = standard_normals(rng, (n_examples, self.d_in)).astype(np.float64)
        own = rng.integers(0, self.n_keys, n_examples)
        classes = rng.integers(0, self.n_classes, (n_examples, self.n_keys))
        overlap = float(self.overlap)
        queries = overlap * keys[np.arange(n_examples), own] + np.sqrt(1 - overlap**2) * noise
        return Examples(queries, keys, own, np.eye(self.n_classes)[classes])


@dataclass(frozen=True)
class Head:
    """Weights W_q and W_k, (..., d_in, d_k) each."""

    w_q: Array
    w_k: Array

    @classmethod
    def initial(cls, rng: np.random.Generator, d_in: int, d_k: int, n_heads: int | None = None) -> "Head":
        """Entries from N(0, 1/d_in), so that q and k start with entries of variance 1; `n_heads` of them stacked.

        ValueError for a size that is not a whole number from 1.
        """
        check_sizes("Head.initial", d_in=d_in, d_k=d_k, **({} if n_heads is None else {"n_heads": n_heads}))
        shape = (d_in, d_k) if n_heads is None else (n_heads, d_in, d_k)
        return cls(rng.standard_normal(shape) / d_in**0.5, rng.standard_normal(shape) / d_in**0.5)

    def queries_and_keys(self, examples: Examples) -> tuple[Array, Array]:
        """(n_examples, d_k) and (n_examples, n_keys, d_k), of a single head."""
        return examples.queries @ self.w_q, examples.keys @ self.w_k

    def dot_products(self, examples: Examples) -> Array:
        """q·k_i, (..., n_examples, n_keys)."""
        product = self.w_q @ np.swapaxes(self.w_k, -1, -2)  # (..., d_in, d_in)
        probe = examples.queries @ product  # (..., n_examples, d_in)
        dots: Array = (examples.keys @ probe[..., None])[..., 0]
        return dots


@dataclass(frozen=True)
class Gradients:
    """The mean loss of a batch and its derivatives by the weights, each of the weights' shape."""

    loss: float
    w_q: Array
    w_k: Array


def gradients(head: Head, examples: Examples, factor: float) -> Gradients:
    """Loss and gradients at scores `factor` · q·k.

    With V (n_keys, n_classes), g = V (o - v_own), ds = p ⊙ (g - p·g) and u = c Xᵀ ds for each example, and
    G = mean(x_q uᵀ): dL/dW_q = G W_k and dL/dW_k = Gᵀ W_q. ValueError unless `factor` is a finite number.
    """
    if not is_number(factor):
        raise ValueError(f"gradients: factor must be a finite number; received {shown(factor)}")
    weights = _softmax(factor * head.dot_products(examples))  # (n_examples, n_keys)
    error = (weights[:, None, :] @ examples.values)[:, 0] - examples.targets  # (n_examples, n_classes)
    pull = (examples.values @ error[..., None])[..., 0]
    of_scores = weights * (pull - (weights * pull).sum(axis=1, keepdims=True))
    of_inputs = factor * (of_scores[:, None, :] @ examples.keys)[:, 0]  # (n_examples, d_in)
    mean = examples.queries.T @ of_inputs / len(of_inputs)  # (d_in, d_in)
    return Gradients(loss=float(0.5 * np.square(error).sum(axis=1).mean()), w_q=mean @ head.w_k, w_k=mean.T @ head.w_q)


def descend(
    rng: np.random.Generator, task: LookupTask, head: Head, factor: float, rate: float, batch: int
) -> Iterator[Head]:
    """The head after each step of plain stochastic gradient descent, W ← W - rate · dL/dW, on fresh examples.

    It goes on for as long as it is asked; `rng` decides the examples. ValueError, at the call, unless factor and rate
    are numbers above 0 and batch is a whole number from 1; and at the step whose head would not be finite, since the
    descent diverged at this rate.
    """
    for name, value in (("factor", factor), ("rate", rate)):
        if not is_number(value) or value <= 0:
            raise ValueError(f"descend: {name} must be a number above 0; received {shown(value)}")
    if not is_count(batch):
        raise ValueError(f"descend: batch must be a whole number from 1; received {shown(batch)}")
    return _steps(rng, task, head, float(factor), float(rate), batch)


def _steps(
    rng: np.random.Generator, task: LookupTask, head: Head, factor: float, rate: float, batch: int
) -> Iterator[Head]:
    for number in count(1):
        examples = task.sample(rng, batch)
        with np.errstate(over="ignore", invalid="ignore"):  # refused by name instead
            step = gradients(head, examples, factor)
            head = Head(head.w_q - rate * step.w_q, head.w_k - rate * step.w_k)
        if not (np.isfinite(head.w_q).all() and np.isfinite(head.w_k).all()):
            raise ValueError(
                "descend: rate must be small enough for the weights to stay finite; "
                f"received {rate:g}, at which they diverged in step {number}"
            )
        yield head


def _softmax(scores: Array) -> Array:
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights: Array = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return weights
