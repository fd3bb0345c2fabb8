"""Which test runs which line: recorded once, so that a mutant is judged by the tests that can see it alone.

Lines are known by module, scope and text, so that a record stays good when they move, until one that it has changes.
What a fixture of more than one test runs counts for each of them; caches are emptied before every test, so that no test
lives on another's work.
"""

import functools
import gc
import hashlib
import json
import os
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tools.mutants.mutations import Mutant, Scopes

ROOT = Path(__file__).parents[2]
MODULES = [*sorted(ROOT.glob("scaling/*.py")), ROOT / "experiments" / "claims.py"]
# The tests that judge the science: none that builds a report or starts a process or a browser.
NAMES = """aligned arrays assumptions attention attention_law causal claims decoder dot_product_law entries freezing
further_rules goodness gradient_claims gradients gram heads initialisation interpolation intervals lookup
moments multi_head normals odd_arguments pairs panels power questions row_pieces rules sampling saturation
scalings softmax_law temperature torch_random vectors"""
FILES = [ROOT / "tests" / f"test_{name}.py" for name in NAMES.split()]
FILES.append(EVERY := ROOT / "tests" / "test_records.py")  # looks at all that is there when it is imported
SHARED = {"report", "results", "reference", "slides_folder", "browser", "pages"}  # fixtures that start processes
OPTIONS = ["-n", "0", "-q", "-s", "-p", "no:cacheprovider", "--tb=short", "--noconftest"]
OPTIONS += [
    "--hypothesis-profile=mutants",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
]  # of what is imported before pytest starts
hypothesis.settings.register_profile(  # the same examples every time, and no search for the smallest that fails
    "mutants",
    database=None,
    derandomize=True,
    deadline=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)

Line = tuple[str, str, str]  # module, scope, text


def empty_caches() -> None:
    """Forget what functions have kept."""
    for kept in gc.get_objects():
        if isinstance(kept, functools._lru_cache_wrapper):
            kept.cache_clear()


class Judges:
    """A pytest plugin that leaves out what needs a report or a browser."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave it out."""
        items[:] = [item for item in items if not SHARED & set(item.fixturenames)]


class Recorder(Judges):
    """A pytest plugin that notes the lines of MODULES each test runs, and its seconds."""

    def __init__(self) -> None:
        self.modules = {str(path): str(path.relative_to(ROOT)) for path in MODULES}
        self.target: set[tuple[str, int]] = set()  # outside tests: nobody's
        self.tests: dict[str, set[tuple[str, int]]] = defaultdict(set)
        self.shared: dict[tuple[str, str], set[tuple[str, int]]] = defaultdict(set)
        self.seconds: dict[str, float] = {}

    def trace(self, frame, event, argument):
        """What sys.settrace calls."""
        path = frame.f_code.co_filename
        if path not in self.modules:
            return None
        target = self.target

        def line(frame, event, argument):
            if event == "line":
                target.add((path, frame.f_lineno))
            return line

        return line

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note a test's own lines, and then its fixtures'."""
        empty_caches()
        self.target = self.tests[item.nodeid]
        since = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.process_time() - since
            for name, definitions in item._fixtureinfo.name2fixturedefs.items():
                for definition in definitions:
                    self.tests[item.nodeid] |= self.shared.get((name, definition.baseid), set())
            self.target = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef) -> Iterator[None]:
        """Note what a fixture runs that several tests share."""
        before = self.target
        if fixturedef.scope != "function":
            self.target = self.shared[fixturedef.argname, fixturedef.baseid]
        try:
            return (yield)
        finally:
            self.target = before

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test that fails without a mutant cannot judge."""
        if report.failed:
            self.tests.pop(report.nodeid, None)

    def record(self, test_file: Path) -> dict:
        """Run a file's tests: the lines that they ran, and of every test its seconds and which of these lines."""
        sys.settrace(self.trace)
        code = pytest.main([*OPTIONS, str(test_file)], plugins=[self])
        sys.settrace(None)
        if code not in (0, 1, 5):
            raise SystemExit(f"mutants: {test_file.name} did not run: exit code {int(code)}")
        lines = {path: _lines(Path(path)) for path in self.modules}
        ids: dict[Line, int] = {}

        def known(places: set[tuple[str, int]]) -> list[int]:
            return sorted({ids.setdefault(lines[path][n - 1], len(ids)) for path, n in places})

        tests = {name: [self.seconds[name], known(places)] for name, places in self.tests.items()}
        return {"lines": list(ids), "tests": tests}


def record_all(folder: Path, jobs: int) -> None:
    """Record the files of tests whose record is no longer good, each in a process of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    stale = [file for file in FILES if _recorded(folder, file) is None]
    running: set[int] = set()
    while stale or running:
        while stale and len(running) < jobs:
            file = stale.pop(0)
            version = _version(file)  # before it runs: it may be edited meanwhile
            print(f"recording what {file.name} runs", flush=True)
            child = os.fork()
            if child == 0:
                with open(os.devnull, "w") as nowhere:
                    os.dup2(nowhere.fileno(), 1)
                record = Recorder().record(file) | {"of": version}
                (folder / f"{file.stem}.json").write_text(json.dumps(record))
                os._exit(0)
            running.add(child)
        child, status = os.wait()
        running.discard(child)
        if status:
            raise SystemExit("mutants: a file of tests could not be recorded")


def _recorded(folder: Path, file: Path) -> dict | None:
    """The record of a file of tests, unless it is of another version of it or a line that it ran has changed since."""
    at = folder / f"{file.stem}.json"
    record = json.loads(at.read_text()) if at.exists() else None
    is_good = record and record["of"] == _version(file) and set(map(tuple, record["lines"])) <= _present()
    return record if is_good else None


@functools.cache
def _present() -> set[Line]:
    """Every line of MODULES."""
    return {line for path in MODULES for line in _lines(path)}


def _lines(path: Path) -> list[Line]:
    """A module's lines as they are known, in order."""
    text, module = path.read_text("utf-8"), str(path.relative_to(ROOT))
    around = Scopes(text).around
    return [(module, around(n), line.strip()) for n, line in enumerate(text.splitlines(), 1)]


def _version(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


class Coverage:
    """What a record says of mutants."""

    def __init__(self, folder: Path) -> None:
        self.seconds: dict[str, float] = {}
        self.tests: dict[Line, set[str]] = defaultdict(set)
        for file in FILES:
            record = _recorded(folder, file)
            if record is None:
                continue
            lines = [tuple(line) for line in record["lines"]]
            for name, (seconds, covered) in record["tests"].items():
                self.seconds[name] = seconds
                for i in covered:
                    self.tests[lines[i]].add(name)

    def is_early(self, mutant: Mutant, scopes: Scopes) -> bool:
        """Whether a mutant acts at import: outside functions, or in one that no test calls."""
        here = (mutant.module, mutant.where)
        return mutant.number in scopes.early or all(here != (module, where) for module, where, _ in self.tests)

    def judges(self, mutant: Mutant, scopes: Scopes, texts: list[str], budget: float) -> list[str]:
        """The tests that run a mutant's statement, shortest first; of an early one, those that may tell it is there.

        Only as many as take `budget` seconds of computing together: those of the module's own file before others.
        """
        first = (f"tests/test_{Path(mutant.module).stem}.py::", f"tests/{EVERY.name}::")
        statement = [texts[n - 1].strip() for n in scopes.statement(mutant.number)]
        if self.is_early(mutant, scopes):
            names = set(re.findall(r"^([A-Za-z_]\w*(?:, [A-Za-z_]\w*)*)(?:: [^=]+)? =", "\n".join(statement), re.M))
            words = {word for name in names for word in name.split(", ")}
            mentions = re.compile(r"\b(?:" + "|".join(map(re.escape, words)) + r")\b") if words else None
            found = {
                name
                for (module, where, text), tests in self.tests.items()
                if (module == mutant.module and mutant.where and f"{where}.".startswith(f"{mutant.where}."))
                or (mentions is not None and mentions.search(text))
                for name in tests
            } or {name for (module, _, _), tests in self.tests.items() if module == mutant.module for name in tests}
            found |= {name for name in self.seconds if name.startswith(first)}
        else:
            found = {name for text in statement for name in self.tests.get((mutant.module, mutant.where, text), ())}
            if not found:  # a line that is new since the record
                found = {
                    name
                    for (module, where, _), tests in self.tests.items()
                    if (module, where) == (mutant.module, mutant.where)
                    for name in tests
                }
        chosen, left = [], budget
        for name in sorted(found, key=lambda name: (not name.startswith(first), self.seconds[name], name)):
            if left >= self.seconds[name]:
                chosen.append(name)
                left -= self.seconds[name]
        return sorted(chosen, key=lambda name: (self.seconds[name], name))
