"""TREC files: reads and writes runs, reads qrels and docpairs."""

from __future__ import annotations

import gzip
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, islice, pairwise
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from effbench.api.encoders import DocPair, Qrel, ScoredDoc
from effbench.api.errors import EffbenchError
from effbench.store.disk import write_atomically
from effbench.store.judgments import checked, distinct
from effbench.store.reading import numbered, opened, read_lines, shown
from effbench.text.words import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HEADER_START, HEADER_END = "# ir_metadata.start", "# ir_metadata.end"
"""The first and the last line of a header in ir_metadata, which a run may have."""

_Place = TypeVar("_Place")

_MOST = 3e38
"""The largest score in a file: 32-bit floats end at 3.4e38, and lowered ties need room."""

_SAMPLE = 10_000
"""The number of lines that show whether the ranks of a run fit its scores."""

_DIGITS = 20
"""More digits than any rank has; Python itself refuses more than 4,300."""


class Hits(NamedTuple):
    """The hits of one query: ids of docs, and their scores, float64 [hits]."""

    query_id: str
    doc_ids: Sequence[str]
    scores: NDArray[np.float64]

    @classmethod
    def of(cls, query_id: str, hits: Sequence[ScoredDoc]) -> Hits:
        """Return the hits of a query from a list of them."""
        import numpy as np

        scores = np.array([hit.score for hit in hits], dtype=np.float64)
        return cls(query_id, [hit.doc_id for hit in hits], scores)

    def best(self, k: int, *, drop: str | None = None) -> Hits:
        """Return the best ``k`` in the order of `ordered`, without doc ``drop``."""
        query_id, doc_ids, scores = self
        values = scores.tolist()
        order = [n for n, doc_id in enumerate(doc_ids) if doc_id != drop]
        if (scores[1:] >= scores[:-1]).any():  # a tie: the ids decide
            order.sort(key=lambda n: (values[n], doc_ids[n]), reverse=True)
        order = order[:k]
        return Hits(query_id, [doc_ids[n] for n in order], scores[order])


def ordered(hits: Sequence[ScoredDoc], k: int, *, drop: str | None = None) -> list[ScoredDoc]:
    """Return the best ``k`` hits by (score, doc_id), both descending, without doc ``drop``.

    trec_eval uses the same order, and published scores come from it.
    """
    kept = [hit for hit in hits if hit.doc_id != drop]
    return sorted(kept, key=lambda hit: (hit.score, hit.doc_id), reverse=True)[:k]


def write_trec(path: Path, run: Iterable[Hits], tag: str) -> None:
    """Write queries with their hits, best first, as a TREC run with strictly falling scores.

    Programs sort a run by score alone (trec_eval: as 32-bit floats), and each breaks ties in
    its own way. So equal scores are lowered by the smallest step of a 32-bit float, and every
    program sees the same order.
    """
    with path.open("w", encoding="utf-8") as file:
        for query_id, doc_ids, scores in run:
            hits = enumerate(zip(doc_ids, _falling(scores).tolist(), strict=True), start=1)
            file.writelines(
                f"{query_id} Q0 {doc_id} {rank} {score} {tag}\n"
                for rank, (doc_id, score) in hits
            )


def _falling(scores: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return scores as 32-bit floats, lowered where they would not fall.

    As integers, neighbouring floats are neighbours, so a score n places below another is lower
    by n at least.
    """
    import numpy as np

    single = np.clip(scores, -_MOST, _MOST).astype(np.float32)
    bits = single.view(np.int32).astype(np.int64)
    steps = np.where(bits >= 0, bits, -(bits & 0x7FFFFFFF))
    ranks = np.arange(len(steps))
    lowered = np.minimum.accumulate(steps + ranks) - ranks
    as_bits = np.where(lowered >= 0, lowered, -lowered | 0x80000000).astype(np.uint32)
    return np.where(lowered < steps, as_bits.view(np.float32), single)  # it may be -0.0


def export(trec: Path, path: Path) -> None:
    """Write a gzipped copy of a TREC run file; the same run gives the same bytes."""

    def write(temporary: Path) -> None:
        with (
            temporary.open("wb") as raw,
            gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
            trec.open("rb") as plain,
        ):
            shutil.copyfileobj(plain, packed)

    write_atomically(path, write)


def read_trec(path: Path) -> dict[str, list[ScoredDoc]]:
    """Read a TREC run file, plain or gzipped; the hits are sorted as by `ordered`.

    Scores are 64-bit floats: two scores that differ in the ninth digit are a tie for trec_eval,
    but not here.

    Raises:
        EffbenchError: a line has not six columns, a score is no number, or a query has a doc
            twice.

    """
    hits: dict[str, list[ScoredDoc]] = {}
    for query_id, hit in _hits(path):
        hits.setdefault(query_id, []).append(hit)
    for query_id, ranking in hits.items():
        if len({hit.doc_id for hit in ranking}) < len(ranking):
            double, _ = Counter(hit.doc_id for hit in ranking).most_common(1)[0]
            raise EffbenchError(
                f"{path}: query {shown(query_id)} has doc {shown(double)} twice (drop one)"
            )
    return {query_id: ordered(ranking, len(ranking)) for query_id, ranking in hits.items()}


def upside_down(path: Path) -> bool:
    """Tell whether a run's ranks contradict its scores, as in a run with distances as scores.

    Only the first lines are read, after `read_trec` has checked them. A pipe can be read only
    once, so its ranks are not checked.
    """
    rising = False
    for (query, rank, score), (next_query, next_rank, next_score) in pairwise(_ranked(path)):
        if query == next_query and score != next_score and rank != next_rank:
            if (rank < next_rank) != (score < next_score):
                return False
            rising = True
    return rising


def stream_trec(path: Path) -> Iterator[tuple[str, list[ScoredDoc]]]:
    """Yield each query and its hits, best hit first, of a file that `write_trec` wrote."""
    for query_id, lines in groupby(_hits(path), key=itemgetter(0)):
        yield query_id, [hit for _, hit in lines]


def stream_rankings(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each query and the ids of its hits, as `stream_trec`, in a third of the time."""
    with path.open(encoding="utf-8") as file:
        columns = (line.split(" ", 3) for line in file)
        for query_id, lines in groupby(columns, key=itemgetter(0)):
            yield query_id, [line[2] for line in lines]


def read_docpairs(path: Path) -> Iterator[DocPair]:
    """Yield the pairs of a file; each line is query_id TAB doc_id_a TAB doc_id_b.

    Raises:
        EffbenchError: a line has not three columns.

    """
    form = "docpairs have three: query_id doc_id_a doc_id_b"
    for where, line in read_lines(path):
        columns = line.split()
        if len(columns) != 3:
            raise EffbenchError(f"{where}: {counted(len(columns), 'columns')} ({form})")
        yield DocPair(*columns)


def read_qrels(path: Path) -> list[Qrel]:
    """Read TREC qrels (four columns) or BEIR qrels (three, with a header), plain or gzipped.

    Raises:
        EffbenchError: a line has neither form, a relevance is no integer or too large, a doc
            has two different judgments for a query, or the file has no judgment.

    """
    qrels = list(distinct(_judged(path)))
    if not qrels:
        raise EffbenchError(f"{path}: no judgment in it (is it the right file?)")
    return qrels


def _judged(path: Path) -> Iterator[tuple[str, Qrel]]:
    form = "qrels have four: query_id 0 doc_id relevance, or BEIR's three"
    for number, (where, line) in enumerate(read_lines(path)):
        columns = line.split()
        if len(columns) not in (3, 4):
            raise EffbenchError(f"{where}: {counted(len(columns), 'columns')} ({form})")
        if number or columns[:2] != ["query-id", "corpus-id"]:
            yield where, checked((columns[0], columns[-2], columns[-1]), where)


def _hits(path: Path) -> Iterator[tuple[str, ScoredDoc]]:
    with opened(path) as stream:
        for number, line in _without_header(numbered(str(path), stream), path):
            columns = line.split()
            if len(columns) == 6:
                score = _score(columns[4], path, number)
                yield columns[0], ScoredDoc(columns[2], score)
            elif columns:
                form = "a run has six: query_id Q0 doc_id rank score tag"
                raise EffbenchError(
                    f"{path}:{number}: {counted(len(columns), 'columns')} ({form})"
                )


def _without_header(
    lines: Iterator[tuple[_Place, str]], path: Path
) -> Iterable[tuple[_Place, str]]:
    """Return the lines of a run without its header in ir_metadata, if it has one."""
    first = next(lines, None)
    if first is None or first[1].strip() != HEADER_START:
        return lines if first is None else chain([first], lines)
    if not any(line.strip() == HEADER_END for _, line in lines):
        raise EffbenchError(f"{path}: its header has no end (write the line {HEADER_END})")
    return lines


def _ranked(path: Path) -> Iterator[tuple[str, int, float]]:
    """Yield the query id, rank and score of the first lines with a numeric rank."""
    lines = _without_header(read_lines(path), path) if path.is_file() else ()
    for _, line in islice(lines, _SAMPLE):
        query_id, _, _, rank, score, _ = line.split()
        if rank.isdecimal() and len(rank) < _DIGITS:
            yield query_id, int(rank), float(score)


def _score(text: str, path: Path, number: int) -> float:
    """Return a score; its place becomes a text only for a mistake, because files are long."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    # refuse NaN, infinities, and what only Python reads: 1_000, digits of other scripts
    if value - value != 0 or "_" in text or not text.isascii():
        raise EffbenchError(
            f"{path}:{number}: {shown(text)} is not a number (take a finite one)"
        )
    return value
