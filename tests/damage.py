"""Ways in which bytes on a disk go wrong."""

from collections.abc import Callable, Mapping
from random import Random

Damage = Callable[[bytearray, Random], bytearray]
PAGE, SECTOR = 4096, 512


def flip(content: bytearray, chance: Random) -> bytearray:
    """One bit."""
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return content


def flips(content: bytearray, chance: Random) -> bytearray:
    """Up to two hundred bits."""
    for _ in range(chance.randrange(2, 200)):
        flip(content, chance)
    return content


def cut(content: bytearray, chance: Random) -> bytearray:
    """The end is missing, at any byte or where a page ends."""
    end = chance.randrange(len(content))
    return content[: end if chance.random() < 0.5 else end // PAGE * PAGE]


def head(content: bytearray, chance: Random) -> bytearray:
    """A byte among the first hundred."""
    content[chance.randrange(min(100, len(content)))] = chance.randrange(256)
    return content


def tail(content: bytearray, chance: Random) -> bytearray:
    """A byte among the last three hundred."""
    content[-1 - chance.randrange(min(300, len(content)))] = chance.randrange(256)
    return content


def zeros(content: bytearray, chance: Random) -> bytearray:
    """A sector that was never written."""
    begin = chance.randrange(len(content)) // SECTOR * SECTOR
    content[begin : begin + SECTOR] = bytes(len(content[begin : begin + SECTOR]))
    return content


def swap(content: bytearray, chance: Random) -> bytearray:
    """Two pages in each other's place."""
    if len(content) >= 2 * PAGE:
        a, b = (PAGE * page for page in chance.sample(range(len(content) // PAGE), 2))
        content[a : a + PAGE], content[b : b + PAGE] = content[b : b + PAGE], content[a : a + PAGE]
    return content


KINDS: Mapping[str, Damage] = {kind.__name__: kind for kind in (flip, flips, cut, head, tail, zeros, swap)}


def damaged(content: bytes, chance: Random) -> bytes:
    """The content after damage of one kind."""
    return bytes(KINDS[chance.choice(list(KINDS))](bytearray(content), chance)) if content else content
