"""What a training saw is known for rows, for the rows inside them, and for their indexes."""

from __future__ import annotations

import pytest

from altered import altered
from made_plugins import offering

SOURCE = (
    """
import pathlib
class Trainer:
    def __init__(
        self,
        *,
        hits: effbench.SearchedDataset | None = None,
        corpus: effbench.EncodedCorpus | None = None,
        searcher: effbench.Searcher | None = None,
        encoder: effbench.Encoder | None = None,
    ): pass
    def train(self, output_dir, *, seed): (output_dir / "model").write_text("m")

class Reader(WordsEncoder):
    def __init__(self, *, model: effbench.TrainedModel): super().__init__()

class Tuned(PlainIndex):
    def __init__(self, *, model: effbench.TrainedModel): super().__init__()
"""
    + offering("trainers", "Trainer")
    + offering("encoders", "Reader")
    + offering("indexes", "Tuned")
)

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
models: {m: {use: mine, OPTION}}
encoders:
  words: {use: words}
  reader: {use: mine, model: m}
indexes:
  plain: {use: plain}
  tuned: {use: mine, model: m}
retrievers:
  scan: {use: scan}
  fused: {use: fuse, searchers: [scan, {row: reader, index: plain}]}
  through: {use: rerank, first: {row: words, index: tuned}, encoder: words}
latency: false
"""

TRAINED = ("reader--plain", "words--tuned", "fused", "through")


@pytest.mark.parametrize(
    ("option", "kinds"),
    [
        ("hits: {dataset: target, row: words, index: plain, depth: 3}", ["judgments"]),
        ("hits: {dataset: target, row: scan, depth: 3}", ["judgments"]),
        ("hits: {dataset: {use: toy, name: b}, row: scan, depth: 3}", ["other judgments"]),
        ("hits: {dataset: {use: toy, docs: 20}, row: scan, depth: 3}", []),
        ("corpus: words", ["corpus"]),
        ("searcher: scan", ["corpus"]),
        ("searcher: {row: words, index: plain}", ["corpus"]),
        ("encoder: words", []),
    ],
)
def test_what_a_training_saw_is_in_the_records(mine, ran, monkeypatch, option, kinds) -> None:
    mine(SOURCE)
    monkeypatch.setenv("EFFBENCH_PLUGINS", "mine,toy,combine")
    result, records = ran(altered(SUITE, "OPTION", option))
    assert result.exit_code == 0, result.output
    seen = {name.removeprefix("toy--"): each["trained_on"] for name, each in records.items()}
    assert {name: seen[name] for name in TRAINED} == dict.fromkeys(TRAINED, kinds)
    assert seen["words--plain"] == seen["scan"] == []
    assert all("m" in records[f"toy--{name}"]["models"] for name in TRAINED)
