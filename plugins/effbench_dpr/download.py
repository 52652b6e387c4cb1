"""The files on DPR's host, downloaded when they are first read."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import shutil
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

import effbench
from effbench.files import default_root, write_text

log = logging.getLogger(__name__)

CHUNK = 1 << 20
HOST = "https://dl.fbaipublicfiles.com/dpr/data/retriever"
NAMES = ("nq", "trivia", "webquestions", "curatedtrec", "squad1")
# From ir_datasets' etc/downloads.json (dpr-w100); nobody publishes checksums of the others.
MD5 = {
    "nq-train": "a1c927b5adae71388eb064329387709f",
    "nq-dev": "2640483dbe0df7ae29c6da419c551a80",
    "trivia-train": "5aa4d3577c91425cd20e239ed89a252b",
    "trivia-dev": "d559dffe09acfe5a6370adea55b8abf2",
}
PATIENCE_S = 60.0


def default_folder() -> Path:
    """Return the folder that downloads go into."""
    return default_root() / "dpr"


@functools.cache  # checked once a process
def fetch(stem: str, folder: Path) -> Path:
    """Return the checked file of ``stem`` (such as nq-dev), downloaded if it is not there.

    A lock makes a second run wait for the first one's download. Raises `EffbenchError`
    when the file cannot be had or its checksum is another one.
    """
    from filelock import FileLock

    file = folder / f"biencoder-{stem}.json.gz"
    url = f"{HOST}/{file.name}"
    try:
        if file.exists():
            _verify(
                file, file, "remove it, and its .sha256 if there is one, to download it anew"
            )
        else:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{file}.lock"):
                if not file.exists():
                    _download(url, file)
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise effbench.EffbenchError(
            f"dpr: cannot download {url}: {reason} (connect, or put the file at {file})"
        ) from error
    return file


def _download(url: str, file: Path) -> None:
    """Download to a temporary name; only a whole file of the right checksum gets its own."""
    part = file.with_name(f"{file.name}.part")
    log.info("downloading %s", url)
    try:
        with urlopen(url, timeout=PATIENCE_S) as answer, part.open("wb") as stream:  # noqa: S310
            shutil.copyfileobj(answer, stream, CHUNK)
            found = stream.tell()
            wanted = int(answer.headers["Content-Length"] or found)
        if found != wanted:
            raise effbench.EffbenchError(
                f"dpr: {url} broke off after {found} of {wanted} bytes (run it again)"
            )
        _verify(part, file, f"get {file.name} elsewhere and put it at {file}")
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _verify(found: Path, file: Path, mend: str) -> None:
    """Compare what was found with the checksum published for ``file``, or noted beside it.

    Where there is neither, it is noted. Raises `EffbenchError` when they differ.
    """
    wanted = MD5.get(file.name.removeprefix("biencoder-").removesuffix(".json.gz"))
    kind = "md5" if wanted else "sha256"
    digest = hashlib.new(kind, usedforsecurity=False)
    with found.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    note = file.with_name(f"{file.name}.sha256")
    if wanted is None and note.exists():
        wanted = note.read_text(encoding="utf-8").partition(" ")[0]
    if wanted is None:
        # A folder that only others may write to is one that they keep an eye on.
        with contextlib.suppress(PermissionError):
            write_text(note, f"{digest.hexdigest()}  {file.name}\n")
    elif digest.hexdigest() != wanted:
        raise effbench.EffbenchError(
            f"{found}: its {kind} is {digest.hexdigest()}, not {wanted} ({mend})"
        )
