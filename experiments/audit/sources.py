"""What an audit measures: heads whose queries and keys are read from the reader's files when they are asked for."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType

from scaling.vector_moments import Rows


@dataclass(frozen=True)
class HeadSource:
    """One query head of one layer, and the key head it reads, for every sequence of the batch."""

    layer: str  # its name in the file, or its number where it has none
    layer_number: int  # place in order
    head: int  # query head within the layer
    key_head: int  # with grouped queries several heads share one
    sequences: Sequence[tuple[Rows, Rows]]  # q and k of each


@dataclass(frozen=True)
class Audited:
    """All heads in order of layer and head, and in words what was read.

    A context manager, since it holds files; they cannot be handed to another process.
    """

    heads: tuple[HeadSource, ...]
    d_k: int
    read: tuple[str, ...]  # names of files without their folders, of arrays, shapes, types
    closing: ExitStack = field(default_factory=ExitStack, repr=False, compare=False)

    def __enter__(self) -> "Audited":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.close()
