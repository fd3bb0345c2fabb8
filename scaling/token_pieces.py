"""A sequence of tokens, split into pieces that are alike: for intervals that leave out a piece at a time."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.intp]
STRETCHES = 4  # of tokens that follow each other, to each piece; fewer where there are too few tokens


@dataclass(frozen=True)
class TokenPieces:
    """Tokens 0 … n_tokens - 1, at least n_pieces, cut into stretches that are dealt to the pieces in turn, 4 to each.

    Neighbours, which are dependent, are mostly left out together; and each piece has tokens from all along the
    sequence, so that a drift is no difference between pieces.
    """

    n_tokens: int
    n_pieces: int

    @cached_property
    def stretches(self) -> list[list[tuple[int, int]]]:
        """Of each piece: where its stretches begin and end."""
        if self.n_pieces == 1:
            return [[(0, self.n_tokens)]]
        each = max(1, min(STRETCHES, self.n_tokens // self.n_pieces))  # of one token at least
        cuts = np.linspace(0, self.n_tokens, each * self.n_pieces + 1).round().astype(int).tolist()
        return [list(pairwise(cuts))[piece :: self.n_pieces] for piece in range(self.n_pieces)]

    @cached_property
    def order(self) -> Places:
        """Every token, piece by piece: (n_tokens,)."""
        return np.concatenate([np.arange(a, b) for piece in self.stretches for a, b in piece])

    @cached_property
    def rank(self) -> Places:
        """Where each token stands in `order`: (n_tokens,)."""
        return np.argsort(self.order)

    @cached_property
    def bounds(self) -> list[int]:
        """Where each piece begins in `order`, and where the last one ends."""
        sizes = [sum(b - a for a, b in piece) for piece in self.stretches]
        return [0, *np.cumsum(sizes).tolist()]

    @cached_property
    def piece_of(self) -> Places:
        """The piece of each token: (n_tokens,)."""
        return np.repeat(np.arange(self.n_pieces), np.diff(self.bounds))[self.rank]
