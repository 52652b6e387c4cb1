"""The ready row: all-MiniLM-L6-v2, which ready rows of other plugins name too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MINILM_NAME = "all-MiniLM-L6-v2"
"""The name of the row `MINILM`, here and in the suites of effbench."""

MINILM: Mapping[str, Any] = {
    "use": "transformer",
    "model": "sentence-transformers/all-MiniLM-L6-v2",
    "revision": "8b3219a92973c328a8e22fadcfa821b5dc75636a",
    "pooling": "mean",
    "normalize": True,
    "max_length": 256,
}
"""all-MiniLM-L6-v2 from the hub, with the options of its authors.

A plugin whose ready rows name it brings it as a ready row of its own: equal rows of several
plugins are one row.
"""
