"""The deck's outline: ideas by chapter, in the order of the page and of the lecture."""

from collections.abc import Collection, Iterator, Mapping

from report.contents import Chapter, Part
from report.slides.ideas import Asked, Built, Coded, Derived, Idea, Place, PrintedBeside, Shown, Told
from report.slides.material import Material
from report.slides.singles import Demonstration, Opening, PrintedRuns, Provenance, Roles, Tally, Verdicts
from report.slides.slide import Picture, Slide

OUTLINE: Mapping[str, tuple[Idea, ...]] = {
    "recap": (
        Told("recap", ("dot-product", "softmax")), Shown("recap"), PrintedBeside("recap"),
        PrintedBeside("recap-context"),
    ),
    "matrices": (Told("matrices", ("projection",)), Shown("shapes")),
    "coding": (
        Coded("coding", ("scaling.attention.SelfAttentionV1.__init__",)), Shown("weight-matrices"),
        PrintedBeside("weight-matrices"),
    ),
    "projections": (
        Told("projections", ("projections",)), Shown("projections"), PrintedBeside("projections"),
    ),
    "scores": (Told("scores", ("scores",)), Shown("scores"), PrintedBeside("scores")),
    "weights": (Told("weights", ("weights",)), Shown("weights"), PrintedBeside("weights")),
    "scaling": (
        Told("scaling", points=("first-reason", "second-reason")), Shown("peaky-softmax", heading="first-reason"),
        PrintedBeside("peaky"),
        Told("jacobian", ("jacobian",), heading="saturated"), Shown("softmax-row"),
        Told("second-reason", heading="second-reason"), Demonstration(), PrintedRuns(),
        Shown("lecture-scatter", ("lecture-.*",), heading="scatter"),
        Told("scatter", ("scatter",), "scatter-law"),
        Shown("toy-scores", heading="toy-scores"),
    ),
    "context": (Told("context", ("context",)), Shown("context-plane"), PrintedBeside("context")),
    "formula": (Told("formula", ("attention",)),),
    "basic": (
        Coded("basic", ("scaling.attention.SelfAttentionV1",)), PrintedBeside("basic"),
    ),
    "advanced": (
        Coded("advanced", ("scaling.attention.SelfAttentionV2",)), Shown("advanced"), PrintedBeside("advanced"),
    ),
    "picture": (Built("one-figure"),),
    "intuition": (Roles(),),
    "sheet": (
        Told("sheet"), Derived(), Shown("variance-against-d", ("slope-raw", "slope-scaled", r"variance-\d+")),
        Shown("variance-deviation", (r"scaled-variance-\d+",)),
        Shown("distribution-of-scores", groups=("exact density",)),
        Told("kurtosis", ("kurtosis",), "shape"), Shown("excess-kurtosis", (r"kurtosis-\d+",)),
    ),
    "next": (
        Told("next", ("causal",)), Shown("causal-weights"), Told("heads", ("heads",), heading="heads"),
    ),
    "saturation": (
        Told("saturation"), Shown("entropy-against-d", ("raw-entropy-falls-.*", "scaled-entropy-stays-.*")),
        Shown("largest-weight-against-d", ("raw-weight-rises-.*",)), Shown("sum-p2-against-d"),
    ),
    "law": (
        Told("law", ("row-law",)), Shown("law-residuals", groups=("exact law",)), Shown("saturation-map"),
        Told("freezing", ("freezing",), heading="freezing"), Shown("freezing-limit"),
        Shown("variance-and-saturation-over-keys", groups=("number of keys",)), Shown("what-the-division-leaves"),
    ),
    "jacobian": (
        Shown("jacobian-against-d", ("law-.*-jacobian-norm2-.*",)), Shown("jacobian-mean-and-median"),
        Shown("jacobian-crossing"),
    ),
    "gradients": (
        Told("gradients", ("chain",)),
        Shown("gradient-against-d", ("gradient-median-.*", "gradient-mean-.*"), ("gradient law",)),
        Shown("dead-rows", ("dead-rows-.*",)), Shown("gradient-map"),
    ),
    "scalings": (
        Told("scalings", ("missing-entropy",)), Shown("powers-of-d", ("slopes-of-powers", "powers-that-.*")),
        Shown("rules-over-d", ("rules-that-.*-over-d-k",)), Shown("rules-over-keys", ("rules-that-.*-over-n-keys",)),
        Shown("three-rules"),
    ),
    "assumptions": (
        Told("assumptions", ("pair-variance",)), Shown("assumptions-deviations", groups=("assumptions",)),
        Shown("assumptions-scaled", ("alignment-is-caught",)),
    ),
    "initialisation": (
        Told("initialisation", ("initial-variance", "initial-scaled")),
        Shown("initial-scores", groups=("initialisation",)),
    ),
    "learning": (
        Shown("learning-curves", ("learning-raw-is-slower", "learning-absorbed-is-scaled")),
        Told("learning", ("one-knob",), heading="learning"), Shown("steps-against-spread", ("learning-steps-slope",)),
        Shown("learning-rates", ("learning-raw-above", "learning-raw-below")),
        Shown("gradient-shares", ("learning-.*-carried",)),
    ),
    "trained": (
        Told("trained", ("row-split",)), Shown("trained-variances", ("trained-terms", "initial-scores")),
        Shown("trained-entropy"), Shown("trained-multipliers"),
    ),
    "questions": (
        Shown("one-head", groups=("common claims",)), Asked("divide-by-d"), Asked("head-or-model"),
        Asked("over-dividing"), Asked("values-or-keys"), Asked("number-of-keys"), Asked("split"), Asked("aligned"),
        Shown("aligned-products", groups=("alignment",)), Asked("temperature"), Asked("entry-size"),
        Asked("normalise"), Asked("output"), Asked("trained"),
        Shown("scores-before-and-after-training", groups=("training",)), Asked("variance-or-sd"),
    ),
    "summary": (Tally(),),
    "verdicts": (Shown("claims-forest"), Verdicts()),
    "cost": (Shown("cost-against-d"), Shown("cost-against-keys")),
    "provenance": (Provenance(),),
}  # fmt: skip
LAST = "The record"  # the part to which the short answer, which begins the page, belongs in a deck
ALWAYS = ("opening", "provenance")  # slides that a choice of figures leaves in


def outline(parts: tuple[Part, ...], material: Material) -> tuple[Slide, ...]:
    """All slides: a title, the page's chapters as far as they have ideas, the short answer before the record."""
    first = Place("Opening", Chapter("", "", ""), None, is_first=True)
    return (*Opening().slides(material, first), *_chapters(parts, material))


def _chapters(parts: tuple[Part, ...], material: Material) -> Iterator[Slide]:
    numbers: dict[str, int] = {}
    for part in parts:
        for chapter in part.chapters:
            if chapter.is_numbered:
                numbers[chapter.name] = len(numbers) + 1
    summary = next(chapter for part in parts for chapter in part.chapters if chapter.name == "summary")
    for part in parts:
        chapters = (summary, *part.chapters) if part.title == LAST else part.chapters if part.title else ()
        for chapter in chapters:
            is_first = True
            for idea in OUTLINE.get(chapter.name, ()):
                for slide in idea.slides(material, Place(part.title, chapter, numbers.get(chapter.name), is_first)):
                    yield slide
                    is_first = False


def chosen(slides: tuple[Slide, ...], figures: Collection[str]) -> tuple[Slide, ...]:
    """The slides that show these figures, between the title and where the numbers come from."""
    return tuple(slide for slide in slides if slide.name in ALWAYS or pictures_of(slide, figures))


def pictures_of(slide: Slide, figures: Collection[str] | None = None) -> tuple[Picture, ...]:
    """The pictures of a slide, of these figures or of any."""
    pictures = (block for block in slide.blocks if isinstance(block, Picture))
    return tuple(picture for picture in pictures if figures is None or picture.figure in figures)
