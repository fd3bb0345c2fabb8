"""`python -m experiments run`: measure, judge, and write the data and the claims."""

from collections.abc import Sequence

from experiments.loading import begin

begin()

from experiments.cli import Parser, add_run_options, guarded, read_run_options, run_and_publish  # noqa: E402 - see above


def main(argv: Sequence[str]) -> int:
    """The exit code of `python -m experiments` with these arguments."""
    parser = Parser(prog="python -m experiments", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    add_run_options(commands.add_parser("run", help="measure every cell of a preset and judge its claims"))
    return run_and_publish(read_run_options(parser.parse_args(argv)))


if __name__ == "__main__":
    guarded(main)
