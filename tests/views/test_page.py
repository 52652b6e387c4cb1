"""The leaderboard's page in headless Chromium: published results, and hostile made ones."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest

from effbench.text.printing import harmless
from folders import ROOT
from made_browser import needs_browser
from made_records import NASTY, mark_sweeps, write_results
from made_sessions import write_session

RESULTS = ROOT / "results"

pytestmark = needs_browser


def test_the_published_quickstart_is_drawn_sorted_filtered_and_pinned(page) -> None:
    board = page(RESULTS, "--suite", "quickstart")
    board.until("document.querySelector('#chart svg')")
    assert board.points() == 8
    assert len(board.rows()) == 8
    board.show_column("encode p50 ms")
    board.sort("encode p50 ms")
    times = [float(t.split()[0]) for t in board.column("encode p50 ms") if t != "-"]
    assert times == sorted(times)
    assert board.column("encode p50 ms")[-1] == "-", "what has none comes last"
    board.sort("encode p50 ms")
    times = [float(t.split()[0]) for t in board.column("encode p50 ms") if t != "-"]
    assert times == sorted(times, reverse=True)
    board.choose("find", "static hnsw")
    assert board.rows() == ["static"]
    assert "1 of 8 rows" in board.text("count")
    board.choose("find", "")
    board.choose("index", "exact")
    board.until("document.querySelectorAll('#chart .dots_marks path').length === 4")
    board.choose("index", "")
    board.click("#rows tbody input", 0)
    board.click("#rows tbody input", 3)
    pinned = board.text("pins")
    assert "effbench compare --suite" in pinned
    assert " of all-MiniLM-L6-v2's nDCG@10 at " in pinned
    board.click("#rows tbody th.row button", 4)
    assert "pytrec-eval-terrier" in board.text("cell"), "versions"


def test_another_suite_and_measure_can_be_chosen(page) -> None:
    board = page(RESULTS)
    options = "return [...document.getElementById('board').options].map(o => o.text)"
    names = board.js(options)
    (number,) = [i for i, name in enumerate(names) if name.startswith("small-query on amd")]
    board.choose("board", str(number))
    assert len(board.rows()) == 17
    assert board.column("kept")[board.rows().index("gru")].startswith("96.5%")
    board.choose("unit", "nfcorpus/test")
    assert board.column("nDCG@10")[board.rows().index("gru")].startswith("0.3082")
    board.choose("measure", "R@100")
    assert board.column("R@100")[board.rows().index("gru")].startswith("0.3126")


def test_points_of_the_chart_show_their_facts_and_are_pinned(page, browser) -> None:
    from selenium.webdriver import ActionChains

    board = page(RESULTS)
    names = board.js("return [...document.getElementById('board').options].map(o => o.text)")
    (number,) = [i for i, name in enumerate(names) if name.startswith("small-query on intel")]
    board.choose("board", str(number))
    symbols = "#chart .dots_marks path"
    board.until(f"document.querySelectorAll('{symbols}').length === 11")
    point = browser.find_elements("css selector", symbols)[3]
    label = point.get_attribute("aria-label")
    ActionChains(browser).move_to_element(point).perform()
    board.until("!document.getElementById('hint').hidden")
    assert "nDCG@10 0." in board.text("hint")
    ActionChains(browser).click(point).perform()
    board.until("document.querySelectorAll('#rows tr.pinned').length === 1")
    pinned = board.js("return document.querySelector('#rows tr.pinned').dataset.row")
    assert label.startswith(f"{pinned} (exact); nDCG@10 0."), "what a screen reader says"


def test_rows_are_set_against_each_other_by_one_span_alone(page) -> None:
    board = page(RESULTS)
    names = board.js("return [...document.getElementById('board').options].map(o => o.text)")
    (number,) = [i for i, name in enumerate(names) if name.startswith("small-query on intel")]
    board.choose("board", str(number))
    assert board.js("return document.getElementById('span').value") == "end to end", "first"
    board.until("document.querySelectorAll('#chart .dots_marks path').length === 11")
    assert board.text("absent") == "no latency: static-queries (exact), gru-queries (exact)"
    for row in ("bm25", "static"):
        board.click("#rows tbody input", board.rows().index(row))
    assert "bm25 takes 0.202 times the end to end p50 of static (exact)." in board.text("pins")
    assert (
        "effbench compare --suite small-query --span 'end to end' -- bm25 static"
        in board.text("pins")
    )
    front = "return [...document.querySelectorAll('#rows tr.front')].map(r => r.dataset.row)"
    assert board.js(front) == ["static-tuned", "bm25"]
    board.choose("span", "encode")
    board.until("document.querySelectorAll('#chart .dots_marks path').length === 10")
    assert "no encode time: bm25" in board.text("absent")
    assert "Their speeds cannot be compared: bm25 has no encode p50." in board.text("pins")
    assert " times the encode p50 of " not in board.text("pins")
    assert board.js(front) == ["static-tuned", "static"]
    board.choose("unit", "nfcorpus/test")
    board.until("document.getElementById('chart').textContent.includes('ms, all datasets')")
    board.show_column("speed-up end to end")
    ratios = dict(zip(board.rows(), board.column("speed-up end to end"), strict=True))
    assert ratios["bm25"].startswith("90.2 [")
    ratios = dict(zip(board.rows(), board.column("speed-up encode"), strict=True))
    assert ratios["bm25"] == "-"


def test_what_is_marked_or_remarked_is_said(page, tmp_path: Path) -> None:
    folder = write_results(
        tmp_path / "results", rows=["big", "small"], datasets=1, retrievers={"scan": 2.0},
        models={"small": {"remarks": ["it ended far from its <b>targets</b>"]}},
    )  # fmt: skip
    cells = {f"data-0--{i}": {"end to end": [9.0 - i] * 12} for i in range(3)}
    keys = {cell: f"key-{cell}" for cell in cells}
    write_session(
        folder,
        "data-0",
        cells,
        keys=keys,
        unsteady=["data-0--1"],
        processes=3,
        started="2026-11-26T00:00:00+00:00",
    )
    board = page(tmp_path / "results")
    board.until("document.querySelectorAll('#chart .dots_marks path').length === 3")
    board.click("#rows tbody input", board.rows().index("big"))
    board.click("#rows tbody input", board.rows().index("small"))
    assert (
        "Their speeds are not compared: the latency of small (exact) is marked."
        in board.text("pins")
    )
    board.click("#rows tbody th.row button", board.rows().index("small"))
    assert "it ended far from its <b>targets</b>" in board.text("cell")
    assert "latency unstable: in 100% of its blocks" in board.text("cell")
    hollow = "return document.querySelectorAll('#chart path[fill-opacity=\"0\"]').length"
    assert board.js(hollow) == 1


def test_texts_of_queries_that_are_none_are_named(effbench, tmp_path: Path) -> None:
    folder = write_results(tmp_path / "results", rows=["big", "small"], datasets=2)
    (folder / "queries").mkdir()
    (folder / "queries" / "data-0.json").write_text('["no", "texts"]')
    (folder / "queries" / "data-1.json").write_text('{"q0": 7}')
    board = tmp_path / "board.html"
    found = effbench("leaderboard", tmp_path / "results", "--output", board)
    assert found.exit_code == 1
    for name in ("data-0", "data-1"):
        assert f"left out: {folder}/queries/{name}.json: " in found.stderr
    assert board.read_text().count("(query_id: text; run the suite again)") == 2


def test_hostile_names_are_text(page, tmp_path: Path) -> None:
    write_results(tmp_path / "results", rows=NASTY, datasets=2)
    board = page(tmp_path / "results")
    board.until("document.querySelector('#chart svg')")
    assert sorted(board.rows()) == sorted(map(harmless, NASTY))
    board.click("#rows tbody input", 0)
    board.click("#rows tbody th.row button", 1)
    assert board.js("return window.broken === undefined && !document.querySelector('b, img')")


def test_a_cell_shows_the_queries_that_it_wins_and_loses_most(page, tmp_path: Path) -> None:
    folder = write_results(tmp_path / "results", rows=["big", "small"], datasets=1)
    values = [
        json.loads((folder / f"data-0--{i}.json").read_text())["per_query"]["nDCG@10"]
        for i in range(2)
    ]
    apart = {query: values[1][query] - values[0][query] for query in values[0]}
    best, worst = max(apart, key=apart.__getitem__), min(apart, key=apart.__getitem__)
    (folder / "queries").mkdir()
    texts = {query: f"what is <i>{query}</i>?" for query in apart}
    (folder / "queries" / "data-0.json").write_text(json.dumps(texts))
    board = page(tmp_path / "results")
    board.click("#rows tbody th.row button", board.rows().index("small"))
    shown = board.text("cell")
    wins, losses = shown.split("Largest losses")
    assert f"what is <i>{best}</i>? {best}" in wins.partition("Largest wins")[2]
    assert losses.strip().splitlines()[1].startswith(f"what is <i>{worst}</i>? {worst}")


def test_sixty_rows_eighteen_datasets_and_three_machines(page, tmp_path: Path) -> None:
    rows = [f"row-{i:02}" for i in range(60)]
    root = tmp_path / "results"
    for machine in ("one", "two", "three"):
        write_results(root, rows=rows, datasets=18, machine=machine, missing=["row-07"])
    board = page(root)
    size = (tmp_path / "board.html").stat().st_size
    assert size < 3_500_000
    assert len(board.rows()) == 60
    board.show_column("datasets")
    lacking = board.rows().index("row-07")
    assert board.column("datasets")[lacking] == "17 of 18"
    assert board.column("mean nDCG@10")[lacking] == "-"
    assert set(board.column("datasets")) == {"17 of 18", "18 of 18"}
    board.sort("mean nDCG@10")
    assert len(set(board.rows())) == 60
    machines = board.js("return [...document.getElementById('board').options].map(o => o.text)")
    assert machines == [f"made on {name}" for name in ("one", "three", "two")]


def test_sweeps_are_curves_that_cannot_be_pinned_and_sort_by_number(page, tmp_path) -> None:
    names = [f"{row}={n}" for row in ("gru width", "cut length") for n in range(1, 21)]
    mark_sweeps(write_results(tmp_path / "made", rows=["big", *names], datasets=1))
    board = page(tmp_path / "made")
    curves = "[...document.querySelectorAll('#chart .curve_marks path')]"
    board.until(f"{curves}.length === 2")
    assert board.points() == 41
    colours = board.js(f"return {curves}.map(path => path.getAttribute('stroke'))")
    assert len({*colours}) == 2, "a colour for each family"
    for event in ("mousemove", "click"):
        board.js(
            f"{curves}.forEach(p => p.dispatchEvent(new MouseEvent(arguments[0],"
            " {bubbles: true, clientX: 5, clientY: 5})))",
            event,
        )
    assert board.js("return document.querySelectorAll('#rows tr.pinned').length") == 0
    assert board.js("return document.getElementById('hint').hidden")
    board.sort("row")
    assert board.rows()[1:] == [*names[20:], *names[:20]]
    assert not board.js("return document.getElementById('curves').hidden")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(small_query, browser, scheme: str) -> None:
    pytest.importorskip(
        "axe_core_python", reason="no axe-core here: pip install axe-core-python"
    )
    script = resources.files("axe_core_python").joinpath("axe.min.js").read_text("utf-8")
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.set_script_timeout(150)
    small_query.js(script)
    for number in (1, 2):
        small_query.click("#rows tbody input", number)
    small_query.click("#rows tbody th.row button", 0)
    small_query.click("#columns summary")
    for view in ("latency", "speed-up", "heat map", "queries"):
        small_query.choose("view", view)
        small_query.until("document.querySelector('#chart .dots_marks path[tabindex]')")
        found = browser.execute_async_script(
            "axe.run(document).then((found) => arguments[0](found.violations))"
        )
        serious = [
            (rule["id"], rule["nodes"][0]["html"])
            for rule in found
            if rule["impact"] in ("serious", "critical")
        ]
        assert serious == [], view
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.slow
def test_a_large_page_stays_small(effbench, tmp_path: Path) -> None:
    """300 rows on 18 datasets; the values of queries of as many rows as have room."""
    rows = [f"row-{i:03}" for i in range(300)]
    write_results(tmp_path / "made", rows=rows, datasets=18, queries=60)
    path = tmp_path / "board.html"
    made = effbench("leaderboard", tmp_path / "made", "--output", path)
    assert made.exit_code == 0, made.output
    assert path.stat().st_size < 5_000_000


def test_without_a_latency_the_page_shows_what_it_has(page) -> None:
    board = page(ROOT / "results", "--suite", "distillation")
    assert "; the best of them is minilm through exact (100.0%, no latency)" in board.text(
        "answer-said"
    )
    controls = "['budget', 'percent', 'rate', 'price', 'busy'].map(n => 'answer-' + n)"
    hidden = f"{controls}.map(n => document.getElementById(n).offsetParent === null)"
    assert board.js(f"return {hidden}") == [True] * 5
    board.until("document.querySelectorAll('#chart .dots_marks path').length > 20")
    assert board.js("return document.getElementById('no-chart').hidden")


def test_the_page_opens_with_a_machine_that_has_a_latency(page) -> None:
    board = page(ROOT / "results", "--suite", "small-query")
    shown = board.js("return document.getElementById('board').selectedOptions[0].text")
    assert "intel" in shown
    assert f"On {shown.removeprefix('small-query on ')}: Ship " in board.text("answer-said")
    board.until("document.querySelectorAll('#chart .dots_marks path').length === 11")


@pytest.mark.parametrize(("width", "in_view"), [(1280, 8), (400, 5)])
def test_the_first_columns_are_in_view(page, width: int, in_view: int) -> None:
    board = page(ROOT / "results", "--suite", "quickstart")
    board.width(width)
    edges = board.js(
        "return [...document.querySelectorAll('#rows thead th')].map("
        "head => head.getBoundingClientRect().right)"
    )
    assert edges[in_view - 1] <= width
    assert board.js(
        "return [...document.querySelectorAll('#rows tbody th.row')].every(row => {"
        "const [box, name] = ['input', 'button'].map(tag => row.querySelector(tag));"
        "return name.getBoundingClientRect().left > box.getBoundingClientRect().right; })"
    ), "a name stands beside its box"
