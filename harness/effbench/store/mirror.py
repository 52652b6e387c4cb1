"""The mirror of a cache at a remote address, for machines that share no folder.

An address is any of fsspec's: ``s3://bucket/folder``, ``gs://...``. The files of an artifact
are in ``KIND/KEY/COPY/``, where COPY is a digest of its manifest, and ``KIND/KEY/copy`` is
written last: it names the whole copy. So two machines that copy one artifact at the same time
mix no files, and a copy that a kill broke off does not count.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypeVar

from effbench.api.errors import EffbenchError
from effbench.store.artifacts import MANIFEST, Artifact
from effbench.store.digests import file_sha256
from effbench.store.disk import read_sealed, write_atomically
from effbench.text.words import sized

T = TypeVar("T")

PATIENCE_S = 60.0
"""The most seconds that the address may take to answer, or to send or take a chunk."""

CHUNK = 8 << 20
"""Bytes that are sent or received at once."""

LARGE = 100 * 10**6
"""Bytes of an artifact whose copying is told: it takes seconds or longer."""

COPY = "copy"
"""The file that names the whole copy of an artifact."""


class Mirror:
    """Finished artifacts at a remote address."""

    def __init__(self, address: str) -> None:
        """Note the address; nothing is asked yet."""
        self.address = address

    def check(self) -> None:
        """Ask the address, before any work.

        Raises:
            EffbenchError: it does not answer in time, it refuses, or a package is missing.

        """
        if not self._answer(self._remote.exists, self._root):
            self._answer(self._remote.makedirs, self._root, exist_ok=True)

    def fetch(self, artifact: Artifact, note: Callable[[str], None]) -> bool:
        """Copy a finished artifact here, if there is a whole copy; hold its lock for this.

        Every file is checked, and the manifest appears last. A damaged copy is dropped: the
        step is then made here, and copied again. ``note`` is called with what the user should
        know: that a copy is damaged, or takes long.

        Raises:
            EffbenchError: the address does not answer in time, or refuses.

        """
        name = self._copy_of(artifact)
        if name is None:
            return False
        place, fetched = self._place(artifact, name), artifact.folder / f".{name}"
        try:
            self._receive_whole(f"{place}/{MANIFEST}", fetched / MANIFEST)
            if digest_of_manifest(fetched / MANIFEST) != name:
                raise _DamagedError(f"{place}/{MANIFEST}")
            manifest = read_sealed(fetched / MANIFEST)
            self._note_size(manifest, "fetching", note)
            for file, checksum in manifest["files"].items():
                self._fetch_file(f"{place}/{file}", fetched, file, checksum)
        except (_DamagedError, _MissingError) as error:
            note(f"{self.address}: {error}: lost or damaged, making it again")
            shutil.rmtree(fetched, ignore_errors=True)
            self._answer(self._remote.rm_file, self._pointer(artifact))
            self._answer(self._remote.rm, place, recursive=True)
            return False
        _move_in(fetched, artifact)
        return True

    def push(self, artifact: Artifact, note: Callable[[str], None]) -> None:
        """Copy a finished artifact to the address, unless a whole copy is there.

        ``note`` is called if that will take long.

        Raises:
            EffbenchError: the address does not answer in time, or refuses.

        """
        manifest = artifact.manifest()
        if manifest is None or self._copy_of(artifact) is not None:
            return
        name = digest_of_manifest(artifact.folder / MANIFEST)
        place = self._place(artifact, name)
        self._note_size(manifest, "copying to it", note)
        for file in (*manifest["files"], MANIFEST):
            self._send(artifact.folder / file, f"{place}/{file}")
        pointer = self._pointer(artifact)
        temporary = f"{pointer}.{secrets.token_hex(8)}"
        self._answer(self._remote.pipe_file, temporary, name.encode())
        self._answer(self._remote.mv, temporary, pointer)

    def _fetch_file(self, remote: str, fetched: Path, file: str, checksum: str) -> None:
        path, parts = fetched / file, PurePosixPath(file)
        if ".." in parts.parts or parts.is_absolute():
            raise _DamagedError(remote)
        if path.is_file() and file_sha256(path) == checksum:  # an attempt before a kill has it
            return
        self._receive_whole(remote, path)
        if file_sha256(path) != checksum:
            raise _DamagedError(remote)

    def _note_size(
        self, manifest: Mapping[str, Any], doing: str, note: Callable[[str], None]
    ) -> None:
        if (size := sum(manifest.get("sizes", {}).values())) >= LARGE:
            note(f"{self.address}: {doing} {sized(size)} of {manifest['label']}")

    def _copy_of(self, artifact: Artifact) -> str | None:
        """Return the name of the whole copy; None if there is none."""
        try:
            text = self._answer(self._remote.cat_file, self._pointer(artifact))
        except _MissingError:
            return None
        return bytes(text).decode(errors="replace")[:64]

    def _receive_whole(self, remote: str, path: Path) -> None:
        write_atomically(path, lambda part: self._receive(remote, part))

    def _receive(self, remote: str, path: Path) -> None:
        with self._opened(remote, "rb") as source, path.open("wb") as target:
            while chunk := self._answer(source.read, CHUNK):
                target.write(chunk)

    def _send(self, path: Path, remote: str) -> None:
        self._answer(self._remote.makedirs, remote.rpartition("/")[0], exist_ok=True)
        with path.open("rb") as source:
            target = self._opened(remote, "wb")
            while chunk := source.read(CHUNK):
                self._answer(target.write, chunk)
            self._answer(target.close)

    def _opened(self, remote: str, mode: str) -> IO[bytes]:
        opened: IO[bytes] = self._answer(self._remote.open, remote, mode)
        return opened

    def _place(self, artifact: Artifact, name: str) -> str:
        return f"{self._folder(artifact)}/{name}"

    def _pointer(self, artifact: Artifact) -> str:
        return f"{self._folder(artifact)}/{COPY}"

    def _folder(self, artifact: Artifact) -> str:
        return f"{self._root}/{artifact.folder.parent.name}/{artifact.folder.name}"

    @property
    def _remote(self) -> Any:
        return self._parts[0]

    @property
    def _root(self) -> str:
        return self._parts[1]

    @cached_property
    def _parts(self) -> tuple[Any, str]:
        """The file system and the folder in it."""
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise EffbenchError(
                f"{self.address}: fsspec is not installed (pip install 'effbench[fsspec]')"
            ) from None
        remote, root = self._answer(url_to_fs, self.address)  # it may connect already
        return remote, str(root).rstrip("/")

    def _answer(self, ask: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Return what a call of the remote file system returns, if it does so in time.

        Raises:
            _MissingError: there is no such file.
            EffbenchError: the address does not answer in time, or refuses.

        """
        result = _called(ask, arguments, options)
        if not result:
            raise EffbenchError(
                f"{self.address}: no answer in {PATIENCE_S:g} s (is the address right, and the "
                "network up?)"
            )
        if (error := result.get("error")) is not None:
            kind = _MissingError if isinstance(error, FileNotFoundError) else EffbenchError
            text = str(error).partition("\n")[0] or type(error).__name__
            raise kind(
                f"{self.address}: {text} (see to the address, the network and the rights)"
            ) from error
        answer: T = result["answer"]
        return answer


def _move_in(fetched: Path, artifact: Artifact) -> None:
    """Move what was fetched into the artifact's folder, the manifest last.

    A folder of files, such as a model, is moved at once: half of it could pass for a whole.
    """
    entries = sorted(fetched.iterdir(), key=lambda path: path.name == MANIFEST)
    for entry in entries:
        place = artifact.folder / entry.name
        if place.is_dir():
            shutil.rmtree(place)
        entry.replace(place)
    artifact.sweep()


class _MissingError(EffbenchError):
    """The address has no such file."""


class _DamagedError(EffbenchError):
    """A file of a copy has a wrong checksum; the message is its place."""


def digest_of_manifest(path: Path) -> str:
    """Return the name of the copy that has this manifest: 32 hex digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]


def _called(ask: Callable[..., Any], arguments: Any, options: Any) -> Mapping[str, Any]:
    """Return the answer or the error of a call; nothing if it takes longer than `PATIENCE_S`.

    A thread that waits for a dead host cannot be ended, so it must not keep the program alive.
    """
    result: dict[str, Any] = {}

    def call() -> None:
        try:
            result["answer"] = ask(*arguments, **options)
        except BaseException as error:
            result["error"] = error

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    return {} if thread.is_alive() else result
