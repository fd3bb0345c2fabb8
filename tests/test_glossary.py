"""Words and symbols, and the sources: in order, whole, and linked to what is on the page."""

import re
from pathlib import Path

import pytest

from report.glossary import GLOSSARY
from report.sources import FROM_MEMORY, SOURCES
from report.term import Term


@pytest.fixture(scope="module")
def html(report: Path) -> str:
    """The page."""
    return (report / "report" / "index.html").read_text(encoding="utf-8")


def test_terms_are_in_alphabetical_order_and_stand_once() -> None:
    """By their spelling, whatever their case."""
    keys = [entry.key for entry in GLOSSARY]
    assert keys == sorted(keys)
    assert len(keys) == len(set(keys)) == len({entry.anchor for entry in GLOSSARY})
    assert all(re.fullmatch(r"term-[a-z0-9]+(-[a-z0-9]+)*", entry.anchor) for entry in GLOSSARY)


def test_the_words_of_the_page_are_among_them() -> None:
    """Every symbol and word that a reader meets without a definition beside it."""
    wanted = (
        "token", "embedding", "d_in", "query", "key", "value", "d_k", "d_v", "head", "raw score", "scaled score",
        "softmax", "weight", "context vector", "entropy", "effective keys", "jacobian", "trace of j", "sigma",
        "freezing", "interval", "margin", "verdict", "block", "simultaneous", "exact law", "limit", "temperature",
    )  # fmt: skip
    assert set(wanted) <= {entry.key for entry in GLOSSARY}


@pytest.mark.parametrize("entry", GLOSSARY, ids=lambda entry: entry.anchor)
def test_each_term_has_one_sentence_and_a_target(html: str, entry: Term) -> None:
    """It ends with a full stop and with a link to something that stands on the page."""
    assert re.fullmatch(r"[A-Z].*[^.]\.", entry.meaning)
    assert not re.search(r"\. [A-Z]", entry.meaning)
    place = "-".join(entry.where)
    assert f'id="{place}"' in html
    (line,) = re.findall(rf'<div id="{entry.anchor}">.*?</div>', html, flags=re.DOTALL)
    assert f'href="#{place}"' in line


def test_every_source_says_what_it_is_for_and_how_far_it_was_checked(html: str) -> None:
    """All of them on the page, and none without a word on checking."""
    chapter = html[html.index('<section id="section-provenance">') :]
    assert chapter.count("<small>Checked: ") == len(SOURCES)
    for source in SOURCES:
        assert f"<cite>{source.title}</cite>" in chapter
        assert source.cited_for
        assert source.checked
        assert source.where
        assert bool(source.authors) == bool(source.year)
    assert any(source.checked == FROM_MEMORY for source in SOURCES)
