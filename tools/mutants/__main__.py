"""Try every mutant of the science: python -m tools.mutants [MODULE ...] [--again] [--fresh] [--list].

Every mutant of scaling/*.py and experiments/claims.py (tools/mutants/mutations.py says which) is judged by the tests
that run its line. Results go to build/mutants/results.jsonl as they come, and a later run goes on from there; --again
tries survivors once more, --fresh begins anew. What survives is to be killed by a better test or explained in
tests/survivors.toml. Exit status: 0 if every survivor is explained, 1 if not.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy: a fork takes no threads along

from tools.mutants.covering import MODULES, ROOT, Coverage, record_all
from tools.mutants.mutations import Mutant, Scopes, mutants_of
from tools.mutants.survivors import explanations
from tools.mutants.trial import Outcome, Trial, run_trials

BUILD = ROOT / "build" / "mutants"
BRIEF = 3.0  # seconds of tests for what is expected to survive
# In the order in which a fault would matter.
FIRST = [
    "claims", "intervals", "moments", "entries", "sampling", "normals", "rules", "shape_rules", "length_rules",
    "normalised_rules", "rule_names", "dot_product_law", "softmax_law", "attention_law", "laplace_transform",
    "largest_weight", "gradient_law", "saturation", "gradients", "heads", "goodness",
]  # fmt: skip


def key_of(result: dict) -> tuple:
    """A mutant's key in a line of results."""
    return result["module"], result["where"], result["line"], result["becomes"], result["nth"]


@dataclass
class Results:
    """The file of results, one JSON object a line; a mutant's last line counts."""

    file: Path

    def read(self) -> dict[tuple, dict]:
        """By key."""
        if not self.file.exists():
            return {}
        return {key_of(result): result for result in map(json.loads, self.file.read_text("utf-8").splitlines())}

    def add(self, mutant: Mutant, outcome: Outcome, n_tests: int) -> None:
        """Append one, at once."""
        told = {name: value for name, value in asdict(mutant).items() if name != "source"}
        line = json.dumps(told | asdict(outcome) | {"n_tests": n_tests}, ensure_ascii=False)
        with self.file.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def trials_of(
    paths: list[Path], coverage: Coverage, budget: Callable[[Mutant], float]
) -> Iterator[tuple[Mutant, Trial]]:
    """Trials of mutants, a module at a time, each by tests that take its budget of seconds; none without one."""
    for path in paths:
        source = path.read_text("utf-8")
        scopes, texts = Scopes(source), source.split("\n")
        for mutant in mutants_of(path, str(path.relative_to(ROOT))):
            if seconds := budget(mutant):
                tests = coverage.judges(mutant, scopes, texts, seconds)
                seconds = sum(map(coverage.seconds.__getitem__, tests))
                yield mutant, Trial(mutant.module, mutant.source, tests, seconds, coverage.is_early(mutant, scopes))


def table(results: list[dict], explained: set[tuple]) -> str:
    """Killed, survivors and how many of these are explained, by module."""
    rows = [f"{'':34}{'mutants':>8}{'killed':>8}{'':>8}{'explained':>10}{'open':>6}"]
    groups = {name: [r for r in results if r["module"] == name] for name in dict.fromkeys(r["module"] for r in results)}
    for name, group in [*groups.items(), ("all", results)]:
        killed = sum(result["killed"] for result in group)
        known = sum(not result["killed"] and key_of(result)[:4] in explained for result in group)
        share, left = killed / max(1, len(group)), len(group) - killed - known
        rows.append(f"{name:34}{len(group):8}{killed:8}{share:8.1%}{known:10}{left:6}")
    return "\n".join(rows)


def main(arguments: list[str]) -> int:
    """Try what is left to try, and say how it stands."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", help="such as intervals or scaling/intervals.py; none: all")
    parser.add_argument("--again", action="store_true", help="try survivors without an explanation again")
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    parser.add_argument("--list", action="store_true", help="print the survivors without an explanation, and try none")
    parser.add_argument("--jobs", type=int, default=2, help="trials at a time")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds of tests that judge a mutant; default: 20")
    given = parser.parse_args(arguments)
    stems = [Path(name).stem for name in given.modules]
    paths = sorted(
        (path for path in MODULES if not stems or path.stem in stems),
        key=lambda path: (FIRST.index(path.stem) if path.stem in FIRST else len(FIRST), path),
    )
    if unknown := set(stems) - {path.stem for path in paths}:
        parser.error(f"no such module: {', '.join(sorted(unknown))}")
    BUILD.mkdir(parents=True, exist_ok=True)
    results = Results(BUILD / "results.jsonl")
    if given.fresh:
        results.file.unlink(missing_ok=True)
    explained = explanations().keys()
    if not given.list:
        record_all(BUILD / "covering", given.jobs)
        coverage = Coverage(BUILD / "covering")
        done = results.read()
        tests: dict[Mutant, int] = {}

        def budget(mutant: Mutant) -> float:
            before = done.get(mutant.key)
            is_explained = mutant.key[:4] in explained
            if before is None or (given.again and not before["killed"] and not is_explained):
                return BRIEF if is_explained else given.budget
            return 0.0

        def counted() -> Iterator[tuple[Mutant, Trial]]:
            for mutant, trial in trials_of(paths, coverage, budget):
                tests[mutant] = len(trial.tests)
                yield mutant, trial

        def report(mutant: Mutant, outcome: Outcome) -> None:
            results.add(mutant, outcome, tests.pop(mutant))
            if not outcome.killed:
                print(f"{mutant.module}:{mutant.number}: {mutant.line}  →  {mutant.becomes}", flush=True)

        run_trials(counted(), report, given.jobs)
    names = {str(path.relative_to(ROOT)): path for path in paths}
    present = {mutant.key for name, path in names.items() for mutant in mutants_of(path, name)}
    found = [result for key, result in results.read().items() if key in present]
    opened = [r for r in found if not r["killed"] and key_of(r)[:4] not in explained]
    for result in opened:
        print(f"{result['module']}  {result['where']}  {result['operator']}, {result['n_tests']} tests")
        print(f"    {result['line']}\n    {result['becomes']}")
    print(table(found, set(explained)))
    print(f"not tried yet: {len(present) - len(found)}")
    if not stems:
        n_killed = sum(result["killed"] for result in found)
        explained_here = len(found) - n_killed - len(opened)
        told = {"killed": f"{n_killed / max(1, len(found)):.1%}", "explained": str(explained_here)}
        (BUILD / "summary.json").write_text(json.dumps({"cases": len(found), "failures": len(opened), "told": told}))
    return int(bool(opened) or len(found) < len(present))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
