"""Path data in few letters: rounded, without points that lie between others, each step from where the last one ended.

Absolute places are rounded before steps are taken between them, so that errors do not add up.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from xml.etree.ElementTree import Element

import numpy as np

UNIT = 0.01  # of the page, to which places are rounded
TOLERANCE = 0.02  # by how much, in the same measure, a straight line may pass beside the points that it replaces
_TOKEN = re.compile(r"[MLQCz]|[-+.\deE]+")
_NUMBERS = {"M": 2, "L": 2, "Q": 4, "C": 6, "z": 0}


@dataclass(frozen=True)
class Segment:
    """A command in absolute places, as matplotlib writes them: `M`, `L`, `Q`, `C` or `z`."""

    command: str
    points: tuple[complex, ...] = ()  # the last one is where it ends


Outlines = dict[Element, list[Segment]]  # of the paths in a tree
Box = tuple[float, float, float, float]  # left, top, right, bottom


def read_path(data: str) -> list[Segment]:
    """Path data as segments; ValueError where they hold another command than those of `Segment`."""
    tokens = _TOKEN.findall(data)
    if "".join(tokens) != "".join(data.split()):
        raise ValueError(f"path data {data!r} must be made of M, L, Q, C, z and numbers")
    segments, at = [], 0
    while at < len(tokens):
        command, size = tokens[at], _NUMBERS[tokens[at]]
        x_and_y = [float(token) for token in tokens[at + 1 : at + 1 + size]]
        segments.append(Segment(command, tuple(map(complex, x_and_y[::2], x_and_y[1::2]))))
        at += 1 + size
    return segments


def moved(segments: Sequence[Segment], to: complex, scale: float = 1, is_flipped: bool = False) -> list[Segment]:
    """Segments scaled about the origin, upside down if `is_flipped`, then moved `to` a place."""
    return [
        Segment(segment.command, tuple(to + scale * (p.conjugate() if is_flipped else p) for p in segment.points))
        for segment in segments
    ]


def boxes(segments: Sequence[Segment]) -> list[Box]:
    """Of each of a path's lines, with the points that steer its curves."""
    lines: list[list[complex]] = []
    for segment in segments:
        if segment.command == "M":
            lines.append([])
        lines[-1].extend(segment.points)
    return [
        (min(p.real for p in line), min(p.imag for p in line), max(p.real for p in line), max(p.imag for p in line))
        for line in lines
    ]


def grown(box: Box, by: float) -> Box:
    """A box with so much more on each side."""
    left, top, right, bottom = box
    return left - by, top - by, right + by, bottom + by


def short_path(segments: Sequence[Segment]) -> str:
    """Path data for the same line, within `TOLERANCE` and half a `UNIT` in each direction."""
    words, understood = [], ""  # the command that numbers without a letter would mean
    here = start = 0j  # in units
    for segment in _without_points_between(segments):
        ends = [complex(round(point.real / UNIT), round(point.imag / UNIT)) for point in segment.points]
        steps = [end - here for end in ends]
        here = ends[-1] if ends else start
        command, numbers = segment.command.lower(), [number for step in steps for number in (step.real, step.imag)]
        if command == "m":
            start = here
        if command == "l" and 0 in numbers:
            command, numbers = ("v", numbers[1:]) if numbers[0] == 0 else ("h", numbers[:1])
        if command != understood:
            words.append(command)
        words.extend(short_number(number * UNIT) for number in numbers)
        understood = {"m": "l", "z": ""}.get(command, command)
    return _joined(words)


def short_number(number: float, decimals: int = 2) -> str:
    """A number with so many decimals at most, and no nought that says nothing."""
    text = f"{round(number, decimals) + 0.0:.10g}"
    return text.replace("0.", ".") if abs(number) < 1 else text


def _joined(words: Sequence[str]) -> str:
    """Commands and numbers with a space only where two numbers would be read as one."""
    text = "".join(words[:1])
    for before, word in pairwise(words):
        is_apart = before.isalpha() or (not word[0].isdigit() and (word[0] != "." or "." in before))
        text += word if is_apart else f" {word}"
    return text


def _without_points_between(segments: Sequence[Segment]) -> list[Segment]:
    """Segments without those ends of straight lines that one line past them leaves within `TOLERANCE`."""
    kept: list[Segment] = []
    for is_straight, group in groupby(segments, key=lambda segment: segment.command == "L"):
        run = list(group)
        if is_straight:
            corners = _corners(np.array([kept[-1].points[-1], *(line.points[0] for line in run)]))
            run = [run[corner - 1] for corner in corners[1:]]
        elif run[0].command == "z" and [line.command for line in kept[-2:]] == ["L", "L"]:
            begin = next(segment for segment in reversed(kept) if segment.command == "M")
            if kept[-1].points == begin.points:
                kept.pop()  # `z` draws it
        kept.extend(run)
    return kept


def _corners(points: np.ndarray) -> list[int]:
    """Indices of those points that an open line needs, by Douglas and Peucker's division at the farthest point."""
    needed, spans = {0, len(points) - 1}, [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        apart = _distances(points[first + 1 : last], points[first], points[last])
        farthest = int(apart.argmax())
        if apart[farthest] > TOLERANCE:
            middle = first + 1 + farthest
            needed.add(middle)
            spans += [(first, middle), (middle, last)]
    return sorted(needed)


def _distances(points: np.ndarray, start: complex, end: complex) -> np.ndarray:
    """Of points from the straight line between two others, no farther than they reach."""
    line = end - start
    if line == 0:
        return np.abs(points - start)
    along = np.clip(((points - start) * np.conj(line)).real / abs(line) ** 2, 0, 1)
    return np.abs(points - start - along * line)
