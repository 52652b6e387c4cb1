"""Which row to take where latencies are marked or absent, on made-up results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from made_choices import ROWS, Results
from made_records import write_results
from made_sessions import write_session

BECAUSE = "since in 100% of its blocks the machine's speed changed (data-0)"


def test_a_busy_machine_gets_a_provisional_answer(three_rows: Results) -> None:
    three_rows.measure(unsteady=[0, 1, 2])
    found = three_rows.ask("--budget", "6ms", "--allow", "unstable")
    assert "made on a-machine: Provisionally ship middle through exact: keeps 82.7% [" in found
    assert "end to end p50 5.5 [5.5, 5.5] ms of 6 ms\n" in found
    assert f"  not sure: its latency is marked unstable, {BECAUSE}\n" in found
    assert f": effbench latency SUITE-FILE --results {three_rows.root}\n" in found
    assert "sure: its whole" not in found
    facts = three_rows.facts("--budget", "6ms", "--allow", "unstable", code=3)
    assert (facts["answer"], facts["sure"]) == ("provisional", False)
    assert facts["taken"]["row"] == "middle"
    assert facts["taken"]["ms"] == {"value": 5.5, "low": 5.5, "high": 5.5}
    assert facts["doubts"] == [f"its latency is marked unstable, {BECAUSE}"]


def test_a_time_in_doubt_is_no_answer_unless_asked_for(three_rows: Results) -> None:
    three_rows.measure(unsteady=[0, 1, 2])
    found = three_rows.ask("--budget", "6ms")
    assert "made on a-machine: No row can be shipped: latency unstable (3 of 3)\n" in found
    assert "  were its latency sure, ship middle through exact: keeps 82.7% [" in found
    assert f"at 5.5 ms (not sure: its latency is marked unstable, {BECAUSE})\n" in found
    assert "  to take rows with such marks too: --allow unstable\n" in found
    facts = three_rows.facts("--budget", "6ms", code=3)
    assert (facts["answer"], facts["taken"]) == ("none", None)
    assert facts["taken_were_it_sure"]["row"] == "middle"


def test_a_sure_row_goes_before_a_better_one_in_doubt(three_rows: Results) -> None:
    three_rows.measure(unsteady=[1])
    found = three_rows.ask("--budget", "6ms")
    assert "made on a-machine: Ship small through exact" in found
    assert "sure: its whole 95 % intervals are within what was asked" in found
    assert "were its latency sure, ship middle through exact: keeps 82.7% [" in found
    assert BECAUSE in found
    facts = three_rows.facts("--budget", "6ms", code=0)
    assert facts["sure"]
    assert facts["taken"]["row"] == "small"
    assert facts["taken_were_it_sure"]["row"] == "middle"


def test_who_is_left_out_by_a_doubt_alone_is_named(three_rows: Results) -> None:
    three_rows.measure(unsteady=[0, 2])
    found = three_rows.ask("--budget", "6ms")
    assert "Ship middle through exact" in found
    assert "were its latency sure" not in found
    assert (
        "left out by a time that is not sure: big through exact (10.5 [10.5, 10.5] ms)\n"
        in found
    )
    assert "  left out: latency unstable: small through exact\n" in found, "it is worse"
    assert "small through exact (" not in three_rows.ask("--keep", "0.7"), "it keeps less"


def test_of_several_machines_this_one_is_pointed_out(
    effbench, three_rows: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "this machine" not in effbench("leaderboard", three_rows.root).stdout
    write_results(three_rows.root, rows=ROWS, datasets=1, machine="there")
    found = effbench("leaderboard", three_rows.root).stdout
    assert "made on a-machine (this machine): latency\n" in found
    assert "made on there: latency\n" in found
    assert "made on a-machine (this machine): Ship middle" in three_rows.ask("--budget", "6ms")
    written = effbench("leaderboard", three_rows.root, "--format", "markdown").stdout
    assert "this machine" not in written, "others read it"
    for path in three_rows.root.glob("*/made/latency/*"):
        path.unlink()
    cells = {"data-0--0": {"end to end": [9.0] * 12}}
    for folder in three_rows.root.glob("*/made"):
        keys = {"data-0--0": "key-data-0--0"}
        write_session(folder, "data-0", cells, keys=keys, unsteady=[*cells])
    found = effbench("leaderboard", three_rows.root).stdout
    assert found.count("latency unstable: ") == 2
    assert found.count("see docs/latency.md") == 1, "what helps is said once"
    monkeypatch.setenv("EFFBENCH_MACHINE", "No Name")
    assert "this machine" not in effbench("leaderboard", three_rows.root).stdout


def test_no_row_is_within_the_budget_by_times_in_doubt(three_rows: Results) -> None:
    three_rows.measure(unsteady=[0, 1, 2])
    found = three_rows.ask("--budget", "1ms", "--allow", "unstable")
    assert "No row is within 1 ms (end to end p50); the nearest is small through exact" in found
    found = three_rows.ask("--budget", "1ms")
    assert "No row can be shipped: latency unstable (3 of 3)\n" in found
    assert ", small through exact (3.5 [3.5, 3.5] ms)\n" in found
    assert "effbench latency SUITE-FILE" in found
    facts = three_rows.facts("--budget", "1ms", code=3)
    assert (facts["answer"], facts["taken"]) == ("none", None)


def test_to_keep_a_share_says_which_rows_do(three_rows: Results) -> None:
    three_rows.measure(unsteady=[0, 1, 2])
    found = three_rows.ask("--keep", "0.5", "--allow", "unstable")
    assert "Provisionally ship small through exact" in found
    listed = found.partition("rows that keep 50.0% or more, the fastest first:\n")[2]
    names = [line.split()[0] for line in listed.splitlines()[:3]]
    assert names == ["small", "middle", "big"]
    assert "], sure; 3.5 [3.5, 3.5] ms, not sure\n" in listed


def test_quality_needs_no_latency(three_rows: Results) -> None:
    for path in (three_rows.folder / "latency").iterdir():
        path.unlink()
    found = three_rows.ask("--keep", "0.6")
    assert "(3 of 3 rows keeping 60% or more); the best of them is big through exact" in found
    assert "rows that keep 60.0% or more, without a latency:\n" in found
    assert "middle through exact: 82.7% [74.7, 91.4], sure; no latency\n" in found
    assert "small through exact: 62.2% [55.4, 69.5], may keep less; no latency\n" in found
    command = f"effbench latency SUITE-FILE --results {three_rows.root}"
    assert f"  to measure the latency: {command}\n" in found
    facts = three_rows.facts("--keep", "0.6", code=3)
    assert (facts["answer"], facts["taken"]) == ("untimed", None)
    assert [one["surely_keeps"] for one in facts["rows"]] == [True, True, False]
    assert "No row can be shipped: no latency (3 of 3)\n" in three_rows.ask("--budget", "1s")


def test_intervals_that_go_beyond_are_likely_at_most(three_rows: Results) -> None:
    facts = three_rows.facts("--keep", "0.6", code=3)
    assert (facts["answer"], facts["sure"]) == ("likely", False)
    assert facts["doubts"] == ["it may keep less than that (more judged queries would tell)"]
    assert facts["to_make_it_sure"] is None
    three_rows.measure(processes=2)  # too few for an interval
    found = three_rows.ask("--budget", "6ms")
    assert "  likely, not sure: its latency may lie above the budget\n" in found
    assert "narrow the interval of its time: effbench latency SUITE-FILE --processes 6" in found


def test_one_query_makes_nothing_sure(effbench, tmp_path: Path) -> None:
    write_results(tmp_path, rows=ROWS, datasets=1, queries=1)
    found = effbench("leaderboard", tmp_path, "--keep", "0.1").stdout
    assert "not sure: it may keep less than that" in found
    found = effbench("compare", "small", "big", "--results", tmp_path)
    assert found.exit_code == 0, found.output
    assert "% of big's nDCG@10, which may be chance (p 1.00)" in found.stdout


def test_what_an_index_loses_is_not_kept(three_rows: Results) -> None:
    for number in (0, 1):  # both rows again, through an index that loses most
        record = json.loads((three_rows.folder / f"data-0--{number}.json").read_text())
        values = {q: 0.3 * one for q, one in record["per_query"]["nDCG@10"].items()}
        record |= {
            "key": f"lossy-{number}",
            "index": {**record["index"], "name": "lossy"},
            "per_query": {"nDCG@10": values},
            "scores": {"nDCG@10": sum(values.values()) / len(values)},
        }
        (three_rows.folder / f"data-0--{number}--lossy.json").write_text(json.dumps(record))
    cells = [f"data-0--{i}" for i in (0, 1, 2, "0--lossy", "1--lossy")]
    three_rows.change("suite.json", cells=cells)
    keys = {cell: f"key-{cell}" for cell in cells[:3]}
    keys |= {f"data-0--{i}--lossy": f"lossy-{i}" for i in (0, 1)}
    times = zip(cells, (10.5, 5.5, 3.5, 1.0, 0.5), strict=True)
    ms = {cell: {"end to end": [time] * 12} for cell, time in times}
    write_session(three_rows.folder, "data-0", ms, keys=keys, processes=3)
    facts = three_rows.facts("--keep", "0.97", code=0)
    assert (facts["taken"]["row"], facts["taken"]["index"]) == ("big", "exact")
    kept = {(one["row"], one["index"]): one["kept"]["value"] for one in facts["rows"]}
    assert kept["big", "lossy"] == pytest.approx(0.3)
    assert kept["middle", "lossy"] == pytest.approx(0.3 * kept["middle", "exact"])
    assert "30.0% [30.0, 30.0] of that of big through exact" in three_rows.ask(
        "--budget", "1ms"
    )


def test_a_share_may_begin_with_a_point(three_rows: Results) -> None:
    for options in (["--keep", ".6"], ["--budget", ".01s"]):
        assert three_rows.ask(*options) == three_rows.ask(options[0], f"0{options[1]}")
    found = three_rows.ask("--keep", "0.6")
    assert "Ship small" in found
