"""`python -m report page|slides|figures|audit`: the report on √d_k, its slides, or a page on heads of your own."""

from collections.abc import Sequence
from functools import partial

from experiments.loading import begin

begin()

from report.matplotlib_alone import load as load_matplotlib  # noqa: E402 - see above

load_matplotlib()

from experiments.audit.options import add_audit_options, read_audit_options  # noqa: E402 - see above
from experiments.cli import Parser, add_run_options, guarded, read_run_options, run_and_publish, say  # noqa: E402
from report.audit.command import audit  # noqa: E402 - see above
from report.cost import read_cost  # noqa: E402 - see above
from report.page import page_files  # noqa: E402 - see above
from report.slides.command import list_figures, slides  # noqa: E402 - see above
from report.slides.options import add_slide_options, read_slide_options  # noqa: E402 - see above


def main(argv: Sequence[str]) -> int:
    """The exit code of `python -m report` with these arguments."""
    parser = Parser(prog="python -m report", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    add_run_options(commands.add_parser("page", help="run a preset and build the page from it"))
    add_slide_options(commands.add_parser("slides", help="run a preset and build figures and decks for slides from it"))
    commands.add_parser("figures", help="list the figures by name")
    add_audit_options(commands.add_parser("audit", help="measure the queries and keys in files, and build a page"))
    arguments = parser.parse_args(argv)
    if arguments.command == "audit":
        return audit(read_audit_options(arguments))
    if arguments.command == "figures":
        return list_figures()
    if arguments.command == "slides":
        return slides(read_slide_options(arguments))
    options = read_run_options(arguments)
    return run_and_publish(options, partial(page_files, cost=read_cost(options.out, say)), ["report.page"])


if __name__ == "__main__":
    guarded(main)
