"""What a page keeps of itself as it is rendered, so that slides can show and say the same: each thing lives once.

Templates mark it with the slide's name: `shown` a sentence that it shows, `said` what belongs into its notes; `titled`
and `heading` name titles. Equations, comparisons with print, questions and their answers are kept without being asked.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from report.walkthrough import Comparison

KINDS = ("shown", "said", "heading", "equation", "printed", "question", "answer")


@dataclass(frozen=True)
class Answer:
    """An answer to a question, and the claims that stand beside it."""

    words: Markup
    claims: Sequence[str]


@dataclass(frozen=True)
class Printed:
    """What a comparison with print is called, and its lines."""

    title: str
    comparison: Comparison


@dataclass
class Kept:
    """Things of a page by kind and name, in the order in which they stand there."""

    things: dict[str, dict[str, list[Any]]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    order: list[tuple[str, str, Any]] = field(default_factory=list)  # kind, name and thing

    def keep(self, kind: str, name: str, thing: Any) -> Any:
        """Take note of a thing, and return it."""
        if name:
            self.things[kind].setdefault(name, []).append(thing)
            self.order.append((kind, name, thing))
        return thing

    def clear(self) -> None:
        """Forget everything."""
        for things in self.things.values():
            things.clear()
        self.order.clear()

    def has(self, kind: str, name: str) -> bool:
        """Whether the page has a thing of that name."""
        return name in self.things[kind]

    def one(self, kind: str, name: str) -> Any:
        """The thing of that name; KeyError, with both names, where the page has none."""
        if name not in self.things[kind]:
            raise KeyError(f"the page has no {kind} named {name!r}")
        return self.things[kind][name][0]

    def all(self, kind: str, name: str) -> tuple[Any, ...]:
        """All things of that name, in order; none where the page has none."""
        return tuple(self.things[kind].get(name, ()))

    def in_order(self, wanted: Container[tuple[str, str]]) -> tuple[tuple[str, Any], ...]:
        """All things of these kinds and names, each with its kind, one after the other as they stand there."""
        return tuple((kind, thing) for kind, name, thing in self.order if (kind, name) in wanted)
