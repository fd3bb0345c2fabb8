"""Every claim can be refuted: faults planted in samplers, rules and laws do it between them."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from experiments.claims import Verdict, judge_all
from experiments.experiment import Experiment
from experiments.learning import Learning
from judge import observed
from ledgers import CALIBRATION, claiming
from planted import FAULTS, Fault, with_fault

ENOUGH = {"learning": {"n_blocks": 16}, "trained_heads": {"n_windows": 8}}  # blocks for a verdict on what is far off
LEDGER = [experiment.model_copy(update=ENOUGH.get(experiment.name, {})) for experiment in claiming(CALIBRATION)]

# Further ones for the one kind of claim that takes more heads than are there.
WIDE = Learning(
    n_blocks=12, n_selection=4, d_k=[128, 256, 512, 1024], rates=[1.0, 10.0], n_steps=128, batch=32, margin=0.2
)


def verdicts(experiments: Iterable[Experiment[Any]]) -> dict[str, Verdict]:
    """What is said of each of their claims, at one seed."""
    claims = [claim for experiment in experiments for claim in experiment.claims(observed(experiment))]
    return {judgement.claim.id: judgement.verdict for judgement in judge_all(claims, 0.001).judgements}


def refuted(fault: Fault) -> set[str]:
    """The claims that a planted fault refutes."""
    with with_fault(fault):
        found = verdicts(experiment for experiment in LEDGER if experiment.name in fault.experiments)
    return {name for name, verdict in found.items() if verdict == Verdict.REFUTED}


def test_every_claim_is_refuted_by_a_planted_fault(record_property: Callable[[str, object], None]) -> None:
    """And each fault by some claim, while none is refuted without one."""
    sound = verdicts(LEDGER)
    assert Verdict.REFUTED not in sound.values()
    faults = [fault for fault in FAULTS if fault.experiments & {experiment.name for experiment in LEDGER}]
    caught = {fault.words: refuted(fault) for fault in faults}
    assert [words for words, found in caught.items() if not found] == []
    assert sound.keys() - set().union(*caught.values()) == set()
    assert verdicts(LEDGER[:2]).items() <= sound.items()  # nothing of any fault is left
    record_property("cases", len(caught))
    record_property("claims", len(sound))


@pytest.mark.soak
def test_the_steps_of_wide_heads_are_refuted_too(record_property: Callable[[str, object], None]) -> None:
    """By another law of the first scores' spread; and not without it."""
    (fault,) = (fault for fault in FAULTS if "wide-heads" in fault.experiments)
    assert verdicts([WIDE])["learning-steps-slope"] != Verdict.REFUTED
    with with_fault(fault):
        assert verdicts([WIDE])["learning-steps-slope"] == Verdict.REFUTED
    record_property("cases", 1)
