"""What is finished is not done again."""

from __future__ import annotations

from pathlib import Path

from altered import altered
from made_suites import TOYS


def test_a_finished_suite_does_nothing_again(run, tmp_path: Path) -> None:
    run(TOYS)
    times = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    again = run(TOYS)
    assert again.exit_code == 0
    assert "0 cells done, 5 finished already, 0 failed; 0 steps made" in again.stderr
    after = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    notes = {"suite.yaml", "digests.json", "uses"}  # what is remembered of files is no result
    assert {p: t for p, t in after.items() if not notes & set(p.parts)} == {
        p: t for p, t in times.items() if not notes & set(p.parts)
    }


def test_a_new_measure_redoes_no_step(run, records) -> None:
    run(TOYS)
    again = run(altered(TOYS, "RR@10]", "RR@10, R@50]"))
    assert "5 cells done" in again.stderr
    assert "0 steps made" in again.stderr
    assert ["R@50" in record["scores"] for record in records().values()] == [True] * 5
