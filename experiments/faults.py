"""What a user did wrong, said in one line per fault."""

import difflib
from collections.abc import Iterable


class Faults(Exception):
    """One or more faults in what the user gave; each is one line naming where, what, and what is allowed."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def nearest_name(name: str, allowed: Iterable[str]) -> str:
    """A "; did you mean …?" tail for a mistyped name, or nothing when no allowed name is near."""
    nearest = difflib.get_close_matches(name, list(allowed), n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""
