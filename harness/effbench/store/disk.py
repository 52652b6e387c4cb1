"""Files that effbench keeps: written whole or not at all, JSON with a checksum of itself."""

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
"""The last key of JSON that effbench keeps: the checksum of the rest."""

STALE_SECONDS = 3600.0
"""A temporary file that nobody has touched for so long is of a run that was killed."""


@contextlib.contextmanager
def on_disk(place: Path, *, only_full: bool = False) -> Iterator[None]:
    """Turn what the system refuses inside into a `DiskError`.

    ``only_full`` is for a plugin's code: a full disk is not its fault, other mistakes are.

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
    """Let ``write`` fill a file beside ``path``, force it to disk and rename it there.

    Raises:
        DiskError: the disk does not take it.

    """
    # drawn by chance: processes of two containers may have one number. The suffix stays last,
    # since numpy and gzip look at it
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
    """Write an array as numpy does, byte for byte, but no end of it is lost without a word.

    numpy lets C write into a file, and hears nothing of a disk that is full when it is closed.
    """
    import numpy as np

    class Plain(NamedTuple):
        write: Callable[[bytes], int]

    with path.open("wb") as file:
        np.save(Plain(file.write), array, allow_pickle=False)


def open_to_readers(folder: Path) -> None:
    """Let the files of a folder be read by whom the umask lets read new ones.

    Some libraries write weights as files of their owner alone (safetensors: mode 0600).
    """
    mask = os.umask(0o077)  # there is no other way to ask; what is made meanwhile is private
    os.umask(mask)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            wanted = (0o777 if path.is_dir() else 0o666) & ~mask
            mode = path.stat().st_mode
            if mode & wanted != wanted:
                path.chmod(stat.S_IMODE(mode) | wanted)


def check_room(folder: Path) -> None:
    """Write a little into a folder: the disk may be full.

    Raises:
        OSError: it takes no more.

    """
    with tempfile.TemporaryFile(dir=folder, prefix=".") as file:
        file.write(bytes(4096))  # a full disk takes a file of no bytes
        file.flush()


def write_output(path: Path, content: bytes) -> None:
    """Write what a command was told to write to ``path``: a file whole or not at all.

    A device or a pipe is written into, and a link stays one.

    Raises:
        DiskError: the disk does not take it.

    """
    with on_disk(path):
        if path.exists() and not path.is_file():  # such as /dev/stdout
            path.write_bytes(content)
            return
    path = Path(os.path.realpath(path))
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


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
        if not TEMPORARY.fullmatch(path.name):
            yield path


def sweep_stale(folder: Path) -> None:
    """Remove temporary files that killed runs have left; those of living ones are young."""
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
