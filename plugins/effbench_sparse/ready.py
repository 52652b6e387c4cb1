"""Ready rows: models of record, with revisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ROWS: Mapping[str, Mapping[str, Any]] = {}
