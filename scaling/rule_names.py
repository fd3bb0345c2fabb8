"""Every rule by the name that a preset calls it: a new rule is one class and one line here."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any

from scaling.arrays import check_kind, shown
from scaling.length_rules import LogRule, ScalableRule, YarnRule
from scaling.normalised_rules import LayerNormRule, QKNormRule
from scaling.rules import ModelRule, NormalisedRule, PowerRule, ScoreRule, SplitRule, TemperatureRule
from scaling.shape_rules import ShiftedRule, SigmoidRule, SoftCapRule

NAME = re.compile("[a-z][a-z0-9-]*")  # begins like no number, and like no formula of a spreadsheet

SCORE_RULES: dict[str, Callable[..., ScoreRule]] = {
    "power": PowerRule,
    "model": ModelRule,
    "temperature": TemperatureRule,
    "split": SplitRule,
    "log-n": LogRule,
    "scalable": ScalableRule,
    "yarn": YarnRule,
    "normalised": NormalisedRule,
    "qk-norm": QKNormRule,
    "layer-norm": LayerNormRule,
    "soft-cap": SoftCapRule,
    "sigmoid": SigmoidRule,
    "shifted": ShiftedRule,
}


def score_rule(line: Mapping[str, Any]) -> ScoreRule:
    """The rule of a line such as {"rule": "soft-cap", "cap": 50.0}; its own name is that unless the line has a `name`.

    Raises ValueError, in one line that names the rule and the parameter, for a rule or a parameter that is unknown
    (with the nearest name), a parameter that is missing, and one that the class refuses.

    >>> score_rule({"rule": "soft-cap", "cap": 50.0}).scores([[8.0, 0.0]], [[8.0, 8.0]]).round(3)  # 64/√2, capped
    array([[35.939]])
    """
    check_kind("score_rule", Mapping, line=line)
    rule = line.get("rule")
    if not isinstance(rule, str) or rule not in SCORE_RULES:
        raise ValueError(
            f"rule {shown(rule)} is unknown; allowed: {', '.join(SCORE_RULES)}{_nearest(rule, SCORE_RULES)}"
        )
    make = SCORE_RULES[rule]
    known = {field.name: field.default is MISSING for field in fields(make)}  # type: ignore[arg-type]  # a dataclass
    given = {"name": rule, **{key: value for key, value in line.items() if key != "rule"}}
    for key in given:
        if key not in known:
            raise ValueError(
                f"rule {rule!r}: {shown(key)} is unknown; allowed: {', '.join(known)}{_nearest(key, known)}"
            )
    for key, is_needed in known.items():
        if is_needed and key not in given:
            raise ValueError(f"rule {rule!r}: {key} is missing")
    name = given["name"]
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(
            f"rule {rule!r}: name must be of small letters, digits and hyphens, a letter first; received {shown(name)}"
        )
    try:
        return make(**given)
    except ValueError as error:
        raise ValueError(f"rule {rule!r}: {str(error).partition(': ')[2]}") from None


def _nearest(name: object, allowed: Mapping[str, object]) -> str:
    nearest = difflib.get_close_matches(str(name), allowed, n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""
