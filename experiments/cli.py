"""Command-line options that running and reporting share; a mistake in them gets one line and exit code 2."""

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TextIO

from experiments.claims import Verdict
from experiments.executor import Executor, LocalExecutor
from experiments.faults import Faults, nearest_name, one_line, printable
from experiments.interrupts import Interruption, end_at_once
from experiments.loading import end as end_loading
from experiments.memory import keep_freed_memory
from experiments.output import data_files, only_one, publish
from experiments.preset import MAX_SEED, Preset, load_preset, named_presets
from experiments.runner import Results, run
from experiments.workers import Workers
from scaling.arrays import shown

MAX_SHARES = 8  # workers whose blocks are told one by one
MAX_JOBS = 256


@dataclass(frozen=True)
class RunOptions:
    """What to run, where, and how."""

    preset: Preset
    jobs: int
    scheduler: str | None
    out: Path
    strict: bool


class Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes are Faults rather than a usage text."""

    def __init__(self, **settings: Any) -> None:
        """Take argparse's own settings; options are spelled out, never abbreviated."""
        super().__init__(allow_abbrev=False, **settings)

    def options(self) -> list[str]:
        """Names of the options of this parser and of its commands."""
        names = list(self._option_string_actions)
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                names += [
                    name for command in action.choices.values() for name in command.options() if name not in names
                ]
        return names

    def error(self, message: str) -> NoReturn:
        """Raise the message as a fault, with the nearest option for a mistyped one."""
        prefix = "unrecognized arguments: "
        if message.startswith(prefix):
            options = [name for name in self.options() if name.startswith("--")]
            wrong = [word for word in message.removeprefix(prefix).split() if word.startswith("-")] or [message]
            raise Faults(
                *(
                    f"{word}: unknown option; allowed: {', '.join(options)}{nearest_name(word, options)}"
                    for word in wrong
                )
            )
        raise Faults(f"{message}; see {self.prog} --help")


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """--preset, --seed, --jobs, --scheduler, --out, --strict."""
    names = ", ".join(named_presets())
    parser.add_argument(
        "--preset", default="default", metavar="NAME|FILE", help=f"{names}, or a .toml file (default: default)"
    )
    parser.add_argument("--seed", metavar="N", help="root seed in place of the preset's own")
    parser.add_argument("--jobs", metavar="N", help="processes (default: one per processor)")
    parser.add_argument(
        "--scheduler", metavar="tcp://HOST:PORT", help="compute on the workers of this Dask scheduler, not here"
    )
    parser.add_argument("--out", default="build", metavar="DIR", help="folder of everything written (default: build)")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a claim is refuted")


def read_run_options(arguments: argparse.Namespace) -> RunOptions:
    """Validated options; Faults with one line for every mistake in any of them."""
    faults: list[str] = []
    seed = whole_number("--seed", arguments.seed, 0, MAX_SEED, faults)
    jobs = whole_number("--jobs", arguments.jobs, 1, MAX_JOBS, faults)
    scheduler = arguments.scheduler
    if scheduler is not None and not _is_address(scheduler):
        faults.append(
            f"--scheduler: {shown(scheduler)} is not allowed; tcp://host:port is needed, as a scheduler prints it"
        )
    if scheduler is not None and jobs is not None:
        faults.append(
            "--jobs: has no meaning with --scheduler, whose workers say how many blocks run at once; leave it out"
        )
    preset = None
    try:
        preset = load_preset(arguments.preset, seed)
    except Faults as found:
        faults += found.lines
    if not arguments.out:
        faults.append("--out: is empty; the path of a folder is needed")
    if faults or preset is None:
        raise Faults(*faults)
    return RunOptions(preset, jobs or n_processors(), scheduler, Path(arguments.out), arguments.strict)


def whole_number(option: str, text: str | None, low: int, high: int, faults: list[str]) -> int | None:
    """The number, if one was given; a line more in `faults` where it is not allowed."""
    if text is None or (text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high):
        return None if text is None else int(text)
    faults.append(f"{option}: {shown(text)} is not allowed; a whole number from {low} to {high} is needed")
    return None


ADDRESS = re.compile(r"tcp://([\w.-]+|\[[\da-f:.]+\]):(\d{1,5})", re.ASCII | re.IGNORECASE)


def _is_address(text: str) -> bool:
    """Whether it is tcp://host:port and nothing more."""
    found = ADDRESS.fullmatch(text)
    return found is not None and 1 <= int(found[2]) <= 65535


def n_processors() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


Render = Callable[[Results, Path, Workers | None], dict[str, bytes]]


def run_and_publish(
    options: RunOptions, render: Render | None = None, modules: Sequence[str] = (), folder: str = "report"
) -> int:
    """The main job: run → judge → (draw → render) → write; the exit code.

    `render` turns results, a folder for what it wants to keep between runs, and processes to draw in, into the files of
    a product, named relative to the output folder, all of them in `folder`, the one to open last; those processes load
    the `modules` as they start.
    """
    started = time.perf_counter()
    for line in options.preset.left_out:
        say(f"note: {line}")
    with ExitStack() as stack:
        workers = None
        if options.jobs > 1 and (render or not options.scheduler):  # before the folder is held, or they hold it too
            workers = stack.enter_context(Workers(options.jobs, ["experiments.preset", *modules]))
        stack.enter_context(only_one(options.out, ["data", folder]))
        executor = _on_cluster(options.scheduler) if options.scheduler else LocalExecutor(workers)
        results = run(options.preset, options.out / "results.sqlite", say, executor)
        files = data_files(results)
        product = options.out / "claims.json"
        if render is not None:
            files |= render(results, options.out / ".figures", workers)
            product = options.out / list(files)[-1]
        publish(options.out, files)
    seconds = time.perf_counter() - started
    blocks = f"{results.n_computed} blocks computed, {results.n_reused} reused"
    if results.n_by_worker:
        blocks += f" · blocks per worker: {_shares(results.n_by_worker)}"
    tell(sys.stdout, f"{seconds:.1f} s · {blocks} · {product} · {results.ledger.summary}")
    return 1 if options.strict and results.ledger.count(Verdict.REFUTED) else 0


def _on_cluster(scheduler: str) -> Executor:
    """Faults when the package that a cluster needs is not installed."""
    try:
        from experiments.cluster import DaskExecutor
    except ModuleNotFoundError as missing:
        raise Faults(
            f"--scheduler: needs the package {missing.name!r}; install it with: make setup SCHEDULER={scheduler}"
        ) from None
    return DaskExecutor(scheduler, say)


def _shares(n_by_worker: Sequence[int]) -> str:
    """Each worker's blocks, or their range where there are many workers."""
    if len(n_by_worker) > MAX_SHARES:
        return f"{min(n_by_worker)} to {max(n_by_worker)} on {len(n_by_worker)}"
    return ", ".join(map(str, n_by_worker))


def say(line: str) -> None:
    """A line for the user, beside the results."""
    tell(sys.stderr, line)


def tell(stream: TextIO | None, line: str) -> None:
    """Print a line where somebody listens: a closed, full or narrow-minded stream is no reason to fail."""
    if stream is None:
        return
    try:
        line, encoding = one_line(line), stream.encoding or "utf-8"
        print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream)
    except OSError:
        pass
    _flush(stream)


def _flush(stream: TextIO | None) -> None:
    """Hand on what was printed; what nobody reads gets another end, or the interpreter complains as it ends."""
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def guarded(main: Callable[[Sequence[str]], int]) -> NoReturn:
    """Run a command line to its exit code: faults become lines and code 2, an interruption ends it at once.

    A KeyboardInterrupt may say what else is left than finished blocks.
    """
    end_loading()
    interruption = Interruption(lambda: _say_interrupted(KEPT))
    keep_freed_memory()
    try:
        code = _outcome(main)
    except KeyboardInterrupt as stop:
        _say_interrupted(str(stop) or KEPT)
        os._exit(interruption.status)  # workers may be in the middle of a block, which nobody needs to wait for
    end_at_once()
    for stream in (sys.stdout, sys.stderr):
        _flush(stream)
    sys.exit(code)


KEPT = "finished blocks are kept; the same command goes on from there"


def _say_interrupted(what_is_left: str) -> None:
    say("")  # after a line of progress
    say(f"interrupted: {what_is_left}")


def _outcome(main: Callable[[Sequence[str]], int]) -> int:
    try:
        return main(sys.argv[1:])
    except SystemExit as end:  # of --help
        return int(end.code or 0)
    except Faults as found:
        for line in found.lines:
            say(f"error: {line}")
    except MemoryError:
        say("error: this machine has not enough memory for the preset; try a smaller one, or fewer workers with JOBS=")
    except OSError as refused:  # anywhere: no more open files, no more processes, no temporary folder
        say(f"error: this machine refuses to go on ({printable(str(refused))}); finished blocks are kept")
    return 2
