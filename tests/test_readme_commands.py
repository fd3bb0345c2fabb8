"""The README's commands are run as they are written, in a checkout of their own; make test runs some of them, short."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from conftest import ROOT, TINY, start_from, tree
from dask_cluster import wait_for
from test_readme import COMMANDS, README, blocks

VARIABLES = re.findall(r"^## ([A-Z_]+)=", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
OURS = re.compile("|".join(["MAKE.*", "MFLAGS", "PYTEST_.*", "PYTHON.*", "VIRTUAL_ENV", *VARIABLES]))
ENVIRONMENT = {name: value for name, value in os.environ.items() if not OURS.fullmatch(name)}  # as in a new shell
SERVERS = ("make scheduler", "make worker")
ELSEWHERE = ("make test", "make soak", "make mutants")  # the first in a clone, below; soak would run itself; hours
SHORT = {  # with words that change what is run, not how; the others take longer, or begin as these do
    "make help": "",
    "make figures": "",
    "make report": f"PRESET={TINY.relative_to(ROOT)}",
    "make audit QK=heads.npz CAUSAL=1 BATCH_FIRST=1": "",
}
FULL = "make report PRESET=full"
LARGEST_PAGE = 2_000_000  # bytes
PATIENCE = 120  # seconds for a server to come up, and to end


@dataclass(frozen=True)
class Checkout:
    """A folder with the project in it."""

    folder: Path

    def make(self, command: str, more: str = "", seconds: float = 3000) -> str:
        """What a command prints; AssertionError where it fails."""
        done = subprocess.run(
            [*command.split(), *more.split()],
            cwd=self.folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=seconds,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stderr or done.stdout}"
        return done.stdout + done.stderr

    @contextmanager
    def running(self, command: str, said: str) -> Iterator[str]:
        """A server in a shell of its own, from the first line that matches `said`, which is given, until Ctrl-C."""
        log = self.folder / f"{command.split()[1]}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                command.split(), cwd=self.folder, env=ENVIRONMENT, stdout=file, stderr=file, start_new_session=True
            )
        try:
            wait_for(lambda: re.search(said, log.read_text()) or process.poll() is not None, command, PATIENCE)
            found = re.search(said, log.read_text())
            assert found, f"{command}: {log.read_text()}"
            yield found[0]
            assert process.poll() is None, f"{command}: {log.read_text()}"
        finally:
            with suppress(ProcessLookupError):  # it has ended by itself
                os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(PATIENCE)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """The project as it is here, set up with the packages of this one, and the files that the commands read."""
    stamp = Path(sys.prefix) / "stamp"
    if not stamp.exists():
        pytest.skip("the tests do not run in a .venv that make has set up")
    checkout = Checkout(tmp_path / "checkout")
    shutil.copytree(ROOT, checkout.folder, ignore=shutil.ignore_patterns(".*", "build", "__pycache__"))
    venv = checkout.folder / ".venv"
    venv.mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (venv / name).symlink_to(Path(sys.prefix) / name)
    version, contents = stamp.read_text().splitlines()
    (venv / "stamp").write_text(f"{version.split()[0]} {venv.resolve()}\n{contents}\n")
    rng = np.random.default_rng(7)
    q, k = rng.normal(size=(2, 12, 64, 768)).astype(np.float32)  # twelve heads side by side, or one of 768
    np.savez(checkout.folder / "heads.npz", q=q, k=k)
    (checkout.folder / "mine.toml").write_text(blocks("toml")[0], encoding="utf-8")
    shutil.copy(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", checkout.folder)
    return checkout


def promised(command: str) -> list[str]:
    """The files that the README says a command makes, behind its arrow."""
    found = re.search(rf"^{re.escape(command)} +# → (.*)$", README, flags=re.MULTILINE)
    if found is None:
        return []
    first, *others = found[1].split(", ")
    return [first, *(str(Path(first).parent / other) for other in others)]


def run_and_check(checkout: Checkout, command: str, more: str = "") -> None:
    """Run a command; what the README promises of it is there, and two that only tell tell what they should."""
    said = checkout.make(command, more)
    for name in promised(command):
        assert (checkout.folder / name).exists(), f"{command}: {name}"
    if command == "make help":
        assert all(re.search(rf"^  {name}\b", said, flags=re.MULTILINE) for name in ("report", "audit", *VARIABLES))
    if command == "make figures":
        assert {"variance-against-d", "one-figure"} <= set(said.split())


@contextmanager
def cluster(checkout: Checkout, more: str = "") -> Iterator[str]:
    """A scheduler and workers, by the README's lines but for the address, which is what the scheduler prints."""
    start, *workers = (command for command in COMMANDS if command.startswith(SERVERS))
    with checkout.running(start, r"Scheduler at: +tcp://[\d.]+:(\d+)") as said:
        address = f"tcp://127.0.0.1:{said.rsplit(':', 1)[1]}"
        with checkout.running(f"{with_address(workers[0], address)} {more}", "Registered to: +tcp:"):
            yield address


def with_address(command: str, address: str) -> str:
    """The command for the scheduler that there is."""
    return re.sub("SCHEDULER=[^ ]+", f"SCHEDULER={address}", command)


def test_what_a_command_promises_is_read_off() -> None:
    """A file and others beside it; nothing where the README promises none."""
    assert promised("make audit QK=heads.npz") == [
        f"build/audit/{name}" for name in ("index.html", "audit.csv", "audit.json")
    ]
    assert promised("make report") == ["build/report/index.html"]
    assert promised("make figures") == []


def test_commands_do_what_they_say(
    report: Path, checkout: Checkout, record_property: Callable[[str, object], None]
) -> None:
    """Some of them, as they are written and with a small preset: no error, and the files that the README promises."""
    assert SHORT.keys() < set(COMMANDS)
    start_from(report, checkout.folder / "build")
    for command, more in SHORT.items():
        run_and_check(checkout, command, more)
    built, again = tree(report), tree(checkout.folder / "build")
    assert {name for name in built if again[name] != built[name]} <= {"claims.json", "report/index.html"}  # the commit
    record_property("cases", len(SHORT))


def test_what_a_command_fails_at_is_noticed(tmp_path: Path) -> None:
    """The negative controls: an error, a file that is not made, and a server that ends by itself."""

    class Idle(Checkout):
        def make(self, command: str, more: str = "", seconds: float = 3000) -> str:
            return ""

    shutil.copy(ROOT / "Makefile", tmp_path)
    with pytest.raises(AssertionError, match=r"make nothing: .*No rule to make target"):
        Checkout(tmp_path).make("make nothing")
    with pytest.raises(AssertionError, match="make report: build/report/index"):
        run_and_check(Idle(tmp_path), "make report")
    with (
        pytest.raises(AssertionError, match=r"make nothing: .*No rule"),
        Checkout(tmp_path).running("make nothing", "x"),
    ):
        pass


def test_a_cluster_is_started_as_the_readme_says(checkout: Checkout) -> None:
    """A scheduler that prints its address, and a worker that comes to it; Ctrl-C ends both."""
    with cluster(checkout, "JOBS=1") as address:
        assert re.fullmatch(r"tcp://127\.0\.0\.1:\d+", address)


@pytest.mark.soak
def test_every_command_does_what_it_says(checkout: Checkout, record_property: Callable[[str, object], None]) -> None:
    """One after the other as they are written: no error, and every file that the README names.

    A cluster gives the same bytes, and the largest page is no larger than it may be.
    """
    n_run = 0
    alone: dict[str, bytes] = {}
    for command in COMMANDS:
        if command in ELSEWHERE or command.startswith(SERVERS) or "tcp://" in command:
            continue
        run_and_check(checkout, command)
        n_run += 1
        if command == FULL:
            alone = tree(checkout.folder / "build")
    for name in re.findall(r"^\| `([^`]+)` \|", README, flags=re.MULTILINE):
        assert list(checkout.folder.glob(name.replace("<experiment>", "*"))), name
    shutil.rmtree(checkout.folder / "build")
    with cluster(checkout) as address:
        (command,) = (command for command in COMMANDS if command.startswith("make report SCHEDULER="))
        run_and_check(checkout, with_address(command, address))
    assert tree(checkout.folder / "build") == alone
    size = len(alone["report/index.html"])
    assert size <= LARGEST_PAGE
    record_property("cases", n_run + 3)
    record_property("page_bytes", size)


@pytest.mark.soak
def test_a_clone_builds_its_report_and_passes_its_tests(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The README's first two commands in a new clone, from the package index on.

    Tests that fail beside other campaigns have a second try, since some of them hold the project to seconds.
    """
    clone = Checkout(tmp_path / "clone")
    subprocess.run(["git", "clone", "--quiet", ROOT, clone.folder], check=True)
    first, second, *_ = COMMANDS
    try:
        run_and_check(clone, first)
    except AssertionError as failed:
        if "the package index cannot be reached" in str(failed):
            pytest.skip(str(failed))
        raise
    n_again = 0
    try:
        said = clone.make(second)
    except AssertionError as failed:
        said = str(failed)
        n_again = int(re.findall(r"(\d+) (?:failed|error)", said)[-1])
        clone.make(".venv/bin/python -m pytest --last-failed")
    record_property("cases", int(re.findall(r"(\d+) passed", said)[-1]) + n_again)
    record_property("tried_again", n_again)
