"""Formulas: what the page shows is valid MathML, and what cannot be shown is refused in one line."""

import html5lib
import pytest

from report.formulas import to_mathml

FORMULAS = [
    r"\operatorname{softmax}\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V",
    r"q \cdot k = \sum_{i=1}^{d_k} q_i k_i",
    r"\E[q_i k_i] = \mathbb{E}[q_i]\,\mathbb E[k_i] = 0",
    r"\Var(X) = \E\left[X^2\right] - \E[X]^2, \quad \operatorname{Cov}(X, Y) = \Cov(Y, X)",
    r"\begin{aligned} \Var(s) &= \sum_i \Var(q_i k_i) && \text{independence} \\ &= d_k \cdot 1 \\ &= d_k \end{aligned}",
    r"\kappa = \begin{cases} 6/d_k & \text{if } q \text{ varies} \\ 3 + \tfrac{6}{d_k} & \text{otherwise} \end{cases}",
    r"\hat{\sigma}^2 = \frac{1}{n-1} \sum_{j=1}^{n} (x_j - \bar{x})^2, \quad \tilde{x}, \vec{x}, \widehat{\Var}",
    r"\mathbf{q}^\top \mathbf{k} = \mathbf{q}^{\mathsf T} \mathbf{k} = \boldsymbol{q} \cdot \boldsymbol{k}",
    r"s_{ij} \overset{\text{iid}}{\sim} \mathcal{N}(0, \sigma^2) \xrightarrow{d} \mathcal N(0, 1)",
    r"\begin{pmatrix} a & b \\ c & d \end{pmatrix} \begin{bmatrix} 1 & 0 \\ 0 & 1 \end{bmatrix}",
    r"\lVert J \rVert_F^2 = \sum_i p_i^2 - 2 \sum_i p_i^3 + \Bigl(\sum_i p_i^2\Bigr)^2",
    r"\frac{\partial p_i}{\partial s_j} = p_i (\delta_{ij} - p_j), \quad \nabla_q s, \quad f''(x)",
    r"H(p) = -\sum_i p_i \log p_i \to \log n \quad (\sigma \to 0), \quad \max_i p_i, \quad \arg\max_i s_i",
    r"f(x) = \frac{|x|^{(d_k-1)/2} K_{(d_k-1)/2}(|x|)}{\sqrt{\pi}\, 2^{(d_k-1)/2}\, \Gamma(d_k/2)}",
    r"\int_{-\infty}^{\infty} e^{-x^2/2}\,dx = \sqrt{2\pi}, \quad \overline{x y}",
    r"\binom{n}{k}, \quad \lfloor x \rfloor, \quad a < b \ll c \approx 5\,\%",
    r"\underbrace{q_1 k_1 + \dots + q_{d_k} k_{d_k}}_{d_k \text{ terms}} \in \mathbb{R}",
]


@pytest.mark.parametrize("display", [False, True])
@pytest.mark.parametrize("latex", FORMULAS)
def test_formula_is_valid_mathml(latex: str, display: bool) -> None:
    """A strict HTML parser finds one math element, no unresolved entity and no LaTeX left over."""
    mathml = to_mathml(latex, display)
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    (math,) = parser.parseFragment(mathml)
    assert math.tag.endswith("math")
    assert math.get("display") == ("block" if display else None)
    text = "".join(math.itertext())
    assert not set("&\\\n") & set(text)
    assert all(element.tag.split("}")[-1].startswith("m") for element in math.iter())


def test_letters_are_those_of_the_mathematical_alphabets() -> None:
    """Double-struck, script and bold come as letters of their own, without the selectors that the font lacks."""
    assert "𝔼" in to_mathml(r"\E")
    assert "<mi>𝒩</mi>" in to_mathml(r"\mathcal N")
    assert "𝐪" in to_mathml(r"\mathbf q")


def test_overline_lies_above() -> None:
    """The sign that is stretched over the letters is the overline and not a combining underline."""
    assert "‾" in to_mathml(r"\overline{xy}")


def test_comparison_signs_and_ampersands_are_escaped() -> None:
    """The result can stand in a page as it is: it escapes what HTML would take for markup."""
    assert "<mtext>&amp;&lt;</mtext>" in to_mathml(r"\text{\&<}")
    assert "<mo>&lt;</mo>" in to_mathml("a < b")


@pytest.mark.parametrize(
    ("latex", "reason"),
    [
        (r"x + \unknowncommand{x}", r'Unknown command "\unknowncommand". (at character 4)'),
        (r"\frac{a}", "Expected argument but reached end of input. (at character 8)"),
        (r"a & b", 'Found "&", which may only appear in a table-like environment. (at character 2)'),
        (r"\left( x", r'Expected closing token "\right", but reached end of input. (at character 8)'),
    ],
)
def test_faulty_formula_is_named_in_one_line(latex: str, reason: str) -> None:
    """The error holds the formula, what is wrong with it and where, and no traceback of the converter."""
    with pytest.raises(ValueError, match="formula") as caught:
        to_mathml(latex)
    assert str(caught.value) == f"formula {latex!r}: {reason}"
    assert caught.value.__suppress_context__
