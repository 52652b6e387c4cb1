"""Models of the hub in a pack: the snapshots of this machine's cache of the hub, as they lie.

The hub's own libraries read them on the other machine, without a network.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from effbench.sharing.manifest import HUB
from effbench.store.digests import files_under, hub_commit, hub_folder
from effbench.work.rows import HubModel


def lacking(models: Iterable[HubModel]) -> str | None:
    """Return which model is not in this machine's cache of the hub; None if all are."""
    for model in models:
        if not _snapshot(model).is_dir():
            return f"model {model.name}: not in this machine's cache of the hub (fetch it)"
    return None


def files(models: Iterable[HubModel]) -> Iterator[tuple[str, Path]]:
    """Yield the name in the pack, and the path, of each file of models."""
    for model in models:
        folder, snapshot = hub_folder(model.name), _snapshot(model)
        place = f"{HUB}/{folder.name}"
        for file in files_under(snapshot):
            yield f"{place}/snapshots/{snapshot.name}/{_within(snapshot, file)}", file
        ref = folder / "refs" / (model.revision or "main")
        if ref.is_file():
            yield f"{place}/refs/{model.revision or 'main'}", ref


@contextmanager
def reading_from(folder: Path) -> Iterator[None]:
    """Let workers read models of the hub from an unpacked pack alone, if it has any."""
    before = dict(os.environ)
    if (folder / HUB).is_dir():
        os.environ.update(HF_HUB_CACHE=str(folder / HUB), HF_HUB_OFFLINE="1")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _snapshot(model: HubModel) -> Path:
    commit = hub_commit(model.name, model.revision) or model.revision or "main"
    return hub_folder(model.name) / "snapshots" / commit


def _within(folder: Path, file: Path) -> str:
    return file.relative_to(folder).as_posix()
