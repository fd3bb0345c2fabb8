"""What the project stands on: declared, pinned with hashes, installed as pinned, under licences that let it be used."""

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from importlib.metadata import Distribution, PackageMetadata, distributions, packages_distributions
from pathlib import Path
from typing import cast

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conftest import ROOT
from experiments.packages import WANTED
from report import licences as licences_module
from report.licences import NEEDED, NOT_STATED, licence, licences, needed

LOCKS = ("requirements.lock", "requirements-cluster.lock", "requirements-dev.lock", "requirements-models.lock")
Record = Callable[[str, object], None]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OWN = {"scaling", "experiments", "report", "benchmarks", "tools"}
ALLOWED = {
    # Do what you like, and keep the notice:
    "0BSD", "Apache", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "MIT", "MIT-CMU", "Zlib",
    # the same in Python's own words:
    "PSF", "PSF-2.0",
    # and one that asks for the source of its own files where these were changed, which are only called here:
    "MPL-2.0",
}  # fmt: skip
LICENCE_IN_A_FILE = {"axe-playwright-python"}  # its metadata name none; it is MIT, and MPL-2.0 the axe-core within
TOOLS = re.compile(r"mypy|pytest-xdist|ruff|uv|types-.*|.*-stubs")  # called by name, or read by mypy


@dataclass(frozen=True)
class Pin:
    """A package of a lock file."""

    requirement: Requirement
    n_hashes: int

    @property
    def name(self) -> str:
        """As the registry has it."""
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        """The one that is allowed."""
        return str(self.requirement.specifier).removeprefix("==")

    @property
    def applies(self) -> bool:
        """Whether it is installed here."""
        return self.requirement.marker is None or self.requirement.marker.evaluate()


def pins(text: str) -> list[Pin]:
    """What a lock file holds; ValueError for a line that is neither a version of a package nor its hashes."""
    found = []
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    for line in lines.splitlines():
        requirement, *hashes = re.split(r" +--hash=", line.strip())
        if not re.fullmatch(r"[\w.-]+==[\w.]+( ; [\w .'<>=!]+)?", requirement.strip()):
            raise ValueError(f"not a version of a package: {requirement}")
        if not hashes or not all(re.fullmatch(r"sha256:[0-9a-f]{64}", one.strip()) for one in hashes):
            raise ValueError(f"without a hash, or with more than hashes: {requirement}")
        found.append(Pin(Requirement(requirement), len(hashes)))
    return found


PINS = {lock: pins((ROOT / lock).read_text()) for lock in (*LOCKS, "requirements-mutants.lock")}


@pytest.mark.parametrize("lock", PINS)
def test_a_lock_holds_versions_with_hashes_alone(lock: str, record_property: Record) -> None:
    """No address, no repository, no option; and no package twice for the same platform."""
    assert len(PINS[lock]) >= {"requirements-models.lock": 1, "requirements-mutants.lock": 3}.get(lock, 25)
    here = [pin.name for pin in PINS[lock] if pin.applies]
    assert len(here) == len(set(here))
    record_property("cases", len(PINS[lock]))


HASH = f"--hash=sha256:{'0' * 64}"


@pytest.mark.parametrize(
    "line",
    [
        "numpy==2.4.6",
        f"numpy>=2.4.6 {HASH}",
        f"numpy {HASH}",
        f"numpy @ https://example.org/numpy.whl {HASH}",
        f"git+https://example.org/numpy.git {HASH}",
        f"-e . {HASH}",
        "--index-url https://example.org",
        f"numpy==2.4.6 --hash=md5:{'0' * 32}",
        f"numpy==2.4.6 {HASH} --pre",
    ],
)
def test_another_line_of_a_lock_is_noticed(line: str) -> None:
    """The negative control."""
    (pin,) = pins(f"# by hand\nscipy==1.17.1 ; python_full_version < '3.12' \\\n    {HASH} \\\n    {HASH}\n")
    assert (pin.name, pin.version, pin.n_hashes) == ("scipy", "1.17.1", 2)
    with pytest.raises(ValueError, match=r"^(not a version|without a hash)"):
        pins(f"scipy==1.17.1 \\\n    {HASH}\n{line}\n")


def test_larger_locks_hold_the_smaller_ones() -> None:
    """With the same versions and hashes, so that a set-up that grows changes nothing that was measured with."""
    report, cluster, dev, models = ([(str(pin.requirement), pin.n_hashes) for pin in PINS[lock]] for lock in LOCKS)
    assert set(report) < set(cluster) < set(dev)
    assert [name for name, _ in models] == [f"{name}=={version}" for name, version in WANTED.items()]


def test_what_is_installed_is_what_is_locked() -> None:
    """Every package of the lock that applies to this platform, in its version."""
    found = {canonicalize_name(it.name): it.version for it in distributions()}
    assert {pin.name: pin.version for pin in PINS["requirements-dev.lock"] if pin.applies}.items() <= found.items()


def declared(requirements: Iterable[str]) -> set[str]:
    """The names among them."""
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def test_what_a_report_needs_is_what_its_lock_holds() -> None:
    """What is declared, with all that it needs in turn, here: neither less nor more."""
    assert sorted(declared(PYPROJECT["project"]["dependencies"])) == list(NEEDED)
    assert {name: it.version for name, it in needed().items()} == {
        pin.name: pin.version for pin in PINS["requirements.lock"] if pin.applies
    }
    assert set(needed(["kiwisolver"])) == {"kiwisolver"}
    assert {"python-dateutil", "packaging", "numpy"} < set(needed(["matplotlib"]))
    assert needed(['numpy ; python_version < "3"', 'numpy ; extra == "all"']) == {}


def imported(source: str) -> Iterator[str]:
    """The packages that a module names in its imports, those in functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def strangers(folders: Iterable[str]) -> set[str]:
    """Packages, as the registry names them, that the modules in these folders import."""
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    names = {name for path in files for name in imported(path.read_text())}
    neighbours = {path.stem for path in files}
    of = packages_distributions()
    found = names - set(sys.stdlib_module_names) - OWN - neighbours | names & set(of) - OWN
    return {canonicalize_name(of[name][0] if name in of else name) for name in found}


def test_what_is_imported_is_declared() -> None:
    """And the other way round: nothing that another package happens to bring, and nothing that nobody calls."""
    extras = PYPROJECT["project"]["optional-dependencies"]
    ours, theirs = strangers(["scaling", "experiments", "report"]), strangers(["tests", "benchmarks", "tools"])
    assert ours - {"torch"} == {*NEEDED, *declared(extras["cluster"]), *WANTED}  # torch: measured where it is there
    tools = {name for name in declared(extras["dev"]) if TOOLS.fullmatch(name)}
    slips = declared(PYPROJECT["dependency-groups"]["mutants"]) & {"cosmic-ray"}  # the others are what it needs
    assert theirs - ours - {"torch"} == declared(extras["dev"]) - tools | slips
    assert set(imported("import a.b, c\ndef f():\n    from d.e import g\n")) == {"a", "c", "d"}


def refused(expression: str) -> set[str]:
    """The licences of an expression that are not allowed: of alternatives, one that is allowed will do."""
    choices = [set(re.split(r" AND ", part.strip("() "))) - ALLOWED for part in expression.split(" OR ")]
    return min(choices, key=len)


def test_every_licence_lets_the_package_be_used(record_property: Record) -> None:
    """Whatever its terms are called, in all four locks."""
    names = {pin.name for lock in LOCKS[2:] for pin in PINS[lock] if pin.applies}
    found = {canonicalize_name(it.name): licence(it.metadata) for it in distributions()}
    without = {name for name in names & set(found) if found[name] == NOT_STATED}
    assert without == LICENCE_IN_A_FILE
    for name in LICENCE_IN_A_FILE:
        (text,) = [file for file in Distribution.from_name(name).files or () if file.name == "LICENSE"]
        assert "MIT License" in text.read_text()
    assert {name: found[name] for name in (names & set(found)) - without if refused(found[name])} == {}
    record_property("cases", len(names & set(found)))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", set()),
        ("MIT OR GPL-3.0-only", set()),
        ("BSD-3-Clause AND MIT", set()),
        ("GPL-3.0-or-later", {"GPL-3.0-or-later"}),
        ("MIT AND LGPL-2.1-only", {"LGPL-2.1-only"}),
        (NOT_STATED, {NOT_STATED}),
    ],
)
def test_other_licences_are_noticed(expression: str, expected: set[str]) -> None:
    """The negative control: those that reach further than their own files, or of which nothing is known."""
    assert refused(expression) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([("License-Expression", "MIT-CMU"), ("License", "HPND"), ("Classifier", "License :: OSI :: X")], "MIT-CMU"),
        ([("License", "MIT License"), ("Classifier", "License :: OSI Approved :: BSD License")], "MIT"),
        ([("License", "Copyright " * 20), ("Classifier", "License :: OSI Approved :: BSD License")], "BSD"),
        ([("Classifier", "Topic :: Text"), ("Classifier", "License :: A"), ("Classifier", "License :: B")], "A AND B"),
        ([("License", ""), ("Classifier", "Topic :: Text")], NOT_STATED),
        ([], NOT_STATED),
    ],
)
def test_where_a_licence_is_looked_for(fields: list[tuple[str, str]], expected: str) -> None:
    """An expression first, then a name, then classifiers; a whole text is no name."""
    metadata = Message()
    for name, value in fields:
        metadata[name] = value
    assert licence(cast(PackageMetadata, metadata)) == expected


def test_the_page_says_whose_work_it_stands_on(report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every package once, with version and licence, in little room; what is not installed is not named."""
    html = (report / "report" / "index.html").read_text(encoding="utf-8")
    (row,) = re.findall(r"<div><dt>packages</dt><dd>(.*?)</dd></div>", html)
    assert len(row) < 1500
    found = re.findall(r"<i>([^<]+):</i> ([^<]+)[;.]", row)
    assert {name: packages.split(", ") for name, packages in found} == licences()
    versions = [name for packages in licences().values() for name in packages]
    assert len(versions) == len(set(versions)) == len(needed()) + len(WANTED)
    monkeypatch.setattr(licences_module, "installed", lambda name: licences_module.ABSENT)
    assert sum(map(len, licences().values())) == len(needed())
