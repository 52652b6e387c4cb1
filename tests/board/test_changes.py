"""What moved between two folders of results (``effbench diff``), on made-up ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from made_records import write_results
from made_sessions import write_session


@pytest.fixture
def old(tmp_path: Path) -> Path:
    write_results(tmp_path / "old", rows=["big", "small"], datasets=1, queries=60)
    return tmp_path / "old"


@pytest.fixture
def new(old: Path, tmp_path: Path) -> Path:
    shutil.copytree(old, tmp_path / "new")
    return tmp_path / "new"


def record(root: Path, number: int) -> Path:
    (found,) = root.glob(f"*/made/data-0--{number}.json")
    return found


def edit(path: Path, change) -> None:
    content = json.loads(path.read_text())
    change(content)
    content["scores"] = {
        name: sum(values.values()) / len(values)
        for name, values in content["per_query"].items()
    }
    path.write_text(json.dumps(content))


def lowered(by: float, queries: int = 60):
    def change(content: dict) -> None:
        content["key"] = "another"
        values = content["per_query"]["nDCG@10"]
        for query in list(values)[:queries]:
            values[query] -= by

    return change


def test_the_same_results_have_not_moved(effbench, old: Path, new: Path) -> None:
    found = effbench("diff", old, new)
    assert found.exit_code == 0, found.output
    assert found.stdout == "8 figures compared, 0 moved beyond noise\n"
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
    assert "4 figures compared, 0 moved beyond noise; 4 could not be compared" in found.stdout
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
    assert f"3 figures compared, {apart}" in found.stdout


def test_a_record_that_does_not_count_is_said_with_the_reason(effbench, old, new) -> None:
    def fewer(content: dict) -> None:
        del content["per_query"]["nDCG@10"]["q0"]
        content["created"] = "2026-11-26T00:00:00+00:00"

    edit(record(new, 1), fewer)
    assert (
        "worse  made data-0--0: cell was done, now left out, since data-0 has other data now "
        "than they were measured on" in effbench("diff", old, new).stdout
    )


def time(root: Path, big: float = 10.0, small: float = 5.0, **header) -> None:
    """Measure both rows anew: ms that encoding takes."""
    cells = {"data-0--0": big, "data-0--1": small}
    write_session(
        record(root, 0).parent, "data-0",
        {
            cell: {"encode": [ms] * 12, "end to end": [ms + 0.5] * 12}
            for cell, ms in cells.items()
        },
        keys={cell: f"key-{cell}" for cell in cells},
        **{"processes": 3, "started": "2026-11-26T00:00:00+00:00", **header},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ms", "said", "code"),
    [
        (5.4, "8 figures compared, 0 moved", 0),
        (
            5.6,
            "worse  made small exact: speed-up encode 2 [2, 2] -> 1.79 [1.79, 1.79] (0.893 ",
            1,
        ),
        (5.8, "worse  made small exact: encode p50 ms 5 [5, 5] -> 5.8 [5.8, 5.8] (1.16 ", 1),
        (4.0, "better made small exact: speed-up encode", 0),
    ],
)
def test_speed_ups_move_by_more_than_ten_per_cent_and_times_by_fifteen(
    effbench, old: Path, new: Path, ms: float, said: str, code: int
) -> None:
    time(new, small=ms)
    found = effbench("diff", old, new)
    assert said in found.stdout
    assert ("small exact: encode p50 ms" in found.stdout) == (ms in (5.8, 4.0))
    assert found.exit_code == code


def test_a_baseline_that_slows_down_is_worse_and_no_other_row_is_better(
    effbench, old: Path, new: Path
) -> None:
    time(new, big=13.0)
    found = effbench("diff", old, new)
    assert found.exit_code == 1
    assert "worse  made big exact: encode p50 ms 10 [10, 10] -> 13 [13, 13]" in found.stdout
    assert "better" not in found.stdout
    assert (
        "not compared made: the baseline big exact moved itself: speed-up encode, speed-up end "
        "to end of small exact" in found.stdout
    )


def test_a_machine_that_slows_down_as_a_whole_is_taken_out(effbench, old, new) -> None:
    time(new, big=13.0, small=6.5, kernel_ns=1300)
    found = effbench("diff", old, new)
    assert (found.exit_code, found.stdout) == (0, "8 figures compared, 0 moved beyond noise\n")
    time(new, big=13.0, small=13.0, kernel_ns=1300, started="2026-11-26T01:00:00+00:00")
    found = effbench("diff", old, new)
    assert (
        "encode p50 ms 5 [5, 5] -> 13 [13, 13] (2 [2, 2] times at equal speed of the machine, "
        "which took 1.30 times as long)" in found.stdout
    )


BUSY = ["data-0--0", "data-0--1"]


def test_marked_latencies_are_not_compared_and_that_is_said(effbench, old, new) -> None:
    time(new, small=14.9, unsteady=BUSY)
    found = effbench("diff", old, new)
    assert found.exit_code == 0
    assert found.stdout == (
        "2 figures compared, 0 moved beyond noise; 6 could not be compared\n"
        "not compared made: latency unstable in the new results (such as in 100% of its blocks "
        "the machine's speed changed (data-0)): encode p50 ms, end to end p50 ms, speed-up "
        "encode, speed-up end to end of big exact, small exact\n"
    )
    back = effbench("diff", new, old).stdout
    assert "latency unstable in the old results" in back
    assert "latency unstable in both results" in effbench("diff", new, new).stdout


def test_what_noise_hardly_explains_is_said_of_marked_latencies(effbench, old, new) -> None:
    time(new, small=30.0, unsteady=BUSY)
    found = effbench("diff", old, new)
    assert found.exit_code == 0, "it is not sure"
    assert (
        "perhaps worse made small exact: encode p50 ms 5 -> 30 (6 [6, 6] times): beyond the 3 "
        "times that a busy machine explains, but not sure (latency unstable in the new results)"
        in found.stdout
    )
    told = json.loads(effbench("diff", old, new, "--json").stdout)["not_compared"]
    (one,) = [one for one in told if (one["where"], one["what"]) == WHICH]
    assert (one["perhaps"], one["old"], one["new"], one["tolerance"]) == ("worse", 5, 30, 3)
    assert one["ratio"] == {"value": 6, "low": 6, "high": 6}
    assert "perhaps better made small exact" in effbench("diff", new, old).stdout


WHICH = "small exact", "encode p50 ms"


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


def test_too_few_processes_for_an_interval_are_said(effbench, tmp_path: Path) -> None:
    for name, ms in (("old", 5.0), ("new", 9.0)):
        folder = write_results(tmp_path / name, rows=["big", "small"], datasets=1)
        shutil.rmtree(folder / "latency")
        time(tmp_path / name, small=ms, processes=2)
    found = effbench("diff", tmp_path / "old", tmp_path / "new")
    why = "fewer than 3 processes have steady times (raise latency's processes) in both results"
    assert why in found.stdout
    assert "2 figures compared, 0 moved beyond noise; 6 could not be compared" in found.stdout


def test_another_baseline_and_new_rows_are_said(effbench, old: Path, tmp_path: Path) -> None:
    write_results(tmp_path / "new", rows=["small", "big", "more"], datasets=1, queries=60)
    found = effbench("diff", old, tmp_path / "new")
    assert "over another baseline: big exact, now small exact: speed-up" in found.stdout
    assert "no such row in the old results: encode p50 ms, end to end p50 ms" in found.stdout
    assert "not done in the old results: nDCG@10 of data-0--2" in found.stdout


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
    assert "3 figures compared, 0 moved" in found.stdout
    assert found.stderr.count("cannot be read") == 2


def test_another_machine_is_compared_by_scores_alone(effbench, old: Path, new: Path) -> None:
    (folder,) = new.iterdir()
    folder.rename(new / "another-machine")
    edit(record(new, 1), lowered(0.05))

    def change(content: dict) -> None:
        content["per_query"]["nDCG@10"]["q0"] += 0.01

    edit(record(new, 0), change)  # of the same key, but trained on another machine
    found = effbench("diff", old, new, "--json")
    facts = json.loads(found.stdout)
    assert [(one["where"], one["what"]) for one in facts["moved"]] == [("data-0--1", "nDCG@10")]
    reasons = {one["where"]: one["why"] for one in facts["not_compared"]}
    assert reasons["big exact"] == "measured on a-machine and on another-machine"


def test_a_retriever_that_slows_down_is_worse_end_to_end(effbench, tmp_path: Path) -> None:
    for name, ms in (("old", 2.0), ("new", 4.0)):
        write_results(tmp_path / name, rows=["big"], datasets=1, retrievers={"scan": ms})
    found = effbench("diff", tmp_path / "old", tmp_path / "new")
    assert "worse  made scan: speed-up end to end 5.25 [5.25, 5.25] -> 2.62" in found.stdout
    assert "worse  made scan: end to end p50 ms 2 [2, 2] -> 4 [4, 4]" in found.stdout
    assert "encode" not in found.stdout, "it never had a time of encoding"


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
