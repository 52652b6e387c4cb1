"""Results of three rows made up, of which a test says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

from made_records import write_results
from made_sessions import write_session

ROWS = ["big", "middle", "small"]
"""The first is the baseline; each takes less time than the one before, and is worse."""


class Results:
    """Records of three rows, and a latency session of which a test says what is wrong."""

    def __init__(self, effbench, root: Path) -> None:
        self._effbench, self.root = effbench, root
        self.folder = write_results(root, rows=ROWS, datasets=1, queries=99)

    def measure(self, processes: int = 3, **wrong: list[int]) -> None:
        """Give the rows times; each kind of ``wrong`` names rows by number."""
        for path in (self.folder / "latency").iterdir():
            path.unlink()
        ms = {
            f"data-0--{i}": {"end to end": [time] * 12}
            for i, time in enumerate((10.5, 5.5, 3.5))
        }
        keys = {cell: f"key-{cell}" for cell in ms}
        cells = {kind: [f"data-0--{i}" for i in rows] for kind, rows in wrong.items()}
        write_session(self.folder, "data-0", ms, keys=keys, processes=processes, **cells)

    def change(self, name: str, **changed: object) -> None:
        """Change what a file of the folder says."""
        path = self.folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | changed))

    def ask(self, *options: str) -> str:
        found = self._effbench("leaderboard", self.root, *options)
        assert found.exit_code == 0, found.output
        return found.stdout

    def facts(self, *options: str, code: int) -> dict:
        found = self._effbench("leaderboard", self.root, *options, "--format", "json")
        assert found.exit_code == code, found.output
        (facts,) = json.loads(found.stdout)
        return facts
