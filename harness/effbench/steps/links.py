"""What plugins leave in the store's folders: files that stay as they are, and no links out."""

from __future__ import annotations

from pathlib import Path

from effbench.errors import EffbenchError
from effbench.rows import Row


def refuse_links(folder: Path, row: Row) -> None:
    """Refuse a folder that a plugin has filled if it does not hold all that belongs to it.

    Raises:
        EffbenchError: it is gone, or in it is a link that leads out, or to nothing.

    """
    if folder.is_symlink() or not folder.is_dir():
        raise EffbenchError(f"{row.who}: it removed the folder that it was to fill")
    whole = folder.resolve()
    for path in folder.rglob("*"):
        if not path.is_symlink():
            continue
        target, inside = path.readlink(), whole in path.resolve().parents
        if target.is_absolute() or not path.exists() or not inside:
            shown = path.relative_to(folder).as_posix()
            raise EffbenchError(
                f"{row.who}: it left {shown!r}, a link to {str(target)!r} (copy it: what is "
                "kept must not change with others)"
            )
