"""A wrong argument for a live row is a mistake of the row that calls it."""

from __future__ import annotations

import pytest

from altered import altered
from made_plugins import offering

SOURCE = """
class Asks:
    nbytes = 0
    def __init__(
        self,
        *,
        e: effbench.Encoder,
        c: effbench.EncodedCorpus,
        s: effbench.Searcher,
        i: effbench.Searcher,
        ask: str,
    ): vars(self).update(locals())
    def index(self, docs): self.docs = list(docs)
    def search(self, queries, k):
        got = eval(self.ask, {**vars(self), "queries": queries})
        assert len(got) in (0, 60, len(queries)), got
        return [[] for _ in queries]
""" + offering("retrievers", "Asks")

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders: {words: {use: words}}
indexes: {plain: {use: plain}}
retrievers:
  scan: {use: scan}
  asks: {use: mine, e: words, c: words, s: scan, i: {row: words, index: plain}, ask: "ASK"}
latency: false
"""

TEXTS, WHOLE = "(give a list of strings)", "(give a whole number from 1)"


@pytest.fixture
def asked(mine, run, records):
    """Run a row that makes a call; return its record."""
    mine(SOURCE)

    def ask(call: str) -> dict:
        run(altered(SUITE, "ASK", call), "--only", "asks")
        return records()["toy--asks"]

    return ask


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("s.search('oak', 3)", f"search of 'scan' got 'oak' {TEXTS}"),
        ("s.search([None], 3)", f"search of 'scan' got None {TEXTS}"),
        ("s.search(queries, 0)", f"search of 'scan' got k = 0 {WHOLE}"),
        ("s.search(queries, 2.5)", f"search of 'scan' got k = 2.5 {WHOLE}"),
        ("i.search('oak', 3)", f"search of 'words plain' got 'oak' {TEXTS}"),
        ("i.search([1], 3)", f"search of 'words plain' got 1 {TEXTS}"),
        ("i.search(queries, -1)", f"search of 'words plain' got k = -1 {WHOLE}"),
        ("e.encode_queries('oak')", f"encode_queries of 'words' got 'oak' {TEXTS}"),
        ("e.encode_queries([])", "encode_queries of 'words' got an empty list"),
        ("e.encode_corpus(['oak'])", "encode_corpus of 'words' got 'oak' (give a list of eff"),
        ("c.encode_queries([1])", f"encode_queries of 'words' got 1 {TEXTS}"),
        ("c.vectors('d1')", f"vectors of 'words' got 'd1' {TEXTS}"),
        ("s.search(3, 3)", "TypeError: 'int' object is not iterable"),
    ],
)
def test_a_wrong_argument_is_blamed_on_the_row_that_gives_it(asked, call, said) -> None:
    record = asked(call)
    assert record["status"] == "failed"
    assert record["error"].startswith(f"retriever 'asks' (plugin mine): {said}")


@pytest.mark.parametrize(
    "call",
    [
        "s.search(iter(queries), 3)",
        "i.search(tuple(queries), 3)",
        "e.encode_queries(iter(queries))",
        "e.encode_corpus(iter(docs))",
        "c.vectors(doc.doc_id for doc in docs)",
        "i.search([], 3) + s.search([], 3)",
    ],
)
def test_any_list_of_texts_will_do(asked, call) -> None:
    assert asked(call)["status"] == "done"
