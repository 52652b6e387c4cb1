"""Files that effbench keeps: written whole or not at all, JSON with a checksum of itself."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from effbench.door import content, parsed
from effbench.errors import EffbenchError

SEAL = "sha256"
"""The last key of JSON that effbench keeps: the checksum of the rest."""

STALE_SECONDS = 3600.0
"""A temporary file that nobody has touched for so long is of a run that was killed."""

_TEMPORARY = re.compile(r"\.([0-9a-f]{16}|[0-9]+)\..+")


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a file beside ``path``, force it to disk and rename it there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # drawn by chance: processes of two containers may have one number. The suffix stays last,
    # since numpy and gzip look at it
    temporary = path.with_name(f".{secrets.token_hex(8)}.part{path.suffix}")
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text, atomically."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_json(path: Path, data: Mapping[str, Any], *, seal: bool = True) -> None:
    """Write a mapping as JSON, atomically; with its checksum unless others define its form."""
    write_text(path, sealed(data) if seal else _lines(data))


def sealed(data: Mapping[str, Any]) -> str:
    """Return a mapping as JSON, each top-level key on a line of its own, its checksum last."""
    plain = json.loads(_lines(data))  # as it will be read
    return _lines({**plain, SEAL: _checksum(plain)})


def read_sealed(path: Path) -> dict[str, Any]:
    """Return what `write_json` wrote, less the checksum.

    Raises:
        EffbenchError: it is missing or no JSON, or its checksum does not hold.

    """
    return unsealed(parsed(content(path), path), path)


def unsealed(data: Any, path: Path) -> dict[str, Any]:
    """Return the JSON ``data`` of a file less its checksum, which must hold."""
    kept = data.get(SEAL) if isinstance(data, dict) else None
    rest = {name: value for name, value in data.items() if name != SEAL} if kept else {}
    if kept is None or kept != _checksum(rest):
        raise EffbenchError(f"{path}: its checksum does not hold (run the suite again)")
    return rest


def listed(folder: Path, pattern: str) -> Iterator[Path]:
    """Yield the files of a folder that match, in order, less the temporary ones."""
    for path in sorted(folder.glob(pattern)):
        if not _TEMPORARY.fullmatch(path.name):
            yield path


def sweep_stale(folder: Path) -> None:
    """Remove temporary files that killed runs have left; those of living ones are young."""
    with contextlib.suppress(OSError):
        for path in folder.glob(".*"):
            if _TEMPORARY.fullmatch(path.name):
                with contextlib.suppress(OSError):  # another run sweeps too
                    if time.time() - path.stat().st_mtime > STALE_SECONDS:
                        path.unlink()


def _lines(data: Mapping[str, Any]) -> str:
    lines = (
        f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False, allow_nan=False)}"
        for key, value in data.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _checksum(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
