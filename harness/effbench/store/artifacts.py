"""Artifacts of steps: folders that are named by a key; the manifest is written last.

A manifest lists the files of the step with their checksums, and has a checksum of itself. A
file that the manifest does not list does not count. A file with a wrong checksum is removed and
made again. The next run continues in a folder without a manifest.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from filelock import FileLock, Timeout

from effbench.api.errors import EffbenchError
from effbench.store.digests import file_sha256
from effbench.store.disk import (
    check_room,
    open_to_readers,
    read_sealed,
    write_atomically,
    write_json,
)
from effbench.store.paths import expanded, home

PART = "part-"
"""The beginning of the names of files that are only for a step that is not finished."""

MANIFEST = "manifest.json"


def default_root() -> Path:
    """Return ``$EFFBENCH_CACHE``, or ``effbench`` in the user's cache folder, as absolute path.

    An empty variable counts as absent.

    Raises:
        EffbenchError: no variable names a folder, and the user has no home folder; or the
            variable names an address.

    """
    if named := os.environ.get("EFFBENCH_CACHE"):
        if "://" in named:
            raise EffbenchError(
                f"EFFBENCH_CACHE: {named} is an address (give it to --cache, and let the "
                "variable name a folder of this machine)"
            )
        return expanded(named).absolute()
    xdg = os.environ.get("XDG_CACHE_HOME")
    return (expanded(xdg).absolute() if xdg else home() / ".cache") / "effbench"


@dataclass(frozen=True)
class Artifact:
    """The folder of one step."""

    folder: Path
    kept: dict[str, str] = field(default_factory=dict, compare=False, repr=False)
    """The names and checksums of the files that were put, sealed or taken up.

    The manifest will list them.
    """

    def put(self, name: str, write: Callable[[Path], object]) -> None:
        """Let ``write`` make the file ``name``, whole or not at all, and keep it."""
        write_atomically(self.folder / name, write)
        self.kept[name] = file_sha256(self.folder / name)

    def put_text(self, name: str, text: str) -> None:
        """Write ``text`` into the file ``name``, and keep it."""
        self.put(name, lambda path: path.write_text(text, encoding="utf-8"))

    def put_folder(self, name: str, save: Callable[[Path], object]) -> None:
        """Let ``save`` fill the empty folder ``name``; keep its files."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".") as temporary:
            made = Path(temporary) / name
            made.mkdir()
            save(made)
            made.replace(self.folder / name)
        self.seal(name)

    def seal(self, name: str) -> int:
        """Keep all files of the folder ``name``; return their number."""
        open_to_readers(self.folder / name)
        check_room(self.folder)  # on a full disk C code may lose a file's end silently
        files = sorted(p for p in (self.folder / name).rglob("*") if p.is_file())
        for path in files:
            with path.open("rb") as file:
                os.fsync(file.fileno())
            self.kept[path.relative_to(self.folder).as_posix()] = file_sha256(path)
        return len(files)

    def take_up(self, name: str, checksum: str) -> bool:
        """Keep a file of an earlier attempt if its checksum is right; tell whether it is."""
        whole = self._holds(name, checksum)
        if whole:
            self.kept[name] = checksum
        return whole

    def manifest(self) -> dict[str, Any] | None:
        """Return the manifest that `finish` wrote, or None when the step has not finished.

        A damaged manifest, or the manifest of another step, also gives None.
        """
        try:
            data = read_sealed(self.folder / MANIFEST)
        except EffbenchError:
            return None
        return data if data.items() >= self._name.items() else None

    def files(self, suffix: str) -> list[Path]:
        """Return the files of a finished step whose names end in ``suffix``, in order."""
        names: Mapping[str, str] = (self.manifest() or {"files": {}})["files"]
        return [self.folder / name for name in names if name.endswith(suffix)]

    def finish(self, info: Mapping[str, Any]) -> None:
        """Write the manifest: the step is done; the files of unfinished steps go."""
        files = dict(sorted(self.kept.items()))
        sizes = {name: (self.folder / name).stat().st_size for name in files}
        whole = {**self._name, **info, "files": files, "sizes": sizes}
        write_json(self.folder / MANIFEST, whole)
        for path in self.folder.glob(f"{PART}*"):
            path.unlink()

    def finished(self) -> bool:
        """Tell whether the step has finished; its files may be damaged nevertheless."""
        return (self.folder / MANIFEST).exists()

    def cut(self, manifest: Mapping[str, Any]) -> list[Path]:
        """Return the files of a manifest that are missing or have a wrong size (quick)."""
        sizes: Mapping[str, int] = manifest.get("sizes", {})  # old manifests have none
        cut = []
        for name in manifest["files"]:
            try:
                size = (self.folder / name).stat().st_size
            except OSError:
                size = -1
            if size != sizes.get(name, size) or size < 0:
                cut.append(self.folder / name)
        return cut

    def sound(self) -> bool:
        """Tell whether the step has finished and all its checksums are right."""
        manifest = self.manifest()
        return manifest is not None and not self._bad(manifest)

    def damaged(self) -> list[Path]:
        """Return the files of a finished step that are missing or have a wrong checksum."""
        manifest = self.manifest()
        bad = [MANIFEST] if manifest is None else self._bad(manifest)
        return [self.folder / name for name in bad]

    def discard(self) -> None:
        """Make a damaged step unfinished again, and remove its damaged files.

        The files of a folder are removed together: a trainer could take the last files of a
        model for a finished model. A damaged manifest proves nothing, so all folders go then.
        """
        manifest = self.manifest()
        if manifest is None:
            for path in self.folder.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
        else:
            bad = self._bad(manifest)
            folders = {PurePosixPath(name).parts[0] for name in bad}
            for name in manifest["files"]:
                if PurePosixPath(name).parts[0] in folders:
                    (self.folder / name).unlink(missing_ok=True)
        (self.folder / MANIFEST).unlink(missing_ok=True)  # last, in case of a kill

    def size_of_parts(self) -> int:
        """Return the bytes of the files directly in the folder, such as finished shards."""
        nbytes = 0
        with contextlib.suppress(OSError):  # the folder is missing
            for path in self.folder.iterdir():
                with contextlib.suppress(OSError):  # another run is at work
                    nbytes += path.stat().st_size if path.is_file() else 0
        return nbytes

    def is_empty(self) -> bool:
        """Tell whether the folder is empty: no earlier attempt has left a file."""
        return not any(self.folder.iterdir())

    def sweep(self) -> None:
        """Remove half-written files of a killed attempt; hold the step's lock for this."""
        for path in self.folder.glob(".*"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    @property
    def _name(self) -> dict[str, str]:
        return {"kind": self.folder.parent.name, "key": self.folder.name}

    def _bad(self, manifest: Mapping[str, Any]) -> list[str]:
        files: Mapping[str, str] = manifest["files"]
        return [name for name, checksum in files.items() if not self._holds(name, checksum)]

    def _holds(self, name: str, checksum: str) -> bool:
        try:
            return file_sha256(self.folder / name) == checksum
        except OSError:
            return False


class Copies(Protocol):
    """Copies of finished artifacts elsewhere: `effbench.store.mirror`."""

    def fetch(self, artifact: Artifact, note: Callable[[str], None]) -> bool:
        """Copy an artifact here, whole; tell whether there was a copy."""

    def push(self, artifact: Artifact, note: Callable[[str], None]) -> None:
        """Copy a finished artifact there, unless there is a copy."""


@dataclass(frozen=True)
class Store:
    """The cache: all artifacts under a root folder; several runs may share it."""

    root: Path
    copies: Copies | None = None
    """Where other machines find what this one has made; None for a folder alone."""

    def fetch(self, artifact: Artifact, note: Callable[[str], None]) -> bool:
        """Take an artifact that another machine has made; hold its lock for this."""
        return self.copies is not None and self.copies.fetch(artifact, note)

    def share(self, artifact: Artifact, note: Callable[[str], None]) -> None:
        """Give a finished artifact to other machines."""
        if self.copies is not None:
            self.copies.push(artifact, note)

    def artifact(self, kind: str, key: str) -> Artifact:
        """Return the artifact of a step; its folder may be missing."""
        return Artifact(self.root / kind / key)

    @contextmanager
    def lock(self, kind: str, key: str, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the lock of a step; call ``waiting`` once if another run holds it.

        The system releases the lock of a process that dies. A step that fails before it keeps
        a file leaves no folder.
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
            (folder / key).mkdir(exist_ok=True)  # the last holder may have removed it
            yield
        finally:
            with contextlib.suppress(OSError):  # it is not empty
                (folder / key).rmdir()
            lock.release()
