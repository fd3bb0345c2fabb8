r"""LaTeX to MathML: the one place that knows the converter (math-core, pinned since it is young).

The page shows the MathML in an embedded subset of STIX Two Math; see ``report/static/fonts``. Several lines go into
``aligned`` (numbers are the page's business). ``\boxed`` and ``\cancel`` convert but no browser draws them.
"""

import re
from functools import cache
from html import unescape

import math_core
from markupsafe import Markup

_CONVERTER = math_core.LatexToMathML(
    fancy_error=False,
    macros={"E": r"\mathbb{E}", "Var": r"\operatorname{Var}", "Cov": r"\operatorname{Cov}"},
)


@cache
def to_mathml(latex: str, display: bool = False) -> Markup:
    r"""Return ``latex`` as a ``<math>`` element for an HTML page.

    Beside LaTeX's own commands there are ``\E``, ``\Var`` and ``\Cov``.

    Parameters
    ----------
    latex
        The formula without dollar signs.
    display
        Whether the formula stands on a line of its own (``display="block"``) instead of within the text.

    Raises
    ------
    ValueError
        When the formula does not parse or has an unknown command: one line with the formula and the reason.
    """
    try:
        mathml = _CONVERTER.convert_with_local_state(latex, displaystyle=display)
    except math_core.LatexError as error:
        place, _, reason = " ".join(str(error).split()).partition(": ")
        raise ValueError(f"formula {latex!r}: {reason} (at character {place})") from None
    mathml = re.sub(r"&(?!(?:amp|lt|gt|quot|#\d+|#x\w+);)\w+;", lambda entity: unescape(entity[0]), mathml)
    mathml = mathml.replace("\u0332", "‾")  # an overline is no underline laid above
    mathml = re.sub("[\ufe00\ufe01]", "", mathml)  # the font has one style of script letters: nothing to select
    return Markup(mathml)
