"""What moved between two folders of results (``effbench diff``), on made-up ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from made_changes import BUSY, edit, lowered, record, time
from made_records import write_results


def test_the_same_results_have_not_moved(effbench, old: Path, new: Path) -> None:
    found = effbench("diff", old, new)
    assert found.exit_code == 0, found.output
    assert found.stdout == "10 figures compared, 0 moved beyond noise\n"
    assert not found.stderr


def test_a_score_that_fell_is_worse_and_one_that_rose_is_better(effbench, old, new) -> None:
    edit(record(new, 1), lowered(0.05))
    found = effbench("diff", old, new)
    assert found.exit_code == 1
    assert "worse  made data-0--1: nDCG@10 -0.0500 [-0.0500, -0.0500], p 0.0002" in found.stdout
    back = effbench("diff", new, old)
    assert back.exit_code == 0
    assert "better made data-0--1: nDCG@10 +0.0500" in back.stdout
    assert "made: small: made otherwise than in the old results (their opt" in back.stderr


def test_a_change_that_may_be_chance_has_not_moved(effbench, old: Path, new: Path) -> None:
    edit(record(new, 1), lowered(0.05, queries=1))
    found = effbench("diff", old, new)
    assert "6 figures compared, 0 moved beyond noise; 4 could not be compared" in found.stdout
    assert (
        "not compared made: no latency in the new results: encode p50 ms, end to end p50 ms, "
        "speed-up encode, speed-up end to end of small exact" in found.stdout
    ), "a session of another key is not of it"


def test_the_same_key_must_have_the_same_scores(effbench, old: Path, new: Path) -> None:
    def change(content: dict) -> None:
        content["per_query"]["nDCG@10"]["q0"] += 0.01

    edit(record(new, 1), change)
    assert "of the same key, so it should be the same" in effbench("diff", old, new).stdout


def test_a_cell_that_is_lost_or_fails_is_worse(effbench, old: Path, new: Path) -> None:
    record(new, 1).unlink()
    found = effbench("diff", old, new)
    assert found.exit_code == 1
    assert "worse  made data-0--1: cell was done, now no record" in found.stdout
    apart = "0 moved beyond noise; 4 could not be compared; 1 cell is gone\n"
    assert f"4 figures compared, {apart}" in found.stdout


def test_a_record_that_does_not_count_is_said_with_the_reason(effbench, old, new) -> None:
    def fewer(content: dict) -> None:
        del content["per_query"]["nDCG@10"]["q0"]
        content["created"] = "2026-11-26T00:00:00+00:00"

    edit(record(new, 1), fewer)
    assert (
        "worse  made data-0--0: cell was done, now left out, since data-0 has other data now "
        "than they were measured on" in effbench("diff", old, new).stdout
    )


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({"unsteady": BUSY}, "latency unstable in the new results"),
        (
            {"fingerprint": {"cpu": "newer"}},
            "the machine or its settings differ: cpu: absent, newer; platform.hardware.cpu",
        ),
        ({"conditions": {"threads": 2}}, "settings differ: protocol: 3, absent; threads: 1, 2"),
    ],
)
def test_required_latencies_that_cannot_be_compared_are_exit_code_1(
    effbench, old: Path, new: Path, header: dict, why: str
) -> None:
    time(new, **header)
    found = effbench("diff", old, new)
    assert (found.exit_code, why in found.stdout) == (0, True), found.output
    required = effbench("diff", old, new, "--require-latency")
    assert required.exit_code == 1
    assert "--require-latency: not compared: encode p50 ms, end to end p50" in required.stderr
    assert "small exact" in required.stderr
    assert effbench("diff", old, old, "--require-latency").exit_code == 0


def test_a_suite_that_did_not_run_is_required_too(effbench, old: Path, new: Path) -> None:
    write_results(old, rows=["gone"], datasets=1, suite="other", machine="b-machine")
    found = effbench("diff", old, new)
    assert found.exit_code == 0
    assert "not compared other: no such suite in the new results: encode p50 ms" in found.stdout
    assert effbench("diff", old, new, "--require-latency").exit_code == 1
    write_results(old, rows=["gone"], datasets=1, suite="third", machine="c", latency=None)
    assert "other on b-machine: only in the old results" in effbench("diff", old, new).stderr
    assert "other on b-machine: only in the new results" in effbench("diff", new, old).stderr


def test_sixty_rows_are_no_flood(effbench, tmp_path: Path) -> None:
    rows = [f"row-{number}" for number in range(60)]
    for name in ("old", "new"):
        write_results(tmp_path / name, rows=rows, datasets=1, queries=3)
    (session,) = (tmp_path / "new").glob("*/made/latency/*.npz")
    session.unlink()
    found = effbench("diff", tmp_path / "old", tmp_path / "new")
    (line,) = [one for one in found.stdout.splitlines() if one.startswith("not compared")]
    assert line.endswith(" exact and 48 more")
    assert line.count(" exact") == 12
    told = json.loads(effbench("diff", tmp_path / "old", tmp_path / "new", "--json").stdout)
    assert {one["where"] for one in told["not_compared"]} == {f"{row} exact" for row in rows}


def test_scores_that_cannot_be_paired_are_said(effbench, old: Path, new: Path) -> None:
    def other_queries(content: dict) -> None:
        values = content["per_query"]["nDCG@10"]
        content["per_query"]["nDCG@10"] = {f"new-{query}": one for query, one in values.items()}

    edit(record(new, 1), other_queries)
    found = effbench("diff", old, new)
    assert "not compared made: no query of both: nDCG@10 of data-0--1" in found.stdout


def test_json_holds_numbers(effbench, old: Path, new: Path) -> None:
    edit(record(new, 1), lowered(0.05))
    found = json.loads(effbench("diff", old, new, "--json").stdout)
    (one,) = found["moved"]
    assert one["old"] - one["new"] == pytest.approx(0.05)
    assert one["difference"]["low"] <= one["difference"]["value"] <= one["difference"]["high"]
    assert one["difference"]["value"] == pytest.approx(-0.05)
    assert (one["worse"], one["ratio"], one["p"]) == (
        True,
        None,
        pytest.approx(0.0002, rel=1e-3),
    )
    assert one["said"].startswith("-0.0500 [")


def test_what_cannot_be_read_is_exit_code_1(effbench, old: Path, new: Path) -> None:
    for root in (old, new):
        record(root, 1).write_text("{")
    found = effbench("diff", old, new)
    assert found.exit_code == 1
    assert "4 figures compared, 0 moved" in found.stdout
    assert found.stderr.count("cannot be read") == 2


def test_other_data_is_said(effbench, old: Path, new: Path) -> None:
    for root in (old, new):
        for number in (0, 1):
            edit(
                record(root, number),
                lambda content, root=root: content.update(data_key=root.name),
            )
    found = effbench("diff", old, new)
    assert "the data differ from those of the old results" in found.stderr
    assert "data-0" in found.stderr
    assert "other data" not in effbench("diff", old, old).stderr
