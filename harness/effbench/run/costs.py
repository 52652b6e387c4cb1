"""The costs of a cell for its record: sizes and seconds, from the manifests of its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from effbench.plan.cells import Cell
from effbench.steps.index import SAVED
from effbench.steps.search import SearchIndex
from effbench.vectors.kinds import KINDS
from effbench.work.step import key_of

if TYPE_CHECKING:
    from effbench.work.workbench import Workbench


def costs_of(cell: Cell, bench: Workbench) -> dict[str, Any]:
    """Return the sizes in bytes and the seconds of encoding and indexing.

    A retriever has no vectors, and an index that is not saved takes no bytes on disk.
    """
    search = cell.search
    step = search.index if isinstance(search, SearchIndex) else search.retriever
    built = bench.artifact(step).manifest() or {}
    of_index = {
        "index_key": key_of(step),
        "index_seconds": built["seconds"],
        "index_bytes": built["nbytes"],
        "saved_bytes": _on_disk(built, lambda name: name.startswith(f"{SAVED}/")),
    }
    if not isinstance(search, SearchIndex):
        return of_index
    queries = bench.artifact(search.queries).manifest() or {}
    corpus = bench.artifact(search.index.corpus).manifest() or {}
    ends = KINDS[search.index.corpus.row.offer.makes].suffixes
    return {
        "docs": corpus["rows"],
        "width": corpus["width"],
        "query_parameters": queries.get("query_parameters"),
        "encode_seconds": corpus["seconds"],
        "vectors_bytes": _on_disk(corpus, lambda name: name.endswith(ends)),
        **of_index,
    }


def _on_disk(manifest: Mapping[str, Any], chosen: Callable[[str], bool]) -> int | None:
    """Return the bytes of a step's chosen files; None for a step of an older effbench."""
    sizes: Mapping[str, int] | None = manifest.get("sizes")
    return None if sizes is None else sum(sizes[name] for name in sizes if chosen(name))
