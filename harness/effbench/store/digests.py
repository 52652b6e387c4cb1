"""Digests of files and folders: a key contains them, so it changes with a file or a model."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import IO

from effbench.api.errors import DiskError, EffbenchError
from effbench.store.disk import read_sealed, sweep_stale, write_json
from effbench.store.paths import inside
from effbench.store.reading import LONGEST, content_sha256

HUB_ID = re.compile(r"^[\w.-]+(/[\w.-]+)?$")
PACKAGE = "package:"
DIGESTS = "digests.json"
"""The file in the cache that remembers digests."""

_TICK_NS = 2_000_000_000  # the coarsest clock of a file system: FAT's


def digest_of(facts: object) -> str:
    """Return 32 hex digits of the SHA-256 of ``facts`` as canonical JSON."""
    text = json.dumps(facts, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        if hasattr(hashlib, "file_digest"):
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
        return digest.hexdigest()


def text_digest(path: Path) -> str:
    """Return the SHA-256 of a text file's content in hex; a gzipped file is unpacked first.

    The process remembers it until the file changes, because datasets share files of gigabytes.

    Raises:
        EffbenchError: the file cannot be read.

    """
    with readable(path):
        return _text_digest(path, stamp_of(path))


@functools.cache
def _text_digest(path: Path, stamp: tuple[int, ...]) -> str:
    return content_sha256(path)


class Digests:
    """Digests of files and folders; a file on disk remembers them by path and `stamp_of`.

    The digest of a model of some gigabytes takes seconds, and a plan should take one second.
    """

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        sweep_stale(memory.parent)
        self._known = self._remembered()
        self._new: dict[str, list[object]] = {}

    def of(self, path: Path) -> str:
        """Return the digest of a file, or of the relative paths and bytes of a folder's files.

        Raises:
            EffbenchError: a file or folder cannot be read.

        """
        with readable(path):
            if path.is_file():
                return self._file(path)
            files = files_under(path)
        return digest_of([(str(p.relative_to(path)), self._file(p)) for p in files])

    def save(self) -> None:
        """Write the new digests to disk, beside those that other runs wrote meanwhile."""
        if self._new:
            with contextlib.suppress(DiskError):  # a read-only cache still works
                write_json(self._memory, {**self._remembered(), **self._new})
            self._known.update(self._new)
            self._new = {}

    def _file(self, path: Path) -> str:
        with readable(path):
            now, stamp = time.time_ns(), stamp_of(path)
            for known in (self._new, self._known):
                if (entry := known.get(str(path))) and entry[:-1] == [*stamp]:
                    return str(entry[-1])
            digest = file_sha256(path)
        # a young file could change again in the same clock tick, with the same stamp
        if now - stamp[2] > _TICK_NS:
            self._new[str(path)] = [*stamp, digest]
        return digest

    def _remembered(self) -> dict[str, list[object]]:
        try:
            return read_sealed(self._memory)
        except EffbenchError:
            return {}


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn an `OSError` inside the block into a message about an unreadable path.

    Raises:
        EffbenchError: the system cannot read the path.

    """
    try:
        yield
    except OSError as error:
        where, why = error.filename or path, error.strerror or error
        raise EffbenchError(f"{where}: {why} (make it readable)") from error


def files_under(folder: Path) -> list[Path]:
    """Return the files of a folder and its subfolders in order, without hidden files.

    A folder may be a link, as in models that share parts.

    Raises:
        EffbenchError: a folder cannot be listed.

    """
    return sorted(_under(folder, frozenset()))


def stamp_of(path: Path) -> tuple[int, int, int, int]:
    """Return size, mtime (ns), ctime (ns) and inode of a file: they change with the file.

    tar and rsync can give a new file the mtime of an old file; no program can set the ctime.
    """
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def count_lines(stream: IO[bytes]) -> int:
    """Return the number of remaining lines of an open file, without blank lines."""
    lines = iter(partial(stream.readline, LONGEST), b"")
    return sum(not line.isspace() for line in lines)


def find_model(model: str, beside: Path) -> Path | None:
    """Return the folder that ``model`` names, or None when ``model`` is a hub id.

    ``package:MODULE/FOLDER`` is a folder inside an installed package. A path is relative to the
    folder ``beside``.

    Raises:
        EffbenchError: the package or the folder is missing, and ``model`` is no hub id.

    """
    if model.startswith(PACKAGE):
        return _in_package(model)
    folder = inside(beside, model)
    if folder.is_dir():
        return folder
    if model.startswith((".", "/", "~")) or not HUB_ID.match(model):
        raise EffbenchError(
            f"no folder {folder} (name a folder, {PACKAGE}MODULE/FOLDER or a hub id)"
        )
    return None


def spec_of(module: str) -> ModuleSpec | None:
    """Return the spec of a module without loading it, or None when no module has the name.

    Python loads the packages around it, and they may raise anything.
    """
    try:
        return importlib.util.find_spec(module)
    except KeyboardInterrupt:
        raise
    except BaseException:
        return None


def hub_commit(model: str, revision: str | None) -> str | None:
    """Return the commit of a hub model in this machine's cache of the hub, or None.

    ``revision`` is a branch or a tag (None: main).
    """
    try:
        ref = hub_folder(model) / "refs" / (revision or "main")
        return ref.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None


def hub_folder(model: str) -> Path:
    """Return the folder of a model in this machine's cache of the hub; it may be missing."""
    base = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    cache = Path(os.environ.get("HF_HUB_CACHE") or f"{base}/hub")
    return inside(cache, f"models--{model.replace('/', '--')}")


def _in_package(model: str) -> Path:
    module, _, inside = model.removeprefix(PACKAGE).partition("/")
    spec = spec_of(module) if module.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise EffbenchError(f"package {module!r} is not installed ({_install_line(module)})")
    folder = Path(next(iter(spec.submodule_search_locations))) / inside
    if not folder.is_dir():
        raise EffbenchError(f"package {module!r} has no folder {inside!r} (is the name right?)")
    return folder


def _install_line(module: str) -> str:
    """Return the pip command of effbench's extra for a module; else what to look for."""
    name = module.replace("_", "-")
    for requirement in importlib.metadata.requires("effbench") or []:
        extra = re.search(r"extra == [\"'](.+?)[\"']", requirement)
        if requirement.startswith(name) and extra:
            return f"pip install 'effbench[{extra[1]}]'"
    return "install the package that brings it; its name may differ"


def _under(folder: Path, above: frozenset[str]) -> Iterator[Path]:
    real = os.path.realpath(folder)
    if real in above:  # a link to a folder above it
        return
    with readable(folder):
        inside = list(folder.iterdir())
    for path in inside:
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        if path.is_dir():
            yield from _under(path, above | {real})
        elif path.is_file():
            yield path
