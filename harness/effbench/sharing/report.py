"""The report of a verification: what is refused, what was checked, and what could not be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from effbench.text.printing import one_line

SEALED_SINCE = datetime(2026, 11, 28, tzinfo=timezone.utc)
"""Records and sessions of this date or a later one have checksums."""


@dataclass
class Report:
    """What the checks of results have found."""

    refused: list[str] = field(default_factory=list)
    """Each with the file and the reason, in one line."""

    checked: Counter[str] = field(default_factory=Counter)
    """Check -> how many files or rows passed it."""

    unchecked: Counter[str] = field(default_factory=Counter)
    """What could not be checked, and why -> how often."""

    def refuse(self, place: Path | str, reason: str) -> None:
        """Refuse a file, for a reason."""
        self.refused.append(one_line(f"{place}: {reason}"))

    def judge(self, check: str, place: Path | str, reason: str | None) -> None:
        """Note that a check has passed, or refuse a file for the ``reason``."""
        if reason is None:
            self.checked[check] += 1
        else:
            self.refuse(place, reason)

    def facts(self) -> dict[str, Any]:
        """Return the report as JSON holds it."""
        return {
            "refused": self.refused,
            "checked": dict(self.checked),
            "unchecked": dict(self.unchecked),
        }
