"""Command-line options of an audit; every mistake in them gets a line of its own."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from experiments.audit.layout import MAX_HEADS
from experiments.audit.measured import Settings
from experiments.cli import MAX_JOBS, n_processors, whole_number
from experiments.faults import Faults
from scaling.arrays import shown
from scaling.heads import SCALE_RANGE


@dataclass(frozen=True)
class AuditOptions:
    """What to read, how, and where the page goes."""

    paths: tuple[Path, ...]
    batch_first: bool
    n_heads: int | None
    settings: Settings
    jobs: int
    out: Path


def add_audit_options(parser: argparse.ArgumentParser) -> None:
    """The files, and how they are to be read and measured."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE",
        help="queries and keys: .npz, .npy or .safetensors, or a folder of .npy files; names tell which are which",
    )  # fmt: skip
    parser.add_argument("--batch-first", action="store_true", help="the first axis counts sequences")
    parser.add_argument("--causal", action="store_true", help="a query sees the keys up to its own place")
    parser.add_argument("--scale", metavar="S", help="number that q·k is multiplied by (default: 1/√d_k)")
    parser.add_argument(
        "--entropy", metavar="SHARE",
        help="share of ln n that temperatures aim at (default: what scores of variance 1 leave)",
    )  # fmt: skip
    parser.add_argument("--heads", metavar="N", help="query heads side by side, where arrays have no axis for them")
    parser.add_argument("--jobs", metavar="N", help="threads (default: one per processor)")
    parser.add_argument("--out", default="build", metavar="DIR", help="folder of everything written (default: build)")


def read_audit_options(arguments: argparse.Namespace) -> AuditOptions:
    """Validated options; Faults with one line for every mistake in any of them."""
    faults: list[str] = []
    n_heads = whole_number("--heads", arguments.heads, 1, MAX_HEADS, faults)
    jobs = whole_number("--jobs", arguments.jobs, 1, MAX_JOBS, faults)
    low, high = SCALE_RANGE
    scale = _number("--scale", arguments.scale, lambda value: low <= value <= high, f"from {low:g} to {high:g}", faults)
    entropy = _number("--entropy", arguments.entropy, lambda value: 0 < value < 1, "between 0 and 1", faults)
    if not all(arguments.files):
        faults.append("FILE: is empty; the path of a file is needed")
    if not arguments.out:
        faults.append("--out: is empty; the path of a folder is needed")
    if faults:
        raise Faults(*faults)
    return AuditOptions(
        tuple(map(Path, arguments.files)),
        arguments.batch_first,
        n_heads,
        Settings(arguments.causal, scale, entropy),
        jobs or n_processors(),
        Path(arguments.out),
    )


def _number(
    option: str, text: str | None, is_allowed: Callable[[float], bool], allowed: str, faults: list[str]
) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")  # which no range holds
    if not is_allowed(value):
        faults.append(f"{option}: {shown(text)} is not allowed; a number {allowed} is needed")
    return value
