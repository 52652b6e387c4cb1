from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _workers(monkeypatch):
    monkeypatch.delenv("EFFBENCH_IN_PROCESS")
