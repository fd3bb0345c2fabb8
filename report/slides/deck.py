"""Results → slides: what the page keeps of itself, put together by the outline."""

from collections.abc import Mapping
from importlib.metadata import version

import pandas as pd
from markupsafe import Markup

from experiments.provenance import provenance
from experiments.runner import Results
from report.contents import parts_of
from report.cost import Cost
from report.drawing import DrawnFigure
from report.figures import figures_of
from report.findings.measured import findings
from report.page import kept_of
from report.prose import prose
from report.slides.material import Material
from report.slides.outline import outline
from report.slides.slide import Slide
from report.walkthrough import walkthrough

WRITERS = ("python-pptx", "ziamath")  # packages that decide the bytes of slides, beside those of the page


def deck(results: Results, frames: Mapping[str, pd.DataFrame], cost: Cost | None = None) -> tuple[Slide, ...]:
    """All slides of a run; `frames` are those of its figures."""
    return outline(parts_of(cost is not None), material_of(results, frames, cost))


def material_of(results: Results, frames: Mapping[str, pd.DataFrame], cost: Cost | None = None) -> Material:
    """What they are made from."""
    specs = {spec.name: spec for spec in figures_of(frames)}
    undrawn = {
        name: DrawnFigure(spec, prose(spec.caption(*spec.given(frames))), Markup("<svg/>"), b"", b"")
        for name, spec in specs.items()
    }
    return Material(
        ledger=results.ledger,
        frames=frames,
        figures=specs,
        kept=kept_of(results, undrawn, cost),
        lecture=walkthrough(results.frames["self_attention"], results.frames["peaky"]),
        found=findings(results),
        provenance=sources_of(results),
    )


def sources_of(results: Results) -> dict[str, str]:
    """What decides the numbers and the bytes, by what it is."""
    known = provenance(results.preset)
    packages = known["packages"] | {name: version(name) for name in WRITERS}
    return {
        "preset": f"{known['preset']}, hash {known['preset_hash']}",
        "seed": str(known["seed"]),
        "commit": known["commit"],
        "claims": f"{results.ledger.summary} of {len(results.ledger.judgements)}",
        "Python": known["python"],
        "packages": ", ".join(f"{name} {number}" for name, number in packages.items()),
    }
