"""A leaderboard's page that is open in headless Chromium."""

from __future__ import annotations

import shutil
import time
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="no Chromium here: apt install chromium chromium-driver (docs/development.md)",
)


class Page:
    """A page that is open in a browser."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def js(self, code: str, *arguments: Any) -> Any:
        return self.browser.execute_script(code, *arguments)

    def until(self, condition: str) -> None:
        """Wait until something is so, half a minute at most."""
        end = time.monotonic() + 30
        while not self.js(f"return Boolean({condition})"):
            assert time.monotonic() < end, condition
            time.sleep(0.05)

    def choose(self, name: str, value: str) -> None:
        code = (
            "const s = document.getElementById(arguments[0]); s.value = arguments[1];"
            "s.dispatchEvent(new Event(s.tagName === 'SELECT' ? 'change' : 'input'));"
        )
        self.js(code, name, value)

    def rows(self) -> list[str]:
        code = "return [...document.querySelectorAll('#rows tbody tr')].map(r => r.dataset.row)"
        found: list[str] = self.js(code)
        return found

    def column(self, title: str) -> list[str]:
        code = """
        const heads = [...document.querySelectorAll('#rows thead th')].map(h => h.textContent);
        const at = heads.indexOf(arguments[0]);
        return [...document.querySelectorAll('#rows tbody tr')].map(r => r.cells[at].innerText);
        """
        found: list[str] = self.js(code, title)
        return found

    def click(self, selector: str, number: int = 0) -> None:
        self.js(
            "document.querySelectorAll(arguments[0])[arguments[1]].click()", selector, number
        )

    def sort(self, title: str) -> None:
        code = (
            "[...document.querySelectorAll('#rows thead button')]"
            ".find(b => b.textContent === arguments[0]).click()"
        )
        self.js(code, title)

    def show_column(self, title: str) -> None:
        """Tick a column in the chooser."""
        code = (
            "[...document.querySelectorAll('#columns label')]"
            ".find(label => label.textContent.trim() === arguments[0])"
            ".querySelector('input:not(:checked)').click()"
        )
        self.js(code, title)

    def width(self, pixels: int) -> None:
        """Make the window as wide as this, and wait until the chart fits."""
        size = {"width": pixels, "height": 1600, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.until(
            "Math.abs(document.querySelector('#chart svg').getAttribute('width')"
            " - document.getElementById('chart').clientWidth) < 60"
        )

    def points(self) -> int:
        code = "return document.querySelectorAll('#chart .dots_marks path').length"
        count: int = self.js(code)
        return count

    def text(self, name: str) -> str:
        found: str = self.js("return document.getElementById(arguments[0]).innerText", name)
        return found
