"""The formats of docs/formats.md: third parties' students and trainers beside ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tiny_bert
from altered import replaced
from folders import ROOT, TESTS

pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")

FOLDER = TESTS / "third_party"
PLUGINS = ("effbench_mean_words", "effbench_pull")
SUITE = """\
suite: formats
datasets: [{use: toy}]
measures: [nDCG@10]
models:
  theirs:
    use: mean-words
    steps: 2
    targets: &targets {encoder: words, texts: [{queries: {use: toy}}]}
  ours: {use: align, base: BASE, cell: CELL, embeddings: free, epochs: 1, targets: *targets}
  mined: {use: mine, hits: {dataset: {use: toy}, row: words, index: plain, depth: 20}}
  theirs-by-us:
    use: contrastive
    student: theirs
    data: &data {examples: [{judgments: {use: toy}, negatives: mined}], passages: words}
    epochs: 10
    learning_rate: 0.01
    negatives: 2
    temperature: 0.1
  ours-by-them: {use: pull, student: ours, data: *data}
  ours-further:
    use: realign
    student: ours
    targets: *targets
    epochs: 60
    learning_rate: 0.02
  theirs-distilled:
    use: distil
    student: theirs
    data: *data
    targets: *targets
    epochs: 10
    learning_rate: 0.01
    negatives: 2
encoders:
  words: {use: words}
  theirs: {use: small-query, model: theirs, passages: words}
  theirs-by-us: {use: small-query, model: theirs-by-us, passages: words}
  ours: {use: small-query, model: ours, passages: words}
  ours-by-them: {use: small-query, model: ours-by-them, passages: words}
  ours-further: {use: small-query, model: ours-further, passages: words}
  theirs-distilled: {use: small-query, model: theirs-distilled, passages: words}
indexes:
  plain: {use: plain}
latency: false
"""


@pytest.fixture
def third_party(installed) -> None:
    """Install the student and the trainer of a third party."""
    for name in PLUGINS:
        installed(name, (FOLDER / f"{name}.py").read_text())


@pytest.mark.parametrize("cell", ["gru", "static"])
def test_their_student_is_tuned_by_us_and_ours_by_them(
    third_party: None, ran, tmp_path: Path, cell: str
) -> None:
    base = str(tiny_bert.save(tmp_path / "base"))
    found, records = ran(replaced(SUITE, {"BASE": base, "CELL": cell}))
    assert found.exit_code == 0, found.stderr
    scores = {done["row"]["name"]: done["scores"]["nDCG@10"] for done in records.values()}
    assert scores["theirs-by-us"] > scores["theirs"] + 0.05, scores
    assert scores["ours-by-them"] > scores["ours"] + 0.05, scores
    assert scores["ours-further"] > scores["ours"] + 0.05, scores
    assert scores["theirs-distilled"] > scores["theirs"] + 0.05, scores


def test_their_trainer_is_short_and_imports_only_what_is_public() -> None:
    source = (FOLDER / "effbench_pull.py").read_text()
    assert len(source.splitlines()) < 60
    imported = re.findall(r"from (effbench\w*\.?[\w.]*) import (\w+)", source)
    public = (ROOT / "docs" / "plugins.md").read_text()
    assert len(imported) == 2
    assert all(f"`{module}.{name}`" in public for module, name in imported)
