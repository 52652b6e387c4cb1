"""Checks that an index, a retriever or a folder of a plugin can be used and kept."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.guard.blame import blamed_for_all
from effbench.store.reading import shown
from effbench.work.rows import Row

MOST = 2**100
"""Numbers of bytes and of parameters are below this: a file cannot hold any longer number."""


def refuse_links(folder: Path, row: Row) -> None:
    """Refuse a folder that a plugin has filled, if its files could change with files elsewhere.

    Raises:
        EffbenchError: the folder is gone, it holds a link that leads out of it, to nothing or
            to itself, or the name of a file is not text in UTF-8.

    """
    if folder.is_symlink() or not folder.is_dir():
        raise EffbenchError(
            f"{row.who}: it removed the folder that it was to fill (leave the folder)"
        )
    resolved = folder.resolve()
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if not _is_text(name):
            raise EffbenchError(
                f"{row.who}: it left {name!r} (take names that are text in UTF-8)"
            )
        if path.is_symlink() and not _leads_inside(path, resolved):
            raise EffbenchError(
                f"{row.who}: it left {name!r}, a link to {str(path.readlink())!r} (copy it: "
                "what is kept must not change with others)"
            )


def _is_text(name: str) -> bool:
    return name == name.encode("utf-8", "replace").decode()


def _leads_inside(link: Path, folder: Path) -> bool:
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):  # the link leads to nothing, or to itself
        return False
    return not link.readlink().is_absolute() and folder in target.parents


def refuse_unfit(built: Any, row: Row, *methods: str) -> None:
    """Refuse an index, or a retriever, that would fail only after hours of building.

    Raises:
        EffbenchError: a method is missing, or ``nbytes`` of its class is not a number of bytes.

    """
    with blamed_for_all(row.who):
        for name in methods:
            if not callable(getattr(built, name, None)):
                raise EffbenchError(f"{row.who}: it has no method {name!r} (write it)")
        nbytes = getattr(type(built), "nbytes", 0)
        if callable(nbytes):
            raise EffbenchError(f"{row.who}: nbytes is a method (make it a property)")
        if not hasattr(type(nbytes), "__get__"):  # a property may need a built index
            number_of(nbytes, "nbytes", "bytes", row)


def nbytes_of(built: Any, row: Row) -> int | None:
    """Return ``nbytes`` of an index or retriever; None if it has no such attribute."""
    try:
        value = built.nbytes
    except AttributeError:  # a property that raises it is not missing
        if inspect.getattr_static(built, "nbytes", None) is not None:
            raise
        return None
    return number_of(value, "nbytes", "bytes", row)


def number_of(value: Any, name: str, unit: str, row: Row) -> int:
    """Return the value of the attribute ``name`` as an int.

    Args:
        value: what the plugin's object has as this attribute.
        name: the attribute, as messages name it.
        unit: what it counts, in the plural: bytes, parameters.
        row: the row that messages name.

    Raises:
        EffbenchError: the value is no number, it is negative, or it is `MOST` or more.

    """
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):  # a word, NaN, infinity
        number = -1
    if not 0 <= number < MOST or isinstance(value, bool):
        raise EffbenchError(
            f"{row.who}: {name} is {shown(value)} (give 0 or more {unit}, below 2**100)"
        )
    return number
