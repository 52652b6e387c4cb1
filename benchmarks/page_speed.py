"""Measure a large leaderboard's page: its size, and how long a click on a heading takes.

    python benchmarks/page_speed.py [--rows N] [--datasets N] [--page FILE]

The page is of made records, or FILE. It needs Chromium and its driver (docs/development.md). A
time begins with the click and ends when the browser has laid out the sorted table.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from made_browser import CHROMIUM, DRIVER, QUIET, Page
from made_records import write_results

CLICKS = """
const times = [];
for (let round = 0; round < 30; round += 1) {
  const buttons = document.querySelectorAll("#rows thead button"), begin = performance.now();
  buttons[round % buttons.length].click();
  document.body.getBoundingClientRect();
  times.push(performance.now() - begin);
}
return times;
"""


def main() -> None:
    """Print the page's size, and the median and the longest time of a sort."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--datasets", type=int, default=18)
    parser.add_argument("--page", type=Path, help="a page that exists")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        path = options.page or _made(Path(temporary), options.rows, options.datasets)
        times = sorted(_sorted(path))
        print(
            f"{path.stat().st_size / 1e6:.2f} MB; a sort takes {median(times):.0f} ms, ", end=""
        )
        print(f"{times[-1]:.0f} ms at most, in {len(times)} sorts")


def _made(folder: Path, rows: int, datasets: int) -> Path:
    names = [f"row-{number:03}" for number in range(rows)]
    write_results(folder / "results", rows=names, datasets=datasets, queries=60)
    page = folder / "board.html"
    command = ["effbench", "leaderboard", folder / "results", "--output", page]
    subprocess.run(command, check=True)
    return page


def _sorted(path: Path) -> list[float]:
    """Return the times of sorts, in ms."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for one in (*QUIET, "--window-size=1280,1600"):
        options.add_argument(one)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        driver.get(path.resolve().as_uri())
        page = Page(driver)
        page.until("document.querySelector('#chart .dots_marks path[tabindex]')")
        times: list[float] = page.js(CLICKS)
        return times
    finally:
        driver.quit()


if __name__ == "__main__":
    main()
