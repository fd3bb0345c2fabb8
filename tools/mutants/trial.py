"""Trials: one forked process a mutant, in which the tests that can see it run until one fails.

The parent has imported and collected everything once. In a child, a mutant inside a function is put into the function
itself, by replacing its code, so that a trial costs no more than its tests; one that acts at import makes the child
forget the project's modules and import them anew, the changed one from the changed source.
"""

import gc
import importlib.abc
import importlib.util
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import types
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.mutants.covering import FILES, OPTIONS, ROOT, Judges, empty_caches

FAULT = "the trial itself failed:"
MEMORY = 8 * 2**30  # bytes of addresses a trial may have
LEAST_SECONDS, SLOWNESS = 10.0, 5.0  # a trial may compute so long, or so many times as long as its tests take


@dataclass(frozen=True)
class Trial:
    """What is to be judged: a changed source of a module, by tests."""

    module: str  # "scaling/intervals.py"
    source: str
    tests: Sequence[str]  # node ids, in order
    seconds: float  # that they take
    early: bool  # whether it acts at import


@dataclass(frozen=True)
class Outcome:
    """Whether some test failed, and which; "time", "crash" and "import" count."""

    killed: bool
    by: str
    seconds: float


def functions_by_file() -> dict[str, list[types.FunctionType]]:
    """All functions there are."""
    found = defaultdict(list)
    for thing in gc.get_objects():
        if isinstance(thing, types.FunctionType):
            found[thing.__code__.co_filename].append(thing)
    return found


def replace_code(functions: dict[str, list[types.FunctionType]], module: str, source: str) -> bool:
    """Give the functions of a module the code of a changed source; False where one cannot take it."""
    path = str(ROOT / module)
    now, then = _codes(compile(Path(path).read_text("utf-8"), path, "exec")), _codes(compile(source, path, "exec"))
    changed = {key: code for key, code in then.items() if now.get(key) != code}
    for function in functions[path]:
        code = function.__code__
        if new := changed.get((code.co_qualname, code.co_firstlineno)):
            if len(new.co_freevars) != len(code.co_freevars):
                return False
            function.__code__ = new
    return True


def _codes(code: types.CodeType) -> dict[tuple[str, int], types.CodeType]:
    """Every code within a code, by qualified name and first line."""
    found = {}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found[constant.co_qualname, constant.co_firstlineno] = constant
            found |= _codes(constant)
    return found


class Changed(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports one module from a changed source."""

    def __init__(self, module: str, source: str) -> None:
        self.module, self.source = module, source
        self.name = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def find_spec(self, name, path=None, target=None):
        """Only the one module."""
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, ROOT / self.module, loader=self)

    def get_source(self, name):
        """The changed one."""
        return self.source

    def get_code(self, name):
        """As if it were in the module's own file."""
        return compile(self.source, str(ROOT / self.module), "exec")


def forget_the_project() -> None:
    """Let everything in the project's folders be imported anew."""
    folders = tuple(str(ROOT / name) + "/" for name in ("scaling", "experiments", "report", "tests", "benchmarks"))
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(folders):
            del sys.modules[name]


class Chosen:
    """A pytest plugin that runs some tests in a given order until one fails, and says which."""

    def __init__(self, tests: Sequence[str], say: Callable[[str], None]) -> None:
        self.order, self.say = {name: place for place, name in enumerate(tests)}, say

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Choose."""
        items[:] = sorted((i for i in items if i.nodeid in self.order), key=lambda item: self.order[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Name what fails."""
        if report.failed:
            self.say(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Name what cannot be collected."""
        if report.failed:
            self.say(f"collection of {report.nodeid}")


class Trials:
    """A pytest plugin that, once everything is collected, tries mutants instead of running the tests."""

    def __init__(
        self, trials: Iterator[tuple[object, Trial]], report: Callable[[object, Outcome], None], jobs: int
    ) -> None:
        self.trials, self.report, self.jobs = trials, report, jobs
        self.said: Callable[[str], None] | None = None  # in a child

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """End the child at the first failure."""
        if report.failed and self.said:
            self.said(report.nodeid)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Start children, as many at a time as there are jobs, and report their outcomes."""
        empty_caches()
        items = {item.nodeid: item for item in session.items}
        self.functions = functions_by_file()
        gc.freeze()
        running: dict[int, tuple[object, Trial, float, int, str]] = {}
        exhausted = False
        while running or not exhausted:
            while len(running) < self.jobs and not exhausted:
                name, trial = next(self.trials, (None, None))
                if trial is None:
                    exhausted = True
                    break
                read, write = os.pipe()
                folder = tempfile.mkdtemp(prefix="mutant-")
                child = os.fork()
                if child == 0:
                    self._be_a_child(trial, items, write, folder)
                os.close(write)
                running[child] = name, trial, time.monotonic(), read, folder
            self._wait(running)
        return True

    def _wait(self, running: dict[int, tuple[object, Trial, float, int, str]]) -> None:
        """Until one child has ended, or has run far too long without computing."""
        while running:
            for child, (name, trial, since, read, folder) in list(running.items()):
                elapsed = time.monotonic() - since
                done, status, usage = os.wait4(child, os.WNOHANG)
                if not done:
                    if elapsed > 20 * _limit(trial):
                        os.killpg(child, signal.SIGKILL)
                    continue
                del running[child]
                with os.fdopen(read, "rb") as pipe:
                    by = pipe.read().decode()
                shutil.rmtree(folder, ignore_errors=True)
                if os.WIFSIGNALED(status):
                    by = by or ("time" if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL) else "crash")
                elif os.WEXITSTATUS(status) and not by:
                    by = f"exit code {os.WEXITSTATUS(status)}"
                self.report(name, Outcome(bool(by) and not by.startswith(FAULT), by, usage.ru_utime + usage.ru_stime))
                return
            time.sleep(0.005)

    def _be_a_child(self, trial: Trial, items: dict[str, pytest.Item], write: int, folder: str) -> None:
        """Try one mutant and end the process: with a name in the pipe if it is killed."""

        def say(by: str) -> None:
            os.write(write, by.encode()[:2000])
            os._exit(1)

        try:
            os.setsid()
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
            os.environ["PYTEST_DEBUG_TEMPROOT"] = os.environ["TMPDIR"] = tempfile.tempdir = folder
            seconds = int(_limit(trial)) + 1
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            if trial.early or not replace_code(self.functions, trial.module, trial.source):
                self._run_anew(trial, say)
            else:
                self.said = say
                chosen = [items[name] for name in trial.tests if name in items]
                for item, following in zip(chosen, [*chosen[1:], None], strict=False):
                    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            os._exit(0)
        except BaseException as error:  # of this file, not of a test
            say(f"{FAULT} {type(error).__name__}: {error}")

    def _run_anew(self, trial: Trial, say: Callable[[str], None]) -> None:
        """Import everything again, the changed module from the changed source, and run the tests."""
        forget_the_project()
        sys.meta_path.insert(0, Changed(trial.module, trial.source))
        files = dict.fromkeys(str(ROOT / name.partition("::")[0]) for name in trial.tests)
        code = pytest.main([*OPTIONS, "-x", *files], plugins=[Chosen(trial.tests, say)])
        if code not in (0, 5):
            say("import" if code == pytest.ExitCode.USAGE_ERROR else f"exit code {int(code)}")


def _limit(trial: Trial) -> float:
    """Seconds of computing."""
    return max(LEAST_SECONDS, SLOWNESS * trial.seconds)


def run_trials(
    trials: Iterator[tuple[object, Trial]],
    report: Callable[[object, Outcome], None],
    jobs: int = 2,
    files: Sequence[Path] = FILES,
) -> None:
    """Try mutants, each with a name, and report the outcome of each as it comes."""
    code = pytest.main([*OPTIONS, *map(str, files)], plugins=[Judges(), Trials(trials, report, jobs)])
    if code not in (0, 5):
        raise SystemExit(f"mutants: the tests cannot be collected: exit code {int(code)}")
