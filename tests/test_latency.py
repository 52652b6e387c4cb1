"""Latency sessions: what is measured and kept, what goes wrong in workers, and its figures."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

from effbench.latency.alone import exclusive
from effbench.latency.samples import Session, read_session
from effbench.statistics import trust
from effbench.work.progress import Silent

TERMS = "{queries: 30, warmup: 12, processes: 2, timeout: 20}"
SUITE = f"""\
suite: toys
datasets: [{{use: toy}}]
encoders:
  words: {{use: words}}
  other: {{use: words, width: 32}}
retrievers: {{scan: {{use: scan}}}}
indexes: {{plain: {{use: plain}}}}
latency: {TERMS}
"""


def with_row(row: str, terms: str = TERMS) -> str:
    return SUITE.replace("{use: words, width: 32}", row).replace(TERMS, terms)


def sessions(folder: Path) -> list[Session]:
    return [read_session(path) for path in sorted(folder.glob("*/toys/latency/*.npz"))]


def lines(found) -> dict[str, dict]:
    return {line["row"]: line for line in json.loads(found.stdout)[0]["lines"]}


@pytest.fixture
def measured(effbench, suite, tmp_path):
    """Measure a suite's latency; return the command's result and the session."""

    def measure(text: str, *arguments: str, results: str = "results"):
        place = tmp_path / results
        options = ("--results", place, "--json", *arguments)
        found = effbench("latency", suite(text), *options)
        assert found.exception is None or isinstance(found.exception, SystemExit), found.output
        return found, sessions(place)[-1]

    return measure


def test_every_sample_of_a_session_is_kept(measured) -> None:
    found, session = measured(SUITE)
    assert found.exit_code == 0, found.output
    rows = {facts.row: name for name, facts in session.header.rows.items()}
    assert set(rows) == {"words", "other", "scan"}
    for row, spans in {
        "words": {"encode", "search", "end to end"},
        "scan": {"end to end"},
    }.items():
        times = {span: session.times(rows[row], span) for span in session.header.spans}
        assert {span for span, by_process in times.items() if by_process} == spans
        for span in spans:
            assert set(times[span]) == {0, 1}
            assert all(sorted(one[:, 1]) == list(range(30)) for one in times[span].values())
            assert all((one[:, 2] > 0).all() for one in times[span].values())
    assert len(set(session.header.queries)) == 30
    assert len(session.blocks) == 2 * 3 * 3  # processes, rows, blocks of 10
    assert session.header.fingerprint["threads"] == 1


def test_a_session_of_few_queries_begins_its_epochs_anew(measured) -> None:
    _, session = measured(SUITE, "--queries", "70", "--rows", "words", "--processes", "1")
    queries = session.header.queries
    assert len(queries) == 70
    assert len(set(queries[:30])) == len(set(queries[30:60])) == 30
    assert queries[:30] != queries[30:60]


def test_the_baseline_is_measured_along(measured) -> None:
    found, session = measured(SUITE, "--rows", "other", "--processes", "3")
    assert {facts.row for facts in session.header.rows.values()} == {"words", "other"}
    assert session.header.baseline == "toy--words--plain"
    assert set(lines(found)) == {"words", "other"}
    assert (
        lines(found)["other"]["speed-up encode"]
        or lines(found)["other"]["latency"] == "unstable"
    )


def test_run_measures_what_has_changed_and_only_that(effbench, suite, tmp_path) -> None:
    results = tmp_path / "results"

    def run(text: str) -> tuple[str, int]:
        found = effbench("run", suite(text), "--results", results)
        assert found.exit_code == 0, found.output
        return found.stderr, len(sessions(results))

    assert run(SUITE)[1] == 1
    assert "3 finished already" in run(SUITE)[0]
    assert run(SUITE)[1] == 1
    assert run(SUITE.replace("queries: 30", "queries: 20"))[1] == 2
    assert run(SUITE.replace("words, width: 32", "words, pause_ms: 0.1"))[1] == 3
    assert run(SUITE)[1] == 3


def test_a_quick_look_is_not_taken_for_the_suites_session(effbench, suite, tmp_path) -> None:
    results = tmp_path / "results"
    effbench("latency", suite(SUITE), "--results", results, "--processes", "1")
    assert len(sessions(results)) == 1
    assert effbench("run", suite(SUITE), "--results", results).exit_code == 0
    assert len(sessions(results)) == 2


def test_a_row_that_cannot_be_made_leaves_the_others(measured) -> None:
    found, session = measured(
        SUITE.replace("encoders:", "encoders:\n  bad: {use: bad, wrong: nan}"),
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
        found = effbench("latency", suite(SUITE), *arguments)
        assert found.exit_code == 2
        assert said in found.stderr


def test_sessions_wait_for_each_other(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    other = FileLock(tmp_path / "effbench-latency.lock")
    said = []

    class Watcher(Silent):
        def note(self, message: str) -> None:
            said.append(message)
            other.release()

    other.acquire()
    with exclusive(Watcher()):
        assert said == ["latency: another session measures on this machine, waiting"]
        assert not other.is_locked


def test_latency_can_be_left_out(effbench, suite, tmp_path) -> None:
    found = effbench("run", suite(SUITE.replace(TERMS, "false")), "--results", tmp_path / "r")
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


LARGE = SUITE.replace("use: toy}", "use: toy, docs: 400}")
SLEEPER = "{use: odd, odd: sleeps, text: apple apple apple, ms: %d, passages: words}"


def test_an_outlier_of_1_in_200_shows_in_p99_and_not_in_p50(measured) -> None:
    text = LARGE.replace("{use: words, width: 32}", SLEEPER % 30)
    found, _ = measured(text.replace("queries: 30", "queries: 800"), "--processes", "1")
    line = lines(found)["other"]
    assert line["encode p50 ms"] < 10
    assert line["encode p99 ms"] > 30


def test_a_stall_shows_in_the_response_times_of_those_who_waited(measured) -> None:
    terms = TERMS.replace("queries: 30", "queries: 200, arrivals: [0.5]")
    text = LARGE.replace("{use: words, width: 32}", SLEEPER % 200).replace(TERMS, terms)
    _, session = measured(text, "--processes", "1")
    served, answered = (
        session.times("toy--other--plain", span)[0][:, 2] / 1e6
        for span in ("end to end", "response at 50%")
    )
    assert served.max() > 200
    assert (answered > 50).sum() > (served > 50).sum() + 20, "who waits behind it waits too"
    (rates,) = [
        one.arrivals[0] for one in session.header.processes if one.cell == "toy--other--plain"
    ]
    assert rates["share"] == 0.5
    assert rates["per_second"] == pytest.approx(rates["asked"], rel=0.5)


def test_stages_tokens_and_bytes_are_told_apart(measured) -> None:
    found, session = measured(with_row("{use: staged, passages: words}"))
    _, parts = json.loads(found.stdout)
    (line,) = [one for one in parts["lines"] if one["row"] == "other"]
    assert line["pool ms"] > 2 > line["tokenise ms"]
    assert line["17-32 tokens ms"] > 2
    assert lines(found)["other"]["MB read"] == pytest.approx(30)
    assert set(session.header.rows["toy--other--plain"].tokens) == {30}


def test_rows_that_memory_cannot_hold_at_once_meet_the_baseline_in_groups(measured) -> None:
    three = SUITE.replace("retrievers:", "  third: {use: words, width: 16}\nretrievers:")
    _, session = measured(three.replace("timeout: 20", "timeout: 20, together: 2"))
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
    effbench("run", suite(SUITE), "--results", results)
    (path,) = results.glob("*/toys/latency/*.npz")
    path.write_bytes(path.read_bytes()[:500])
    found = effbench("leaderboard", results, "--format", "json")
    assert found.exit_code == 1
    (table,) = json.loads(found.stdout)
    assert any(f"{path}: no latency session" in remark for remark in table["remarks"])
    assert table["lines"][0]["encode p50 ms"] is None
