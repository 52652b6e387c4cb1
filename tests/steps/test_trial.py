"""Measures that are tried while planning, in a process that may die."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from altered import altered
from effbench.steps import trial
from effbench.steps.trial import checked_measures
from made_suites import GOOD


def test_measures_that_are_tried_when_planning_pass() -> None:
    names = ["nDCG", "AP", "RR", "Rprec", "Bpref", "Judged@10", "infAP", "RR(rel=2)@10"]
    assert checked_measures(names) == (names, {})
    assert checked_measures(["MRR@10", "RR@10"]) == (["RR@10"], {})


def test_what_cannot_be_calculated_is_one_line_each() -> None:
    names, wrong = checked_measures(
        ["nDCG@10", "ERR", "alpha_nDCG@10", "R", "P@0", "AP(rel=0)", None]
    )
    assert names == ["nDCG@10"]
    assert wrong == {
        1: "nothing installed calculates ERR (another cutoff or parameter?)",
        2: "nothing installed calculates alpha_nDCG@10 (pip install 'ir-measures[pyndeval]')",
        3: "measure 'R' needs a cutoff (write R@100)",
        4: "measure 'P@0': cutoff is 0 (take 1 to 1,000,000)",
        5: "measure 'AP(rel=0)': rel is 0 (take 1 to 1,000,000)",
        6: "no measure is called None (write one such as nDCG@10)",
    }


HOSTILE = """
import os, sys, time
import ir_measures

whole = ir_measures.iter_calc

def iter_calc(measures, qrels, run):
    deeds = {1: os.abort, 2: lambda: time.sleep(1000), 3: lambda: os._exit(0), 4: sys.exit,
             5: lambda: os.write(1, b"null\\n[1]\\n"), 6: lambda: print("hello"),
             7: lambda: os.system("kill -9 $PPID"), 8: lambda: 1 / 0}
    deeds.get(measures[0].params["cutoff"], lambda: None)()
    return whole(measures, qrels, run)

ir_measures.iter_calc = iter_calc
"""


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Judged@1, Judged@2 and so on do something bad, in processes that are started."""
    (tmp_path / "sitecustomize.py").write_text(HOSTILE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(trial, "_KNOWN", {})


def test_a_provider_that_ends_the_process_is_a_line_of_the_plan(
    effbench, suite, hostile
) -> None:
    text = altered(
        GOOD,
        "[nDCG@10]",
        f"[nDCG@10, {', '.join(f'Judged@{i}' for i in (1, 3, 4, 5, 6, 7, 8, 9))}]",
    )
    found = effbench("plan", suite(text))
    assert found.exit_code == 2
    said = found.stderr.removeprefix("Error: ").splitlines()
    lines = [line.split(": ", 2)[2] for line in said]
    ends = "cannot be calculated: its provider ends the process"
    assert lines[0].startswith(f"Judged@1 {ends} (Aborted)")
    assert lines[1].startswith(f"Judged@3 {ends} (exit code 0)")
    assert lines[2].startswith("Judged@4 cannot be calculated: SystemExit")
    assert lines[3].startswith(f"Judged@7 {ends} (Killed)")
    assert lines[4] == "Judged@8 cannot be calculated: ZeroDivisionError: division by zero"
    assert len(lines) == 5


def test_evaluate_says_the_same_of_measures(effbench, hostile, tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text("1 0 a 1\n")
    (tmp_path / "run").write_text("1 Q0 a 1 1.0 t\n")
    names = [part for name in ("Judged@1", "R", "RR@10") for part in ("-m", name)]
    found = effbench("evaluate", tmp_path / "qrels", tmp_path / "run", *names)
    assert found.exit_code == 2
    first, second = sorted(found.stderr.removeprefix("Error: ").splitlines())
    assert first.startswith(
        "Judged@1 cannot be calculated: its provider ends the process (Aborted)"
    )
    assert second == "measure 'R' needs a cutoff (write R@100)"


def test_a_provider_that_hangs_is_ended(hostile, monkeypatch) -> None:
    monkeypatch.setattr(trial, "SECONDS", 3.0)
    names, wrong = checked_measures(["Judged@2", "RR@10"])
    assert names == ["RR@10"]
    assert wrong[0].startswith("Judged@2 cannot be calculated: no answer after 3 s")


def test_plain_measures_cost_no_process_and_others_one(monkeypatch) -> None:
    started = []
    start = subprocess.Popen
    monkeypatch.setattr(trial, "_KNOWN", {})
    monkeypatch.setattr(
        subprocess, "Popen", lambda *a, **given: started.append(a) or start(*a, **given)
    )
    checked_measures(["nDCG@10", "RR@10", "R@100", "P@5", "AP", "Success@5", "R"])
    checked_measures(["Judged@10"], trying=False)
    assert not started
    for _ in range(2):
        assert checked_measures(["Judged@10", "Bpref", "Rprec"])[1] == {}
    assert len(started) == 1
