"""What a user did wrong, said in one line per fault."""

import difflib
from collections.abc import Iterable, Sequence

BEGINNING, ENDING = 300, 197  # characters of a line that is too long: where it happened, and what
LONGEST = BEGINNING + len(" … ") + ENDING
MOST = 20  # lines where thousands of arrays may have the same fault


class Faults(Exception):
    """One or more faults in what the user gave; each is one line naming where, what, and what is allowed."""

    def __init__(self, *lines: str) -> None:
        self.lines = tuple(printable(line) for line in lines)
        super().__init__("\n".join(self.lines))

    def __reduce__(self) -> tuple[type["Faults"], tuple[str, ...]]:
        return Faults, self.lines  # on its way back from a worker


def first_faults(lines: Sequence[str]) -> Faults:
    """Faults of which there may be very many: the first of them, and how many more there are."""
    more = [f"... and {len(lines) - MOST} more such lines"] if len(lines) > MOST else []
    return Faults(*lines[:MOST], *more)


def printable(text: str) -> str:
    """What may come from a file or a flag, in one line of a length that can be read."""
    shown = one_line(text)
    return shown if len(shown) <= LONGEST else f"{shown[:BEGINNING]} … {shown[-ENDING:]}"


def one_line(text: str) -> str:
    """The same without control characters."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def nearest_name(name: str, allowed: Iterable[str]) -> str:
    """A "; did you mean …?" tail for a mistyped name, or nothing when no allowed name is near."""
    nearest = difflib.get_close_matches(name, list(allowed), n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""
