"""Figures that the page's sentences state, computed from the results of the run: one line each in `FINDINGS`."""

from collections.abc import Callable, Mapping
from typing import Any

from experiments.runner import Results
from report.findings.assumptions import broken_assumptions
from report.findings.gradients import gradients
from report.findings.initialisation import first_scores
from report.findings.learning import learning_findings
from report.findings.measured import findings
from report.findings.questions import answers
from report.findings.scalings import rules
from report.findings.trained import trained_models

FINDINGS: Mapping[str, Callable[[Results], Any]] = {  # the name by which templates know them
    "found": findings,
    "gradients": gradients,
    "rules": rules,
    "broken": broken_assumptions,
    "initial": first_scores,
    "learning": learning_findings,
    "trained": trained_models,
    "answers": answers,
}
