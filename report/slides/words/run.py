"""Words of one look."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby


@dataclass(frozen=True)
class Run:
    """A piece of a line: text, and how it is set."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    script: int = 0  # -1 lowered, +1 raised

    @property
    def look(self) -> "Run":
        """The same without its text."""
        return replace(self, text="")


def joined(runs: Iterable[Run]) -> list[Run]:
    """The same line with neighbours of one look in one run."""
    return [
        replace(look, text="".join(run.text for run in group))
        for look, group in groupby((run for run in runs if run.text), key=lambda run: run.look)
    ]


def text_of(runs: Iterable[Run]) -> str:
    """The words alone."""
    return "".join(run.text for run in runs)
