"""Labels of points in a plane: each beside its own point, where it covers least of what else is there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

_DIRECTIONS = np.array([(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)], dtype=float)
_OUTSIDE, _ON_WORDS, _ON_A_DISC, _ON_A_LINE = 1000.0, 100.0, 10.0, 1.0  # costs
_STEPS = np.linspace(0, 1, 60)


@dataclass(frozen=True)
class Box:
    """A rectangle, from its lower left to its upper right corner."""

    x0: float
    y0: float
    x1: float
    y1: float

    def overlaps(self, other: "Box") -> bool:
        """Whether they share more than a line."""
        return min(self.x1, other.x1) > max(self.x0, other.x0) and min(self.y1, other.y1) > max(self.y0, other.y0)

    def holds(self, points: Points) -> NDArray[np.bool_]:
        """Which of the points (n, 2) lie inside."""
        x, y = points.T
        return np.asarray((x > self.x0) & (x < self.x1) & (y > self.y0) & (y < self.y1))

    def distance(self, point: Points) -> float:
        """How far a point is from the rectangle; 0 inside."""
        x, y = point
        return float(np.hypot(max(self.x0 - x, 0, x - self.x1), max(self.y0 - y, 0, y - self.y1)))


def place_labels(
    points: Points, radii: NDArray[np.float64], sizes: Points, lines_to: Points, canvas: Box, gap: float
) -> list[Box]:
    """Where the labels of the first len(sizes) points stand; all lengths in one unit.

    Discs of the given radii are around the points (n, 2); `sizes` are the labels' widths and heights (m, 2); a line
    runs from each labelled point to `lines_to` (2,). The points are taken in order; ties go to the first of: right,
    left, above, below, and the four corners.
    """
    placed: list[Box] = []
    lines = [point + _STEPS[:, None] * (lines_to - point) for point in points[: len(sizes)]]
    for index, (width, height) in enumerate(sizes):
        reach = radii[index] + gap
        candidates = []
        for along in _DIRECTIONS:
            corner = 0.75 if along.all() else 1.0  # a corner is farther from the middle
            half = np.array([width, height]) / 2
            centre = points[index] + along * (corner * reach + half)
            candidates.append(Box(*(centre - half), *(centre + half)))
        costs = []
        for box in candidates:
            discs = [box.distance(p) < r + 0.1 for p, r in zip(points, radii, strict=True)]
            is_outside = box.x0 < canvas.x0 or box.y0 < canvas.y0 or box.x1 > canvas.x1 or box.y1 > canvas.y1
            costs.append(
                _OUTSIDE * is_outside
                + _ON_WORDS * sum(map(box.overlaps, placed))
                + _ON_A_DISC * sum(discs)
                + _ON_A_LINE * sum(bool(box.holds(line).any()) for line in lines)
            )
        placed.append(candidates[int(np.argmin(costs))])
    return placed
