"""The report's figures: functions of tidy frames, one line each in `FIGURES`, in the order of the report."""

from report.figures import (
    claims,
    crossing,
    distribution,
    freezing,
    jacobian,
    lecture,
    one_figure,
    over_keys,
    residuals,
    saturation,
    saturation_map,
    softmax_bars,
    variance,
)
from report.figures.spec import FigureSpec

FIGURES: tuple[FigureSpec, ...] = (
    softmax_bars.PEAKY,
    softmax_bars.ROW,
    variance.AGAINST_D,
    variance.DEVIATION,
    distribution.SCORES,
    distribution.KURTOSIS,
    lecture.SCATTER,
    saturation.ENTROPY,
    saturation.LARGEST_WEIGHT,
    saturation.SUM_P2,
    residuals.RESIDUALS,
    saturation_map.MAP,
    freezing.LIMIT,
    over_keys.VARIANCE_AND_SQUARES,
    over_keys.EFFECTIVE,
    jacobian.AGAINST_D,
    jacobian.MEAN_AND_MEDIAN,
    crossing.CROSSING,
    claims.FOREST,
    one_figure.ONE_FIGURE,
)
