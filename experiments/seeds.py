"""Every block's own generator, from the root seed and what the block is, never from a position in a list."""

import hashlib

import numpy as np


def block_rng(root_seed: int, experiment: str, cell: str, block: int) -> np.random.Generator:
    """A generator that only these four decide: adding cells or blocks changes nobody else's draws."""
    digest = hashlib.sha256(f"{experiment}\n{cell}\n{block}".encode()).digest()
    words = np.frombuffer(digest[:16], dtype="<u4")
    seed = np.random.SeedSequence(root_seed, spawn_key=tuple(int(word) for word in words))
    return np.random.Generator(np.random.SFC64(seed))  # NumPy's fastest; streams so seeded do not overlap in practice
