"""Latency sessions: what is measured and kept, what goes wrong in workers, and its figures."""

from __future__ import annotations

import json

from altered import altered
from effbench.latency.samples import Session
from effbench.machine import linux
from effbench.statistics import trust
from made_timed import TERMS, TIMED, lines, sessions, with_row


def test_a_session_of_few_queries_begins_its_epochs_anew(measured) -> None:
    _, session = measured(TIMED, "--queries", "70", "--rows", "words", "--processes", "1")
    queries = session.header.queries
    assert len(queries) == 70
    assert len(set(queries[:30])) == len(set(queries[30:60])) == 30
    assert queries[:30] != queries[30:60]


def test_the_baseline_is_measured_along(measured, monkeypatch) -> None:
    steady = trust.Stability(1.0, True, 0.0, ())  # whatever this machine does meanwhile
    monkeypatch.setattr(trust, "stability_of", lambda *_: steady)
    found, session = measured(TIMED, "--rows", "other", "--processes", "3")
    assert {facts.row for facts in session.header.rows.values()} == {"words", "other"}
    assert session.header.baseline == "toy--words--plain"
    assert set(lines(found)) == {"words", "other"}
    assert lines(found)["other"]["speed-up encode"] > 0
    assert lines(found)["other"]["latency"] == ""


def test_run_measures_what_has_changed_and_only_that(effbench, suite, tmp_path) -> None:
    results = tmp_path / "results"

    def run(text: str) -> tuple[str, int]:
        found = effbench("run", suite(text), "--results", results)
        assert found.exit_code == 0, found.output
        return found.stderr, len(sessions(results))

    assert run(TIMED)[1] == 1
    assert "3 finished already" in run(TIMED)[0]
    assert run(TIMED)[1] == 1
    assert run(altered(TIMED, "queries: 30", "queries: 20"))[1] == 2
    assert run(altered(TIMED, "words, width: 32", "words, pause_ms: 0.1"))[1] == 3
    assert run(TIMED)[1] == 3


def test_a_quick_look_is_not_taken_for_the_suites_session(effbench, suite, tmp_path) -> None:
    results = tmp_path / "results"
    effbench("latency", suite(TIMED), "--results", results, "--processes", "1")
    assert len(sessions(results)) == 1
    assert effbench("run", suite(TIMED), "--results", results).exit_code == 0
    assert len(sessions(results)) == 2


def test_a_row_that_cannot_be_made_leaves_the_others(measured) -> None:
    found, session = measured(
        altered(TIMED, "encoders:", "encoders:\n  bad: {use: bad, wrong: nan}"),
        "--processes",
        "1",
    )
    assert found.exit_code == 1
    assert "FAILED toy--bad--plain: " in found.stderr
    assert set(session.header.errors) == {"toy--bad--plain"}
    measured_rows = {session.header.rows[one.cell].row for one in session.header.processes}
    assert measured_rows == {"words", "other", "scan"}


def test_rows_and_datasets_are_named_as_in_the_suite(effbench, suite) -> None:
    for arguments, said in {
        ("--rows", "word"): "no row 'word' in this suite (did you mean 'words'?)",
        ("--datasets", "toi"): "no dataset 'toi' in this suite (did you mean 'toy'?)",
    }.items():
        found = effbench("latency", suite(TIMED), *arguments)
        assert found.exit_code == 2
        assert said in found.stderr


def test_latency_can_be_left_out(effbench, suite, tmp_path) -> None:
    found = effbench("run", suite(altered(TIMED, TERMS, "false")), "--results", tmp_path / "r")
    assert found.exit_code == 0
    assert not sessions(tmp_path / "r")
    assert "p50" not in found.stdout


def test_what_a_plugin_prints_does_not_disturb(measured) -> None:
    found, _ = measured(with_row("{use: odd, odd: prints, passages: words}"))
    assert found.exit_code == 0
    assert lines(found)["other"]["encode p50 ms"] > 0


def test_an_encoder_that_remembers_answers_is_found_out(measured) -> None:
    found, session = measured(with_row("{use: odd, odd: remembers, ms: 2, passages: words}"))
    assert trust.keeps_answers(session, "toy--other--plain")
    assert not trust.keeps_answers(session, "toy--words--plain")
    line = lines(found)["other"]
    assert "keeps answers" in line["latency"]
    assert line["speed-up encode"] is None


THREE = altered(TIMED, "retrievers:", "  third: {use: words, width: 16}\nretrievers:")


def test_rows_that_memory_cannot_hold_at_once_meet_the_baseline_in_groups(measured) -> None:
    _, session = measured(altered(THREE, "timeout: 20", "timeout: 20, together: 2"))
    assert_groups_of_two(session)


def test_other_programs_keep_a_third_of_the_free_memory(measured, monkeypatch) -> None:
    free = iter([9, 2, 9, 9, 2, 9])  # before each round, and before a third row in it
    monkeypatch.setattr(linux, "free_bytes", lambda: next(free, 9) * 10**15)
    _, session = measured(THREE)
    assert_groups_of_two(session)


def assert_groups_of_two(session: Session) -> None:
    processes = {
        facts.row: set(session.times(name, "end to end"))
        for name, facts in session.header.rows.items()
    }
    assert processes == {
        "words": set(range(6)),
        "scan": {0, 1},
        "other": {2, 3},
        "third": {4, 5},
    }


def test_a_session_that_cannot_be_read_is_one_remark(effbench, suite, tmp_path) -> None:
    results = tmp_path / "results"
    effbench("run", suite(TIMED), "--results", results)
    (path,) = results.glob("*/toys/latency/*.npz")
    path.write_bytes(path.read_bytes()[:500])
    found = effbench("leaderboard", results, "--format", "json")
    assert found.exit_code == 1
    (table,) = json.loads(found.stdout)
    assert any(f"{path}: no latency session" in remark for remark in table["remarks"])
    assert table["lines"][0]["encode p50 ms"] is None
