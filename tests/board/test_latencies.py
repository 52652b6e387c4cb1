"""The latency columns of a leaderboard, from made-up sessions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from altered import altered
from effbench.store.disk import read_sealed, write_json
from made_sessions import HEADER, QUICK, SLOW, SUITE, Board, write_session


def test_speed_is_a_ratio_to_the_baseline_with_its_interval(board: Board) -> None:
    board.both()
    line = board.line("typed")
    assert line["speed-up encode"] == pytest.approx(10)
    assert line["speed-up encode low"] == pytest.approx(10) == line["speed-up encode high"]
    assert line["speed-up after last word"] == pytest.approx(20, rel=0.01)
    assert line["encode p50 ms"] == pytest.approx(1.0)
    assert line["after last word p50 ms"] == pytest.approx(0.5)
    assert line["encode p95 ms"] is None, "40 samples a process"
    assert board.line("words")["speed-up encode"] == pytest.approx(1)
    assert board.line("words")["after last word p50 ms"] is None
    assert board.table()["remarks"] == []


def test_few_samples_give_no_median(board: Board) -> None:
    board.both(words={"encode": SLOW[:5]}, typed={"encode": QUICK[:5]})
    assert board.line("typed")["encode p50 ms"] is None, "10 samples on two datasets"
    board.both(
        words={"encode": SLOW[:6]},
        typed={"encode": QUICK[:6]},
        started="2026-11-26T00:00:00+00:00",
    )
    assert board.line("typed")["encode p50 ms"] == pytest.approx(1.0)


def test_few_processes_give_no_interval(board: Board) -> None:
    board.both(processes=2)
    assert board.line("typed")["speed-up encode"] == pytest.approx(10)
    assert board.line("typed")["speed-up encode low"] is None


def test_what_was_measured_on_some_datasets_only_has_no_latency(board: Board) -> None:
    board.add("toy")
    assert board.line("typed")["encode p50 ms"] is None


def test_an_unsteady_machine_is_marked_and_not_ranked(board: Board) -> None:
    board.both(unsteady=["toy--typed--plain"])
    line = board.line("typed")
    assert line["latency"] == "unstable"
    assert line["encode p50 ms"] == pytest.approx(1.0), "shown all the same"
    assert line["speed-up encode"] is None
    assert board.line("words")["latency"] == ""
    first, advice = board.table()["remarks"]
    assert first == (
        "latency unstable: in 100% of its blocks the machine's speed changed (toy): typed"
    )
    assert "gives no speed-up" in advice


def test_the_newest_of_the_fullest_sessions_counts(board: Board) -> None:
    board.both()
    faster = {"encode": [0.1] * 20}
    board.both(typed=faster, started="2026-11-26T00:00:00+00:00")
    assert board.line("typed")["encode p50 ms"] == pytest.approx(0.1)
    board.both(typed=None, started="2026-11-27T00:00:00+00:00")
    assert board.line("typed")["encode p50 ms"] == pytest.approx(0.1), "fuller than the newest"
    board.keys |= {f"{name}--typed--plain": "another model's" for name in ("toy", "more")}
    board.both(typed={"encode": [0.01] * 20}, started="2026-11-28T00:00:00+00:00")
    assert board.line("typed")["encode p50 ms"] == pytest.approx(0.1), "of the model as it is"


def test_a_session_under_the_suites_conditions_counts_more_than_a_quick_look(
    effbench, suite, tmp_path: Path
) -> None:
    terms = "{queries: 12, warmup: 4, processes: 1}"
    text = altered(SUITE, "latency: false", f"latency: {terms}")
    results = tmp_path / "results"
    effbench("run", suite(text), "--results", results)

    def p50() -> list[float]:
        found = effbench("leaderboard", results, "--format", "json")
        return [line["encode p50 ms"] for line in json.loads(found.stdout)[0]["lines"]]

    before = p50()
    effbench("latency", suite(text), "--results", results, "--queries", "11")
    assert p50() == before
    slower = altered(text, "words: {use: words}", "words: {use: words, pause_ms: 0.1}")
    effbench("run", suite(slower), "--results", results)
    assert p50() != before
    assert "0 cells done" in effbench("run", suite(text), "--results", results).stderr
    assert p50() == before, "of the options as they are"


def test_a_row_that_lacks_a_dataset_has_no_latency(board: Board) -> None:
    board.both()
    (board.folder / "toy--typed--plain.json").unlink()
    assert board.line("typed")["encode p50 ms"] is None
    assert board.line("typed")["speed-up encode"] is None
    assert board.line("words")["encode p50 ms"] == pytest.approx(10)


def test_datasets_of_unlike_many_processes_are_put_together_in_their_order(
    board: Board,
) -> None:
    board.add("toy", processes=4)
    board.add("more", processes=3)
    line = board.line("typed")
    assert line["speed-up encode"] == pytest.approx(10)
    assert line["speed-up encode low"] == pytest.approx(10) == line["speed-up encode high"]


def test_an_unsteady_process_is_left_out_and_an_unsteady_block_too(tmp_path: Path) -> None:
    from effbench.latency.samples import read_session
    from effbench.statistics import trust

    session = read_session(
        write_session(tmp_path, "toy", {"a": {"encode": [1.0] * 12}}, processes=4)
    )
    shaken = [
        block._replace(kernel_ns=(1000, 1100)) if block.process == 2 else block
        for block in session.blocks
    ]
    assert set(trust.steady_times(session, "a", "encode")) == {0, 1, 2, 3}
    some = session._replace(blocks=shaken)
    assert set(trust.steady_times(some, "a", "encode")) == {0, 1, 3}
    assert trust.stability_of(some, "a").complaint == ""
    assert trust.stability_of(some, "a").steady == 0.75
    block = session.blocks[0]._replace(block=1)
    session.columns["block"][:6] = 1
    halves = session._replace(blocks=[*session.blocks, block._replace(throttled=1)])
    assert len(trust.steady_times(halves, "a", "encode")[0]) == 6


def test_a_baseline_that_is_unstable_gives_no_speed_up(board: Board) -> None:
    board.both(unsteady=["toy--words--plain", "more--words--plain"])
    assert board.line("typed")["latency"] == ""
    assert board.line("typed")["speed-up encode"] is None
    assert "(more), " in board.table()["remarks"][0]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"conditions": {"protocol": 3, "threads": 4}}, "its conditions"),
        (
            {"fingerprint": {"platform": {"hardware": {"cpu": {"model": "b"}}}}},
            "its fingerprint",
        ),
    ],
)
def test_other_conditions_and_machines_are_never_mixed(board: Board, other, said) -> None:
    board.add("toy", **other)
    board.add("more", started="2026-11-26T00:00:00+00:00")
    (remark,) = board.table()["remarks"]
    assert remark.startswith(f"latency on toy is left out, since {said} is not that of more: ")
    assert board.line("typed")["encode p50 ms"] is None


def test_an_older_protocol_is_not_shown(board: Board) -> None:
    for path in board.folder.glob("*--*.json"):
        old = {"protocol": 2, "samples_ms": {"encode": [1.0] * 99}}
        write_json(path, {**read_sealed(path), "latency": old})
    assert board.table()["remarks"] == [
        "latencies of an older protocol are not shown (run the suite again)"
    ]
    assert board.line("typed")["encode p50 ms"] is None


def test_a_session_of_a_newer_effbench_is_a_remark(board: Board, monkeypatch) -> None:
    from effbench.latency import samples

    monkeypatch.setattr(samples, "FORMAT", samples.FORMAT + 1)
    path = board.add("toy")
    monkeypatch.undo()
    found = board.effbench("leaderboard", board.root)
    assert found.exit_code == 1
    assert f"{path}: a session of a newer effbench (upgrade effbench)" in found.stderr


def test_a_real_header_has_what_the_made_up_one_has(board: Board, suite) -> None:
    """So that these tests stay honest when sessions change."""
    from effbench.latency.samples import read_session

    board.effbench(
        "latency",
        suite(altered(SUITE, "latency: false", "latency: {queries: 12, processes: 1}")),
        "--results",
        board.root,
    )
    newest = max(board.folder.glob("latency/*.npz"), key=lambda path: path.stat().st_mtime)
    header = read_session(newest).header
    assert all(hasattr(header, name) for name in HEADER.keys() - {"state"})
