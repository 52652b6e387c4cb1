"""Running a suite: records, resuming, failures that stay where they are."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path

import pytest

from altered import altered
from made_suites import TOYS

ROW = "words: {use: words}"


def test_every_cell_has_a_record_with_scores_samples_and_costs(run, records) -> None:
    found = run(TOYS)
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


def test_runs_are_exported_in_trec_form(run, tmp_path: Path) -> None:
    run(TOYS)
    (path,) = (tmp_path / "results").glob("*/toys/runs/toy--scan.trec.gz")
    text = gzip.decompress(path.read_bytes()).decode()
    lines = [line.split() for line in text.splitlines()]
    first = [line for line in lines if line[0] == "q0"]
    assert [line[3] for line in first] == [str(rank) for rank in range(1, len(first) + 1)]
    scores = [float(line[4]) for line in first]
    assert len(scores) > 1
    assert all(a > b for a, b in pairwise(scores)), "strictly falling"
    assert {line[5] for line in lines} == {"scan"}


def test_only_runs_the_named_row(run, records) -> None:
    found = run(TOYS, "--only", "scan")
    assert found.exit_code == 0
    assert set(records()) == {"toy--scan"}
    assert "toy--words--plain--depth=5: not run yet" in found.stdout
    assert run(TOYS, "--only", "scna").exit_code == 2


def test_of_many_cells_that_are_not_run_the_first_are_named(run) -> None:
    many = "".join(f"  words-{number}: {{use: words}}\n" for number in range(12))
    found = run(altered(TOYS, "encoders:\n", f"encoders:\n{many}"), "--only", "scan")
    remarks = [line for line in found.stdout.splitlines() if line.endswith("not run yet")]
    assert len(remarks) == 11
    assert remarks[0] == "toy--words-0--plain--depth=5: not run yet"
    assert remarks[-1] == "18 more cells: not run yet"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("offline", "toy: the host cannot be reached (connect)"),
        ("double", "id 'd0' occurs twice"),
    ],
)
def test_data_that_cannot_be_had_fails_its_cells_only(run, records, broken, message) -> None:
    both = altered(TOYS, "{use: toy}", f"{{use: toy}}, {{use: toy, name: x, broken: {broken}}}")
    found = run(both)
    assert found.exit_code == 1
    lines = [line for line in found.stderr.splitlines() if line.startswith("FAILED x--words")]
    assert len(lines) == 2
    assert message in lines[0]
    assert lines[1].endswith(": encode words corpus of x: failed, as said above")
    errors = [r["error"] for name, r in records().items() if name.startswith("x--words")]
    assert [message in error for error in errors] == [True] * 2, "records hold the reason"
    assert records()["toy--words--plain--depth=5"]["status"] == "done"


def test_what_failed_altogether_is_said_once_and_has_no_table(run, effbench, tmp_path) -> None:
    found = run(altered(TOYS, "{use: toy}", "{use: toy, broken: double}"))
    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr.count("FAILED toy--scan: ") == 1
    drawn = effbench("leaderboard", tmp_path / "results").stdout.splitlines()
    assert drawn[0].startswith("toys on ")
    assert drawn[0].endswith(": no figures")
    assert len(drawn) == 1 + 5, "a line for each cell"


def test_fail_fast_stops_at_the_first_failure(run, records) -> None:
    bad = altered(TOYS, ROW, f"bad: {{use: bad, wrong: rows}}\n  {ROW}")
    assert run(bad, "--fail-fast").exit_code == 1
    assert [name for name in records() if "--bad--" in name]
    assert not [name for name in records() if "--words--" in name]


def test_the_device_of_the_command_line_reaches_rows_that_name_none(
    run, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    named = altered(TOYS, ROW, f"{ROW}\n  own: {{use: words, device: tpu, width: 8}}")
    run(named, "--device", "gpu")
    assert set((tmp_path / "log").read_text().split("\n")) >= {"made gpu", "made tpu"}


def test_json_holds_the_leaderboard(run) -> None:
    (table,) = json.loads(run(TOYS, "--json").stdout)
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
    assert run(altered(TOYS, "{use: toy}", "{use: folder, path: twins}")).exit_code == 0
    assert "encoded a 2" in (tmp_path / "log").read_text()
    (path,) = tmp_path.glob("results/*/toys/runs/*words*depth=20.trec.gz")
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    assert [line.split()[2] for line in lines] == ["c", "a", "b"]
