"""Running a suite: records, resuming, failures that stay where they are."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path

import pytest

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10, RR@10]
encoders:
  words: {use: words}
  light: {use: words-queries, passages: words}
retrievers:
  scan: {use: scan}
indexes:
  plain: {use: plain, search: {depth: [5, 20]}}
latency: false
"""
ROW = "words: {use: words}"


@pytest.fixture
def run(effbench, suite, tmp_path: Path):
    """Run a suite's text into tmp_path/results."""

    def start(text: str, *options: str):
        return effbench("run", suite(text), "--results", tmp_path / "results", *options)

    return start


@pytest.fixture
def records(tmp_path: Path):
    """Read the records there are, by cell name."""

    def read() -> dict[str, dict]:
        paths = (tmp_path / "results").glob("*/toys/*--*.json")
        return {path.stem: json.loads(path.read_text()) for path in paths}

    return read


def test_every_cell_has_a_record_with_scores_samples_and_costs(run, records) -> None:
    found = run(SUITE)
    assert found.exit_code == 0, found.output
    assert set(records()) == {
        "toy--scan",
        *(f"toy--{row}--plain--depth={d}" for row in ("words", "light") for d in (5, 20)),
    }
    record = records()["toy--words--plain--depth=5"]
    assert record["status"] == "done"
    assert record["scores"]["RR@10"] > 0.9
    assert set(record["per_query"]["nDCG@10"]) == {f"q{i}" for i in range(0, 60, 2)}
    mean = sum(record["per_query"]["RR@10"].values()) / 30
    assert record["scores"]["RR@10"] == pytest.approx(mean)
    assert record["costs"]["docs"] == 60
    assert record["costs"]["index_bytes"] == 60 * 64 * 4
    assert record["row"]["distribution"] == "effbench-toy 0.1"


def test_a_light_row_scores_like_its_own_vectors_would(run, records) -> None:
    run(SUITE)
    found = records()
    light, words = (found[f"toy--{row}--plain--depth=20"] for row in ("light", "words"))
    assert light["per_query"] == words["per_query"]
    assert light["passages"] == "words"


def test_runs_are_exported_in_trec_form(run, tmp_path: Path) -> None:
    run(SUITE)
    (path,) = (tmp_path / "results").glob("*/toys/runs/toy--scan.trec.gz")
    text = gzip.decompress(path.read_bytes()).decode()
    lines = [line.split() for line in text.splitlines()]
    first = [line for line in lines if line[0] == "q0"]
    assert [line[3] for line in first] == [str(rank) for rank in range(1, len(first) + 1)]
    scores = [float(line[4]) for line in first]
    assert all(a > b for a, b in pairwise(scores)), "strictly falling"
    assert {line[5] for line in lines} == {"scan"}


def test_a_finished_suite_does_nothing_again(run, tmp_path: Path) -> None:
    run(SUITE)
    times = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    again = run(SUITE)
    assert again.exit_code == 0
    assert "0 cells done, 5 finished already, 0 failed; 0 steps made" in again.stderr
    after = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    notes = {"suite.yaml", "digests.json", "uses"}  # what is remembered of files is no result
    assert {p: t for p, t in after.items() if not notes & set(p.parts)} == {
        p: t for p, t in times.items() if not notes & set(p.parts)
    }


def test_a_new_measure_redoes_no_step(run, records) -> None:
    run(SUITE)
    again = run(SUITE.replace("RR@10]", "RR@10, R@50]"))
    assert "5 cells done" in again.stderr
    assert "0 steps made" in again.stderr
    assert all("R@50" in record["scores"] for record in records().values())


def test_only_runs_the_named_row(run, records) -> None:
    found = run(SUITE, "--only", "scan")
    assert found.exit_code == 0
    assert set(records()) == {"toy--scan"}
    assert "toy--words--plain--depth=5: not run yet" in found.stdout
    assert run(SUITE, "--only", "scna").exit_code == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("raises", "RuntimeError: out of luck"),
        ("nan", "encode_corpus returned NaN or infinity for 'd3'"),
        ("shape", "encode_corpus returned float32 [3840]"),
        ("rows", "encode_corpus returned 59 rows for 60 docs"),
        ("int", "encode_corpus returned int64 [60, 64]"),
        ("query-width", "its query vectors have width 32, the passages of 'bad' 64"),
    ],
)
def test_a_bad_encoder_fails_alone_and_is_named(run, records, wrong: str, message: str) -> None:
    bad = SUITE.replace("retrievers:", f"  bad: {{use: bad, wrong: {wrong}}}\nretrievers:")
    found = run(bad)
    assert found.exit_code == 1
    record = records()["toy--bad--plain--depth=5"]
    assert record["status"] == "failed"
    assert record["error"].startswith("encoder 'bad' (plugin toy): ")
    assert message in record["error"]
    assert "5 cells done" in found.stderr
    assert "2 failed" in found.stderr
    assert "Traceback" not in found.output
    assert ("Traceback" in (record["traceback"] or "")) == (wrong == "raises")
    again = run(SUITE.replace("retrievers:", "  bad: {use: words}\nretrievers:"))
    assert again.exit_code == 0, "a mended row runs"


def test_a_doc_returned_twice_is_refused(run, records) -> None:
    assert run(SUITE.replace("{use: scan}", "{use: scan, twice: true}")).exit_code == 1
    assert "returned a doc twice" in records()["toy--scan"]["error"]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("offline", "toy: the host cannot be reached (connect)"),
        ("double", "id 'd0' occurs twice"),
    ],
)
def test_data_that_cannot_be_had_fails_its_cells_only(run, records, broken, message) -> None:
    both = SUITE.replace("{use: toy}", f"{{use: toy}}, {{use: toy, name: x, broken: {broken}}}")
    found = run(both)
    assert found.exit_code == 1
    lines = [line for line in found.stderr.splitlines() if line.startswith("FAILED x--words")]
    assert len(lines) == 2
    assert message in lines[0]
    assert lines[1].endswith(": encode words corpus of x: failed, as said above")
    errors = [r["error"] for name, r in records().items() if name.startswith("x--words")]
    assert all(message in error for error in errors), "records hold the reason"
    assert records()["toy--words--plain--depth=5"]["status"] == "done"


def test_what_failed_altogether_is_said_once_and_has_no_table(run, effbench, tmp_path) -> None:
    found = run(SUITE.replace("{use: toy}", "{use: toy, broken: double}"))
    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr.count("FAILED toy--scan: ") == 1
    drawn = effbench("leaderboard", tmp_path / "results").stdout.splitlines()
    assert drawn[0].startswith("toys on ")
    assert drawn[0].endswith(": no figures")
    assert len(drawn) == 1 + 5, "a line for each cell"


def test_fail_fast_stops_at_the_first_failure(run, records) -> None:
    bad = SUITE.replace(ROW, f"bad: {{use: bad, wrong: rows}}\n  {ROW}")
    assert run(bad, "--fail-fast").exit_code == 1
    assert not any("--words--" in name for name in records())


def test_a_corrupt_shard_is_noticed_and_made_again(run, records, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    run(SUITE)
    before = records()
    (shard,) = tmp_path.glob("cache/encode/*/00000.npy")
    raw = shard.read_bytes()
    shard.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    (tmp_path / "log").unlink()
    for path in [
        *tmp_path.glob("results/*/toys/*--*.json"),
        *tmp_path.glob("cache/index/*/m*"),
    ]:
        path.unlink()
    found = run(SUITE)
    assert found.exit_code == 0
    assert ": lost or damaged, making it again" in found.stderr
    assert "encoded d0 60" in (tmp_path / "log").read_text()
    assert shard.read_bytes() == raw
    after = records()
    assert {n: r["per_query"] for n, r in after.items()} == {
        n: r["per_query"] for n, r in before.items()
    }


def test_only_the_lost_shards_are_encoded_again(run, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    monkeypatch.setattr("effbench.steps.shards.SHARD", 20)
    run(SUITE)
    for path in [
        *tmp_path.glob("results/*/toys/*--*.json"),
        *tmp_path.glob("cache/index/*/m*"),
    ]:
        path.unlink()
    (tmp_path / "log").unlink()
    (lost,) = tmp_path.glob("cache/encode/*/00001.npy")
    lost.unlink()
    run(SUITE)
    encoded = [
        line for line in (tmp_path / "log").read_text().splitlines() if "encoded" in line
    ]
    assert encoded == ["encoded d20 20"]


def test_the_device_of_the_command_line_reaches_rows_that_name_none(
    run, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    named = SUITE.replace(ROW, f"{ROW}\n  own: {{use: words, device: tpu, width: 8}}")
    run(named, "--device", "gpu")
    assert set((tmp_path / "log").read_text().split("\n")) >= {"made gpu", "made tpu"}


def test_json_holds_the_leaderboard(run) -> None:
    (table,) = json.loads(run(SUITE, "--json").stdout)
    assert {line["row"] for line in table["lines"]} == {"words", "light", "scan"}


def test_equal_docs_are_encoded_once_and_tie_in_the_order_of_trec_eval(
    run, suite, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    folder = tmp_path / "twins"
    (folder / "qrels").mkdir(parents=True)
    texts = {"a": "oak", "b": "lamp", "c": "oak"}
    docs = [json.dumps({"_id": name, "text": text}) for name, text in texts.items()]
    (folder / "corpus.jsonl").write_text("\n".join(docs))
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "oak"}')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\tc\t1\n")
    assert run(SUITE.replace("{use: toy}", "{use: folder, path: twins}")).exit_code == 0
    assert "encoded a 2" in (tmp_path / "log").read_text()
    (path,) = tmp_path.glob("results/*/toys/runs/*words*depth=20.trec.gz")
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    assert [line.split()[2] for line in lines] == ["c", "a", "b"]
