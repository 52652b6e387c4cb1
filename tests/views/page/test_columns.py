"""The columns of the page: their figures, what is in view, copied, linked and printed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest

from made_indexes import put_index
from made_records import NASTY, write_results

HEADS = "return [...document.querySelectorAll('#rows thead th')].map(h => h.textContent)"
SAID = ("pins", "answer-said")
RIGHT = (
    "return [...document.querySelectorAll('#rows thead th')].map(h => [h.textContent,"
    " h.getBoundingClientRect().right])"
)


def test_the_page_has_the_figures_of_the_table_as_texts(effbench, tmp_path: Path) -> None:
    pytest.importorskip("vl_convert")
    folder = write_results(tmp_path / "results", rows=["big", "small"], datasets=2)
    for path in folder.glob("data-*.json"):
        record = json.loads(path.read_text())
        record["vectors"] = {"big": "tokens", "small": "sparse"}[record["row"]["name"]]
        record["costs"] |= {"vectors_bytes": 70_000, "saved_bytes": 0, "index_seconds": 2}
        path.write_text(json.dumps(record))
    put_index(folder, "hnsw", {1: lambda value, _: value / 2}, {"efSearch": 4})
    made = effbench("leaderboard", tmp_path / "results", "--output", tmp_path / "board.html")
    assert made.exit_code == 0, made.output
    page = (tmp_path / "board.html").read_text()
    (data,) = re.findall(r'id="data">(.*?)</script>', page)
    (board,) = json.loads(data)["boards"]
    columns = {
        column["title"]: [cell and cell[0] for cell in board["shared"][column["cells"]]]
        for column in board["columns"]
        if column["first"] != "text" and column["unit"] in (None, "mean")
    }
    table = effbench("leaderboard", tmp_path / "results", "--format", "markdown").stdout
    head, _, *lines = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line.startswith("|")
    )
    both = {*columns} & {*head}
    assert {
        "mean nDCG@10",
        "kept",
        "p",
        "encode p50 ms",
        "speed-up encode",
        "exact hits@10",
        "index MB",
        "vectors MB",
        "saved MB",
        "index s",
    } <= both
    kinds = next(column for column in board["columns"] if column["title"] == "vectors")
    at = head.index("vectors")
    assert board["shared"][kinds["cells"]] == [line[at] for line in lines]
    assert {line[at] for line in lines} == {"tokens", "sparse"}
    for title in both:
        texts = [line[head.index(title)].split(" ")[0] for line in lines]
        assert [(text or "-").split(" ")[0] for text in columns[title]] == texts


def test_the_most_important_columns_are_in_view(small_query) -> None:
    standard = [
        "rank", "row", "index", "mean nDCG@10", "kept", "end to end p50 ms",
        "speed-up end to end", "memory MB",
    ]  # fmt: skip
    for width, count in ((1280, 8), (400, 5)):
        small_query.width(width)
        assert small_query.js(HEADS) == standard
        assert all(right <= width for _, right in small_query.js(RIGHT)[:count]), width
        assert small_query.js("return document.documentElement.scrollWidth") <= width
    sticky = (
        "document.querySelector('#rows').parentElement.scrollLeft = 500;"
        "return ['.rank', '.row'].map(name => document.querySelector('#rows tbody ' + name)"
        ".getBoundingClientRect().left)"
    )
    left = small_query.js(sticky)
    assert all(0 <= place < 100 for place in left), "they stay when the table scrolls"
    small_query.width(1280)


def test_the_link_restores_what_was_chosen(small_query, browser) -> None:
    small_query.choose("unit", "nfcorpus/test")
    small_query.choose("view", "speed-up")
    small_query.click("#intervals")
    small_query.show_column("parameters")
    small_query.choose("find", "gru")
    small_query.sort("kept")
    small_query.sort("kept")
    small_query.click("#rows tbody input", 1)
    places = {"answer-budget": "3", "answer-keep": "90", "answer-rate": "100"}
    for control, place in places.items():
        small_query.js(
            "const control = document.getElementById(arguments[0]);"
            "control.value = arguments[1];"
            "control.dispatchEvent(new Event('input', {bubbles: true}))",
            control,
            place,
        )
    small_query.until("location.hash.includes('answer-rate')")
    told = (HEADS, *(f"return document.getElementById('{n}').innerText" for n in SAID))
    before = [small_query.rows(), *map(small_query.js, told)]
    link = small_query.js("return location.href")
    asked = parse_qs(urlparse(link).fragment)
    assert asked["more"] == ["parameters"]
    assert asked["unit"] == ["nfcorpus/test"]
    budget = "return document.getElementById('answer-budget').getAttribute('aria-valuetext')"
    assert asked["answer-budget"] == [small_query.js(budget)], "not the slider's place"
    assert (asked["sort"], asked["down"]) == (["kept"], ["false"])
    browser.get("about:blank")
    browser.get(link)
    small_query.until("document.querySelector('#rows tbody tr')")
    assert [small_query.rows(), *map(small_query.js, told)] == before
    assert not small_query.js("return document.getElementById('intervals').checked")
    assert small_query.js("return document.getElementById('view').value") == "speed-up"


def test_the_table_is_copied_as_markdown_and_latex(small_query) -> None:
    small_query.choose("find", "gru-int8")
    small_query.click("#markdown")
    copied = "return document.getElementById('copied').value"
    assert small_query.js(copied) == (
        "| rank | row | index | mean nDCG@10 | kept | end to end p50 ms | speed-up end to end"
        " | memory MB |\n"
        "| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |\n"
        "| 4 | gru-int8 | exact | 0.4647 [0.4359, 0.4928] | 96.7%* [94.3, 99.1]"
        " | 1.08 [1.06, 1.09] | 7.62 [7.46, 7.78] | 642 |\n"
    )
    small_query.click("#latex")
    lines = small_query.js(copied).splitlines()
    assert lines[4] == r"\begin{tabular}{rllrrrrr}"
    assert lines[8] == (
        r"4 & gru-int8 & exact & 0.4647 [0.4359, 0.4928] & 96.7\%* [94.3, 99.1]"
        r" & 1.08 [1.06, 1.09] & 7.62 [7.46, 7.78] & 642 \\"
    )


def test_copies_write_hostile_names_as_the_command_does(page, effbench, tmp_path) -> None:
    write_results(tmp_path / "made", rows=NASTY, datasets=1)
    board = page(tmp_path / "made")
    for form, cut in (("markdown", " | "), ("latex", " & ")):
        board.click(f"#{form}")
        copied = board.js("return document.getElementById('copied').value")
        table = effbench("leaderboard", tmp_path / "made", "--format", form).stdout
        for wrapped in (r"{\raggedright ", r"\allowbreak ", r"\par}"):
            table = table.replace(wrapped, "")
        ours, theirs = (
            {part for line in text.splitlines() for part in line.split(cut)}
            for text in (copied, table)
        )
        for word in ("bold", "quoted", "1+1", "rocket"):
            assert len({part for part in ours & theirs if word in part}) == 1, word


def test_all_columns_are_printed(small_query) -> None:
    small_query.js("dispatchEvent(new Event('beforeprint'))")
    titles = "return [...document.querySelectorAll('#print thead th')].map(h => h.textContent)"
    offered = "return [...document.querySelectorAll('#columns label')].map(l => l.textContent)"
    printed = small_query.js(titles)
    assert {title.strip() for title in small_query.js(offered)} < {*printed}
    tables = small_query.js("return document.querySelectorAll('#print table').length")
    assert [printed.count(name) for name in ("rank", "row", "index")] == [tables] * 3
    small_query.js("dispatchEvent(new Event('afterprint'))")
    assert small_query.js(titles) == []
