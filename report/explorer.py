"""What the page's script needs to know: the exact law at every stop of its sliders, and the map's colours."""

import json
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd
from markupsafe import Markup
from matplotlib.colors import to_hex

from report.figures.saturation_map import COLOURS, LEVELS
from report.figures.selection import levels, select

DIGITS = 5


@dataclass(frozen=True)
class ExplorerTable:
    """The sliders' stops, and `law[rule][quantity][n_keys][d_k]` at them."""

    d_k: list[int]
    n_keys: list[int]
    colours: list[str]  # of equal steps from 0 to 1
    law: dict[str, dict[str, list[list[float]]]]

    @property
    def json(self) -> Markup:
        """All of it as a JSON text that may stand inside a script element."""
        text = json.dumps(vars(self), separators=(",", ":"), allow_nan=False)
        return Markup(text.replace("<", "\\u003c"))

    def start(self, d_k: int, n_keys: int) -> tuple[int, int]:
        """The sliders' positions at these values."""
        return self.d_k.index(d_k), self.n_keys.index(n_keys)


def explorer_table(frame: pd.DataFrame) -> ExplorerTable:
    """The frame of the explorer's experiment as the script reads it, in five significant digits."""
    law = {
        rule: {
            quantity: [
                [float(f"{value:.{DIGITS}g}") for value in row]
                for row in select(frame, rule=rule, quantity=quantity)
                .pivot(index="n_keys", columns="d_k", values="exact")
                .to_numpy()
            ]
            for quantity in frame["quantity"].unique()
        }
        for rule in frame["rule"].unique()
    }
    colours = [to_hex(COLOURS((low + high) / 2)) for low, high in pairwise(LEVELS)]
    return ExplorerTable(levels(frame, "d_k"), levels(frame, "n_keys"), colours, law)
