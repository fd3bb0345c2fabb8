"""The findings, in paragraphs: a kind, what it means, and the heads of which it says most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.audit import kinds
from experiments.audit.kinds import KINDS, QUIET, Kind
from report.audit.labels import head_labels
from report.audit.sentences import SENTENCES
from report.wording import margin

NAMED = {"saturated": 12, "flat": 12, "off-law": 12} | dict.fromkeys(QUIET, 3)  # heads in a paragraph, at most
ALSO_NAMED = 6  # ... of other kinds


@dataclass(frozen=True)
class Words:
    """A kind's heading, and what it means; both plain text with maths as $...$."""

    title: str
    meaning: str


WORDS: Mapping[str, Words] = {
    "saturated": Words(
        "Saturated as used",
        f"In at least {margin(kinds.DEAD)} of the rows next to no gradient comes back (the trace of the softmax’s "
        f"Jacobian is below 0.01), or less than {margin(kinds.KEPT)} is left of the entropy that scores of variance 1 "
        "have: normal scores come to that beyond the spread at which attention freezes onto a few keys. A larger "
        "divisor (a temperature) would undo it; whether it should be undone depends on what the head is for.",
    ),
    "flat": Words(
        "Nearly uniform",
        f"The entropy lacks less than {margin(kinds.FLAT_LOSS)} of what scores of variance 1 lack of $\\ln n$: the "
        "weights are as good as equal, and the head hands on a plain mean of the values.",
    ),
    "sharp": Words(
        "Larger scores than the division aims at",
        f"The scaled scores of a row have a standard deviation of {kinds.SHARP_SD:g} or more instead of 1, and the "
        "head is not saturated yet.",
    ),
    "off-law": Words(
        "Rows unlike normal ones",
        f"The entropy differs by {kinds.DEPARTURE:g} or more from what normal scores of the same spreads have, over "
        "1000 keys a factor of two in effective keys. The spread alone does not say how saturated such a head is.",
    ),
    "aligned": Words(
        "Queries and keys along the same directions",
        f"The alignment is {kinds.ALIGNED:g} or more: the large directions of the queries are those of the keys, and "
        "the scores are larger than the size of the entries says. (It depends on the basis.)",
    ),
    "opposed": Words(
        "Queries and keys along different directions",
        f"The alignment is {1 / kinds.ALIGNED:g} or less: where queries vary much, keys vary little, and the scores "
        "are smaller than the size of the entries says. (It depends on the basis.)",
    ),
    "own-key": Words(
        "A token’s own key stands out",
        f"It lies {kinds.OWN_SDS:g} standard deviation of its row or more off the row’s mean: query and key of the "
        "same token are not independent.",
    ),
    "same-keys": Words(
        "The same keys in every row",
        f"At least {margin(kinds.SAME_KEYS)} of the variance within rows comes from the mean query.",
    ),
    "entry-size": Words(
        "Entries far from variance 1",
        f"Those of $q$ or of $k$ have a variance outside {kinds.ENTRY_VARIANCES[0]:g} to {kinds.ENTRY_VARIANCES[1]:g}; "
        "both multiply the variance of the scores, and no root of $d_k$ undoes them. (They depend on the basis.)",
    ),
    "offset": Words(
        "Offsets that no softmax sees",
        f"The mean key’s term is {margin(kinds.OFFSET_SHARE)} or more of the variance, or the mean score is farther "
        f"from 0 than {kinds.OFFSET_SDS:g} standard deviations of a row. $\\Var(q \\cdot k)/d_k$ then says "
        "more than there is to divide.",
    ),
    "few-components": Words(
        "Fewer components than $d_k$",
        f"The joint term is made of {margin(kinds.FEW)} of $d_k$ components or fewer. (Not looked for with fewer than "
        f"{kinds.TOKENS_PER_COMPONENT} tokens for each of the $d_k$.)",
    ),
    "fixed-place": Words(
        "The largest weight at a fixed place",
        f"In at least {margin(kinds.FIXED)} of the rows it is on the token itself, the one before, or the first one.",
    ),
    "saved": Words(
        "Saved by the division",
        "Saturated, in the sense above, if the same queries and keys were used without the division, and not as used.",
    ),
    "as-assumed": Words(
        "As the lecture assumes",
        f"$\\Var(q \\cdot k)/d_k$ lies within {kinds.AS_ASSUMED[0]:g} to {kinds.AS_ASSUMED[1]:g}.",
    ),
}


@dataclass(frozen=True)
class Item:
    """A head, and what is said of it."""

    label: str
    sentence: str  # plain text with maths as $...$


@dataclass(frozen=True)
class Paragraph:
    """One kind of finding, of those that there are."""

    name: str
    words: Words
    n: int  # heads of this kind
    items: tuple[Item, ...]

    @property
    def n_more(self) -> int:
        """Heads that are counted and not named."""
        return self.n - len(self.items)


def paragraphs(heads: pd.DataFrame) -> list[Paragraph]:
    """One for each kind that there are heads of, what needs attention first."""
    labels = head_labels(heads)
    found = (_paragraph(kind, heads, labels) for kind in KINDS)
    return [paragraph for paragraph in found if paragraph.n]


def _paragraph(kind: Kind, heads: pd.DataFrame, labels: Sequence[str]) -> Paragraph:
    places = np.flatnonzero(kind.holds(heads))
    depth = kind.depth(heads).to_numpy()[places]
    named = places[np.argsort(-depth, kind="stable")][: NAMED.get(kind.name, ALSO_NAMED)]
    items = [
        Item(labels[place], SENTENCES[kind.name](head))
        for place, head in zip(named, heads.iloc[named].itertuples(), strict=True)
    ]
    return Paragraph(kind.name, WORDS[kind.name], len(places), tuple(items))
