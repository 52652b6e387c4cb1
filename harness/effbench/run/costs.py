"""The costs of a cell for its record: sizes and seconds, from the manifests of its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from effbench.plan.cells import Cell
from effbench.steps.encode import EncodeCorpus
from effbench.steps.index import SAVED, BuildIndex, BuildRetriever
from effbench.steps.search import SearchIndex
from effbench.vectors.kinds import KINDS
from effbench.work.step import Step, key_of

if TYPE_CHECKING:
    from effbench.work.workbench import Workbench


def costs_of(cell: Cell, bench: Workbench) -> dict[str, Any]:
    """Return the sizes in bytes and the seconds of encoding and indexing.

    The vectors of a retriever are those of the rows that it uses live, each corpus once. An
    index that is not saved takes no bytes on disk.
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
        corpora = {key_of(corpus): corpus for corpus in _corpora(step)}
        sizes = [_vectors(corpus, bench) for corpus in corpora.values()]
        known = [size for size in sizes if size is not None]
        if known and len(known) == len(sizes):
            of_index["vectors_bytes"] = sum(known)
        return of_index
    queries = bench.artifact(search.queries).manifest() or {}
    corpus = bench.artifact(search.index.corpus).manifest() or {}
    return {
        "docs": corpus["rows"],
        "width": corpus["width"],
        "query_parameters": queries.get("query_parameters"),
        "encode_seconds": corpus["seconds"],
        "vectors_bytes": _vectors(search.index.corpus, bench),
        **of_index,
    }


def _corpora(step: Step) -> Iterator[EncodeCorpus]:
    """Yield the corpora whose vectors a retriever opens, by itself or in its live rows."""
    if isinstance(step, EncodeCorpus):
        yield step
    elif isinstance(step, BuildIndex):
        yield step.corpus
    elif isinstance(step, BuildRetriever):
        for each in step.inputs:
            yield from _corpora(each)


def _vectors(corpus: EncodeCorpus, bench: Workbench) -> int | None:
    """Return the bytes of the stored vectors; None for a step of an older effbench."""
    ends = KINDS[corpus.row.offer.makes].suffixes
    manifest = bench.artifact(corpus).manifest() or {}
    return _on_disk(manifest, lambda name: name.endswith(ends))


def _on_disk(manifest: Mapping[str, Any], chosen: Callable[[str], bool]) -> int | None:
    """Return the bytes of a step's chosen files; None for a step of an older effbench."""
    sizes: Mapping[str, int] | None = manifest.get("sizes")
    return None if sizes is None else sum(sizes[name] for name in sizes if chosen(name))
