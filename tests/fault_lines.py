"""The judge of what a user is told: lines that can be read, and nothing of how it came about."""

from experiments.faults import BEGINNING, LONGEST, Faults


def check_lines(faults: Faults, start: str = "") -> None:
    """AssertionError unless there are lines, each printable, not too long, with that start, and without a traceback."""
    assert faults.lines
    for line in faults.lines:
        assert line.startswith(start[:BEGINNING])
        assert line.isprintable()
        assert 0 < len(line) <= LONGEST
        assert "Traceback" not in line
