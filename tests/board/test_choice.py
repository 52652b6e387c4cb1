"""Which row to take where latencies are marked or absent, on made-up results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from effbench.board.marks import BEARINGS
from made_records import write_results
from made_sessions import write_session

ROWS = ["big", "middle", "small"]
"""The first is the baseline; each takes less time than the one before, and is worse."""


class Results:
    """Records of three rows, and a latency session of which a test says what is wrong."""

    def __init__(self, effbench, root: Path) -> None:
        self._effbench, self.root = effbench, root
        self.folder = write_results(root, rows=ROWS, datasets=1, queries=99)

    def measure(self, processes: int = 3, **wrong: list[int]) -> None:
        """Give the rows times; each kind of ``wrong`` names rows by number."""
        for path in (self.folder / "latency").iterdir():
            path.unlink()
        ms = {
            f"data-0--{i}": {"end to end": [time] * 12}
            for i, time in enumerate((10.5, 5.5, 3.5))
        }
        keys = {cell: f"key-{cell}" for cell in ms}
        cells = {kind: [f"data-0--{i}" for i in rows] for kind, rows in wrong.items()}
        write_session(self.folder, "data-0", ms, keys=keys, processes=processes, **cells)

    def change(self, name: str, **changed: object) -> None:
        """Change what a file of the folder says."""
        path = self.folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | changed))

    def ask(self, *options: str) -> str:
        found = self._effbench("leaderboard", self.root, *options)
        assert found.exit_code == 0, found.output
        return found.stdout

    def facts(self, *options: str, code: int) -> dict:
        found = self._effbench("leaderboard", self.root, *options, "--format", "json")
        assert found.exit_code == code, found.output
        (facts,) = json.loads(found.stdout)
        return facts


@pytest.fixture
def results(effbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    monkeypatch.setenv("EFFBENCH_MACHINE", "a-machine")
    return Results(effbench, tmp_path / "results")


BECAUSE = "since in 100% of its blocks the machine's speed changed (data-0)"


def test_a_busy_machine_gets_a_provisional_answer(results: Results) -> None:
    results.measure(unsteady=[0, 1, 2])
    found = results.ask("--budget", "6ms")
    assert "made on a-machine: provisionally, take middle through exact: nDCG@10 " in found
    assert "end to end p50 5.5 [5.5, 5.5] ms of 6 ms\n" in found
    assert f"  not sure: its latency is marked unstable, {BECAUSE}\n" in found
    assert f": effbench latency SUITE-FILE --results {results.root}\n" in found
    assert "sure: its whole" not in found
    facts = results.facts("--budget", "6ms", code=3)
    assert (facts["answer"], facts["sure"]) == ("provisional", False)
    assert facts["taken"]["row"] == "middle"
    assert facts["taken"]["ms"] == {"value": 5.5, "low": 5.5, "high": 5.5}
    assert facts["doubts"] == [f"its latency is marked unstable, {BECAUSE}"]


def test_a_sure_row_goes_before_a_better_one_in_doubt(results: Results) -> None:
    results.measure(unsteady=[1])
    found = results.ask("--budget", "6ms")
    assert "made on a-machine: take small through exact" in found
    assert "sure: its whole 95 % intervals are within what was asked" in found
    assert "were its latency sure, middle through exact would be taken: nDCG@10" in found
    assert BECAUSE in found
    facts = results.facts("--budget", "6ms", code=0)
    assert facts["sure"]
    assert facts["taken"]["row"] == "small"
    assert facts["taken_were_it_sure"]["row"] == "middle"


def test_who_is_left_out_by_a_doubt_alone_is_named(results: Results) -> None:
    results.measure(unsteady=[0, 2])
    found = results.ask("--budget", "6ms")
    assert "take middle through exact" in found
    assert "would be taken" not in found
    assert (
        "left out by a time that is not sure: big through exact (10.5 [10.5, 10.5] ms)\n"
        in found
    )
    assert "small" not in found, "it is worse, whatever its time"
    assert "small" not in results.ask("--keep", "0.7"), "it keeps less, whatever its time"


def test_another_machine_is_measured_there(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFFBENCH_MACHINE", "here")
    results.measure(unsteady=[0, 1, 2])
    found = results.ask("--budget", "6ms")
    assert ", on a-machine: effbench latency SUITE-FILE\n" in found


def test_of_several_machines_this_one_is_pointed_out(
    effbench, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "this machine" not in effbench("leaderboard", results.root).stdout
    write_results(results.root, rows=ROWS, datasets=1, machine="there")
    found = effbench("leaderboard", results.root).stdout
    assert "made on a-machine (this machine)\n" in found
    assert "made on there\n" in found
    assert "made on a-machine (this machine): take middle" in results.ask("--budget", "6ms")
    written = effbench("leaderboard", results.root, "--format", "markdown").stdout
    assert "this machine" not in written, "others read it"
    for path in results.root.glob("*/made/latency/*"):
        path.unlink()
    cells = {"data-0--0": {"end to end": [9.0] * 12}}
    for folder in results.root.glob("*/made"):
        keys = {"data-0--0": "key-data-0--0"}
        write_session(folder, "data-0", cells, keys=keys, unsteady=[*cells])
    found = effbench("leaderboard", results.root).stdout
    assert found.count("latency unstable: ") == 2
    assert found.count("see docs/latency.md") == 1, "what helps is said once"
    monkeypatch.setenv("EFFBENCH_MACHINE", "No Name")
    assert "this machine" not in effbench("leaderboard", results.root).stdout


def test_no_row_is_within_the_budget_by_times_in_doubt(results: Results) -> None:
    results.measure(unsteady=[0, 1, 2])
    found = results.ask("--budget", "1ms")
    assert "no row of 3 takes at most 1 ms" in found
    assert "the fastest is small through exact (3.5 [3.5, 3.5] ms, not sure" in found
    assert "effbench latency SUITE-FILE" in found
    facts = results.facts("--budget", "1ms", code=3)
    assert (facts["answer"], facts["taken"]) == ("none", None)


def test_to_keep_a_share_says_which_rows_do(results: Results) -> None:
    results.measure(unsteady=[0, 1, 2])
    found = results.ask("--keep", "0.5")
    assert "provisionally, take small through exact" in found
    listed = found.partition("rows that keep 50.0% or more, the fastest first:\n")[2]
    names = [line.split()[0] for line in listed.splitlines()[:3]]
    assert names == ["small", "middle", "big"]
    assert "], sure; 3.5 [3.5, 3.5] ms, not sure\n" in listed


def test_quality_needs_no_latency(results: Results) -> None:
    for path in (results.folder / "latency").iterdir():
        path.unlink()
    found = results.ask("--keep", "0.6")
    assert "made on a-machine: 3 of 3 rows keep 60.0% or more\n" in found
    assert "middle through exact: 82.7% [74.7, 91.4], sure; no latency\n" in found
    assert "small through exact: 62.2% [55.4, 69.5], may keep less; no latency\n" in found
    command = f"effbench latency SUITE-FILE --results {results.root}"
    assert f"  to measure the latency: {command}\n" in found
    facts = results.facts("--keep", "0.6", code=3)
    assert (facts["answer"], facts["taken"]) == ("untimed", None)
    assert [one["surely_keeps"] for one in facts["rows"]] == [True, True, False]
    assert "no row that may be taken has a score and a lat" in results.ask("--budget", "1s")


def test_intervals_that_go_beyond_are_likely_at_most(results: Results) -> None:
    facts = results.facts("--keep", "0.6", code=3)
    assert (facts["answer"], facts["sure"]) == ("likely", False)
    assert facts["doubts"] == ["it may keep less than that (more judged queries would tell)"]
    assert facts["to_make_it_sure"] is None
    results.measure(processes=2)  # too few for an interval
    found = results.ask("--budget", "6ms")
    assert "  likely, not sure: its latency may lie above the budget\n" in found
    assert "narrow the interval of its time: effbench latency SUITE-FILE --processes 6" in found


def test_one_query_makes_nothing_sure(effbench, tmp_path: Path) -> None:
    write_results(tmp_path, rows=ROWS, datasets=1, queries=1)
    found = effbench("leaderboard", tmp_path, "--keep", "0.1").stdout
    assert "not sure: it may keep less than that" in found
    found = effbench("compare", "small", "big", "--results", tmp_path)
    assert found.exit_code == 0, found.output
    assert "% of big's nDCG@10, which may be chance (p 1.00)" in found.stdout


def noted(results: Results) -> None:
    note = {"name": "data-0", "group": None, "note": "the first 1,000 docs"}
    results.change("suite.json", datasets=[note])


def missed(results: Results) -> None:
    scores = {"nDCG@10": {"middle": {"data-0": 0.9}}}
    results.change("suite.json", expected={"scores": scores, "tolerance": 0.001})


MARKS = {
    "latency unstable": lambda own: own.measure(unsteady=[1]),
    "latency keeps answers": lambda own: own.measure(caching=[1]),
    "latency other answers": lambda own: own.measure(differing=[1]),
    "trained on test judgments": lambda own: own.change(
        "data-0--1.json", trained_on=["judgments"]
    ),
    "datasets missing": lambda own: (own.folder / "data-0--1.json").unlink(),
    "dataset with a note": noted,
    "not as published": missed,
}
"""Of each kind of mark how the row ``middle`` comes to have it."""


@pytest.mark.parametrize("kind", MARKS)
def test_what_each_mark_means_for_the_choice(results: Results, kind: str) -> None:
    MARKS[kind](results)
    for options in (["--budget", "6ms"], ["--keep", "0.7"]):
        facts = results.facts(*options, code=0)
        barred = BEARINGS[kind].name != "BESIDE"
        fallback = "small" if options[0] == "--budget" else "big"
        assert facts["taken"]["row"] == (fallback if barred else "middle")
        rival = facts["taken_were_it_sure"]
        assert (rival and rival["row"]) == ("middle" if BEARINGS[kind].name == "TIME" else None)


def test_a_note_of_a_dataset_stands_below_the_choice_as_it_is(results: Results) -> None:
    noted(results)
    said = results.ask("--budget", "6ms")
    (line,) = [line for line in said.splitlines() if line.startswith("  note: ")]
    assert line == "  note: data-0: the first 1,000 docs"


def test_published_scores_are_never_chosen(effbench, results: Results, tmp_path) -> None:
    assert set(BEARINGS) == {*MARKS, "published"}, "each kind of mark has a test"
    for path in results.folder.glob("*.json"):  # a made dataset under the name of a real one
        text = path.read_text().replace('"data-0"', '"scifact/test"')
        path.write_text(text)
    task = tmp_path / "published" / "model" / "abc" / "SciFact.json"
    task.parent.mkdir(parents=True)
    entry = {"hf_subset": "default", "ndcg_at_10": 0.9}
    task.write_text(json.dumps({"task_name": "SciFact", "scores": {"test": [entry]}}))
    facts = results.facts("--keep", "0.5", "--published", str(tmp_path / "published"), code=3)
    assert [one["row"] for one in facts["rows"]] == ROWS
    (left_out,) = (one for one in facts["left_out"] if "published" in one["row"])
    assert list(left_out["marks"]) == ["published"]


def test_what_an_index_loses_is_not_kept(results: Results) -> None:
    for number in (0, 1):  # both rows again, through an index that loses most
        record = json.loads((results.folder / f"data-0--{number}.json").read_text())
        values = {q: 0.3 * one for q, one in record["per_query"]["nDCG@10"].items()}
        record |= {
            "key": f"lossy-{number}",
            "index": {**record["index"], "name": "lossy"},
            "per_query": {"nDCG@10": values},
            "scores": {"nDCG@10": sum(values.values()) / len(values)},
        }
        (results.folder / f"data-0--{number}--lossy.json").write_text(json.dumps(record))
    cells = [f"data-0--{i}" for i in (0, 1, 2, "0--lossy", "1--lossy")]
    results.change("suite.json", cells=cells)
    keys = {cell: f"key-{cell}" for cell in cells[:3]}
    keys |= {f"data-0--{i}--lossy": f"lossy-{i}" for i in (0, 1)}
    times = zip(cells, (10.5, 5.5, 3.5, 1.0, 0.5), strict=True)
    ms = {cell: {"end to end": [time] * 12} for cell, time in times}
    write_session(results.folder, "data-0", ms, keys=keys, processes=3)
    facts = results.facts("--keep", "0.97", code=0)
    assert (facts["taken"]["row"], facts["taken"]["index"]) == ("big", "exact")
    kept = {(one["row"], one["index"]): one["kept"]["value"] for one in facts["rows"]}
    assert kept["big", "lossy"] == pytest.approx(0.3)
    assert kept["middle", "lossy"] == pytest.approx(0.3 * kept["middle", "exact"])
    assert "30.0% [30.0, 30.0] of that of big through exact" in results.ask("--budget", "1ms")


@pytest.mark.parametrize("wrong", ["caching", "differing"])
def test_what_was_not_measured_honestly_is_no_provisional_answer(
    results: Results, wrong: str
) -> None:
    results.measure(unsteady=[0, 1, 2], **{wrong: [1, 2]})
    found = results.ask("--budget", "6ms")
    assert found.startswith("made on a-machine: no row of 1 takes at most 6 ms")
    assert "middle through exact, small through exact\n" in found
    assert "take big" in results.ask("--keep", "0.5")


def test_other_answers_on_one_dataset_bar_a_row_that_lacks_the_next(effbench, tmp_path) -> None:
    folder = write_results(tmp_path, rows=ROWS, datasets=2, queries=99)
    for path in (folder / "latency").iterdir():
        path.unlink()
    ms = {f"data-0--{i}": {"end to end": [9.0 - i] * 12} for i in range(3)}
    keys = {cell: f"key-{cell}" for cell in ms}
    write_session(folder, "data-0", ms, keys=keys, differing=["data-0--1"])
    found = effbench("leaderboard", tmp_path, "--keep", "0.7").stdout
    assert "1 of 2 rows keeps 70.0% or more" in found
    assert "    big through exact: 100.0%" in found
    assert "    middle through exact" not in found


def test_a_share_may_begin_with_a_point(results: Results) -> None:
    for options in (["--keep", ".6"], ["--budget", ".01s"]):
        assert results.ask(*options) == results.ask(options[0], f"0{options[1]}")
    found = results.ask("--keep", "0.6")
    assert "take small" in found


def test_a_command_names_the_results_that_hold_the_board(
    effbench, results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results.measure(unsteady=[0, 1, 2])
    write_results(tmp_path / "others", rows=ROWS, datasets=1, machine="there")
    for place in (results.root, results.folder.parent, results.folder):
        found = effbench("leaderboard", tmp_path / "others", place, "--budget", "6ms").stdout
        assert f": effbench latency SUITE-FILE --results {results.root}\n" in found
        for root in (results.root, tmp_path / "others"):
            assert f"effbench export SUITE-FILE middle DIR --results {root}\n" in found
    monkeypatch.chdir(tmp_path)
    found = effbench("leaderboard", "results/a-machine", "--budget", "6ms").stdout
    assert ": effbench latency SUITE-FILE\n" in found
    assert "effbench export SUITE-FILE middle DIR\n" in found


def test_a_command_names_a_suite_file_that_exists(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results.measure(unsteady=[0, 1, 2])
    (tmp_path / "made.yaml").write_text("suite: another\n")  # the name of a file tells nothing
    monkeypatch.chdir(tmp_path)
    assert ": effbench latency SUITE-FILE\n" in results.ask("--budget", "6ms")
    (tmp_path / "search.yml").write_text("k: 100\nsuite: 'made'  # ours\n")
    found = results.ask("--budget", "6ms")
    assert ": effbench latency search.yml\n" in found
    assert "  effbench export search.yml middle DIR\n" in found
    facts = results.facts("--budget", "6ms", code=3)
    assert facts["to_make_it_sure"] == "effbench latency search.yml"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    beside = f"effbench latency {tmp_path / 'search.yml'} --results {results.root}\n"
    assert beside in results.ask("--budget", "6ms")


def test_a_row_is_printed_in_two_forms(effbench, results: Results) -> None:
    found = effbench("leaderboard", results.root, "--budget", "6ms", "--format", "csv")
    assert found.exit_code == 2
    assert "--columns, and --format unless it is json" in found.stderr


def test_a_sentence_says_why_a_speed_is_not_ranked(
    effbench, results: Results, tmp_path
) -> None:
    pytest.importorskip("vl_convert")
    for wrong, why in (([1], "(latency unstable)"), ([0], "(latency of big unstable)")):
        results.measure(unsteady=wrong)
        effbench("leaderboard", results.root, "--output", tmp_path / "page.html")
        assert f"its speed is not ranked {why}." in (tmp_path / "page.html").read_text()
