"""Texts for training on disk: a JSON list, and where each text starts, so that one is read."""

from __future__ import annotations

import json
import mmap
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effbench.store.disk import save_array

if TYPE_CHECKING:
    from effbench.store.artifacts import Artifact

TEXTS, STARTS = "texts.json", "texts-starts.npy"

CHUNK = 4096
"""Texts that a pass over all texts reads at once."""

_BETWEEN = b", "


def put_texts(artifact: Artifact, texts: Iterable[str]) -> None:
    """Write texts as `json.dumps` writes a list of them; hold none of them in memory.

    The second file has the first byte of each text, int64 [n + 1]. Text i ends two bytes before
    the start of text i + 1; the last start is that of a text that would follow.
    """
    import numpy as np

    starts = array("q", [1])

    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.write(b"[")
            for number, text in enumerate(texts):
                content = json.dumps(text, ensure_ascii=False).encode()
                file.write(_BETWEEN + content if number else content)
                starts.append(starts[-1] + len(content) + len(_BETWEEN))
            file.write(b"]")

    artifact.put(TEXTS, write)
    artifact.put(STARTS, lambda path: save_array(path, np.frombuffer(starts, dtype=np.int64)))


def open_texts(folder: Path) -> Sequence[str]:
    """Return the texts that `put_texts` wrote, read from disk when they are asked for."""
    if not (folder / STARTS).exists():  # an older effbench wrote the list alone
        texts: list[str] = json.loads((folder / TEXTS).read_text(encoding="utf-8"))
        return texts
    return _Texts(folder)


class _Texts(Sequence[str]):
    """Texts on disk; a slice of them is a list."""

    def __init__(self, folder: Path) -> None:
        import numpy as np

        self._starts = np.load(folder / STARTS, mmap_mode="r")
        with (folder / TEXTS).open("rb") as file:
            self._file = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, position: Any) -> Any:
        rows = range(len(self))[position]
        if isinstance(rows, int):
            return self._read(rows, rows + 1)[0]
        if rows.step != 1:
            return [self[row] for row in rows]
        return self._read(rows.start, rows.stop)

    def __iter__(self) -> Iterator[str]:
        for first in range(0, len(self), CHUNK):
            yield from self[first : first + CHUNK]

    def _read(self, first: int, end: int) -> list[str]:
        if first >= end:
            return []
        content = self._file[self._starts[first] : self._starts[end] - len(_BETWEEN)]
        texts: list[str] = json.loads(f"[{content.decode()}]")
        return texts
