from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from folders import ROOT
from made_browser import CHROMIUM, DRIVER, QUIET, Page
from made_records import write_results


@pytest.fixture
def compared(tmp_path: Path, effbench):
    """Show two suites with another baseline."""
    write_results(tmp_path, rows=["big", "small"], datasets=1, retrievers={"scan": 2.0})
    write_results(tmp_path, rows=["other"], datasets=1, suite="another")

    def show(*options: str, row: str = "small"):
        return effbench("leaderboard", tmp_path, "--baseline", row, *options)

    return show


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for one in (*QUIET, "--window-size=1280,1600"):
        options.add_argument(one)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser: Any, effbench, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Draw a page and open it; afterwards: no word in the console, no request to anywhere."""
    path = tmp_path / "board.html"

    def opened(results: Path, *options: str) -> Page:
        made = effbench("leaderboard", results, *options, "--output", path)
        assert made.exit_code == 0, made.output
        browser.get(path.as_uri())
        found = Page(browser)
        found.until("document.querySelector('#rows tbody tr')")
        return found

    yield opened
    assert browser.get_log("browser") == []
    events = [
        json.loads(entry["message"])["message"] for entry in browser.get_log("performance")
    ]
    asked = {
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert asked <= {path.as_uri()}


@pytest.fixture
def small_query(page: Callable[..., Page]) -> Page:
    """Open the page of the published suite that has a latency and several datasets."""
    board = page(ROOT / "results", "--suite", "small-query")
    names = board.js("return [...document.getElementById('board').options].map(o => o.text)")
    (number,) = [i for i, name in enumerate(names) if "intel" in name]
    board.choose("board", str(number))
    board.until("document.querySelectorAll('#chart .dots_marks path').length === 11")
    return board
