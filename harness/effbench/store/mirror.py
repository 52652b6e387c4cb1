"""The mirror of a cache at a remote address, for machines that share no folder.

The files of an artifact are in ``KIND/KEY/COPY/``, where COPY is a digest of its manifest, and
``KIND/KEY/copy`` is written last: it names the whole copy. So two machines that copy one
artifact at the same time mix no files, and a copy that a kill broke off does not count.

A run goes on without an address that fails in the middle of it: all steps can be made here.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.store.artifacts import MANIFEST, Artifact
from effbench.store.digests import file_sha256
from effbench.store.disk import read_sealed, write_atomically
from effbench.store.remote import MissingError, RefusedError, Remote
from effbench.text.words import sized

LARGE = 100 * 10**6
"""Bytes of an artifact whose copying is told: it takes seconds or longer."""

COPY = "copy"
"""The file that names the whole copy of an artifact."""

PAUSE_S = 600.0
"""Seconds without a question to an address that has failed: each one may take a minute."""

_NAME = re.compile(r"[0-9a-f]{32}")


class Mirror:
    """Finished artifacts at a remote address: `effbench.store.artifacts.Copies`.

    ``note`` is called with what the user should know: that a copy takes long or is damaged, or
    that the address fails. It is then left alone for `PAUSE_S`, for fetching or for pushing: an
    address that only refuses to be written still gives its copies.
    """

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._pauses: dict[str, float] = {}

    def fetch(self, artifact: Artifact, note: Callable[[str], None]) -> bool:
        """Copy a finished artifact here, if there is a whole copy; hold its lock for this.

        Every file is checked, and the manifest appears last. A damaged copy is dropped: the
        step is then made here, and copied again.
        """
        with self._asking("copying from", note) as asked:
            if asked:
                return self._fetch(artifact, note)
        return False

    def push(self, artifact: Artifact, note: Callable[[str], None]) -> None:
        """Copy a finished artifact to the address, unless a whole copy is there."""
        with self._asking("copying to", note) as asked:
            if asked:
                self._push(artifact, note)

    @contextmanager
    def _asking(self, doing: str, note: Callable[[str], None]) -> Iterator[bool]:
        """Tell whether to ask the address; its failures inside the block become a note."""
        now = time.monotonic()
        try:
            yield self._pauses.get(doing, now) <= now
        except RefusedError as error:
            self._pauses[doing] = time.monotonic() + PAUSE_S
            note(f"{error}; no {doing} it for {PAUSE_S / 60:g} minutes, the run goes on")

    def _fetch(self, artifact: Artifact, note: Callable[[str], None]) -> bool:
        name = self._copy_of(artifact)
        if name is None:
            return False
        place, fetched = f"{_folder(artifact)}/{name}", artifact.folder / f".{name}"
        try:
            self._receive(f"{place}/{MANIFEST}", fetched / MANIFEST)
            if name_of_copy(fetched / MANIFEST) != name:
                raise _DamagedError(f"{place}/{MANIFEST}")
            manifest = read_sealed(fetched / MANIFEST)
            if f"{manifest['kind']}/{manifest['key']}" != _folder(artifact):
                raise _DamagedError(f"{place}/{MANIFEST}")
            self._note_size(manifest, "fetching", note)
            for file, checksum in manifest["files"].items():
                self._fetch_file(f"{place}/{file}", fetched, file, checksum)
        except (_DamagedError, MissingError) as error:
            where = place if isinstance(error, MissingError) else error
            note(f"{self._remote.address}: {where}: lost or damaged, making it again")
            shutil.rmtree(fetched, ignore_errors=True)
            self._drop((f"{_folder(artifact)}/{COPY}", place), note)
            return False
        _move_in(fetched, artifact)
        return True

    def _push(self, artifact: Artifact, note: Callable[[str], None]) -> None:
        manifest = artifact.manifest()
        if manifest is None or self._copy_of(artifact) is not None:
            return
        name = name_of_copy(artifact.folder / MANIFEST)
        self._note_size(manifest, "copying to it", note)
        for file in (*manifest["files"], MANIFEST):
            self._remote.send(artifact.folder / file, f"{_folder(artifact)}/{name}/{file}")
        self._remote.write(f"{_folder(artifact)}/{COPY}", name.encode())

    def _drop(self, lost: Iterable[str], note: Callable[[str], None]) -> None:
        with self._asking("copying to", note) as asked:
            for name in lost if asked else ():
                with suppress(MissingError):  # another machine has dropped it, too
                    self._remote.remove(name)

    def _copy_of(self, artifact: Artifact) -> str | None:
        """Return the name of the whole copy; None if there is none.

        Files are written and removed in a folder of this name, so it must be no other one.
        """
        try:
            name = self._remote.read(f"{_folder(artifact)}/{COPY}").decode("ascii", "replace")
        except MissingError:
            return None
        return name if _NAME.fullmatch(name) else None

    def _fetch_file(self, remote: str, fetched: Path, file: str, checksum: str) -> None:
        path, parts = fetched / file, PurePosixPath(file)
        if ".." in parts.parts or parts.is_absolute():
            raise _DamagedError(remote)
        if path.is_file() and file_sha256(path) == checksum:  # an attempt before a kill has it
            return
        self._receive(remote, path)
        if file_sha256(path) != checksum:
            raise _DamagedError(remote)

    def _receive(self, remote: str, path: Path) -> None:
        write_atomically(path, partial(self._remote.receive, remote))

    def _note_size(
        self, manifest: Mapping[str, Any], doing: str, note: Callable[[str], None]
    ) -> None:
        if (size := sum(manifest.get("sizes", {}).values())) >= LARGE:
            note(f"{self._remote.address}: {doing} {sized(size)} of {manifest['label']}")


def name_of_copy(manifest: Path) -> str:
    """Return the name of the copy that has this manifest: 32 hex digits."""
    return hashlib.sha256(manifest.read_bytes()).hexdigest()[:32]


def _folder(artifact: Artifact) -> str:
    return f"{artifact.folder.parent.name}/{artifact.folder.name}"


def _move_in(fetched: Path, artifact: Artifact) -> None:
    """Move what was fetched into the artifact's folder, the manifest last.

    A folder of files, such as a model, is moved at once: half of it could pass for a whole.
    """
    for entry in sorted(fetched.iterdir(), key=lambda path: path.name == MANIFEST):
        place = artifact.folder / entry.name
        if place.is_dir():
            shutil.rmtree(place)
        entry.replace(place)
    artifact.sweep()


class _DamagedError(EffbenchError):
    """A file of a copy has a wrong checksum; the message is its place."""
