"""Asks what a point of each exact law costs.

Every call is given values that it has not seen, since tables are kept: what is measured is the first time.
"""

from collections.abc import Mapping

import numpy as np

from benchmarks.timing import Work, interleaved, spread
from report.cost_record import Law, LawCost
from scaling.attention_law import attention_law
from scaling.dot_product_law import dot_product_law
from scaling.softmax_law import softmax_law

N_KEYS = 1024
D_K = 64
SIGMAS = np.geomspace(0.1, 50, 24)
DIMENSIONS = 2 ** np.arange(0, 16, 2)
PLACES = np.linspace(-40, 40, 4001)


def works(rng: np.random.Generator) -> dict[Law, tuple[Work, int]]:
    """Each law at so many points; a relative shift of up to 1 % makes them new."""

    def shift() -> float:
        return float(rng.uniform(1, 1.01))

    law = dot_product_law(D_K)
    return {
        "softmax_law": (lambda: softmax_law(SIGMAS * shift(), N_KEYS).entropy, SIGMAS.size),
        "softmax_law.max_weight": (lambda: softmax_law(SIGMAS * shift(), N_KEYS).max_weight, SIGMAS.size),
        "attention_law": (lambda: attention_law(DIMENSIONS, N_KEYS, shift()).entropy, DIMENSIONS.size),
        "dot_product_law.pdf": (lambda: law.pdf(PLACES * shift()), PLACES.size),
        "dot_product_law.cdf": (lambda: law.cdf(PLACES * shift()), PLACES.size),
    }


def measure(seed: int, n_rounds: int) -> list[LawCost]:
    """Every law."""
    found = works(np.random.default_rng(seed))
    seconds: Mapping[Law, list[float]] = interleaved({law: work for law, (work, _) in found.items()}, n_rounds)
    return [
        LawCost(law=law, n_points=n_points, us_per_point=spread(seconds[law], 1e6 / n_points))
        for law, (_, n_points) in found.items()
    ]
