r"""HTML as runs and as text: nothing lost, formulas readable and unambiguous on one line."""

import math
import os
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from html import escape
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from report.formulas import to_mathml
from report.glossary import GLOSSARY
from report.prose import _DISPLAY, _INLINE, prose
from report.slides.words.runs import Run, formula_text, paragraphs, plain_text
from test_formulas import FORMULAS

ROOT = Path(__file__).parents[1]
CODE = re.compile(r"\{[{%#].*?[}%#]\}", re.S)  # of templates


def formulas_of_the_page() -> list[str]:
    """All that stand in templates and in the glossary."""
    sources = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "report" / "templates").rglob("*.jinja2"))]
    sources += [f"{entry.term} {entry.meaning}" for entry in GLOSSARY]
    display = [found["latex"] for source in sources for found in _DISPLAY.finditer(source)]
    inline = [found["latex"] for source in sources for found in _INLINE.finditer(_DISPLAY.sub("", source))]
    return [latex for latex in dict.fromkeys([*display, *inline]) if not CODE.search(latex)]


def shown(html: str) -> str:
    """Runs as one string: scripts between ⟨⟩ and ⟪⟫, italics between slashes, bold between stars."""

    def one(run: Run) -> str:
        text = f"/{run.text}/" if run.italic else f"*{run.text}*" if run.bold else run.text
        text = f"`{text}`" if run.code else text
        return {-1: f"⟨{text}⟩", 0: text, 1: f"⟪{text}⟫"}[run.script]

    return " ¶ ".join("".join(map(one, paragraph)) for paragraph in paragraphs(html))


def letters(text: str) -> Counter[str]:
    """All letters and digits, whatever their style."""
    return Counter(
        letter
        for letter in unicodedata.normalize("NFKC", text.replace("⊤", "T"))
        if letter.isalnum() and not unicodedata.combining(letter)
    )


ON_A_LINE = [
    # scripts
    ("d_k", "d_k"),
    ("p_{ij} x_j", "p_ij x_j"),
    (r"d_{\mathrm{model}}", "d_model"),
    ("2^{24}", "2^24"),
    (r"W_q^{\mathsf T} k", "W_q^T k"),
    (r"W_q^\top", "W_q^T"),
    (r"\sigma_w^4", "σ_w^4"),
    ("e^{-1/2}", "e^(−1/2)"),
    ("e^{s_j}", "e^(s_j)"),
    ("q_{d_k}", "q_(d_k)"),
    ("e^{2 y} z", "e^(2y) z"),
    ("x_{2n}, x_{i,j}, x^{(i)}", "x_(2n), x_(i,j), x^((i))"),
    ("x^*, A^{-1}", "x^*, A^(−1)"),
    (r"f'(x), f''(x), x'^2, a'_i", "f′(x), f″(x), x′^2, a′_i"),
    ("(q_i k_i)^2 s", "(q_i k_i)^2 s"),
    ("{ab}^2 {a^b}^c", "(ab)^2 (a^b)^c"),
    (r"\lVert J \rVert_F^2, \|x\|^2 \|y\|^2", "‖J‖_F^2, ‖x‖^2 ‖y‖^2"),
    # fractions and roots
    (r"\frac{a}{b}", "a/b"),
    (r"\frac{q \cdot k}{\sqrt{d_k}}", "(q · k)/√d_k"),
    (r"\frac{Q K^{\mathsf T}}{\sqrt{d_k}}", "QK^T/√d_k"),
    (r"\frac{a + b}{c d}", "(a + b)/(cd)"),
    (r"\frac{2}{d_k} (n - 1)", "(2/d_k)(n − 1)"),
    (r"c \frac{a}{b} + \frac12 x", "c a/b + (1/2) x"),
    (r"\frac{\frac{a}{b}}{c}, \frac{a}{\frac{b}{c}}, \frac{a}{b} / c", "(a/b)/c, a/(b/c), (a/b)/c"),
    (r"\frac{\ln n}{2}, \frac{1}{\ln n}, \ln \frac{a}{b}", "(ln n)/2, 1/(ln n), ln(a/b)"),
    (r"\left(\frac{a}{b}\right)^2", "(a/b)^2"),
    (r"\frac{\partial L}{\partial (K q)} = \frac{\partial p_i}{\partial s_j}", "∂L/∂(Kq) = ∂p_i/∂s_j"),
    (r"\frac{a}{\left(\sqrt{b}\right)^2}, {\sqrt{2 a}}^2", "a/(√b)^2, (√(2a))^2"),
    (r"\sqrt{64} = 8, \sqrt{d_k}", "√64 = 8, √d_k"),
    (r"\sqrt{2 \ln n}, \sqrt{x^2}, \sqrt{\frac{a}{b}}, \sqrt{2} n", "√(2 ln n), √(x^2), √(a/b), √2 n"),
    (r"\sqrt{(a + b)}, \sqrt{(a)(b)}", "√(a + b), √((a)(b))"),
    (r"\sqrt[3]{x}, \sqrt[n]{a + b}", "x^(1/3), (a + b)^(1/n)"),
    (r"\binom{n}{k}", "(n over k)"),
    # sums
    (r"\sum_{i=1}^{d_k} q_i k_i", "∑_(i=1)^(d_k) q_i k_i"),
    (r"\Sigma_q \ne \sum_j p_j^2", "Σ_q ≠ ∑_j p_j^2"),
    (r"\prod_{i<j} x_i, c \sum_i a", "∏_(i<j) x_i, c ∑_i a"),
    (r"\int_0^\infty t\,\mathrm{d}t", "∫_0^∞ t dt"),
    (r"\lim_{n \to \infty} a_n, \max_i p_i, \arg\max_i s_i", "lim_(n→∞) a_n, max_i p_i, arg max_i s_i"),
    # names and letters
    (r"\E[q_i], \Var(q \cdot k), \Cov(X, Y)", "E[q_i], Var(q · k), Cov(X, Y)"),
    (r"\operatorname{tr} J, \operatorname{tr}(C), 2 \ln n", "tr J, tr(C), 2 ln n"),
    (r"x \sim \mathcal{N}(0, \sigma^2), x \in \mathbb{R}", "x ~ N(0, σ^2), x ∈ R"),
    (r"\mathbf{q} \boldsymbol{\sigma} \ell", "qσℓ"),
    (r"\hat{\sigma}, \bar{x}, \tilde{x}, \vec{x}, \dot{x}", "σ̂, x̄, x̃, x⃗, ẋ"),
    (r"\overline{x + y}, \widehat{\Var}", "bar(x + y), hat(Var)"),
    (r"\nabla_q s, \partial x, \Gamma(x)", "∇_q s, ∂x, Γ(x)"),
    # signs and blanks
    ("a=b<c+d-e", "a = b < c + d − e"),
    (r"-a, (-a), a = -b, 2 \cdot -3, a \pm b", "−a, (−a), a = −b, 2 · −3, a ± b"),
    (r"100\,000, 5\,\%, 2\,n", "100\u2009000, 5 %, 2 n"),
    (r"-\ln n, H / \ln n", "−ln n, H/ln n"),
    (r"s_1, \dots, s_n, a + \dots + b", "s_1, …, s_n, a + ⋯ + b"),
    (r"|x|^\nu K, \left|x\right|, |q_i k_i| / 2, P(a \mid b)", "|x|^ν K, |x|, |q_i k_i|/2, P(a | b)"),
    (r"[0, 1), \lfloor x \rfloor, \{x\}, \langle a, b \rangle", "[0, 1), ⌊x⌋, {x}, ⟨a, b⟩"),
    (r"a, \qquad b \quad (j \le i)", "a,\u2003b\u2003(j ≤ i)"),
    (r"x \ \text{given } q \text{ and } k", "x given q and k"),
    (r"a \phantom{xyz} b", "ab"),
    # braces, labels, tables
    (r"\underbrace{V}_{n \times d_v}", "V [n × d_v]"),
    (r"\underbrace{a + b}_{\text{two terms}} + c", "(a + b) [two terms] + c"),
    (r"\overbrace{a}^{b}, \underbrace{a}", "a [b], a"),
    (r"x \overset{\text{iid}}{\sim} y \xrightarrow{d} z", "x ~[iid] y →[d] z"),
    (r"\begin{pmatrix} 0 & G \\ G^{\mathsf T} & 0 \end{pmatrix}", "(0, G; G^T, 0)"),
    (
        r"\begin{aligned} \Var(s) &= \sum_i a_i && \text{why} \\ &= d_k \end{aligned}",
        "Var(s) = ∑_i a_i\u2003why; = d_k",
    ),
    (r"\begin{cases} 6 & \text{if } q \\ 3 & \text{otherwise} \end{cases}", "{6\u2003if q; 3\u2003otherwise"),
    # the page's own
    (
        r"\E \lVert \partial L / \partial q \rVert^2 = c^2 \bigl( (d_k - 1)\, \E \lVert J \rVert_F^2 \bigr)",
        "E‖∂L/∂q‖^2 = c^2 ((d_k − 1) E‖J‖_F^2)",
    ),
    (
        r"p_{ij} = \frac{e^{s_{ij}/\sqrt{d_k}}}{\sum_{l \le i} e^{s_{il}/\sqrt{d_k}}} \;\; (j \le i)",
        "p_ij = e^(s_ij/√d_k)/(∑_(l≤i) e^(s_il/√d_k))\u2003(j ≤ i)",
    ),
    (
        r"\frac{1}{m n} \left[ \left(2 + \frac{6}{d_k}\right) + \frac{2}{d_k}(n - 1) \right]",
        "(1/(mn))[(2 + 6/d_k) + (2/d_k)(n − 1)]",
    ),
    (
        r"\operatorname{softmax}\left(\frac{Q K^{\mathsf T}}{\sqrt{d_k}}\right) V",
        "softmax(QK^T/√d_k) V",
    ),
]


@pytest.mark.parametrize(("latex", "text"), ON_A_LINE)
def test_formula_on_a_line(latex: str, text: str) -> None:
    """Each construct has one way to be written, with blanks about signs and brackets only where needed."""
    assert formula_text(latex) == text


AS_RUNS = [
    ("d_k = 4", "/d/⟨/k/⟩ = 4"),
    ("2^{24}", "2⟪24⟫"),
    (r"W_q^{\mathsf T}", "/W/⟨/q/⟩⟪T⟫"),
    (r"\Var(q \cdot k)", "Var(/q/ · /k/)"),
    (r"\mathrm{d}t, \mathbf{q}, \boldsymbol{q}, \Sigma, \E, \mathcal N", "d/t/, *q*, /q/, Σ, E, /N/"),
    ("e^{s_j} q_{d_k}", "/e/⟪/s/⟫⟪_⟫⟪/j/⟫/q/⟨/d/⟩⟨_⟩⟨/k/⟩"),
    (r"\sqrt{d_k} \rho", "√/d/⟨/k/⟩ /ρ/"),
    (r"\sum_{i=1}^n q_i k_i", "∑⟨/i/⟩⟨=1⟩⟪/n/⟫ /q/⟨/i/⟩/k/⟨/i/⟩"),
    (r"\frac{a}{b_i}", "/a///b/⟨/i/⟩"),
    (r"\underbrace{V}_{n \times d_v} \overset{\text{iid}}{\sim}", "/V/ [/n/ × /d/⟨/v/⟩] ~⟪iid⟫"),
    (r"f''(x)", "/f/″(/x/)"),
]


@pytest.mark.parametrize(("latex", "runs"), AS_RUNS)
def test_formula_as_runs(latex: str, runs: str) -> None:
    """Letters that stand for something are italic, numbers, signs and names are not; scripts are lowered and raised."""
    assert shown(to_mathml(latex)) == runs


def test_bold_letters_keep_their_slant() -> None:
    """Bold upright and bold italic are told apart."""
    ((upright,),) = paragraphs(to_mathml(r"\mathbf{q}"))
    ((slanted,),) = paragraphs(to_mathml(r"\boldsymbol{q}"))
    assert (upright, slanted) == (Run("q", bold=True), Run("q", bold=True, italic=True))


HTML = [
    ("<p>one</p><p>two</p>", ["one", "two"]),
    ("one<br>two<br/><br>three", ["one", "two", "three"]),
    ("  a \n\t b  <em> c</em>  d ", ["a b c d"]),
    ("<p>a</p>\n<p>  </p>\n<p>b", ["a", "b"]),
    ("a&nbsp;b 1\u2009000", ["a\u00a0b 1\u2009000"]),
    ("a &lt; b &amp; <code>x&gt;0</code>", ["a < b & x>0"]),
    ('see <a href="https://example.org">the <b>page</b></a>.', ["see the page."]),
    ("10<sup>−3</sup>, x<sub>i</sub>, x<sub>i<sup>2</sup></sub>", ["10^(−3), x_i, x_(i^2)"]),
    ("<unheard-of>kept <span>too</span></unheard-of>", ["kept too"]),
    ("<em>never <b>closed", ["never closed"]),
    ("</p>stray</em> ends", ["stray ends"]),
    ("a<script>alert(1)</script><style>p{}</style>b", ["ab"]),
    ('by <svg role="img" aria-label="the root"><text>√</text></svg>', ["by the root"]),
    ("<ul><li>one<li>two</ul>", ["one", "two"]),
    ("<!-- silent -->x", ["x"]),
    ("", []),
    (" \n ", []),
]


@pytest.mark.parametrize(("html", "lines"), HTML)
def test_text_of_html(html: str, lines: list[str]) -> None:
    """White space is HTML's, paragraphs and breaks part, links keep their words, and nothing raises."""
    assert plain_text(html).split("\n") == (lines or [""])
    assert len(paragraphs(html)) == len(lines)


def test_looks_of_html() -> None:
    """Bold, italic, code and scripts nest; neighbours of one look are one run, and a blank stands once."""
    html = "a <b>b <em>c</em></b><strong> d</strong> <code>e</code> <i>f</i><sub>g<sup>2</sup></sub>"
    assert paragraphs(html) == [
        [
            Run("a "), Run("b ", bold=True), Run("c", bold=True, italic=True), Run(" d", bold=True), Run(" "),
            Run("e", code=True), Run(" "), Run("f", italic=True), Run("g^2", script=-1),
        ]
    ]  # fmt: skip


def test_formula_takes_the_look_of_its_sentence() -> None:
    """Bold in a bold one; in italics its digits still stand upright; within a script it has none of its own."""
    formula = to_mathml("d_k = 4")
    assert shown(Markup("<em>at {}</em>").format(formula)) == "/at d/⟨/k/⟩ = 4"
    ((first, *_),) = paragraphs(Markup("<b>{}</b>").format(formula))
    assert first == Run("d", bold=True, italic=True)
    assert plain_text(Markup("x<sup>{}</sup>").format(formula)) == "x^(d_k = 4)"
    assert {run.script for (line,) in [paragraphs(Markup("x<sup>{}</sup>").format(formula))] for run in line} == {0, 1}


def test_markup_and_string_are_read_alike() -> None:
    """Both are HTML: a string is not escaped first."""
    assert paragraphs("<b>a</b> &amp;") == paragraphs(Markup("<b>a</b> &amp;")) == [[Run("a", bold=True), Run(" &")]]


def test_wrong_formula_is_named() -> None:
    """The converter's error comes through."""
    with pytest.raises(ValueError, match=r"formula '\\\\frac\{a\}'"):
        formula_text(r"\frac{a}")


def test_foreign_mathml_keeps_its_words() -> None:
    """Unknown elements, and known ones with too few children, are read for what they hold."""
    assert (
        plain_text("<math><mfrac><mi>a</mi></mfrac><mystery><mi>b</mi></mystery><msub><mn>1</mn></msub></math>")
        == "ab 1"
    )
    assert plain_text("<math><semantics><mi>x</mi><annotation>\\x</annotation></semantics></math>") == "x"
    assert plain_text("<math>loose</math>") == "loose"


def test_no_letter_is_lost() -> None:
    """Of every formula of the templates and the glossary, as text and as runs, which have what the text has."""
    formulas = formulas_of_the_page()
    assert len(formulas) > 250
    for latex in [*formulas, *(latex for latex in FORMULAS if "hat{" not in latex and "over" not in latex)]:
        mathml = to_mathml(latex, display=True)
        given = letters("".join(ElementTree.fromstring(mathml).itertext()))
        over = letters("over") if "binom" in latex else Counter()
        assert letters(plain_text(mathml)) == given + over, latex
        (line,) = paragraphs(mathml)
        assert letters("".join(run.text for run in line)) == given + over, latex
        assert all(before.look != after.look for before, after in pairwise(line)), latex


def test_text_is_one_line_of_common_signs() -> None:
    """No invisible signs, no styled letters, no doubled blanks, and none inside brackets or before a comma."""
    for latex in [*formulas_of_the_page(), *FORMULAS]:
        text = formula_text(latex)
        assert not re.search(r"[\u2061-\u2064\u200b\n\U0001d400-\U0001d7ff]|  |[(\[] | [)\],;]|^ | $", text), text
        assert not re.search(r"\^\^|__|√$|/$", text), text


def test_glossary_reads_as_it_is_spelled() -> None:
    """Its terms' plain spelling, which people wrote, is what comes of their formulas."""
    spelled = {entry.spelled: plain_text(prose(entry.term)) for entry in GLOSSARY if "_" in entry.spelled}
    assert len(spelled) >= 4
    assert all(text == spelling for spelling, text in spelled.items())


# A second oracle: what stands on the line, read by the usual rules, has the value of the formula.

LETTERS = {"a": 1.7, "b": 0.6, "c": 2.9, "x": 1.3}
Valued = tuple[str, float]  # LaTeX and what it is worth


@st.composite
def factors(draw: st.DrawFn, depth: int) -> Valued:
    """A letter, or something in brackets, a fraction, a power or a root."""
    kind = draw(st.sampled_from(["letter", "bracket", "fraction", "power", "root"])) if depth else "letter"
    if kind == "letter":
        return draw(st.sampled_from(sorted(LETTERS.items())))
    latex, worth = draw(sums(depth - 1))
    other, worth_of_other = draw(sums(depth - 1))
    if kind == "bracket" or (kind == "power" and (worth > 50 or worth_of_other > 5)):
        return rf"\left({latex}\right)", worth
    if kind == "root":
        return rf"\sqrt{{{latex}}}", math.sqrt(worth)
    if kind == "fraction":
        return rf"\frac{{{latex}}}{{{other}}}", worth / worth_of_other
    return rf"{{{latex}}}^{{{other}}}", worth**worth_of_other


@st.composite
def sums(draw: st.DrawFn, depth: int) -> Valued:
    """One term or two, each a number, a factor, or a product of two; worth more than nothing."""
    terms: list[Valued] = []
    for _ in range(draw(st.integers(1, 2))):
        number = draw(st.integers(2, 9))
        first = draw(st.one_of(st.just((str(number), float(number))), factors(depth)))
        last = draw(st.one_of(st.none(), factors(depth)))
        sign = " " if first[0].isdigit() else draw(st.sampled_from([" ", r" \cdot "]))
        terms.append((f"{first[0]}{sign}{last[0]}", first[1] * last[1]) if last else first)
    if len(terms) == 1:
        return terms[0]
    (first_latex, first_worth), (last_latex, last_worth) = terms
    if draw(st.booleans()) or last_worth > 0.9 * first_worth:
        return f"{first_latex} + {last_latex}", first_worth + last_worth
    return f"{first_latex} - {last_latex}", first_worth - last_worth


def value(text: str) -> float:
    """What a line is worth: √ of one thing, ^, things side by side, then · and / from left to right, then sums.

    A power of a power is read from the right.
    """
    tokens = re.findall(r"\d+|[a-z]|[()+−·/^√]", text)
    assert "".join(tokens) == text.replace(" ", "")
    tokens.append("")

    def total() -> float:
        result = product()
        while tokens[0] in ("+", "−"):
            result = result + product() if tokens.pop(0) == "+" else result - product()
        return result

    def product() -> float:
        result = side_by_side()
        while tokens[0] in ("·", "/"):
            result = result * side_by_side() if tokens.pop(0) == "·" else result / side_by_side()
        return result

    def side_by_side() -> float:
        result = power()
        while tokens[0] and tokens[0] not in "+−)·/":
            result *= power()
        return result

    def power() -> float:
        if tokens[0] == "√":
            tokens.pop(0)
            return math.sqrt(single())  # a root of a power has brackets
        result = single()
        if tokens[0] == "^":
            tokens.pop(0)
            result **= power()
        return result

    def single() -> float:
        token = tokens.pop(0)
        if token == "(":
            result = total()
            assert tokens.pop(0) == ")"
            return result
        return LETTERS[token] if token in LETTERS else float(token)

    result = total()
    assert tokens == [""]
    return result


@settings(max_examples=150, deadline=None)
@given(sums(depth=2))
def test_brackets_are_where_they_are_needed(expression: Valued) -> None:
    """Fractions, roots, powers and products within each other keep their value when the line is read back."""
    latex, worth = expression
    assert value(formula_text(latex)) == pytest.approx(worth, rel=1e-6, abs=1e-6), (latex, formula_text(latex))


@pytest.mark.parametrize(
    ("line", "latex"),
    [
        ("a/b x", r"\frac{a}{b} x"),
        ("a + b/c", r"\frac{a + b}{c}"),
        ("√a + b", r"\sqrt{a + b}"),
        ("a^b c", "a^{b c}"),
        ("a^b^c", "{a^b}^c"),
    ],
)
def test_reading_back_finds_missing_brackets(line: str, latex: str) -> None:
    """Negative control: without its brackets a line is worth something else."""
    assert value(line) != pytest.approx(value(formula_text(latex)), rel=1e-3)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["p", "em", "b", "i", "code", "span", "sub", "sup", "a", "x-y"]), st.text())))
def test_any_text_comes_through_any_tags(parts: list[tuple[str, str]]) -> None:
    """What is escaped into HTML comes out with all its letters, in order."""
    html = "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in parts)
    wanted = [letter for _, text in parts for letter in text if letter.isalnum()]
    assert [letter for letter in plain_text(html) if letter.isalnum()] == wanted
    assert [letter for line in paragraphs(html) for run in line for letter in run.text if letter.isalnum()] == wanted


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="<>&/=\"' abmp;#!-\n", max_size=60))
def test_no_html_is_refused(html: str) -> None:
    """Also what is no HTML is read, as browsers do, into paragraphs that are not empty and have no blanks around."""
    for line in paragraphs(html):
        text = "".join(run.text for run in line)
        assert text
        assert text == text.strip(" \t\n\r\f")


def lines_of_all() -> Iterator[str]:
    """The text of every formula of the page."""
    return map(formula_text, formulas_of_the_page())


def test_same_text_in_another_process() -> None:
    """Hashes of strings, which differ from process to process, decide nothing."""
    code = (
        "import sys; sys.path.insert(0, 'tests'); from test_runs import lines_of_all; print(*lines_of_all(), sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "1", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == list(lines_of_all())
