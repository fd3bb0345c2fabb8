"""Mutation tests (make mutants): the tool kills what a test sees and nothing else; its list of survivors is true."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from tools.mutants.mutations import Scopes, mutants_of
from tools.mutants.survivors import FILE, explanations, lost

MODULE = "scaling/moments.py"
SEES, IS_BLIND = "test_two_values_have_an_unbiased_variance", "test_array_form_round_trips"
TRY = """
import json, sys
from pathlib import Path
from tools.mutants.covering import Coverage, Recorder, record_all
from tools.mutants.mutations import Mutant, Scopes
from tools.mutants.trial import Trial, run_trials

source = Path("scaling/moments.py").read_text("utf-8")
found = {}
def trials():
    for name, (old, new, tests, early) in json.loads(sys.argv[1]).items():
        assert source.count(old) == 1, old
        tests = [f"tests/test_moments.py::{test}" for test in tests]
        yield name, Trial("scaling/moments.py", source.replace(old, new), tests, 1.0, early)
run_trials(trials(), lambda name, outcome: found.update({name: [outcome.killed, outcome.by]}),
           files=[Path("tests/test_moments.py")])
print("FOUND", json.dumps(found))
"""


def test_the_tool_kills_what_a_test_sees_and_nothing_else() -> None:
    """A fault dies by the test that sees it and lives where only a blind one runs; what changes nothing lives.

    Inside functions, whose code is replaced, and at import, where modules are imported anew.
    """
    fault = ["self.m2 / (self.count - 1)", "self.m2 / (self.count + 1)"]
    early = ["EMPTY = Moments(0.0, 0.0, 0.0, 0.0, 0.0)", "EMPTY = Moments(0.0, 0.0, 0.0, 0.0, 1.0)"]
    asked = {
        "seen": [*fault, [IS_BLIND, SEES], False],
        "not seen": [*fault, [IS_BLIND], False],
        "by none": [*fault, [], False],
        "the same": ["self.mean + delta * b", "self.mean + b * delta", ["test_against_numpy_and_scipy"], False],
        "seen at import": [*early, ["test_nothing_adds_nothing"], True],
        "not seen at import": [*early, [SEES], True],
        "does not import": ["PIECE = 2**13", "PIECE = 2**nothing", [SEES], True],
    }
    done = subprocess.run(
        [sys.executable, "-c", TRY, json.dumps(asked)], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")] or [done.stderr]
    found = json.loads(line.removeprefix("FOUND "))
    node = "tests/test_moments.py::"
    assert found == {
        "seen": [True, node + SEES],
        "not seen": [False, ""],
        "by none": [False, ""],
        "the same": [False, ""],
        "seen at import": [True, node + "test_nothing_adds_nothing"],
        "not seen at import": [False, ""],
        "does not import": [True, "collection of tests/test_moments.py"],
    }


def test_every_explained_survivor_is_a_line_that_exists() -> None:
    """In the scope that is named, with a change of it and a reason; a line that is gone would be told."""
    assert lost(explanations()) == []
    (key, *_) = explanations()
    assert lost({(key[0], key[1], key[2] + " ", key[3]): "gone"}) == [(key[0], key[1], key[2] + " ", key[3])]
    assert all(line != becomes for _, _, line, becomes in explanations())
    assert all(len(reason) > 20 for reason in explanations().values()), FILE


def test_lines_are_known_by_their_scope_and_statement() -> None:
    """Function and class around a line, all lines of its statement, and whether it runs at import."""
    head = "A = 1\n\n\nclass B:\n    x: int = 2\n\n    def f(self,\n          y=3):\n"
    scopes = Scopes(head + "        return (\n            y\n        )\n")
    assert [scopes.around(n) for n in (1, 5, 8, 10)] == ["", "B", "B.f", "B.f"]
    assert (list(scopes.statement(10)), list(scopes.statement(8))) == ([9, 10, 11], [7, 8])
    assert sorted(scopes.early) == [1, 4, 5, 7, 8]


def test_mutants_are_slips_and_not_annotations(tmp_path: Path) -> None:
    """Where cosmic-ray is at hand: what a line becomes, by hand; the type stays as it is."""
    pytest.importorskip("cosmic_ray", reason="cosmic-ray is not installed; make mutants installs it")
    file = tmp_path / "some.py"
    file.write_text("def f(x: int | None = None) -> float | None:\n    return 20 * x if x > 0.5 else None\n")
    assert sorted(mutant.becomes for mutant in mutants_of(file, "some.py")) == sorted(
        [
            "return 20 / x if x > 0.5 else None",
            "return 20 * x if x >= 0.5 else None",
            "return 20 * x if x <= 0.5 else None",
            "return 20 * x if x > 1.5 else None",
            "return 21 * x if x > 0.5 else None",
            "return 20 * x if not x > 0.5 else None",
        ]
    )
