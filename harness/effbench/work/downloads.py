"""Files that plugins download when they are first read: whole and checked, or not there."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from effbench.api.errors import DiskError, EffbenchError
from effbench.store.disk import on_disk, sweep_stale, write_atomically, write_text
from effbench.text.words import plain_line
from effbench.work.progress import Tally, tell_work

PATIENCE_S = 60.0
"""A host that sends nothing for so long is given up."""

MB = 10**6


@cache  # checked once a process: files have gigabytes, and several datasets may share one
def fetch(
    who: str,
    url: str,
    file: Path,
    md5: str | None = None,
    transfer: Callable[[str, Path], None] | None = None,
) -> Path:
    """Return ``file``, checked; download it from ``url`` when it is not there.

    A lock makes a second run wait for the first one's download. A file whose MD5 nobody
    publishes must keep the sha256 that it had when it was first seen, which is noted beside it.

    Args:
        who: the name that messages begin with.
        url: of the file, by http or https.
        file: where it is kept.
        md5: 32 hex digits, None where nobody publishes them.
        transfer: a function of another library that downloads a URL to a path.

    Raises:
        EffbenchError: the file cannot be had, or its checksum is another one.
        DiskError: the folder does not take it.

    """
    from filelock import FileLock

    with on_disk(file):
        if file.exists():
            if difference := _difference(file, file, md5):
                beside = "" if md5 else f" and {_note(file).name}"
                raise EffbenchError(
                    f"{file}: its {difference} (remove it{beside}: {url} has it)"
                )
            return file
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock"):
            if not file.exists():
                sweep_stale(file.parent)
                write_atomically(file, partial(_download, who, url, file, md5, transfer))
    return file


def _download(
    who: str,
    url: str,
    file: Path,
    md5: str | None,
    transfer: Callable[[str, Path], None] | None,
    part: Path,
) -> None:
    """Download to ``part``, which gets the name of ``file`` if this raises nothing."""
    import requests

    try:
        with tell_work(f"downloading {file.name}", None, "MB") as work:
            (transfer or partial(_transfer, work))(url, part)
            work.reach(part.stat().st_size // MB)
    except requests.RequestException as error:
        raise EffbenchError(
            f"{who}: cannot download {url}: {_reason(error)} "
            f"(connect, or put the file at {file})"
        ) from error
    if difference := _difference(part, file, md5):
        raise EffbenchError(
            f"{who}: what {url} sends is another file: its {difference} "
            f"(get {file.name} elsewhere and put it at {file})"
        )


def _transfer(work: Tally, url: str, part: Path) -> None:
    import requests

    with (
        requests.get(url, stream=True, timeout=PATIENCE_S) as answer,
        part.open("wb") as stream,
    ):
        answer.raise_for_status()
        answer.raw.enforce_content_length = True  # as urllib3 does by itself since 2.0
        work.total = int(answer.headers.get("Content-Length", 0)) // MB or None
        for chunk in answer.iter_content(MB):
            stream.write(chunk)
            work.reach(stream.tell() // MB)


def _reason(error: BaseException) -> str:
    """Return what the system or the host said: what requests makes of it is long."""
    while error.__context__ is not None:
        error = error.__context__
    return plain_line(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def _difference(path: Path, file: Path, md5: str | None) -> str | None:
    """Say how a checksum differs from the one published for ``file``, or noted beside it.

    Where there is neither, it is noted.
    """
    kind, wanted, note = "md5" if md5 else "sha256", md5, _note(file)
    digest = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(MB):
            digest.update(chunk)
    if wanted is None and note.exists():
        wanted = note.read_text(encoding="utf-8").partition(" ")[0]
    if wanted is None:
        # A folder that only others may write to is one that they keep an eye on.
        with contextlib.suppress(DiskError):
            write_text(note, f"{digest.hexdigest()}  {file.name}\n")
    elif digest.hexdigest() != wanted:
        return f"{kind} is {digest.hexdigest()}, not {wanted}"
    return None


def _note(file: Path) -> Path:
    return file.with_name(f"{file.name}.sha256")
