"""What plugins build: refused when it cannot be used, or cannot be kept as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.guard.blame import blamed
from effbench.store.reading import shown
from effbench.work.rows import Row

MOST = 2**100
"""Of bytes and parameters: files cannot hold numbers of any length."""


def refuse_links(folder: Path, row: Row) -> None:
    """Refuse a folder that a plugin has filled if it does not hold all that belongs to it.

    Raises:
        EffbenchError: it is gone, in it is a link that leads out, to nothing or to itself, or a
            name that is no text.

    """
    if folder.is_symlink() or not folder.is_dir():
        raise EffbenchError(
            f"{row.who}: it removed the folder that it was to fill (leave the folder)"
        )
    whole = folder.resolve()
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if not _is_text(name):
            raise EffbenchError(
                f"{row.who}: it left {name!r} (take names that are text in UTF-8)"
            )
        if path.is_symlink() and not _leads_inside(path, whole):
            raise EffbenchError(
                f"{row.who}: it left {name!r}, a link to {str(path.readlink())!r} (copy it: "
                "what is kept must not change with others)"
            )


def _is_text(name: str) -> bool:
    return name == name.encode("utf-8", "replace").decode()


def _leads_inside(link: Path, folder: Path) -> bool:
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):  # it leads nowhere, or to itself
        return False
    return not link.readlink().is_absolute() and folder in target.parents


def refuse_unfit(built: Any, row: Row, *methods: str) -> None:
    """Refuse what can be seen to fail before hours are spent on building it.

    Raises:
        EffbenchError: a method is missing, or ``nbytes`` of the class is no number of bytes.

    """
    with blamed(row.who):
        for name in methods:
            if not callable(getattr(built, name, None)):
                raise EffbenchError(f"{row.who}: it has no method {name!r} (write it)")
        said = getattr(type(built), "nbytes", 0)
        if callable(said):
            raise EffbenchError(f"{row.who}: nbytes is a method (make it a property)")
        if not hasattr(type(said), "__get__"):  # a property may need what is built
            nbytes_of(said, row)


def nbytes_of(said: Any, row: Row) -> int:
    """Return the bytes that ``nbytes`` says; raise `EffbenchError` for what is no number."""
    return number_of(said, "nbytes", "bytes", row)


def number_of(said: Any, name: str, what: str, row: Row) -> int:
    """Return the number that an attribute says: of bytes, of parameters (``what``).

    Raises:
        EffbenchError: it is negative, or so large that it means nothing.

    """
    number = int(said)
    if not 0 <= number < MOST or isinstance(said, bool):
        raise EffbenchError(
            f"{row.who}: {name} is {shown(number)} (give 0 or more {what}, below 2**100)"
        )
    return number
