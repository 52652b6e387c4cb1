"""Where the checkout is, and what of it tests read."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
TOY = TESTS / "toy"
