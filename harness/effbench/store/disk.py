"""Writing and reading of effbench's files: whole or not at all, JSON with a checksum."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from effbench.api.errors import DISK, TEMPORARY, DiskError, EffbenchError, is_name
from effbench.store.door import content, parsed

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEAL = "sha256"
"""The last key in a JSON file of effbench: the checksum of all other keys."""

STALE_SECONDS = 3600.0
"""A temporary file that did not change for this time belongs to a killed run."""


@contextlib.contextmanager
def on_disk(place: Path, *, only_full: bool = False) -> Iterator[None]:
    """Turn a failure of the disk inside the block into a `DiskError`.

    ``only_full`` is for the code of a plugin: it turns only the error of a full disk, because
    every other error is the plugin's own mistake.

    Raises:
        DiskError: a file could not be read or written.

    """
    try:
        yield
    except EffbenchError:
        raise
    except Exception as error:
        refused = isinstance(error, OSError) or is_name(error)
        if DISK.search(str(error)) or (refused and not only_full):
            raise DiskError(place, error) from error
        raise


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file, force it to disk and rename it to ``path``.

    Raises:
        DiskError: the disk refuses the file.

    """
    # a random name: processes of two containers may have the same number. The suffix stays
    # last, because numpy and gzip read it
    temporary = path.with_name(f".{secrets.token_hex(8)}.part{path.suffix}")
    with on_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array with the same bytes as `numpy.save`, and notice a full disk.

    numpy itself writes with C code, and gets no error when the disk is full at the close.
    """
    import numpy as np

    class Plain(NamedTuple):
        write: Callable[[bytes], int]

    with path.open("wb") as file:
        np.save(Plain(file.write), array, allow_pickle=False)


def open_to_readers(folder: Path) -> None:
    """Give the files of a folder the permissions that the umask gives to new files.

    Some libraries write weights that only the owner can read (safetensors: mode 0600).
    """
    # the only way to read the umask; a file that another thread makes meanwhile is private
    mask = os.umask(0o077)
    os.umask(mask)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            wanted = (0o777 if path.is_dir() else 0o666) & ~mask
            mode = path.stat().st_mode
            if mode & wanted != wanted:
                path.chmod(stat.S_IMODE(mode) | wanted)


def check_room(folder: Path) -> None:
    """Write 4096 bytes into a folder as a test, because the disk may be full.

    Raises:
        OSError: the disk refuses the bytes.

    """
    with tempfile.TemporaryFile(dir=folder, prefix=".") as file:
        file.write(bytes(4096))  # a full disk accepts an empty file
        file.flush()


def write_output(path: Path, content: bytes) -> None:
    """Write the output of a command to ``path``: a file appears whole or not at all.

    A device or a pipe gets the bytes directly, and a link stays a link.

    Raises:
        DiskError: the disk refuses the file.

    """
    with on_disk(path):
        if path.exists() and not path.is_file():  # such as /dev/stdout
            path.write_bytes(content)
            return
    path = Path(os.path.realpath(path))
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_json(path: Path, data: Mapping[str, Any], *, seal: bool = True) -> None:
    """Write a mapping as JSON, whole or not at all.

    ``seal`` adds the checksum; formats of other programs go without it.
    """
    write_text(path, sealed(data) if seal else _lines(data))


def sealed(data: Mapping[str, Any]) -> str:
    """Return a mapping as JSON: one line for each top-level key, the checksum last."""
    plain = json.loads(_lines(data))  # the form in which it will be read
    return _lines({**plain, SEAL: _checksum(plain)})


def read_sealed(path: Path) -> dict[str, Any]:
    """Return the mapping that `write_json` wrote, without the checksum.

    Raises:
        EffbenchError: the file is missing or no JSON, or its checksum is wrong.

    """
    return unsealed(parsed(content(path), path), path)


def unsealed(data: Any, path: Path) -> dict[str, Any]:
    """Return the JSON ``data`` of the file ``path`` without its checksum.

    Raises:
        EffbenchError: the checksum is missing or wrong.

    """
    kept = data.get(SEAL) if isinstance(data, dict) else None
    plain = {name: value for name, value in data.items() if name != SEAL} if kept else {}
    if kept is None or kept != _checksum(plain):
        raise EffbenchError(f"{path}: its checksum does not hold (run the suite again)")
    return plain


def listed(folder: Path, pattern: str) -> Iterator[Path]:
    """Yield the files of a folder that match a pattern in order, without temporary files."""
    for path in sorted(folder.glob(pattern)):
        if not TEMPORARY.fullmatch(path.name):
            yield path


def sweep_stale(folder: Path) -> None:
    """Remove the temporary files of killed runs; the files of living runs are younger."""
    with contextlib.suppress(OSError):
        for path in folder.glob(".*"):
            if TEMPORARY.fullmatch(path.name):
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
