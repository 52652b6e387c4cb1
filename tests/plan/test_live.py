"""Live rows in a plan: which values name them, what they share, and what is in their keys."""

from __future__ import annotations

import json
import re

import pytest

from altered import altered
from effbench.offers import plugins
from effbench.plan import planner
from made_plugins import offering

SOURCE = """
class Mine:
    nbytes = 0
    def __init__(
        self,
        *,
        encoder: effbench.Encoder | None = None,
        corpus: effbench.EncodedCorpus | None = None,
        searcher: effbench.Searcher | None = None,
        searchers: list[effbench.Searcher] | None = None,
        models: list[effbench.ModelId] | None = None,
        datasets: list[effbench.Dataset] | None = None,
        turn: effbench.SpeedOnly[int] = 0,
    ): pass
    def index(self, docs): pass
    def search(self, queries, k): return [[] for _ in queries]
""" + offering("retrievers", "Mine")

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders:
  words: {use: words}
  light: {use: words-queries, passages: words}
indexes:
  plain: {use: plain, search: {depth: [5, 20]}}
retrievers:
  scan: {use: scan}
  inner: {use: mine, turn: 0}
  live: {use: mine, OPTION}
latency: false
"""


@pytest.fixture
def plan(mine, effbench, suite):
    """Plan a suite whose row ``live`` has an option; return label or cell -> key."""
    mine(SOURCE)

    def start(option: str, old: str = "", new: str = "") -> dict[str, str]:
        text = altered(SUITE, "OPTION", option)
        found = effbench("plan", suite(altered(text, old, new) if old else text), "--json")
        assert found.exit_code == 0, found.stderr
        said = json.loads(found.stdout)
        cells = {cell["name"]: cell["key"] for cell in said["cells"]}
        return {**{step["label"]: step["key"] for step in said["steps"]}, **cells}

    return start


LIVE = "toy--live"
THROUGH = "{row: light, index: plain}"


@pytest.mark.parametrize(
    ("option", "old", "new", "moved"),
    [
        ("encoder: words", "{use: words}", "{use: words, width: 9}", True),
        ("encoder: words", "{use: words}", "{use: words, lower: true}", True),
        ("encoder: light", "{use: words}", "{use: words, width: 9}", True),
        ("encoder: words", "{use: words}", "{use: words, pause_ms: 1}", False),
        ("corpus: words", "{use: words}", "{use: words, width: 9}", True),
        ("corpus: words", "{use: toy}", "{use: toy, docs: 61}", True),
        ("searcher: scan", "{use: scan}", "{use: scan, twice: true}", True),
        ("searcher: inner", "turn: 0", "turn: 1", False),
        ("searcher: inner", "turn: 0", "encoder: words", True),
        (f"searcher: {THROUGH}", "{use: plain,", "{use: plain, lose: 1,", True),
        (f"searcher: {THROUGH}", "{use: words}", "{use: words, width: 9}", True),
        (f"searcher: {THROUGH}", "[5, 20]", "[5]", False),
        (f"searcher: {THROUGH}", "index: plain}", "index: plain, search: {depth: 3}}", True),
        (f"searchers: [inner, {THROUGH}]", f"inner, {THROUGH}", f"{THROUGH}, inner", True),
    ],
)
def test_what_decides_a_live_rows_answers_is_in_the_key(plan, option, old, new, moved) -> None:
    assert (plan(option)[LIVE] != plan(option, old, new)[LIVE]) is moved


def test_live_rows_share_the_steps_of_cells(plan) -> None:
    alone = plan("turn: 0")
    shared = plan(f"searchers: [scan, {THROUGH}], corpus: words, encoder: words")
    assert {label: key for label, key in shared.items() if "live" not in label} == {
        label: key for label, key in alone.items() if "live" not in label
    }
    assert sum(label.startswith("encode words corpus") for label in shared) == 1


def cells_of(suite, tmp_path, option: str):
    path = suite(altered(SUITE, "OPTION", option))
    made = planner.make(path, plugins.load(), tmp_path / "digests", tmp_path)
    return {cell.name: cell for cell in made.cells}


def test_speed_and_code_of_live_rows_count_for_the_cell(mine, suite, tmp_path) -> None:
    mine(SOURCE)
    before, after = (
        cells_of(suite, tmp_path, option)[LIVE]
        for option in ("searcher: inner", "searchers: [inner]")
    )
    (path,) = tmp_path.glob("suite.yaml")
    path.write_text(altered(altered(SUITE, "OPTION", "searcher: inner"), "turn: 0", "turn: 1"))
    made = planner.make(path, plugins.load(), tmp_path / "digests", tmp_path)
    changed = next(cell for cell in made.cells if cell.name == LIVE)
    assert changed.key == before.key != after.key
    assert changed.latency_key != before.latency_key
    nested = cells_of(suite, tmp_path, f"searchers: [{THROUGH}]")[LIVE]
    assert {(offer.section, offer.name) for offer in nested.offers} >= {
        ("retrievers", "mine"),
        ("encoders", "words"),
        ("encoders", "words-queries"),
        ("indexes", "plain"),
    }
    assert [row.name for row in nested.row.live] == ["light", "plain"]


def test_a_row_that_looks_answers_up_has_no_latency_inside_another(
    mine, suite, tmp_path
) -> None:
    mine(altered(SOURCE, "    nbytes = 0\n", "    nbytes = 0\n    latency = False\n"))
    cells = cells_of(suite, tmp_path, "searcher: scan")
    assert not cells[LIVE].has_latency
    assert cells["toy--scan"].has_latency


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("encoder: scan", "no row 'scan' in encoders"),
        ("encoder: wrds", "no row 'wrds' in encoders (did you mean 'words'?"),
        ("searcher: scna", "no row 'scna' in retrievers (did you mean 'scan'?"),
        ("searcher: words", "'words' is a row of encoders (say {row: words, index: ROW}"),
        (
            "searcher: {row: scan, index: plain}",
            "'scan' is a row of retrievers (say scan alone",
        ),
        ("searcher: {row: words}", "is not a row of retrievers or {row: ROW, index: ROW"),
        ("searcher: {row: words, index: exact}", "no row 'exact' in indexes"),
        (
            "searcher: {row: words, index: plain, search: {deep: 3}}",
            "search: deep: unknown search option (did you mean 'depth'?",
        ),
        (
            "searcher: {row: words, index: plain, search: {depth: x}}",
            "search: depth: 'x' is not int | none",
        ),
        ("searcher: {row: words, index: plain, search: 3}", "search: 3 is not {OPTION: VALUE}"),
        ("searcher: live", "depends on itself: live -> live"),
        ("searchers: [scan, live]", "depends on itself: live -> live"),
        ("searchers: scan", "'scan' is not list["),
        ("models: [a, 3]", "is not list[model] | none"),
        ("models: [a, {trained: b}]", "no row 'b' in models"),
        ("datasets: [target, 3]", "3 is no dataset"),
    ],
)
def test_a_mistake_about_a_live_row_is_a_line(mine, effbench, suite, option, said) -> None:
    mine(SOURCE)
    found = effbench("plan", suite(altered(SUITE, "OPTION", option)))
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert re.search(r"yaml:\d+: retrievers\.live", line)
    assert said in line


def test_a_broken_dataset_is_the_only_mistake(mine, effbench, suite) -> None:
    mine(SOURCE)
    text = altered(SUITE, "OPTION", f"searchers: [scan, {THROUGH}]")
    found = effbench("plan", suite(altered(text, "{use: toy}", "{use: toy, docs: 0}")))
    (line,) = found.stderr.splitlines()
    assert "docs: 0 is too few" in line


def test_a_sweep_of_a_live_row_sweeps_the_row_that_uses_it(plan) -> None:
    swept = ("words: {use: words}", "words: {use: words, sweep: {width: [8, 16]}}")
    cells = plan(f"searchers: [scan, {THROUGH}], encoder: words", *swept)
    assert {"toy--live-width=8", "toy--live-width=16"} <= {*cells}
    assert cells["toy--live-width=8"] != cells["toy--live-width=16"]
    assert sum(label.startswith("encode words") and "corpus" in label for label in cells) == 2
