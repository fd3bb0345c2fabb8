"""The house: imports run down only, and the science knows nothing of files, frames, plots or clocks."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT

LAYERS = ("scaling", "experiments", "report")  # each may import itself and what stands to its left
FORBIDDEN = {
    "scaling": {
        "pandas",
        "matplotlib",
        "seaborn",
        "jinja2",
        "sqlite3",
        "pathlib",
        "os",
        "io",
        "time",
        "datetime",
        "tqdm",
    },
    "experiments": {"matplotlib", "seaborn", "jinja2", "markupsafe", "math_core"},
    "report": {"sqlite3"},
}
OPTIONAL = {"experiments.cluster": "distributed"}  # the one module that needs a package which may not be installed
LACKING = {"glassllm"}  # packages without which all else works: imported where they are used, and nowhere else
# Loaded where a figure needs it: half a second that most runs do without. And where a folder of its own waits for it.
LATE = {"seaborn", "matplotlib.font_manager"}
SOURCES = [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]


def imports(source: str) -> Iterator[tuple[str, bool]]:
    """Every imported module, and whether it is imported inside a function."""
    tree = ast.parse(source)
    inner = {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in inner) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or ""), node in inner


def faults(layer: str, source: str, may_need_more: bool = False) -> list[str]:
    """What a module of that layer imports and may not; one that may need more is itself imported inside functions."""
    allowed = LAYERS[: LAYERS.index(layer) + 1]
    found = []
    for name, is_inner in imports(source):
        top = name.split(".")[0]
        if (top in LAYERS and top not in allowed) or top in FORBIDDEN[layer] or top == "tests" or name.startswith("."):
            found.append(name)
        if is_inner and name not in OPTIONAL.keys() | LACKING | LATE:
            found.append(f"{name} inside a function")
        if not is_inner and (name in OPTIONAL or top in LACKING or (top in OPTIONAL.values() and not may_need_more)):
            found.append(f"{name} where it may be missing")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_down_only(path: Path) -> None:
    """Report → experiments → scaling, never back, and inside a function only what is optional or slow to load."""
    layer, *_ = module = path.relative_to(ROOT).with_suffix("").parts
    assert faults(layer, path.read_text(), ".".join(module) in OPTIONAL) == []


def test_the_check_can_fail() -> None:
    """Its negative control: imports that go up, frames in the science, a hidden one, and one too soon."""
    assert faults("scaling", "from experiments.claims import Claim\nimport pandas as pd\n") == [
        "experiments.claims",
        "pandas",
    ]
    assert faults("experiments", "def f():\n    import report.page\n") == [
        "report.page",
        "report.page inside a function",
    ]
    cluster = "from experiments.cluster import DaskExecutor\nimport distributed\n"
    assert faults("experiments", cluster) == [
        "experiments.cluster where it may be missing",
        "distributed where it may be missing",
    ]
    assert faults("experiments", "import glassllm\n") == ["glassllm where it may be missing"]
    assert faults("experiments", "def f():\n    import glassllm\n") == []


def test_there_is_no_cycle_between_modules() -> None:
    """The modules can be put in an order in which each imports only earlier ones."""
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in SOURCES}
    names = {name.removesuffix(".__init__"): path for name, path in names.items()}

    def targets(path: Path) -> set[str]:
        found = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                members = {f"{node.module}.{alias.name}" for alias in node.names}
                found |= (members & set(names)) or {node.module}
        return found & set(names)

    waiting = {name: targets(path) - {name} for name, path in names.items()}
    while waiting:
        ready = {name for name, needs in waiting.items() if not needs & set(waiting)}
        assert ready, f"a cycle among {sorted(waiting)}"
        for name in ready:
            del waiting[name]


def test_modules_stay_small() -> None:
    """No module passes 300 lines without saying why in its first lines; none is a drawer for odds and ends."""
    for path in SOURCES:
        assert len(path.read_text().splitlines()) <= 300, path
        assert path.stem not in {"utils", "helpers", "common", "misc"}
