"""Runs, searched and written in chunks of queries; a killed search keeps its whole chunks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from effbench.api.errors import EffbenchError
from effbench.steps.hits import check_hits
from effbench.store.artifacts import PART
from effbench.store.digests import file_sha256
from effbench.store.disk import read_sealed, sealed, write_atomically, write_text
from effbench.store.trec import write_trec
from effbench.work.rows import Row

if TYPE_CHECKING:
    from effbench.store.artifacts import Artifact
    from effbench.store.trec import Hits
    from effbench.work.code import Code
    from effbench.work.progress import Tally

RUN = "run.trec"

CHUNK_BYTES = 2**27
"""Memory for the answer to a chunk; its checks and its sorting take as much again."""

HIT, LISTED_HIT = 12, 200
"""Bytes of a hit in arrays of scores and positions, and in lists of `ScoredDoc`."""

PAIRS, FEWEST = 2**34, 2_048
"""A chunk compares so many pairs of a query and a doc, for progress and for resuming, but it
has this many queries or more: `exact` reads the whole corpus from disk for each chunk."""


class Answer(NamedTuple):
    """The hits of a chunk's queries in order, and the seconds that the search took."""

    hits: Iterable[Hits]
    seconds: float


Find: TypeAlias = Callable[[slice], Answer]
"""Searches a slice of the queries."""


class RunFile(NamedTuple):
    """How hits are written: the row that gave them, and what is kept of them."""

    searcher: Row
    k: int
    drop_self: bool
    tag: str
    code: Code


def chunk_size(query_bytes: int, docs: int) -> int:
    """Return the number of queries in a chunk.

    Args:
        query_bytes: memory that a query takes with its answer.
        docs: the number of docs in the corpus.

    """
    most = max(1, CHUNK_BYTES // max(1, query_bytes))
    return min(most, max(FEWEST, PAIRS // max(1, docs)))


def write_run(
    artifact: Artifact, queries: int, size: int, find: Find, form: RunFile, advance: Tally
) -> dict[str, Any]:
    """Search all queries, and write their hits into the file `RUN`.

    Queries that fit in one chunk are searched by one call. Several chunks are files of their
    own at first; an unfinished attempt leaves them, and they are kept if the same ``code`` has
    made them. The folder loses them when the step has finished.

    Returns:
        The seconds of searching, with those of kept chunks, and the number of queries
        without hits.

    """
    if queries <= size:
        answer = find(slice(0, queries))
        advance(queries)
        written = _Written(form)
        artifact.put(RUN, lambda path: written.write(path, answer.hits))
        return {"seconds": answer.seconds, "without_hits": written.without_hits}
    facts, parts = [], []
    for number, first in enumerate(range(0, queries, size)):
        asked = slice(first, min(first + size, queries))
        part = artifact.folder / f"{PART}{number:05}.trec"
        known = _facts_of(part, asked, form)
        if known is None:
            known = _write_part(part, asked, find, form)
            advance(asked.stop - first)
        else:
            advance.skip(asked.stop - first)
        facts.append(known)
        parts.append(part)
    artifact.put(RUN, lambda path: _join(parts, path))
    return {name: sum(fact[name] for fact in facts) for name in ("seconds", "without_hits")}


def _facts_of(part: Path, asked: slice, form: RunFile) -> Mapping[str, Any] | None:
    """Return the facts of a chunk that an earlier attempt has left; None if it is not whole."""
    try:
        facts = read_sealed(part.with_suffix(".json"))
    except EffbenchError:
        return None
    same = facts.items() >= _belongs(part, asked, form).items()
    return facts if same and part.is_file() and file_sha256(part) == facts["file"] else None


def _belongs(part: Path, asked: slice, form: RunFile) -> dict[str, Any]:
    queries = [asked.start, asked.stop]
    return {"key": part.parent.name, "queries": queries, "code": form.code}


def _write_part(part: Path, asked: slice, find: Find, form: RunFile) -> Mapping[str, Any]:
    answer, written = find(asked), _Written(form)
    write_atomically(part, lambda path: written.write(path, answer.hits))
    facts = {
        **_belongs(part, asked, form),
        "seconds": answer.seconds,
        "without_hits": written.without_hits,
        "file": file_sha256(part),
    }
    write_text(part.with_suffix(".json"), sealed(facts))
    return facts


def _join(parts: Iterable[Path], path: Path) -> None:
    with path.open("wb") as whole:
        for part in parts:
            with part.open("rb") as file:
                shutil.copyfileobj(file, whole, 2**20)


class _Written:
    """The writing of hits, which counts the queries without any."""

    def __init__(self, form: RunFile) -> None:
        self._form, self.without_hits = form, 0

    def write(self, path: Path, hits: Iterable[Hits]) -> None:
        """Write the checked hits in the order of runs."""
        write_trec(path, self._kept(hits), self._form.tag)

    def _kept(self, answered: Iterable[Hits]) -> Iterator[Hits]:
        form = self._form
        for hits in answered:
            check_hits(hits, form.searcher)
            best = hits.best(form.k, drop=hits.query_id if form.drop_self else None)
            self.without_hits += not best.doc_ids
            yield best
