"""Names of arrays: which two are the queries and keys of one layer, and in which order layers stand."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from experiments.audit.stored import StoredArray
from experiments.faults import MOST, Faults, first_faults, nearest_name

KEY_WORD = {"q": "k", "query": "key", "queries": "keys", "wq": "wk"}
QUERY_WORD = {key: query for query, key in KEY_WORD.items()}
WEIGHT_WORDS = {"w", "weight", "weights", "wq", "wk"}
INPUTS = "x"
SEPARATORS = r"[\s._/-]"
WORD = re.compile(r"[^\s._/-]+")
MAX_NAMED = 8  # of many names
MAX_COMPARED = 1000  # with a name that was looked for


@dataclass(frozen=True)
class Named:
    """An array by its name: `home` is the file or the folder in which names are unique, `file` the file's own name."""

    home: str
    file: str
    name: str
    load: Callable[[], StoredArray]

    @property
    def is_npy(self) -> bool:
        """Whether it has a file to itself."""
        return self.file.lower().endswith(".npy")

    @property
    def place(self) -> tuple[str, str]:
        """What no two different arrays share."""
        return self.home, self.file if self.is_npy else self.name

    @property
    def where(self) -> str:
        """What faults call it."""
        return self.file if self.is_npy else f"{self.file}: {self.name}"


@dataclass(frozen=True)
class Pair:
    """Arrays whose names differ in one word; `layer` is the rest of the name, empty where nothing is left."""

    q: Named
    k: Named
    layer: str


def is_weight(name: str) -> bool:
    """Whether a name says that it is a weight's: W_q, q_proj.weight, wq."""
    return any(word.lower() in WEIGHT_WORDS for word in WORD.findall(name))


def partners(name: str, words: dict[str, str]) -> dict[str, str]:
    """{name of a partner in lower case: rest of the name} for each word of `name` that `words` replaces."""
    return {
        (name[: word.start()] + words[word[0].lower()] + name[word.end() :]).lower(): _rest(name, word)
        for word in WORD.finditer(name)
        if word[0].lower() in words
    }


def find_pairs(arrays: Sequence[Named]) -> list[Pair]:
    """Queries and keys of the layers in their natural order. Faults for queries without keys, or without any pair.

    Keys are looked for in the queries' own home, and then everywhere.
    """
    by_name: dict[str, list[Named]] = defaultdict(list)
    for array in arrays:
        by_name[array.name.lower()].append(array)
    pairs: list[Pair] = []
    alone: list[Named] = []
    for q in arrays:
        wanted = partners(q.name, KEY_WORD)
        found = [Pair(q, k, layer) for name, layer in wanted.items() for k in _nearest_home(by_name[name], q.home)]
        if len(found) == 1:
            pairs += found
        elif wanted:
            alone.append(q)
    taken: dict[Named, list[Named]] = defaultdict(list)
    for pair in pairs:
        taken[pair.k].append(pair.q)
    alone = [q for q in alone if q not in taken]
    faults = [_without_partner(q, by_name, arrays) for q in alone[:MOST]]
    faults += [q.where for q in alone[MOST:]]  # only their number is told
    faults += [
        f"{k.where}: could go with {' or '.join(q.where for q in queries)}; names must tell which"
        for k, queries in taken.items()
        if len(queries) > 1
    ]
    if faults:
        raise first_faults(faults)
    if not pairs:
        files = some(sorted({array.file for array in arrays}))
        raise Faults(
            f"{files}: no two arrays are named as queries and keys are, such as q and k or query and key; "
            f"there are: {some(array.name for array in arrays)}"
        )
    return sorted(pairs, key=lambda pair: [natural_order(text) for text in (pair.layer, pair.q.file, pair.q.name)])


def find_inputs(pairs: Sequence[Pair], arrays: Sequence[Named]) -> dict[Named, Named]:
    """{W_q: x} for the pairs that are weights; x lies in their home, or elsewhere. Faults where there is none."""
    every_x = [array for array in arrays if array.name.lower() == INPUTS]
    inputs: dict[Named, Named] = {}
    faults: list[str] = []
    for q in (pair.q for pair in pairs if is_weight(pair.q.name)):
        found = list(_nearest_home(every_x, q.home))
        if len(found) == 1:
            inputs[q] = found[0]
        else:
            faults.append(
                f"{q.where}: is named as a weight and needs one array {INPUTS!r} of inputs to multiply by it; there "
                f"are {len(found)} (if it holds queries, give it another name)"
            )
    if faults:
        raise first_faults(faults)
    return inputs


def natural_order(text: str) -> tuple[str | tuple[int, str], ...]:
    """Key to sort by: numbers within a text by their size, so that layer 10 comes after layer 2."""
    parts = re.split("([0-9]+)", text.lower())
    digits = [part.lstrip("0") for part in parts]
    return tuple((len(digits[i]), digits[i]) if i % 2 else parts[i] for i in range(len(parts)))


def some(names: Iterable[str]) -> str:
    """The first few of many names."""
    first, rest = (names := list(names))[:MAX_NAMED], len(names) - MAX_NAMED
    return ", ".join(first) + (f" and {rest} more" if rest > 0 else "") or "none"


def _nearest_home(candidates: Sequence[Named], home: str) -> Iterator[Named]:
    at_home = [candidate for candidate in candidates if candidate.home == home]
    yield from at_home or candidates


def _without_partner(q: Named, by_name: dict[str, list[Named]], arrays: Sequence[Named]) -> str:
    wanted = list(partners(q.name, KEY_WORD))
    if there := [k.where for name in wanted for k in _nearest_home(by_name[name], q.home)]:
        return f"{q.where}: could go with {' or '.join(there)}; names must tell which"
    others = [array.name for array in arrays if array is not q]
    hint = nearest_name(wanted[0], others[:MAX_COMPARED])
    needed = " or ".join(f"'{name}'" for name in wanted)
    return f"{q.where}: has no keys; {needed} is needed; there are: {some(others)}{hint}"


def _rest(name: str, word: re.Match[str]) -> str:
    """The name without a word and one of the separators beside it; empty if only words for weights are left."""
    before = re.sub(f"{SEPARATORS}+$", "", name[: word.start()])
    after = re.sub(f"^{SEPARATORS}+", "", name[word.end() :])
    separator = name[len(before)] if before and after else ""
    rest = before + separator + after
    return "" if all(left.lower() in WEIGHT_WORDS for left in WORD.findall(rest)) else rest
