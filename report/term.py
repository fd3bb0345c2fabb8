"""What the glossary says of one word or symbol."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """A term, its meaning, and the thing on the page that explains it: formulas stand between dollar signs."""

    term: str
    meaning: str
    where: tuple[str, str]  # what explains it: a section, an equation, a question ... and its name
    spelled: str = ""  # for the order and the anchor, where the term is more than plain words

    @property
    def key(self) -> str:
        """What it is sorted by."""
        return (self.spelled or self.term).casefold()

    @property
    def anchor(self) -> str:
        """Its id on the page."""
        return "term-" + re.sub(r"[^a-z0-9]+", "-", self.key).strip("-")
