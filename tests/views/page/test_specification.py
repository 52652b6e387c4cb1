"""The charts of a page in headless Chromium: names, axes, views, keys and downloads."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from folders import ROOT
from made_records import mark_sweeps, write_results

NAMES = [
    "big",
    *(f"gru width={w}" for w in (16, 32, 64, 128, 256, 512)),
    *(f"encoder-number-{i}" for i in range(51)),
]

OVERLAPS = """
const shown = [...document.querySelectorAll('#chart svg text')].filter(
  (text) => text.textContent && +(text.getAttribute('opacity') ?? 1) > 0);
const boxes = shown.map((text) => [text.textContent, text.getBoundingClientRect()]);
const meets = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 &&
  a.top < b.bottom - 1 && b.top < a.bottom - 1;
return [boxes.map(([text]) => text), boxes.flatMap(([one, a], at) =>
  boxes.slice(at + 1).filter(([, b]) => meets(a, b)).map(([other]) => [one, other]))];
"""


@pytest.fixture
def sixty(page, tmp_path: Path):
    """Open the page of 60 rows on 2 datasets, some of them a sweep."""
    retrievers = {"bm25": 0.2, "scan": 2.0}
    mark_sweeps(write_results(tmp_path / "made", rows=NAMES, datasets=2, retrievers=retrievers))
    board = page(tmp_path / "made")
    board.until("document.querySelectorAll('#chart .dots_marks path').length === 60")
    return board


def choose_view(board, view: str, dots: int) -> None:
    board.choose("view", view)
    board.until(f"document.querySelectorAll('#chart .dots_marks path').length === {dots}")


def test_no_two_texts_overlap_and_the_axis_has_numbers(sixty, browser) -> None:
    for width in (1280, 1920, 400):
        sixty.width(width)
        texts, overlapping = sixty.js(OVERLAPS)
        assert overlapping == [], width
        assert {"0.2", "0.5", "1", "2", "5", "10"} <= {*texts}, width
    sixty.width(1280)
    texts, _ = sixty.js(OVERLAPS)
    front = sixty.js(
        "return [...document.querySelectorAll('#rows tr.front')].map(r => r.dataset.row)"
    )
    named = [name for name in NAMES if name in texts]
    assert len(named) > 5
    assert {*named} <= {*front, "big"}, "big stands in the legend"
    sixty.click("#rows tbody input", sixty.rows().index("encoder-number-50"))
    sixty.until(
        "[...document.querySelectorAll('#chart .names_marks text')].some("
        "t => t.textContent === 'encoder-number-50' && t.getAttribute('opacity') !== '0')"
    )


def test_points_are_reached_and_pinned_by_keys(sixty, browser) -> None:
    from selenium.webdriver import ActionChains, Keys

    stops = "return document.querySelectorAll('#chart [tabindex=\"0\"]').length"
    assert sixty.js(stops) == 1, "the chart is one stop of the tab key"
    sixty.js("document.querySelector('#chart .dots_marks path').focus()")
    assert sixty.text("hint").startswith(sixty.rows()[0])
    ActionChains(browser).send_keys(Keys.ARROW_RIGHT, Keys.ENTER).perform()
    sixty.until("document.querySelectorAll('#rows tr.pinned').length === 1")
    pinned = sixty.js("return document.querySelector('#rows tr.pinned').dataset.row")
    assert pinned == sixty.rows()[1]
    sixty.until("document.activeElement.getAttribute('aria-pressed') === 'true'")
    assert sixty.text("hint").startswith(pinned), "the point keeps the focus"


def test_intervals_datasets_and_speed_ups_can_be_chosen(sixty) -> None:
    bars = "[...document.querySelectorAll('#chart .mark-rule.role-mark line')]"
    long = f"{bars}.filter(bar => +bar.getAttribute('y2') || +bar.getAttribute('x2')).length"
    assert sixty.js(f"return {long}") >= 60
    sixty.click("#intervals")
    sixty.until(f"{long} === 0")
    sixty.click("#by-dataset")
    sixty.until("document.querySelectorAll('#chart .dots_marks path').length === 120")
    sixty.click("#by-dataset")
    choose_view(sixty, "speed-up", 60)


def test_a_chart_is_saved_as_svg_and_png(page, browser, tmp_path: Path) -> None:
    browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    board = page(ROOT / "results", "--suite", "quickstart")
    board.until("document.querySelector('#chart svg')")
    begins = {"svg": b"<svg", "png": b"\x89PNG"}
    for form, beginning in begins.items():
        board.click(f"#{form}")
        end = time.monotonic() + 30
        while not (found := [*tmp_path.glob(f"quickstart*.{form}")]):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert found[0].read_bytes().startswith(beginning)
