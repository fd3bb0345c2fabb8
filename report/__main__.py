"""`python -m report page`: measure, judge, draw, render and write the report."""

import os
import signal
from collections.abc import Sequence
from functools import partial

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # none but ours, so that this process may be forked
signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while modules load just ends: there is nothing to keep yet

from experiments.cli import Parser, add_run_options, guarded, read_run_options, run_and_publish, say  # noqa: E402
from report.cost import read_cost  # noqa: E402 - see above
from report.page import page_files  # noqa: E402 - see above


def main(argv: Sequence[str]) -> int:
    """The exit code of `python -m report` with these arguments."""
    parser = Parser(prog="python -m report", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    add_run_options(commands.add_parser("page", help="run a preset and build the page from it"))
    options = read_run_options(parser.parse_args(argv))
    return run_and_publish(options, partial(page_files, cost=read_cost(options.out, say)), ["report.page"])


if __name__ == "__main__":
    guarded(main)
