"""What is said of work while it is done: totals, rates, time left; a line a minute in logs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import effbench_stopping
import effbench_toy
import pytest
from rich.console import Console

import effbench
from altered import altered
from effbench import tell_encoded as told
from effbench.cli import console
from effbench.cli.console import Terminal
from effbench.work.progress import Tally

SUITE = """\
suite: toys
datasets: [{use: toy, docs: 3000}]
measures: [nDCG@10]
encoders: {words: {use: words}, wide: {use: words, width: 128}}
retrievers: {scan: {use: scan}}
indexes: {plain: {use: plain}}
latency: false
"""
EVERYTHING = """\
suite: toys
datasets: [{use: toy}, {use: toy, name: more, docs: 80}]
measures: [nDCG@10]
models:
  steps: {use: stopping}
  table: {use: table, targets: {texts: [{queries: {use: toy}}], encoder: words}}
  centroids: {use: centroids, data: {examples: [{judgments: {use: toy}}], passages: words}}
  nearest: {use: nearest, domains: {models: target-table, of: others, features: words}}
  target-table: {use: table, targets: {texts: [{queries: target}], encoder: words}}
encoders:
  words: {use: words}
  trained: {use: stopping-model, model: steps}
  table: {use: table, model: table, passages: words}
  centroids: {use: table, model: centroids, passages: words}
  nearest: {use: table, model: nearest, passages: words}
retrievers: {scan: {use: scan}}
indexes: {plain: {use: plain}}
latency: false
"""


class Watcher:
    """A clock that tests move, all pieces of work, and what is said when somebody looks."""

    def __init__(self) -> None:
        self.now, self.works = 0.0, list[Tally]()
        self.terminal: Terminal | None = None

    def look(self, seconds: float) -> None:
        """Let the line of a minute come, and then time pass."""
        assert self.terminal is not None
        self.terminal.tell()
        self.now += seconds


@pytest.fixture
def watcher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Watcher:
    found = Watcher()

    class Watched(Terminal):
        def __init__(self, to: Console) -> None:
            super().__init__(to, every=1e6, clock=lambda: found.now)
            found.terminal = self

        @contextmanager
        def work(self, *given):
            with super().work(*given) as work:
                found.works.append(work)
                yield work

    monkeypatch.setattr(console, "Terminal", Watched)
    monkeypatch.setenv("STOPPING_LOG", str(tmp_path / "log"))
    monkeypatch.setattr(effbench_stopping, "wait", lambda: None)
    return found


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoder that tells nothing is seen only between its batches."""
    monkeypatch.setattr("effbench.steps.writing.BATCH", 1_024)


def slow(watcher: Watcher, monkeypatch: pytest.MonkeyPatch, seconds_a_doc: float) -> None:
    """Let encoding a doc take a time, and somebody look before each batch."""
    encode = effbench_toy.WordsEncoder.encode_corpus

    def encode_corpus(self, docs):
        watcher.look(seconds_a_doc * len(docs))
        return encode(self, docs)

    monkeypatch.setattr(effbench_toy.WordsEncoder, "encode_corpus", encode_corpus)


@pytest.fixture
def said(effbench, suite, tmp_path: Path) -> Callable[[str], list[str]]:
    """Run a suite's text; return what is said of encoding corpora and training."""

    def run(text: str) -> list[str]:
        found = effbench("run", suite(text), "--results", tmp_path / "results")
        assert found.exit_code == 0, found.output
        wanted = ("encode words corpus", "encode wide corpus", "train ")
        return [line for line in found.stderr.splitlines() if line.startswith(wanted)]

    return run


@pytest.mark.parametrize(
    ("seconds_a_doc", "lines"),
    [
        (
            0.01,
            [
                "0/3,000 docs, 0 s so far",
                "1,024/3,000 docs, 100 docs/s, 20 s left",
                "2,048/3,000 docs, 100 docs/s, 10 s left",
                "3,000 docs in 30.0 s (100 docs/s)",
            ],
        ),
        (
            2.5,
            [
                "0/3,000 docs, 0 s so far",
                "1,024/3,000 docs, 2.5 s/doc, 82 min left",
                "2,048/3,000 docs, 2.5 s/doc, 40 min left",
                "3,000 docs in 7500.0 s (2.5 s/doc)",
            ],
        ),
    ],
)
def test_a_corpus_says_its_total_its_rate_and_the_time_left(
    watcher, said, monkeypatch, seconds_a_doc: float, lines: list[str]
) -> None:
    slow(watcher, monkeypatch, seconds_a_doc)
    found = [line for line in said(SUITE) if line.startswith("encode words")]
    assert found == [f"encode words corpus of toy: {line}" for line in lines]


@pytest.mark.parametrize("counts", [False, True])
def test_a_total_that_the_dataset_does_not_tell(
    watcher, said, monkeypatch, counts: bool
) -> None:
    """It is counted before, if that is quick, and known once the corpus has been read."""
    slow(watcher, monkeypatch, 1.0)
    monkeypatch.setattr(effbench_toy.ToyDataset, "docs_count", lambda self: None)
    if counts:
        monkeypatch.setattr(
            effbench_toy.ToyDataset, "count_docs", lambda self: self._docs, raising=False
        )
    lines = said(altered(SUITE, "retrievers: {scan: {use: scan}}\n", ""))
    first = "1,024/3,000 docs, 1.0 docs/s, 33 min left"
    assert lines[1].endswith(
        f": {first}" if counts else ": 1,024 docs, 1.0 docs/s, 17 min so far"
    )
    assert lines[5] == f"encode wide corpus of toy: {first}"


def test_a_count_that_fails_or_is_wrong_stops_nothing(watcher, said, monkeypatch) -> None:
    slow(watcher, monkeypatch, 1.0)
    monkeypatch.setattr(effbench_toy.ToyDataset, "docs_count", lambda self: None)
    said_first = iter([1500])  # asked again, it raises
    monkeypatch.setattr(
        effbench_toy.ToyDataset, "count_docs", lambda self: next(said_first), raising=False
    )
    lines = said(altered(SUITE, "retrievers: {scan: {use: scan}}\n", ""))
    assert lines[1].endswith(": 1,024/1,500 docs, 1.0 docs/s, 8 min left")
    assert lines[2].endswith(": 2,048 docs, 1.0 docs/s, 34 min so far")


@pytest.mark.parametrize("told", [[], [600], [600, 400], [600, 5000], [0]])
def test_an_encoder_tells_how_far_it_is_in_a_batch(
    watcher, said, monkeypatch, told: list[int]
) -> None:
    """What it does not tell counts at the end of the batch, and too much counts nothing."""
    encode, seen = effbench_toy.WordsEncoder.encode_corpus, []

    def encode_corpus(self, docs):
        for count in told:
            effbench.tell_encoded(count)
            seen.append(watcher.works[-1].done)
        return encode(self, docs)

    monkeypatch.setattr(effbench_toy.WordsEncoder, "encode_corpus", encode_corpus)
    text = altered(SUITE, "retrievers: {scan: {use: scan}}\n", "")
    lines = said(altered(text, ", wide: {use: words, width: 128}", ""))
    assert seen[: len(told)] == [min(1024, sum(told[: n + 1])) for n in range(len(told))]
    assert lines[-1].startswith("encode words corpus of toy: 3,000 docs in ")


def test_an_encoder_that_tells_nonsense_is_named(
    effbench, suite, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(effbench_toy.WordsEncoder, "encode_corpus", lambda self, docs: told(-1))
    found = effbench("run", suite(SUITE), "--results", tmp_path / "results")
    assert found.exit_code == 1
    message = (
        "encoder 'words' (plugin toy): ValueError: tell_encoded: -1 (take a number from 0)"
    )
    assert message in found.stderr


def test_a_training_counts_its_steps_from_where_it_goes_on(watcher, said, monkeypatch) -> None:
    def train(self, output_dir, *, seed):
        watcher.now += 50  # until a checkpoint is read
        effbench.tell_steps(600, 1000)
        for step in range(600, 1000):
            if step % 100 == 0:
                watcher.look(0)
            watcher.now += 2
            effbench.tell_steps(step + 1, 1000)
        (output_dir / "model").touch()

    monkeypatch.setattr(effbench_stopping.StoppingTrainer, "train", train)
    text = EVERYTHING.partition("  table: {use: table, targets")[0] + (
        "encoders: {trained: {use: stopping-model, model: steps}}\n"
        "indexes: {plain: {use: plain}}\nlatency: false\n"
    )
    assert said(text) == [
        "train steps with stopping: 600/1,000 steps, 50 s so far",
        "train steps with stopping: 700/1,000 steps, 2.0 s/step, 10 min left",
        "train steps with stopping: 800/1,000 steps, 2.0 s/step, 7 min left",
        "train steps with stopping: 900/1,000 steps, 2.0 s/step, 3 min left",
        "train steps with stopping: 1,000 steps (600 done before) in 850.0 s (2.1 s/step)",
    ]


def test_every_piece_of_work_knows_its_total_and_reaches_it(watcher, said) -> None:
    lines = said(EVERYTHING)
    totals = {work.label: (work.done, work.total) for work in watcher.works}
    gathered = {label: done for label, (done, total) in totals.items() if total is None}
    assert set(gathered) == {"gather queries of toy", "gather queries of more"}
    assert all(done == total for done, total in totals.values() if total is not None), totals
    assert totals["train steps with stopping"] == (4, 4)
    assert "train table with table: 1 model in 0.0 s" in lines


def test_a_session_knows_that_its_baseline_is_measured_again(
    watcher, said, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # no other session is waited for
    said(altered(SUITE, "false", "{queries: 25, warmup: 6, processes: 1, together: 2}"))
    *_, work = watcher.works
    assert work.figures.startswith("12/12 blocks, "), "the baseline twice, of three rows"


def test_shards_that_are_there_already_say_nothing_of_the_rate(
    watcher, said, monkeypatch
) -> None:
    monkeypatch.setattr("effbench.steps.writing.SHARD", 1024)
    encode, seen = effbench_toy.WordsEncoder.encode_corpus, []

    def encode_corpus(self, docs):
        seen.append(len(docs))
        if len(seen) == 3:
            raise effbench.EffbenchError("killed")
        watcher.look(10.0)
        return encode(self, docs)

    monkeypatch.setattr(effbench_toy.WordsEncoder, "encode_corpus", encode_corpus)
    text = altered(SUITE, ", wide: {use: words, width: 128}", "")
    with pytest.raises(AssertionError, match="killed"):
        said(text)
    assert said(text) == [
        "encode words corpus of toy: 2,048/3,000 docs, 0 s so far",
        "encode words corpus of toy: 3,000 docs (2,048 done before) in 10.0 s (95 docs/s)",
    ]


def test_the_first_units_foretell_nothing() -> None:
    now = [0.0]
    tally = Tally("encode", 2000, "docs", lambda: now[0])
    now[0] = 0.1
    tally(1)
    assert tally.figures == "1/2,000 docs, 0 s so far"
    now[0] = 0.2
    tally(19)
    assert tally.figures == "20/2,000 docs, 100 docs/s, 20 s left"
    slow = Tally("train", 100, "steps", lambda: now[0])
    now[0] = 3.2
    slow(1)
    assert slow.figures.endswith(", 3.0 s/step, 5 min left")


@pytest.mark.parametrize(("done", "total"), [(-1, 10), (1, -1), (10**400, 10**401)])
def test_steps_that_no_training_has_are_refused(done: int, total: int) -> None:
    with pytest.raises(ValueError, match=r"^tell_steps: .* steps \(take numbers from 0 to "):
        Tally("train", 1, "models").steps(done, total)


def test_a_clock_that_goes_back_makes_no_time_less_than_nothing() -> None:
    now = [10.0]
    work = Tally("encode", 10, "docs", lambda: now[0])
    now[0] = 5.0
    work(1)
    assert (work.figures, work.closing) == ("1/10 docs, 0 s so far", "encode: 1 doc in 0.0 s")
