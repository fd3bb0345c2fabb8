"""Heads with planted properties, of which it is known what an audit must find."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.audit.measured import Settings, measure_heads
from experiments.audit.sources import HeadSource

D_K, N = 32, 384
PLANTED = {  # what is to be found of each head, and nothing else
    "untouched": {"saved", "as-assumed"},
    "large queries": {"sharp", "entry-size", "saved"},
    "saturated": {"saturated", "entry-size"},
    "flat": {"flat", "entry-size"},
    "mean query": {"same-keys", "saved"},
    "mean key": {"offset", "saved"},
    "aligned": {"aligned", "few-components", "saved"},
    "opposed": {"opposed"},
    "own key": {"own-key", "saved", "as-assumed"},
    "previous token": {"saturated", "off-law", "fixed-place"},
}
NAME = "<script>alert(1)</script>$\\frac{x}$ é=‮"  # an array's name may be anything
VARIANCES = np.array([4.5] * 4 + [0.5] * 28)  # of components, whose mean is 1

Array = NDArray[np.float64]


def planted(seed: int = 1) -> tuple[Array, Array]:
    """Queries and keys (heads, n, d_k), heads in the order of `PLANTED`."""
    rng = np.random.default_rng(seed)
    q, k = rng.normal(size=(2, len(PLANTED), N, D_K))
    of = {name: (q[i], k[i]) for i, name in enumerate(PLANTED)}  # views

    def scale(name: str, of_q: float | Array, of_k: float | Array) -> None:
        of[name][0][:] *= np.sqrt(of_q)
        of[name][1][:] *= np.sqrt(of_k)

    scale("large queries", 6.0, 1.0)
    scale("saturated", 9.0, 9.0)
    scale("flat", 0.09, 0.09)
    of["mean query"][0][:] += np.sqrt(1.5)  # μ_qᵀ Σ_k μ_q = 1.5 d_k
    of["mean key"][1][:] += np.sqrt(3.0)
    scale("aligned", VARIANCES, VARIANCES)
    halves = np.array([1.9] * 16 + [0.1] * 16)
    scale("opposed", halves, halves[::-1])
    of["own key"][0][:] = 0.35 * of["own key"][1] + np.sqrt(1 - 0.35**2) * of["own key"][0]
    queries, keys = of["previous token"]
    keys *= np.sqrt(1.7)
    queries[1:] = keys[:-1]
    return q, k


def planted_file(folder: Path, seed: int = 1) -> Path:
    """The same as two layers of a file, one of them with an odd name."""
    q, k = planted(seed)
    half = len(PLANTED) // 2
    arrays = {f"{NAME}.q": q[:half], f"{NAME}.k": k[:half], "~.q": q[half:], "~.k": k[half:]}
    np.savez(folder / "heads & more.npz", **arrays)
    return folder / "heads & more.npz"


@cache
def heads(n_layers: int, n_heads: int, n: int = 24, missing: int = 0) -> pd.DataFrame:
    """Measured heads of random sizes, the last of them missing."""
    rng = np.random.default_rng(n_layers)
    sizes = np.exp(rng.normal(size=(n_layers, n_heads, 1, 1)))
    q, k = rng.normal(size=(2, n_layers, n_heads, n, 4))
    q *= sizes
    places = [(i, j) for i in range(n_layers) for j in range(n_heads)][: n_layers * n_heads - missing]
    return measure_heads([HeadSource(f"layer {i}", i, j, j, [(q[i, j], k[i, j])]) for i, j in places], Settings(), 1)


def many_heads(n_layers: int, n_heads: int) -> pd.DataFrame:
    """A frame of many heads, made from few that were measured; numbers differ in every digit."""
    few = heads(4, 8)
    frame = few.iloc[np.arange(n_layers * n_heads) % len(few)].reset_index(drop=True)
    noise = np.random.default_rng(1).uniform(0.9, 1.0, size=(len(frame), frame.shape[1]))
    for i, name in enumerate(frame):
        if frame[name].dtype == float:
            frame[name] = frame[name] * noise[:, i]
    layer, head = np.divmod(np.arange(len(frame)), n_heads)
    return frame.assign(layer=layer.astype(str), layer_number=layer, head=head)
