"""Excerpts: spans and keyword queries are words of their doc, and always the same."""

from __future__ import annotations

from collections import Counter

import pytest

from effbench.steps import excerpts
from effbench.steps.excerpts import Cut, Keywords, spans

ORDER = ("the", "vitamin-d", "of", "river3", "is", "cat")
DOC = " ".join(f"w{number}" for number in range(40))


def test_spans_are_words_that_follow_each_other_of_every_length() -> None:
    found = list(spans(DOC, Cut(2, 5, 400)))
    assert all(f" {span} " in f" {DOC} " for span in found)
    lengths = Counter(len(span.split()) for span in found)
    assert sorted(lengths) == [2, 3, 4, 5]
    assert min(lengths.values()) > 60, "each length is as likely"
    ends = {span.split()[0] for span in found} | {span.split()[-1] for span in found}
    assert ends == set(DOC.split()), "all of the doc is reached"
    assert found == list(spans(DOC, Cut(2, 5, 400)))


@pytest.mark.parametrize(
    ("text", "span"), [("(one two),", "one two"), ("one", "one"), ("", ""), ("...", "")]
)
def test_a_short_text_is_its_span_without_punctuation_at_the_ends(text: str, span: str) -> None:
    assert set(spans(text, Cut(3, 6, 2))) == {span}


def test_keywords_are_the_telling_words_of_a_doc_in_its_order() -> None:
    docs = [f"The Vitamin-D of the river{number} is the cat" for number in range(20)]
    drawn = list(Keywords(docs).of(docs[3], Cut(1, 1, 300)))
    counts = Counter(drawn)
    assert set(counts) <= set(ORDER)
    assert counts["river3"] > 240, "it is in no other doc"
    for query in Keywords(docs).of(docs[3], Cut(2, 9, 50)):
        words = query.split()
        assert len(words) == len(set(words)) >= 2
        assert words == [
            w for w in ["the", "vitamin-d", "of", "river3", "is", "cat"] if w in words
        ]
    assert list(Keywords(docs).of("", Cut(2, 3, 2))) == ["", ""]


def test_words_that_were_forgotten_count_as_rare(monkeypatch) -> None:
    monkeypatch.setattr(excerpts, "KNOWN", 5)
    docs = [f"common rare{number}" for number in range(30)]
    drawn = Counter(Keywords(docs).of(docs[0], Cut(1, 1, 50)))
    assert drawn["rare0"] > 45
