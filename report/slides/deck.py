"""Results → slides: what the page keeps of itself, put together by the outline."""

from collections.abc import Mapping
from importlib.metadata import version

from markupsafe import Markup

from experiments.provenance import provenance
from experiments.runner import Results
from report.contents import parts_of
from report.cost import Cost
from report.drawing import DrawnFigure
from report.findings.measured import findings
from report.page import kept_of
from report.prose import prose
from report.slides.material import Material, ToldFigure
from report.slides.outline import outline
from report.slides.slide import Slide
from report.walkthrough import walkthrough

WRITERS = ("python-pptx", "ziamath")  # packages that decide the bytes of slides, beside those of the page


def deck(results: Results, figures: Mapping[str, ToldFigure], cost: Cost | None = None) -> tuple[Slide, ...]:
    """All slides of a run that has these figures."""
    return outline(parts_of(cost is not None), material_of(results, figures, cost))


def material_of(results: Results, figures: Mapping[str, ToldFigure], cost: Cost | None = None) -> Material:
    """What they are made from."""
    undrawn = {
        name: DrawnFigure(it.spec, prose(it.caption), Markup("<svg/>"), b"", b"") for name, it in figures.items()
    }
    return Material(
        ledger=results.ledger,
        figures=figures,
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
        "Python": f"{known['python']}, {known['c_library']}",
        "packages": ", ".join(f"{name} {number}" for name, number in packages.items()),
    }
