"""Survivors that are explained: tests/survivors.toml says of each why no test can, or should, tell it from the code."""

import tomllib
from collections.abc import Iterable
from functools import cache

from tools.mutants.covering import ROOT
from tools.mutants.mutations import Scopes

FILE = ROOT / "tests" / "survivors.toml"
Change = tuple[str, str, str, str]  # module, scope, line, and what the line becomes


def explanations() -> dict[Change, str]:
    """The reason of each."""
    if not FILE.exists():
        return {}
    return {
        (group["module"], where, line, becomes): group["why"]
        for group in tomllib.loads(FILE.read_text("utf-8"))["survivors"]
        for where, line, becomes in group["changes"]
    }


def lost(changes: Iterable[Change]) -> list[Change]:
    """Those whose line is no longer where it was."""
    return [change for change in changes if change[1:3] not in _lines_of(change[0])]


@cache
def _lines_of(module: str) -> set[tuple[str, str]]:
    """Every line of a module, with its scope."""
    file = ROOT / module
    if not file.exists():
        return set()
    source = file.read_text("utf-8")
    scopes = Scopes(source)
    return {(scopes.around(number), line.strip()) for number, line in enumerate(source.split("\n"), start=1)}
