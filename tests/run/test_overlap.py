"""Overlap: how many measured queries have the relevant docs of a query of the training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from altered import altered
from effbench.store.disk import SEAL, write_json

SOURCE = """
from effbench_toy import ToyDataset

class Judged(ToyDataset):
    def __init__(self, *, judged: str, name: str):
        super().__init__(docs=20, name=name)
        self.key, self._judged = judged, judged
    def qrels(self):
        for judgment in self._judged.split():
            query, doc, grade = judgment.split("-")
            yield effbench.Qrel(query, doc, int(grade))

class Paired(Judged):
    def docpairs(self):
        for qrel in self.qrels():
            yield effbench.DocPair(qrel.query_id, qrel.doc_id, "d19")

@effbench.hookimpl
def effbench_datasets(): return {"mine": Judged, "pairs": Paired}
"""

SUITE = """\
suite: toys
datasets: [{use: mine, name: test, judged: q0-d0-1 q2-d2-2 q2-d3-1 q4-d4-1 q4-d7-0 q6-d9-1}]
measures: [nDCG@10]
models:
  tuned:
    use: centroids
    data:
      examples: [{judgments: {use: mine, name: train, judged: JUDGED}}]
      passages: words
encoders:
  words: {use: words}
  tuned: {use: table, model: tuned, passages: words}
indexes: {plain: {use: plain}}
latency: false
"""

FEW = "q8-d0-1 q10-d2-1 q12-d4-1 q12-d5-1 q14-d9-0"
"""One measured query has the docs of another query; two share one of several docs.

A doc that is judged not relevant tells nothing.
"""

MOST = "q8-d0-1 q10-d3-1 q10-d2-1 q12-d4-1 q12-d9-0"

CELL = "test--tuned--plain"


@pytest.fixture
def told(mine, ran, monkeypatch):
    """Run the suite with judgments for training; return the output and the records."""
    mine(SOURCE)
    monkeypatch.setenv("EFFBENCH_PLUGINS", "mine,toy")

    def run(judged: str, kind: str = "judgments: {use: mine"):
        text = altered(SUITE, "JUDGED", judged)
        return ran(altered(text, "judgments: {use: mine", kind))

    return run


def lines_of(effbench, root: Path) -> tuple[dict, list[str]]:
    (board,) = json.loads(effbench("leaderboard", root, "--format", "json").stdout)
    return {line["row"]: line for line in board["lines"]}, board["remarks"]


@pytest.mark.parametrize("kind", ["judgments: {use: mine", "docpairs: {use: pairs"])
def test_a_few_answers_that_training_told_are_counted(
    told, effbench, tmp_path: Path, kind: str
) -> None:
    result, records = told(FEW, kind)
    assert result.exit_code == 0, result.output
    counts = {"queries": 4, "same": 1, "judgments": 5, "seen": 3}
    assert records[CELL]["overlap"] == counts
    assert "overlap" not in records["test--words--plain"], "it was not trained"
    lines, remarks = lines_of(effbench, tmp_path / "results")
    assert lines["tuned"]["rank"] is not None
    assert not remarks


def test_a_row_that_was_told_most_answers_stands_apart(told, effbench, tmp_path) -> None:
    result, records = told(MOST)
    assert records[CELL]["overlap"] == {"queries": 4, "same": 3, "judgments": 5, "seen": 4}
    said = (
        "tuned: last and not ranked: 3 of 4 queries of test have exactly the relevant docs of "
        "a query that it was trained on (4 of 5 judgments name a doc that was relevant there)"
    )
    assert said in result.stdout
    lines, remarks = lines_of(effbench, tmp_path / "results")
    assert [*lines] == ["words", "tuned"]
    assert lines["tuned"]["rank"] is None
    assert remarks == [said]


def test_an_older_record_is_read_and_gets_its_overlap(told, effbench, tmp_path) -> None:
    told(MOST)
    (path,) = tmp_path.glob(f"results/*/toys/{CELL}.json")
    record = json.loads(path.read_text())
    write_json(path, {n: v for n, v in record.items() if n not in ("overlap", SEAL)})
    lines, (remark,) = lines_of(effbench, tmp_path / "results")
    assert lines["tuned"]["rank"] is not None
    assert "of test; how many answers these told is not known" in remark
    result, records = told(MOST)
    assert "0 steps made" in result.stderr
    assert records[CELL] == record


def test_data_that_cannot_be_read_again_cost_the_overlap_alone(told, monkeypatch) -> None:
    import effbench.run.overlap
    from effbench.api.errors import EffbenchError

    def lost(*_: object) -> None:
        raise EffbenchError("the disk is gone")

    monkeypatch.setattr(effbench.run.overlap, "qrels_of", lost)
    result, records = told(MOST)
    assert result.exit_code == 0, result.output
    assert f"{CELL}: no overlap of its judgments: the disk is gone" in result.stderr
    assert records[CELL]["status"] == "done"
