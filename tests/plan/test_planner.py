"""Plans: what is shown, and what moves a key."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from altered import altered
from effbench.api.errors import EffbenchError
from effbench.offers import plugins
from effbench.plan import planner

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders:
  words: {use: words, width: 64}
indexes:
  plain: {use: plain, search: {depth: [5, 20]}}
"""


def keys(effbench, path) -> dict[str, str]:
    found = effbench("plan", path, "--json")
    assert found.exit_code == 0, found.stderr
    plan = json.loads(found.stdout)
    cells = {cell["name"]: cell["key"] for cell in plan["cells"]}
    return {**{step["label"]: step["key"] for step in plan["steps"]}, **cells}


def test_plan_lists_steps_and_cells_and_runs_nothing(effbench, suite, tmp_path) -> None:
    found = effbench("plan", suite(SUITE), "--steps")
    assert found.exit_code == 0
    lines = found.stdout.splitlines()
    assert lines[-1] == "2 cells, 6 steps, 6 of them to do"
    assert sum("to do" in line for line in lines[:-1]) == 6
    assert [line.split()[-1] for line in lines if line.startswith("cell")] == [
        "toy--words--plain--depth=5",
        "toy--words--plain--depth=20",
    ]
    assert not (tmp_path / "cache").exists()


ENCODE, QUERIES = "encode words corpus of toy", "encode words queries of toy"


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        ("width: 64", "width: 64, pause_ms: 1", set()),
        ("width: 64", "width: 64, device: cuda", set()),
        ("words: {use: words, width: 64}", "words: {use: words}", set()),
        ("width: 64", "width: 64, lower: true", {QUERIES}),
        ("width: 64", "width: 65", {ENCODE, QUERIES}),
        ("{use: toy}", "{use: toy, docs: 61}", {ENCODE, QUERIES}),
        ("[nDCG@10]", "[nDCG@10, RR@10]", set()),
    ],
)
def test_what_moves_the_keys_of_encodings(effbench, suite, old, new, moved) -> None:
    before, after = (
        keys(effbench, suite(SUITE)),
        keys(effbench, suite(altered(SUITE, old, new))),
    )
    assert {label for label in (ENCODE, QUERIES) if before[label] != after[label]} == moved


def test_a_cell_key_follows_the_measures_but_not_the_row_name(effbench, suite) -> None:
    before = keys(effbench, suite(SUITE))
    more = keys(effbench, suite(altered(SUITE, "[nDCG@10]", "[nDCG@10, RR@10]")))
    renamed = keys(effbench, suite(altered(SUITE, "  words:", "  terms:")))
    cell = "toy--words--plain--depth=5"
    assert before[cell] != more[cell]
    assert before[cell] == renamed["toy--terms--plain--depth=5"]


def test_two_datasets_of_one_corpus_share_its_vectors(effbench, suite) -> None:
    found = keys(
        effbench, suite(altered(SUITE, "[{use: toy}]", "[{use: toy}, {use: toy, name: b}]"))
    )
    assert sum(label.startswith("encode words corpus") for label in found) == 1
    assert sum(label.startswith("encode words queries") for label in found) == 2


def test_passages_share_the_other_rows_vectors_and_index(effbench, suite) -> None:
    light = altered(
        SUITE, "indexes:", "  light: {use: words-queries, passages: words}\nindexes:"
    )
    labels = list(keys(effbench, suite(light)))
    assert sum(label.startswith("encode words corpus") for label in labels) == 1
    assert sum(label.startswith("index plain") for label in labels) == 1
    assert "encode light queries of toy" in labels


def test_a_suite_whose_ready_rows_cannot_run_says_why(
    effbench, suite, mine, monkeypatch
) -> None:
    rows = {"encoders": {"lost": {"use": "nothing-like-it"}}}
    mine(f"@effbench.hookimpl\ndef effbench_ready_rows(): return {rows}\n")
    monkeypatch.setenv("EFFBENCH_PLUGINS", "mine,toy")
    monkeypatch.setattr("effbench_toy.effbench_ready_rows", dict)
    done = effbench(
        "plan", suite(altered(SUITE, "\n  words: {use: words, width: 64}", " every"))
    )
    assert done.exit_code == 2
    why, last = done.stderr.splitlines()
    assert (
        "suite: plugin 'mine': ready row 'lost' is left out: nothing installed offers 'nothing-"
        in why
    )
    assert "suite: the suite has no cell" in last


def test_every_takes_the_ready_rows_that_can_run(effbench, suite, monkeypatch) -> None:
    monkeypatch.setenv("EFFBENCH_PLUGINS", "toy")
    every = altered(SUITE, "\n  words: {use: words, width: 64}", " every\nretrievers: every")
    found = effbench("plan", suite(every))
    assert found.exit_code == 0, found.stderr
    assert "row    ready-words (words, ready row): 1 dataset, 2 cells\n" in found.stdout
    assert "row    ready-scan (scan, ready row): 1 dataset\n" in found.stdout
    assert (
        "plugin 'toy': ready row 'ready-broken' is left out: unknown option 'widht'"
        in found.stderr
    )
    named = effbench("plan", suite(every + "latency: {baseline: ready-words}\n"))
    assert named.exit_code == 0, named.stderr
    wrong = effbench("plan", suite(every + "latency: {baseline: ready-scan}\n"))
    assert "no encoder 'ready-scan' in this suite" in wrong.stderr


@pytest.mark.parametrize(
    ("line", "mend"),
    [
        ("x: clicked: item", "mapping values are not allowed here (quote a text that holds"),
        ("x: @me", "that cannot start any token (quote a text that begins with it)"),
        ("x: *y", "found undefined alias 'y' (write &NAME before what it stands for, above)"),
        ("x\n", "could not find expected ':' (write NAME: VALUE)"),
        ("x: 'y", "found unexpected end of stream (is a quotation mark left open?)"),
    ],
)
def test_what_is_not_yaml_says_how_to_mend_it(effbench, suite, line: str, mend: str) -> None:
    found = effbench("plan", suite(f"{SUITE}{line}"))
    assert re.search(rf"suite\.yaml:\d+: not YAML: .*{re.escape(mend)}", found.stderr)


THREE = """\
suite: toys
datasets: [{use: toy}, {use: folder, path: docs}, {use: toy, name: b, docs: 20}]
models:
  table: {use: table, targets: {encoder: words, texts: [{titles: target}]}}
  near: {use: nearest, domains: {models: table, of: others, features: words}}
encoders:
  words: {use: words}
  near: {use: table, model: near, passages: words}
  own: {use: table, model: table, passages: words}
retrievers: {scan: {use: scan}}
indexes: {plain: {use: plain}}
"""


@pytest.fixture
def make(suite, tmp_path):
    """Return a function that plans `THREE`; the folder of its second dataset is ``docs``."""
    docs = tmp_path / "docs"
    (docs / "qrels").mkdir(parents=True)
    for name in ("corpus", "queries"):
        (docs / f"{name}.jsonl").write_text('{"_id": "1", "title": "oak", "text": "oak"}\n')
    (docs / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\t1\t1\n")

    def make(text: str = THREE, only: int | None = None) -> planner.Plan:
        digests = tmp_path / "digests.json"
        return planner.make(suite(text), plugins.load(), digests, tmp_path, text, only)

    return make


def test_the_plan_of_one_dataset_has_the_cells_and_keys_of_the_whole_plan(make) -> None:
    whole = make()
    assert whole.datasets == ("toy", "docs/test", "b")
    assert len(whole.cells) == 12
    for number, name in enumerate(whole.datasets):
        part = make(only=number)
        keys = {cell.name: cell.key for cell in whole.cells if cell.dataset.name == name}
        assert {cell.name: cell.key for cell in part.cells} == keys


def test_the_plan_of_one_dataset_reads_the_others_only_for_rows_that_name_them(
    make, tmp_path
) -> None:
    alone = re.sub(r"  near: .*\n", "", THREE)
    shutil.rmtree(tmp_path / "docs")
    assert len(make(alone, only=0).cells) == 3
    for text, only in ((THREE, 0), (alone, 1), (alone, None)):
        with pytest.raises(EffbenchError, match=r"datasets.1.path: no file or folder"):
            make(text, only)


READY = """
@effbench.hookimpl
def effbench_ready_rows():
    texts = [{"queries": {"use": "toy"}}]
    near = {"models": "table", "of": [{"use": "toy", "docs": 30}], "features": "teacher"}
    return {
        "models": {
            "table": {"use": "table", "targets": {"encoder": "teacher", "texts": texts}},
            "near": {"use": "nearest", "domains": near},
        },
        "encoders": {
            "teacher": {"use": "words", "sweep": {"width": [16, 32]}},
            "pupil": {"use": "table", "model": "table", "passages": "teacher"},
            "near": {"use": "table", "model": "near", "passages": "teacher"},
            "lost": {"use": "table", "model": "tabel"},
            "odd": {"use": "words", "passages": 7},
        },
    }
"""


def test_ready_rows_name_rows_of_their_plugin_first_and_stand_beside_named_rows(
    effbench, suite, mine
) -> None:
    mine(READY)
    text = altered(SUITE, "encoders:\n", "encoders:\n  every: true\n  teacher: {use: words}\n")
    text = altered(text, "search: {depth: [5, 20]}", "search: {depth: [5]}")
    done = effbench("plan", suite(text), "--json")
    assert done.exit_code == 0, done.stderr
    plan = json.loads(done.stdout)
    cells, remarks = {cell["row"]: cell["key"] for cell in plan["cells"]}, plan["remarks"]
    assert list(cells)[:2] == ["teacher", "words"]
    assert {"ready-words", "pupil width=16", "pupil width=32"} <= set(cells)
    assert "teacher width=16" not in cells  # the suite has a row of that name
    assert any("'lost' is left out: no row 'tabel' in models (" in r for r in remarks)
    assert any("ready row encoders.odd.passages: passages are ROW" in r for r in remarks)
    assert "odd" not in cells

    one = effbench("plan", suite(altered(text, "every: true", "every: false")))
    assert "encoders.every: a row is {use: NAME" in one.stderr


def test_a_ready_row_that_one_dataset_refuses_is_left_out_there_alone(
    effbench, suite, mine
) -> None:
    mine(
        altered(READY, '"models": "table", "of"', '"models": "of-target", "of"').replace(
            '"table": {',
            '"of-target": {"use": "table", "targets": {"encoder": "teacher", '
            '"texts": [{"queries": "target"}]}}, "table": {',
            1,
        )
    )
    text = altered(SUITE, "[{use: toy}]", "[{use: toy}, {use: toy, docs: 30, name: small}]")
    text = altered(text, "encoders:\n", "encoders:\n  every: true\n")
    done = effbench("plan", suite(text), "--json")
    assert done.exit_code == 0, done.stderr
    plan = json.loads(done.stdout)
    near = {cell["dataset"] for cell in plan["cells"] if "near" in cell["row"]}
    assert near == {"toy"}
    why = "toy is of the target's own collection (leave it out)"
    (left_out,) = [remark for remark in plan["remarks"] if "row 'near'" in remark]
    assert left_out.endswith(f"{why} (on small)")
