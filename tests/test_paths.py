"""Path data in few letters: the same line, read back by another reader."""

import re
from itertools import pairwise

import numpy as np
import pytest

from report.figures import paths
from report.figures.paths import TOLERANCE, UNIT, Segment, boxes, moved, read_path, short_number, short_path

ROUNDING = UNIT / 2 * 2**0.5 + 1e-9  # of a place


def read(data: str) -> list[list[tuple[str, list[complex]]]]:
    """Path data of relative commands, by SVG's grammar: its lines, each a list of commands with absolute places."""
    lines: list[list[tuple[str, list[complex]]]] = []
    here = 0j
    for letter, rest in re.findall(r"([a-z])([^a-z]*)", data):
        numbers = [float(number) for number in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", rest)]
        assert "".join(re.findall(r"[\d.-]", rest)) == "".join(re.findall(r"-?(?:\d+\.?\d*|\.\d+)", rest))
        if letter == "z":
            here = lines[-1][0][1][0]
            lines[-1].append(("z", []))
            continue
        size = {"h": 1, "v": 1, "m": 2, "l": 2, "q": 4, "c": 6}[letter]
        assert numbers
        assert len(numbers) % size == 0
        for at in range(0, len(numbers), size):
            given = numbers[at : at + size]
            steps = {"h": [complex(given[0], 0)], "v": [complex(0, given[0])]}.get(
                letter, [complex(*pair) for pair in zip(given[::2], given[1::2], strict=True)] if size > 1 else []
            )
            places = [here + step for step in steps]
            here = places[-1]
            if letter == "m" and at == 0:
                lines.append([("m", places)])
            else:
                lines[-1].append(("l" if letter in "mhv" else letter, places))
    return lines


def written(places: list[complex]) -> str:
    """A line of straight pieces as matplotlib writes it."""
    return " ".join(f"{'L' if i else 'M'} {p.real:.6f} {p.imag:.6f}" for i, p in enumerate(places))


def farthest(places: list[complex], line: list[complex]) -> float:
    """The largest distance of any of these places from a line of straight pieces."""
    pieces = list(pairwise(line))
    return max(min(distance(place, *piece) for piece in pieces) for place in places)


def distance(place: complex, start: complex, end: complex) -> float:
    """From a straight piece, by its nearest of many places."""
    along = np.linspace(0, 1, 2001)
    return float(np.abs(start + along * (end - start) - place).min())


@pytest.mark.parametrize(
    ("data", "short"),
    [
        ("M 1 2 L 4 2 L 4 6 L 1 6 z", "m1 2h3v4h-3z"),
        ("M 1 2 L 4 2 L 4 6 L 1 6 L 1 2 z", "m1 2h3v4h-3z"),
        ("M 0.5 -0.5 L 1 0 L 1.25 0.25 L 1.5 -3", "m.5-.5.75.75.25-3.25"),
        ("M 10.5 20 L 11.123456 30.5 L 5 40", "m10.5 20 .62 10.5-6.12 9.5"),
        ("M 0 0 Q 1 1 2 0 Q 3 -1 4 0 z M 5 5 L 6 7", "m0 0q1 1 2 0 1-1 2 0zm5 5 1 2"),
        ("M 0 0 C 1 1 2 2 3 0 L 3 1", "m0 0c1 1 2 2 3 0v1"),
        ("M 3 3 L 3 3", "m3 3v0"),
        ("M 100.004 0 L 100.0049 9", "m100 0v9"),
        ("", ""),
    ],
)
def test_short_forms(data: str, short: str) -> None:
    """Steps, without letters, noughts and spaces that nothing needs; a line of no length stays, for its ends show."""
    assert short_path(read_path(data)) == short


@pytest.mark.parametrize("size", [0.3, 3, 30, 300])
def test_every_place_is_where_it_was(size: float) -> None:
    """Ends and steering points of curves, turns and closed lines: within half a unit, however many came before."""
    rng = np.random.default_rng(7)
    expected: list[list[tuple[str, list[complex]]]] = []
    for _ in range(1000):
        commands = ["m", *map(str, rng.permutation(list("lqcqc"))), *["z"] * rng.integers(2)]
        amounts = {"m": 1, "l": 1, "q": 2, "c": 3, "z": 0}
        expected.append([(c, [complex(*pair) for pair in rng.normal(0, size, (amounts[c], 2))]) for c in commands])
    data = " ".join(
        " ".join([command if command == "z" else command.upper(), *(f"{p.real:.6f} {p.imag:.6f}" for p in places)])
        for line in expected
        for command, places in line
    )
    found = read(short_path(read_path(data)))
    for own, theirs in zip(found, expected, strict=True):
        assert [command for command, _ in own] == [command for command, _ in theirs]
        for (_, a), (_, b) in zip(own, theirs, strict=True):
            assert np.abs(np.subtract(a, b)).max(initial=0) <= ROUNDING


def curve() -> list[complex]:
    """A smooth line with a straight piece, a corner and a turn back upon itself."""
    t = np.linspace(0, 6, 150)
    return [
        *(t * 20 + 1j * np.sin(t) * 30),
        *(complex(120 + i / 7, -8.4 - i / 3) for i in range(80)),
        140 + 5j, 150 + 5j, 130 + 5j, 131 + 5j,
    ]  # fmt: skip


def test_straight_lines_pass_by_points_within_the_tolerance(monkeypatch: pytest.MonkeyPatch) -> None:
    """No point that was left out lies farther from the line, and no new one is made; with more leave, it would show."""
    places = curve()
    allowed = TOLERANCE + ROUNDING + 0.003  # and the fineness of `distance`
    for tolerance, holds in ((TOLERANCE, True), (5 * TOLERANCE, False)):
        monkeypatch.setattr(paths, "TOLERANCE", tolerance)
        (line,) = read(short_path(read_path(written(places))))
        corners = [place for _, (place,) in line]
        assert len(corners) < 0.5 * len(places)
        assert max(min(abs(corner - place) for place in places) for corner in corners) <= ROUNDING
        assert (farthest(places, corners) <= allowed) == holds


def test_both_ends_and_every_turn_stay() -> None:
    """A line that runs back over itself reaches as far as it did, and a closed one keeps all of its corners."""
    assert short_path(read_path("M 0 0 L 10 0 L 4 0 L 20 0 L 5 0")) == "m0 0h20-15"
    assert short_path(read_path("M 0 0 L 5 0 L 10 0 L 10 5 L 10 10 L 0 10 L 0 0 z")) == "m0 0h10v10h-10z"


def test_other_commands_are_refused() -> None:
    """What matplotlib does not write is not guessed at."""
    for data in ("M 0 0 A 1 1 0 0 0 2 2", "m 0 0 l 1 1", "M 0 0 H 3"):
        with pytest.raises(ValueError, match=f"path data '{data}' must be made of M, L, Q, C, z and numbers"):
            read_path(data)


def test_moved_and_measured() -> None:
    """Scaled, turned upside down and moved; a box for each line, steering points within it."""
    segments = read_path("M 1 2 L 3 4 M 0 0 Q 5 9 2 0")
    assert boxes(segments) == [(1, 2, 3, 4), (0, 0, 5, 9)]
    assert moved(segments, 10 + 20j, 2, is_flipped=True)[:2] == [Segment("M", (12 + 16j,)), Segment("L", (16 + 12j,))]


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.5, ".5"), (-0.5, "-.5"), (10.5, "10.5"), (-20.05, "-20.05"), (0.004, "0"), (-0.004, "0"), (0.999, "1"),
     (100, "100"), (1e6, "1000000"), (0.05, ".05")],
)  # fmt: skip
def test_numbers_without_idle_noughts(number: float, text: str) -> None:
    """Two decimals at most."""
    assert short_number(number) == text
    assert float(text) == pytest.approx(number, abs=0.005)
