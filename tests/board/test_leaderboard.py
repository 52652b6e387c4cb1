"""The leaderboard: what it shows of records, and what it refuses to average."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from effbench.store.disk import write_json
from made_records import write_results
from made_sessions import write_session

SUITE = """\
suite: toys
datasets:
  - {use: toy}
  - group: pair
    datasets: [{use: toy, name: one, docs: 30}, {use: toy, name: two, docs: 21}]
measures: [nDCG@10, RR@10]
encoders:
  words: {use: words, width: 16}
retrievers:
  scan: {use: scan}
indexes:
  plain: {use: plain, search: {depth: [1, 10]}}
latency: false
"""

STUDENT = "  typed: {use: typed, passages: words, width: 16, words: 2}\nretrievers:"


@pytest.fixture
def board(effbench, suite, tmp_path: Path):
    """Run a suite, then show its leaderboard in a format."""

    def show(text: str, form: str = "json", *options: str) -> str:
        effbench("run", suite(text), "--results", tmp_path / "results", *options)
        found = effbench("leaderboard", tmp_path / "results", "--format", form)
        assert found.exit_code == 0, found.output
        return found.stdout

    return show


def lines(text: str) -> dict[tuple[str, str], dict]:
    (table,) = json.loads(text)
    return {(line["row"], line["index"]): line for line in table["lines"]}


def test_a_group_counts_as_one_dataset(board) -> None:
    line = lines(board(SUITE))["words", "plain depth=1"]
    pair = line["nDCG@10 pair"]
    assert line["mean nDCG@10"] == pytest.approx((line["nDCG@10 toy"] + pair) / 2, abs=1e-15)
    assert line["datasets"] == "2 of 2"
    assert 0 < pair < 1


def test_a_mean_needs_every_dataset(board) -> None:
    broken = SUITE.replace("name: one, docs: 30", "name: one, docs: 30, broken: offline")
    text = board(broken)
    line = lines(text)["words", "plain depth=1"]
    assert line["mean nDCG@10"] is None
    assert line["nDCG@10 pair"] is None
    assert line["datasets"] == "1 of 2"
    remarks = json.loads(text)[0]["remarks"]
    assert "one--scan: FAILED: toy: the host cannot be reached (connect)" in remarks


def test_best_first_and_the_order_of_files_is_nothing(board, effbench, tmp_path: Path) -> None:
    text = board(SUITE)
    (table,) = json.loads(text)
    means = [line["mean nDCG@10"] for line in table["lines"]]
    assert means == sorted(means, reverse=True)
    for path in sorted(tmp_path.glob("results/*/toys/*.json"), reverse=True):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    again = effbench("leaderboard", tmp_path / "results", "--format", "json")
    assert again.stdout == text


@pytest.fixture
def expecting(board, suite) -> tuple[Path, float]:
    """Make a suite that expects two scores of a row, of which it misses one by 0.01."""
    found = lines(board(SUITE))["scan", ""]
    toy, pair = found["RR@10 toy"], found["RR@10 pair"]
    scores = f"{{scan: {{toy: {toy - 0.01:.4f}, pair: {pair + 0.0009:.6f}}}}}"
    return suite(SUITE + f"expected: {{RR@10: {scores}}}\n"), toy


def test_expected_scores_are_held_against_the_first_index(
    expecting, effbench, tmp_path: Path
) -> None:
    path, toy = expecting
    ran = effbench("run", path, "--results", tmp_path / "results", "--json")
    found = lines(ran.stdout)
    missed, met = found["scan", ""]["expected"]
    assert missed == {
        "measure": "RR@10", "dataset": "toy", "published": round(toy - 0.01, 4), "score": toy,
        "tolerance": 0.001, "difference": toy - round(toy - 0.01, 4), "met": False,
        "said": f"FAIL RR@10 toy {toy:.4f} (published {toy - 0.01:.4f})",
    }  # fmt: skip
    assert (met["dataset"], met["met"]) == ("pair", True)
    assert found["words", "plain depth=1"]["expected"] == []
    shown = effbench("leaderboard", tmp_path / "results", "--format", "csv")
    said = f"FAIL RR@10 toy {toy:.4f} (published {toy - 0.01:.4f}); OK 1"
    assert said in [row["expected"] for row in csv.DictReader(io.StringIO(shown.stdout))]


@pytest.mark.parametrize("command", ["run", "leaderboard"])
def test_scores_that_are_not_as_expected_are_exit_code_1(
    expecting, effbench, tmp_path: Path, command: str
) -> None:
    path, toy = expecting
    ran = effbench("run", path, "--results", tmp_path / "results")
    given = [path, "--results"] if command == "run" else []
    found = effbench(command, *given, tmp_path / "results")
    assert (ran.exit_code, found.exit_code) == (1, 1)
    assert f"toys scan: not as expected: FAIL RR@10 toy {toy:.4f}" in found.stderr
    forgiven = effbench(command, *given, tmp_path / "results", "--forgive-expected")
    assert forgiven.exit_code == 0
    assert "toys scan: not as expected" in forgiven.stderr


def test_markdown_csv_and_table_say_the_same(board, effbench, tmp_path: Path) -> None:
    by_name = lines(board(SUITE))
    scan = by_name["scan", ""]
    rows = list(csv.DictReader(io.StringIO(board(SUITE, "csv"))))
    (row,) = [row for row in rows if row["row"] == "scan"]
    assert float(row["mean nDCG@10"]) == scan["mean nDCG@10"]
    wanted = f"{scan['mean nDCG@10']:.4f}"
    assert f"| scan |  | {wanted} [" in board(SUITE, "markdown")
    assert wanted in board(SUITE, "table")
    output = tmp_path / "board.csv"
    effbench("leaderboard", tmp_path / "results", "--format", "csv", "--output", output)
    assert output.read_text() == board(SUITE, "csv")


def test_parameters_are_short_for_people_and_whole_for_programs(board) -> None:
    text = SUITE.replace("retrievers:", STUDENT)
    found = lines(board(text))
    assert found["typed", "plain depth=10"]["parameters"] == 1_234_567
    assert found["words", "plain depth=10"]["parameters"] is None
    assert " 1.2M |" in board(text, "markdown")
    assert ",1234567," in board(text, "csv")


def test_students_keep_a_share_of_the_score_that_their_teacher_has_there(board) -> None:
    text = SUITE.replace("retrievers:", STUDENT)
    found = lines(board(text))
    for depth in (1, 10):
        teacher, student = (found[row, f"plain depth={depth}"] for row in ("words", "typed"))
        for kept, score in {
            "kept": "mean nDCG@10",
            "kept toy": "nDCG@10 toy",
            "kept pair": "nDCG@10 pair",
        }.items():
            assert student[kept] == student[score] / teacher[score]
            assert teacher[kept] is None
        assert 0.1 < student["kept"] < 1
        bounds = f"[{student['kept low']:.1%}, {student['kept high']:.1%}]".replace("%", "")
        wanted = f" {student['kept']:.1%} {bounds} | {student['kept toy']:.1%} |"
        assert wanted in board(text, "markdown")
        assert f"{student['kept']:.1%}" in board(text, "table")


def test_a_share_needs_the_teachers_line(board) -> None:
    text = SUITE.replace("retrievers:", STUDENT)
    assert "kept" not in board(text, "markdown", "--only", "typed")
    found = lines(board(text, "json", "--only", "typed"))
    assert found["typed", "plain depth=1"]["kept"] is None


def test_names_are_harmless_in_markdown_and_csv(board) -> None:
    odd = SUITE.replace("  scan:", "  '1=1,`x`_y_[z]':", 1)
    assert ',"1=1,`x`_y_[z]",' in board(odd, "csv")
    assert "| 1=1,\\`x\\`\\_y\\_\\[z\\] |" in board(odd, "markdown")


@pytest.mark.parametrize(
    ("content", "remark"),
    [
        ("{", "cannot be read"),
        ('{"a": 1}', "not a record of effbench"),
        ('{"schema": 999}', "schema 999 is newer than ours"),
    ],
)
def test_a_record_that_is_none_is_named_and_left_out(
    board, effbench, tmp_path: Path, content: str, remark: str
) -> None:
    board(SUITE)
    (path,) = tmp_path.glob("results/*/toys/toy--scan.json")
    path.write_text(content)
    text = effbench("leaderboard", tmp_path / "results", "--format", "json").stdout
    (found,) = json.loads(text)[0]["remarks"]
    assert str(path) in found
    assert remark in found
    assert lines(text)["scan", ""]["datasets"] == "1 of 2"


def test_a_cut_corpus_is_said_to_be_one(board, effbench, tmp_path: Path) -> None:
    cut = SUITE.replace(
        "  - {use: toy}\n", "  - {use: cut, docs: 20, dataset: {use: toy}}\n", 1
    )
    (table,) = json.loads(board(cut))
    assert "toy-cut-20: 20 docs of toy: scores are higher than with all" in table["remarks"]
    page = tmp_path / "board.html"
    effbench("leaderboard", tmp_path / "results", "--output", page)
    assert "dataset with a note" in page.read_text()


def test_options_that_do_not_go_together_are_refused(board, effbench, tmp_path: Path) -> None:
    board(SUITE)
    for options, said in (
        (["--budget", "5ms", "--output", "x.html"], "leave out --output, --columns"),
        (["--span", "encod"], "--span encod: no such span (known: encode, after last word"),
        (["--output", tmp_path / "x"], "x: in which format? (give --format, or"),
        (["--format", "svg"], "no row with a score and a latency of end to end p50"),
    ):
        found = effbench("leaderboard", tmp_path / "results", *options)
        assert found.exit_code == 2
        assert said in found.stderr


def test_no_results_is_one_line(effbench, tmp_path: Path) -> None:
    found = effbench("leaderboard", tmp_path)
    assert found.exit_code == 2
    assert "no results there" in found.stderr


SHARED = """\
suite: shared
datasets: [{use: toy}, {use: toy, name: more}, {use: toy, name: other, docs: 21}]
measures: [nDCG@10]
encoders: {words: {use: words, width: 16}}
retrievers: {scan: {use: scan}}
indexes: {plain: {use: plain}}
latency: false
"""


def test_an_index_of_a_shared_corpus_counts_once(board, tmp_path: Path) -> None:
    found = lines(board(SHARED))
    for place, row in ((("words", "plain"), "words--plain"), (("scan", ""), "scan")):
        costs = {
            name: json.loads(
                next(tmp_path.glob(f"results/*/shared/{name}--{row}.json")).read_text()
            )["costs"]
            for name in ("toy", "more", "other")
        }
        assert costs["toy"]["index_key"] == costs["more"]["index_key"]
        assert costs["toy"]["index_key"] != costs["other"]["index_key"]
        for column, cost, unit in (("MB", "index_bytes", 1e6), ("s", "index_seconds", 1)):
            wanted = sum(costs[name][cost] for name in ("toy", "other")) / unit
            assert found[place][f"index {column}"] == pytest.approx(wanted)


def test_records_without_keys_of_indexes_are_added_up(effbench, tmp_path: Path) -> None:
    write_results(tmp_path, rows=["big"], datasets=3)
    found = lines(effbench("leaderboard", tmp_path, "--format", "json").stdout)
    assert found["big", "exact"]["index MB"] == pytest.approx(0.003)


def said_of(effbench, root: Path) -> list[str]:
    found = effbench("leaderboard", root, "--format", "json")
    assert found.exit_code == 0, found.output
    remarks: list[str] = json.loads(found.stdout)[0]["remarks"]
    return remarks


def test_what_trainers_remark_is_said_once(effbench, tmp_path: Path) -> None:
    remark = "its schedule\nwas cut to 306 steps"
    models = {"big": {"remarks": [remark]}, "base": {"folder": "train/1", "remarks": ["so-so"]}}
    write_results(tmp_path, rows=["big", "small"], datasets=3, models=models)
    assert said_of(effbench, tmp_path) == [
        "big: its schedule was cut to 306 steps",
        "big, small: model base: so-so",
        "small: model big: its schedule was cut to 306 steps",
    ]
    shown = effbench("leaderboard", tmp_path, "--format", "markdown").stdout
    assert shown.count("its schedule was cut") == 2


@pytest.mark.parametrize(
    "models",
    [{"big": None}, {"big": ["remarks"]}, {"big": {"remarks": "text"}},
     {"big": {"remarks": {"a": "b"}}}, {"big": {"remarks": [None, 7, ["x"], "", " \n"]}}],
)  # fmt: skip
def test_remarks_that_are_none_are_left_out(effbench, tmp_path: Path, models: object) -> None:
    write_results(tmp_path, rows=["big"], datasets=1, models=models)
    assert said_of(effbench, tmp_path) == []


def test_remarks_fit_on_a_line(effbench, tmp_path: Path) -> None:
    odd = ["half \x1b[31m\u202e", "long " * 9999]
    write_results(tmp_path, rows=["big"], datasets=1, models={"big": {"remarks": odd}})
    half, long = said_of(effbench, tmp_path)
    assert half == r"big: half \x1b[31m\u202e"
    assert len(long) < 520
    assert effbench("leaderboard", tmp_path).exit_code == 0


def test_images_say_who_is_not_on_them(effbench, tmp_path: Path) -> None:
    root, output = tmp_path / "results", tmp_path / "chart.svg"
    folder = write_results(root, rows=["big", "small"], datasets=1, retrievers={"scan": 2.0})
    effbench("leaderboard", root, "--output", output)
    drawn = output.read_text()
    assert drawn.count('aria-roledescription="point"') == 3
    assert "end to end p50, ms" in drawn
    assert "no encode time" not in drawn
    effbench("leaderboard", root, "--output", output, "--span", "encode")
    drawn = output.read_text()
    assert drawn.count('aria-roledescription="point"') == 2
    assert "no encode time: scan" in drawn
    cells = {f"data-0--{i}": {"end to end": [9.0 - i] * 12} for i in range(2)}
    keys = {cell: f"key-{cell}" for cell in cells}
    (session,) = (folder / "latency").iterdir()
    session.unlink()
    write_session(folder, "data-0", cells, keys=keys, unsteady=["data-0--1"], processes=3)
    effbench("leaderboard", root, "--output", output)
    drawn = output.read_text()
    assert "no latency: scan" in drawn
    assert "hollow, not ranked (latency unstable): small through exact" in drawn


def test_a_latency_that_is_not_measured_yet_is_missed(effbench, tmp_path: Path) -> None:
    folder = write_results(tmp_path, rows=["big", "small"], datasets=2)
    facts = json.loads((folder / "suite.json").read_text())
    facts.pop("sha256", None)
    facts["latency"]["conditions"] = {"protocol": 3, "threads": 1}
    write_json(folder / "suite.json", facts)
    said = "latency not measured yet"
    assert said not in effbench("leaderboard", tmp_path).stdout
    for dataset, where in (("data-1", " on data-1"), ("data-0", "")):
        next((folder / "latency").glob(f"{dataset}--*")).unlink()
        lines = effbench("leaderboard", tmp_path).stdout.splitlines()
        assert f"{said}{where} (effbench run SUITE measures it)" in lines
    facts["latency"]["conditions"] = {}
    write_json(folder / "suite.json", facts)
    assert said not in effbench("leaderboard", tmp_path).stdout


def test_a_latency_on_some_datasets_is_none_of_the_row(effbench, tmp_path: Path) -> None:
    folder = write_results(tmp_path, rows=["big", "small"], datasets=2)
    next((folder / "latency").glob("data-1--*")).unlink()
    found = effbench("leaderboard", tmp_path, "--budget", "9s")
    assert (
        "left out: no latency on data-1: big through exact, small through exact" in found.stdout
    )
