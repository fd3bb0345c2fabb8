"""Cross-references and formulas in templates: numbers by name, and a build that fails when a name is wrong."""

import pytest
from jinja2 import Environment
from markupsafe import Markup

from report.prose import add_formulas, prose
from report.references import DanglingReference, References


def test_numbers_follow_the_order_of_the_page_and_links_may_point_ahead() -> None:
    """The first pass learns the order; in the second, a reference to something further down knows its number."""
    references = References()

    def render() -> str:
        link = references.refer("figure", "second")
        return f"{link} {references.define('figure', 'first')} {references.define('figure', 'second')}"

    render()
    references.begin_final_pass()
    assert render() == '<a class="reference" href="#figure-second">figure&nbsp;2</a> 1 2'


def test_a_reference_may_begin_a_sentence() -> None:
    """The word is capitalised, the link is the same."""
    references = References()
    references.define("figure", "a")
    assert references.refer_first("figure", "a") == references.refer("figure", "a").replace(
        ">figure", Markup(">Figure")
    )


def test_kinds_are_numbered_apart() -> None:
    """Figure 1 and table 1 can stand on one page."""
    references = References()
    assert [references.define(kind, "a") for kind in ("figure", "table", "equation")] == [1, 1, 1]
    assert references.names("figure") == ["a"]


def test_a_question_can_be_referred_to() -> None:
    """As a figure can: by its name, with its number."""
    references = References()
    references.define("question", "split")
    references.define("question", "aligned")
    assert references.refer("question", "aligned") == (
        '<a class="reference" href="#question-aligned">question&nbsp;2</a>'
    )


def test_a_claim_can_be_referred_to_wherever_it_stands() -> None:
    """Its number is known, and whether it stands above."""
    references = References()
    assert not references.stands("claim", "slope-raw")
    references.define("claim", "slope-raw")
    references.begin_final_pass()
    assert not references.stands("claim", "slope-raw")
    references.define("claim", "slope-raw")
    assert references.stands("claim", "slope-raw")
    assert references.number_of("claim", "slope-raw") == 1
    assert references.refer("claim", "slope-raw") == '<a class="reference" href="#claim-slope-raw">claim&nbsp;1</a>'
    with pytest.raises(DanglingReference, match="the page has no claim named 'nowhere'"):
        references.number_of("claim", "nowhere")


def test_a_dangling_reference_fails_the_build() -> None:
    """In the final pass a name that nothing has is an error that names it."""
    references = References()
    references.refer("section", "nowhere")
    references.begin_final_pass()
    with pytest.raises(DanglingReference, match="the page has no section named 'nowhere'"):
        references.refer("section", "nowhere")


def test_a_name_defined_twice_fails_the_build() -> None:
    """Two figures cannot share an anchor."""
    references = References()
    references.define("figure", "a")
    with pytest.raises(ValueError, match="figure 'a' stands on the page twice"):
        references.define("figure", "a")


def test_text_is_escaped_and_formulas_are_not() -> None:
    """Only what stands between dollar signs is mathematics."""
    found = prose("<b>a & b</b> $d_k < 3$")
    assert found.startswith("&lt;b&gt;a &amp; b&lt;/b&gt; <math>")
    assert "&lt;</mo>" in found


def test_formulas_in_templates() -> None:
    """$…$ becomes MathML in the line, $$(name) …$$ calls the chapter's equation, backslashes and quotes survive."""
    environment = Environment(autoescape=True)
    add_formulas(environment)
    environment.globals["equation"] = lambda name, latex: f"[{name}|{latex}]"
    template = environment.from_string('a $\\sqrt{d_k}$ b $$(law) \\text{"x"}\n = 1$$ c $$y$$')
    html = template.render()
    assert html.count("<msqrt>") == 1
    assert "[law|\\text{&#34;x&#34;}  = 1]" in html
    assert "[None|y]" in html
