"""The page's answer is that of the command line, for any terms; and how its controls work."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from effbench.board.candidates import Terms
from effbench.board.choice import choose
from effbench.board.demand import Demand, money, need, service_of
from effbench.board.headline import certainty, headline, rival_said
from effbench.board.leaderboard import boards
from made_answers import write_every_case
from made_browser import needs_browser
from made_records import write_results

pytestmark = needs_browser

GRID = """
const [keeps, demand] = arguments, found = [], byId = (id) => document.getElementById(id);
const set = (id, value, kind) => {
  byId(id).value = value;
  byId(id).dispatchEvent(new Event(kind, { bubbles: true }));
};
for (const [name, value] of Object.entries(demand)) set(`answer-${name}`, value, "input");
const boxes = [...document.querySelectorAll("#answer-allow input")];
const every = boxes.map((box) => box.value);
const choices = [[], ["unstable"], every].slice(0, 1 + Math.min(2, boxes.length));
for (const percent of ["p50", "p95"]) {
  set("answer-percent", percent, "change");
  for (const allowed of choices) {
    for (const box of boxes) box.checked = allowed.includes(box.value);
    for (let at = 0; at <= byId("answer-budget").max; at += 2) {
      set("answer-budget", at, "input");
      for (const keep of keeps) {
        set("answer-keep", keep, "input");
        const budget = byId("answer-budget").getAttribute("aria-valuetext");
        const said = [...byId("answer-said").children].map((line) => line.textContent);
        found.push({ percent, allowed, keep, budget, said });
      }
    }
  }
}
return found;
"""
CELLS = """
const tables = [...document.querySelectorAll("#answer-needs table")];
const table = tables.find((one) => one.caption.textContent === arguments[0]);
const rows = [...table.tBodies[0].rows];
return rows.map((row) => [...row.cells].map((cell) => cell.textContent));
"""
KEEPS = (0, 55.5, 66.5, 95, 99.5)
KINDS = (
    "Ship ", "Provisionally ship ", "No row is within ", "No row keeps ",
    "No row can be shipped: ",
    "No latency tells which row to ship ", "On b-machine: Ship ", "were its latency sure, ",
    "likely, not sure: ", "not sure: ", "sure: ",
)  # fmt: skip
"""The beginnings of the lines of an answer; the grid has cases of all of them."""

DEMAND = Demand(300.0, 0.0625, 0.6)


def test_the_page_and_the_command_say_the_same(page, tmp_path: Path) -> None:
    write_every_case(tmp_path / "results")
    known = {(board.suite, board.machine): board for board in boards([tmp_path / "results"])}
    opened = page(tmp_path / "results")
    cases, kinds = 0, set()
    names = opened.js("return [...document.getElementById('board').options].map(o => o.text)")
    for number, name in enumerate(names):
        suite, machine = name.split(" on ")
        if machine != "a-machine":
            continue
        opened.choose("board", str(number))
        fields = {"rate": DEMAND.rate, "price": DEMAND.price, "busy": 60}
        for case in opened.js(GRID, KEEPS, fields):
            budget = case["budget"]
            terms = Terms(
                None if budget == "no limit" else float(budget.removesuffix(" ms")),
                case["keep"] / 100 or None,
                percent=int(case["percent"][1:]),
                allowed=frozenset(case["allowed"]),
            )
            of_suite = [board for key, board in known.items() if key[0] == suite]
            said = [line for board in of_suite for line in _said(board, terms, len(of_suite))]
            assert case["said"] == said, (suite, terms)
            kinds |= {kind for kind in KINDS for line in said if line.startswith(kind)}
            cases += 1
        for board in of_suite:
            cells = opened.js(CELLS, f"{suite} on {board.machine}")
            assert cells == [list(_needed(board, i)) for i in range(len(board.lines))]
    assert cases > 300
    assert kinds == {*KINDS}, cases


def test_the_page_opens_with_a_suite_that_has_times_and_names_the_baseline(
    page, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    write_results(results, rows=["big", "small"], datasets=1, suite="timed")
    folder = write_results(results, rows=["other"], datasets=1, suite="a-first")
    shutil.rmtree(folder / "latency")
    opened = page(results)
    assert opened.text("answer-title") == "Which row to ship: timed"
    assert opened.text("answer-baseline") == (
        "Kept and faster: beside big through exact, the baseline."
    )
    opened.choose("board", "0")
    assert opened.text("answer-title") == "Which row to ship: a-first"
    link = opened.js("return location.href")
    opened.browser.get("about:blank")
    opened.browser.get(link)
    opened.until("document.querySelector('#rows tbody tr')")
    assert opened.text("answer-title") == "Which row to ship: a-first"


def test_the_sliders_work_by_keyboard_and_have_names(page, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    write_results(tmp_path / "results", rows=["big", "middle", "small"], datasets=1, queries=99)
    opened = page(tmp_path / "results")
    assert opened.text("answer-title") == "Which row to ship: made"
    assert opened.text("answer-said").startswith("Ship big through exact: the baseline at 10.5")
    keep = opened.browser.find_element(By.ID, "answer-keep")
    assert keep.accessible_name.startswith("Share of the baseline to keep")
    keep.send_keys(Keys.HOME)
    assert keep.get_attribute("aria-valuetext") == "any"
    budget = opened.browser.find_element(By.ID, "answer-budget")
    assert budget.accessible_name.startswith("Budget, end to end")
    for _ in range(3):  # 15 ms, 10 ms, 8 ms
        budget.send_keys(Keys.ARROW_LEFT)
    assert budget.get_attribute("aria-valuetext") == "8 ms"
    assert opened.text("answer-said").startswith("Ship middle through exact: keeps 82.7% [")
    assert opened.js("return document.getElementById('answer-said').ariaLive") == "polite"
    names = opened.browser.find_elements(By.CSS_SELECTOR, "#answer input, select")
    assert all(control.accessible_name for control in names if control.is_displayed())
    assert opened.js("return document.querySelector('#percent').labels[0].firstChild.data") == (
        "Percentile "
    )


def _said(board, terms: Terms, count: int) -> Iterator[str]:
    found = choose(board, terms)
    place = f"On {board.machine}: " if count > 1 else ""
    yield f"{place}{headline(found, DEMAND)}"
    yield from filter(None, (certainty(found), rival_said(found)))


def _needed(board, number: int) -> tuple[str, str, str, str]:
    name, service = board.lines[number].name, service_of(board, number)
    if isinstance(service, str):
        return name, "-", "-", service
    cores, cost, source = need(service, DEMAND)
    return name, str(cores), money(cost), source
