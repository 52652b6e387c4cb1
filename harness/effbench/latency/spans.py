"""What is timed of a row: from the raw query text to a host vector, to hits, and to both."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from effbench.api.encoders import IncrementalQueryEncoder, StagedQueryEncoder
from effbench.guard.blame import blamed_call
from effbench.plan.cells import Cell
from effbench.steps.answers import host_vectors, index_answer, retriever_answer
from effbench.steps.search import SearchIndex

if TYPE_CHECKING:
    from effbench.api.encoders import Vectors
    from effbench.work.workbench import Workbench

ENCODE, SEARCH, END_TO_END = "encode", "search", "end to end"
AFTER_LAST_WORD, TOTAL_COMPUTE = "after last word", "total compute"


class Span(NamedTuple):
    """What is timed of a query, and what goes right before and after it off the clock."""

    prepare: Callable[[str], Any]
    call: Callable[[Any], Any]
    """Takes what ``prepare`` made of the query's text; returns an answer that is finished."""

    copy: Callable[[Any], Any]
    """Makes a copy of an answer: a plugin may use its arrays again for the next one."""


def spans_of(cell: Cell, bench: Workbench) -> dict[str, Span]:
    """Return what to time of a cell, the whole answer last; opens encoder and index."""
    search, row = cell.search, cell.row
    if not isinstance(search, SearchIndex):
        ask = _settled(bench.opened(search.retriever).search)

        def answer(text: str) -> Any:
            return retriever_answer(ask([text], search.depth), row)

        return {END_TO_END: Span(str, answer, lambda found: [list(hits) for hits in found])}
    whole, shape = _settled(bench.instance(row).encode_queries), (1, shape_of(search, bench)[1])
    ask = _settled(bench.opened(search.index).search)

    def encoded(text: str) -> Any:
        return host_vectors(whole([text]), shape, row, "encode_queries")

    def found(vectors: Any) -> Any:
        return index_answer(ask(vectors, search.depth, **search.options), search.index.row)

    encode, find = blamed_call(encoded, search.row.who), blamed_call(found, search.searcher.who)
    return {
        ENCODE: Span(str, encode, np.array),
        **_typing(search, bench),
        SEARCH: Span(encode, find, _pair),
        END_TO_END: Span(str, lambda text: find(encode(text)), _pair),
    }


def encoding_of(search: SearchIndex, bench: Workbench) -> Callable[[Sequence[str]], Vectors]:
    """Return what encodes queries of a search in batches, up to vectors in host memory."""
    row, (_, width) = search.row, shape_of(search, bench)
    encode = _settled(bench.instance(row).encode_queries)

    def encoded(texts: Sequence[str]) -> Vectors:
        # a list of its own, which it may change
        found = encode(list(texts))
        return host_vectors(found, (len(texts), width), row, "encode_queries")

    return encoded


def stages_of(cell: Cell, bench: Workbench) -> dict[str, Callable[[Any], Any]]:
    """Return the stages of encoding a query, in order, if the encoder can tell them apart.

    The first takes a list of one text, each other one what the one before returned; the last
    returns a vector in host memory.
    """
    search = cell.search
    encoder = bench.instance(cell.row) if isinstance(search, SearchIndex) else None
    if not isinstance(search, SearchIndex) or not isinstance(encoder, StagedQueryEncoder):
        return {}
    stages = {
        f"{ENCODE}: {name}": _settled(stage) for name, stage in encoder.query_stages().items()
    }
    if stages:
        name, last = stages.popitem()
        shape = (1, shape_of(search, bench)[1])
        stages[name] = lambda given: host_vectors(last(given), shape, cell.row, name)
    return stages


def shape_of(search: SearchIndex, bench: Workbench) -> tuple[int, int]:
    """Return number and width of the vectors that are searched."""
    manifest = bench.artifact(search.index.corpus).manifest() or {}
    return int(manifest["rows"]), int(manifest["width"])


def _pair(found: tuple[Any, Any]) -> tuple[Any, Any]:
    scores, positions = found
    return np.array(scores), np.array(positions)


def _settled(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a plugin's method that is over when it returns, on a GPU too."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return call

    def settled(*given: Any, **options: Any) -> Any:
        found = call(*given, **options)
        torch.cuda.synchronize()
        return found

    return settled


def _typing(search: SearchIndex, bench: Workbench) -> dict[str, Span]:
    """Return what to time of a query that is read while it is typed, if the encoder can."""
    encoder = bench.instance(search.row)
    if not isinstance(encoder, IncrementalQueryEncoder):
        return {}
    last, shape = _settled(encoder.finish), (1, shape_of(search, bench)[1])

    def read(text: str) -> tuple[Any, str]:
        state = encoder.start()
        for so_far in _typed(text):
            state = encoder.advance(state, so_far)
        return state, text

    def finish(read_so_far: tuple[Any, str]) -> Any:
        return host_vectors(last(*read_so_far), shape, search.row, "finish")

    return {
        AFTER_LAST_WORD: Span(read, finish, np.array),
        TOTAL_COMPUTE: Span(str, lambda text: finish(read(text)), np.array),
    }


def _typed(text: str) -> list[str]:
    """Return the text so far at the start of each word but the first."""
    starts = [word.start() for word in re.finditer(r"\S+", text)]
    return [text[:start] for start in starts[1:]]
