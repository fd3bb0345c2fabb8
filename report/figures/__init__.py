"""The report's figures: functions of tidy frames, one line each in `FIGURES`, in the order of the report."""

from report.figures import claims, distribution, heatmap, jacobian, lecture, saturation, softmax_bars, variance
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
    heatmap.ENTROPY,
    jacobian.AGAINST_D,
    claims.FOREST,
)
