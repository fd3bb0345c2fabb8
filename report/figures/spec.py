"""What a figure of the report is: a name, the frame it is drawn from, and three functions of that frame."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure


@dataclass(frozen=True)
class FigureSpec:
    """One figure; the frame given to its functions is that of `experiment`, and its CSV is the figure's data."""

    name: str  # stable, in kebab case: used for ids and file names
    experiment: str
    title: str
    draw: Callable[[pd.DataFrame], Figure]
    caption: Callable[[pd.DataFrame], str]  # the finding; plain text with maths as $...$
    alt: Callable[[pd.DataFrame], str]  # plain text
