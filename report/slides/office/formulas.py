"""Formulas no wider than their room."""

from math import floor

from report.slides.formula_picture import FormulaPicture, formula_picture
from report.slides.office.layout import SMALLEST


def formula_within(latex: str, ink: str, size: float, room: float) -> FormulaPicture:
    """The formula in letters of at most `size` points that is at most `room` inches wide, or its smallest picture."""
    picture = formula_picture(latex, ink, size)
    if picture.width <= room:
        return picture
    return formula_picture(latex, ink, max(SMALLEST, floor(2 * size * room / picture.width) / 2))
