"""Numbers for sections, figures, tables and equations, and links to them by name.

A page is rendered twice: the first pass learns what there is and in which order, the second one knows every number.
"""

from markupsafe import Markup, escape

WORDS = {kind: kind for kind in ("section", "figure", "table", "equation", "claim", "question")}


class DanglingReference(Exception):
    """A template refers to a name that nothing on the page has."""


class References:
    """Names defined on the page, by kind, in the order in which they appear."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._defined: set[tuple[str, str]] = set()
        self._final = False

    def begin_final_pass(self) -> None:
        """From here on every reference must resolve and every name must be defined anew, once."""
        self._defined.clear()
        self._final = True

    def define(self, kind: str, name: str) -> int:
        """Note that this thing stands here; returns its number."""
        if (kind, name) in self._defined:
            raise ValueError(f"{kind} {name!r} stands on the page twice")
        self._defined.add((kind, name))
        count = sum(known == kind for known, _ in self._numbers)
        return self._numbers.setdefault((kind, name), count + 1)

    def stands(self, kind: str, name: str) -> bool:
        """Whether this thing stands on the page already, above the place that asks."""
        return (kind, name) in self._defined

    def number_of(self, kind: str, name: str) -> int:
        """Its number; 0 in the first pass, where it may be unknown yet."""
        if self._final and (kind, name) not in self._numbers:
            raise DanglingReference(f"the page has no {kind} named {name!r}")
        return self._numbers.get((kind, name), 0)

    def refer(self, kind: str, name: str) -> Markup:
        """A link such as "figure 3"."""
        number = self.number_of(kind, name)
        return Markup('<a class="reference" href="#{}-{}">{}&nbsp;{}</a>').format(
            kind, escape(name), WORDS[kind], number
        )

    def refer_first(self, kind: str, name: str) -> Markup:
        """The same at the beginning of a sentence: "Figure 3"."""
        word = WORDS[kind]
        return Markup(str(self.refer(kind, name)).replace(f">{word}&", f">{word.capitalize()}&"))

    def names(self, kind: str) -> list[str]:
        """Everything of that kind, in order."""
        return [name for known, name in self._numbers if known == kind]
