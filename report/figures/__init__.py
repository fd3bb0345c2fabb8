"""The report's figures: functions of tidy frames, one line each in `FIGURES`, in the order of the report."""

from collections.abc import Container

from report.figures import (
    aligned,
    assumptions,
    causal,
    claims,
    context_plane,
    crossing,
    distribution,
    freezing,
    gradient_map,
    gradient_shares,
    gradients,
    growth,
    head_maps,
    head_plane,
    initialisation,
    jacobian,
    learning,
    learning_rates,
    lecture,
    lookup,
    one_figure,
    one_head,
    over_keys,
    powers,
    residuals,
    rule_sweeps,
    rules,
    saturation,
    saturation_map,
    shapes,
    softmax_bars,
    steps,
    toy,
    variance,
)
from report.figures.spec import FigureSpec

FIGURES: tuple[FigureSpec, ...] = (
    *steps.FIGURES,
    softmax_bars.PEAKY,
    softmax_bars.ROW,
    toy.TOY,
    causal.WEIGHTS,
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
    gradients.AGAINST_D,
    gradients.DEAD_AND_TOP,
    gradient_map.MAP,
    powers.POWERS,
    rule_sweeps.OVER_D_K,
    rule_sweeps.OVER_N_KEYS,
    assumptions.DEVIATIONS,
    assumptions.LEFT,
    initialisation.SCORES,
    learning.CURVES,
    learning.STEPS,
    learning_rates.RATES,
    gradient_shares.SHARES,
    rules.RULES,
    one_head.SCALINGS,
    aligned.MEAN_AND_SD,
    lookup.BEFORE_AND_AFTER,
    claims.FOREST,
    shapes.SHAPES,
    context_plane.PLANE,
    one_figure.ONE_FIGURE,
)

OF_AN_AUDIT: tuple[FigureSpec, ...] = (head_plane.PLANE, head_maps.SATURATION_MAPS, head_maps.SIZE_MAPS)

SPECS = {spec.name: spec for spec in (*FIGURES, *growth.FIGURES, *OF_AN_AUDIT)}


def figures_of(frames: Container[str]) -> tuple[FigureSpec, ...]:
    """The figures of a report with these frames: what was not measured is not drawn."""
    return tuple(spec for spec in SPECS.values() if all(name in frames for name in spec.experiments))
