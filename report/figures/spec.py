"""What a figure of the report is: a name, the frames it is drawn from, and three functions of those frames."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure


@dataclass(frozen=True)
class FigureSpec:
    """One figure; its functions are given the frame of `experiment`, then those of the experiments `beside` it.

    One with stages is also drawn as far as one of them, `draw(*frames, stage=i)`, with all that stands there by then at
    its final place; the last stage is the whole.
    """

    name: str  # stable, in kebab case: used for ids and file names
    experiment: str
    title: str
    draw: Callable[..., Figure]
    caption: Callable[..., str]  # the finding; plain text with maths as $...$
    alt: Callable[..., str]  # plain text
    beside: tuple[str, ...] = ()
    wide: bool = False  # wider than the text where there is room
    stages: tuple[str, ...] = ()  # what each adds, where the figure can be built up; plain text with maths as $...$

    @property
    def experiments(self) -> tuple[str, ...]:
        """All whose CSV together are the figure's data."""
        return self.experiment, *self.beside

    def given(self, frames: Mapping[str, pd.DataFrame]) -> list[pd.DataFrame]:
        """The frames that its functions take."""
        return [frames[name] for name in self.experiments]
