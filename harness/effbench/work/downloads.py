"""Downloads of files for plugins: a file is there whole and checked, or not at all."""

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
"""A download ends when the host sends nothing for so many seconds."""

MB = 10**6


@cache  # a file of gigabytes, which several datasets may share, is checked once in a process
def fetch(
    who: str,
    url: str,
    file: Path,
    md5: str | None = None,
    transfer: Callable[[str, Path], None] | None = None,
) -> Path:
    """Return ``file`` after a check; download it from ``url`` first if it is not there.

    A lock makes a second run wait for the download of the first run. If nobody publishes the
    MD5, the sha256 of the first time is noted beside the file, and must stay the same.

    Args:
        who: the name that messages begin with.
        url: the address of the file, http or https.
        file: the path where the file is kept.
        md5: 32 hex digits; None if nobody publishes them.
        transfer: downloads a URL to a path, in place of requests.

    Raises:
        EffbenchError: the download fails, or the checksum is wrong.
        DiskError: the file cannot be written.

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
    """Download to ``part``, which is renamed to ``file`` if this raises nothing."""
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
        answer.raw.enforce_content_length = True  # the default since urllib3 2.0
        work.total = int(answer.headers.get("Content-Length", 0)) // MB or None
        for chunk in answer.iter_content(MB):
            stream.write(chunk)
            work.reach(stream.tell() // MB)


def _reason(error: BaseException) -> str:
    """Return the words of the first cause: the message of requests is long."""
    while error.__context__ is not None:
        error = error.__context__
    return plain_line(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def _difference(path: Path, file: Path, md5: str | None) -> str | None:
    """Return how a checksum differs from the published or noted one; None if it does not.

    If no checksum is published or noted, note it.
    """
    kind, wanted, note = "md5" if md5 else "sha256", md5, _note(file)
    digest = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(MB):
            digest.update(chunk)
    if wanted is None and note.exists():
        wanted = note.read_text(encoding="utf-8").partition(" ")[0]
    if wanted is None:
        # if we may not write to the folder, those who may take care of its files
        with contextlib.suppress(DiskError):
            write_text(note, f"{digest.hexdigest()}  {file.name}\n")
    elif digest.hexdigest() != wanted:
        return f"{kind} is {digest.hexdigest()}, not {wanted}"
    return None


def _note(file: Path) -> Path:
    return file.with_name(f"{file.name}.sha256")
