"""Artifacts of steps on disk: each in a folder named by its key, its manifest written last.

Every file stands beside a ``.sha256`` of it; a file without one, or whose bytes differ, is
as good as absent. A folder with a manifest is finished; one without is taken up again by
the next run, which keeps the files that are whole.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from effbench.content import file_sha256
from effbench.errors import EffbenchError
from effbench.paths import home

MANIFEST = "manifest.json"


def default_root() -> Path:
    """Return ``$EFFBENCH_CACHE``, or ``effbench`` in the user's cache folder."""
    if "EFFBENCH_CACHE" in os.environ:
        return Path(os.environ["EFFBENCH_CACHE"])
    xdg = os.environ.get("XDG_CACHE_HOME")
    return (Path(xdg) if xdg else home() / ".cache") / "effbench"


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a file beside ``path``, force it to disk and rename it there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # the suffix stays last, since numpy and gzip look at it
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write a mapping as JSON, atomically, each top-level key on a line of its own."""
    lines = (
        f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False, allow_nan=False)}"
        for key, value in data.items()
    )
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    write_atomically(path, lambda temporary: _write_text(temporary, text))


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        EffbenchError: it is missing or no JSON.

    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EffbenchError(f"{path}: cannot be read: {error}") from error


@dataclass(frozen=True)
class Artifact:
    """The folder of one step."""

    folder: Path

    def put(self, name: str, write: Callable[[Path], object]) -> None:
        """Let ``write`` make the file ``name``; keep it with its checksum, atomically."""
        path = self.folder / name
        self._sum(name).unlink(missing_ok=True)
        write_atomically(path, write)
        self._seal(name)

    def put_text(self, name: str, text: str) -> None:
        """Keep ``text`` as the file ``name``."""
        self.put(name, lambda path: _write_text(path, text))

    def put_folder(self, name: str, save: Callable[[Path], object]) -> None:
        """Let ``save`` fill an empty folder; keep its files with their checksums."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".") as temporary:
            made = Path(temporary) / name
            made.mkdir()
            save(made)
            for path in sorted(p for p in made.rglob("*") if p.is_file()):
                self.put(str(path.relative_to(temporary)), path.replace)

    def seal(self, name: str) -> int:
        """Keep checksums of the files that stand in the folder ``name``; return how many."""
        files = [p for p in (self.folder / name).rglob("*") if p.is_file()]
        for path in files:
            if path.suffix != ".sha256":
                self._seal(str(path.relative_to(self.folder)))
        return len(files)

    def whole(self, name: str) -> bool:
        """Tell whether the file ``name`` is there and its checksum holds."""
        try:
            kept = self._sum(name).read_text().split()[0]
            return kept == file_sha256(self.folder / name)
        except (OSError, IndexError):
            return False

    def manifest(self) -> dict[str, Any] | None:
        """Return what `finish` wrote, or None when the step has not finished."""
        try:
            data = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return data if isinstance(data, dict) else None

    def finish(self, info: Mapping[str, Any]) -> None:
        """Write the manifest: the step is done."""
        sums = self.folder.rglob("*.sha256")
        files = sorted(str(path.relative_to(self.folder).with_suffix("")) for path in sums)
        write_json(self.folder / MANIFEST, {**info, "files": files})

    def sound(self) -> bool:
        """Tell whether the step has finished and all its files are whole.

        A finished step with a file that is not whole is put back to unfinished.
        """
        manifest = self.manifest()
        if manifest is None:
            return False
        if all(self.whole(name) for name in manifest["files"]):
            return True
        (self.folder / MANIFEST).unlink(missing_ok=True)
        return False

    def sweep(self) -> None:
        """Remove what a killed attempt left half-written; call it under the step's lock."""
        for path in self.folder.glob(".*"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def _seal(self, name: str) -> None:
        line = f"{file_sha256(self.folder / name)}  {Path(name).name}\n"
        write_atomically(self._sum(name), lambda temporary: _write_text(temporary, line))

    def _sum(self, name: str) -> Path:
        return self.folder / f"{name}.sha256"


@dataclass(frozen=True)
class Store:
    """All artifacts under one root folder, safe for several runs at once."""

    root: Path

    def artifact(self, kind: str, key: str) -> Artifact:
        """Return the artifact of a step, made or not."""
        return Artifact(self.root / kind / key)

    @contextmanager
    def lock(self, kind: str, key: str, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the lock of a step; call ``waiting`` once if another run holds it.

        The system drops the lock of a process that dies.
        """
        folder = self.root / kind
        (folder / key).mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{key}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting()
            lock.acquire()
        try:
            yield
        finally:
            lock.release()


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
