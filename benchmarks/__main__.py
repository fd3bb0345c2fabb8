"""`python -m benchmarks`: measure what the project costs, print it, and write it to bench.json for the page."""

import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.loading import begin

begin()

from threadpoolctl import threadpool_limits  # noqa: E402 - see above

from benchmarks import default_run, growth, laws, samplers, softmax_kernel  # noqa: E402 - see above
from benchmarks.machine import machine  # noqa: E402 - see above
from benchmarks.table import lines_of  # noqa: E402 - see above
from experiments.cli import Parser, guarded, say, tell  # noqa: E402 - see above
from experiments.faults import Faults  # noqa: E402 - see above
from experiments.output import only_one, publish  # noqa: E402 - see above
from report.cost_record import FORMAT, Bench  # noqa: E402 - see above
from scaling.arrays import shown  # noqa: E402 - see above

SEED = 2017
ROUNDS, QUICK_ROUNDS, MOST_ROUNDS = 7, 3, 100


def main(argv: Sequence[str]) -> int:
    """The exit code of `python -m benchmarks` with these arguments."""
    parser = Parser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--out", default="build", metavar="DIR", help="folder of bench.json (default: build)")
    parser.add_argument("--rounds", metavar="N", help=f"rounds of each measurement (default: {ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="small sizes, and no whole run: seconds, not minutes")
    arguments = parser.parse_args(argv)
    n_rounds = _rounds(arguments.rounds, arguments.quick)
    if not arguments.out:
        raise Faults("--out: is empty; the path of a folder is needed")
    out = Path(arguments.out)
    with only_one(out):
        try:
            bench = measure(n_rounds, arguments.quick)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("nothing was written") from None
        publish(out, {"bench.json": (bench.sealed.model_dump_json(indent=1) + "\n").encode()})
    for line in lines_of(bench):
        tell(sys.stdout, line)
    tell(sys.stdout, "")
    tell(sys.stdout, f"{out / 'bench.json'}: the next report in {out} has a chapter on it")
    return 0


def _rounds(text: str | None, is_quick: bool) -> int:
    if text is None:
        return QUICK_ROUNDS if is_quick else ROUNDS
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 2 <= int(text) <= MOST_ROUNDS):
        raise Faults(f"--rounds: {shown(text)} is not allowed; a whole number from 2 to {MOST_ROUNDS} is needed")
    return int(text)


def measure(n_rounds: int, is_quick: bool) -> Bench:
    """Every benchmark, one after another, on one thread."""
    with threadpool_limits(limits=1, user_api="blas"):
        say("variance samplers …")
        sampler_costs = samplers.measure(SEED, n_rounds, (8, 64, 512) if is_quick else samplers.DIMENSIONS)
        say("softmax …")
        kernels = softmax_kernel.measure(SEED, n_rounds, (16, 1024) if is_quick else softmax_kernel.NUMBERS_OF_KEYS)
        say("exact laws …")
        law_costs = laws.measure(SEED, n_rounds)
        say("growth …")
        points, exponents = growth.measure(SEED, n_rounds, growth.ways(2**12, 2**10) if is_quick else growth.ways())
        run = None
        if not is_quick:
            say("whole runs …")
            run = default_run.measure(SEED, n_rounds)
        return Bench(
            format=FORMAT,
            is_quick=is_quick,
            seed=SEED,
            rounds=n_rounds,
            machine=machine(),
            samplers=sampler_costs,
            kernels=kernels,
            laws=law_costs,
            growth=points,
            exponents=exponents,
            run=run,
        )


if __name__ == "__main__":
    guarded(main)
