"""What is timed of a row: from the raw query text to a host vector, to hits, and to both."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from effbench.api import IncrementalQueryEncoder, StagedQueryEncoder
from effbench.blame import named
from effbench.cells import Cell
from effbench.steps.search import SearchIndex

if TYPE_CHECKING:
    from effbench.workbench import Workbench

ENCODE, SEARCH, END_TO_END = "encode", "search", "end to end"
AFTER_LAST_WORD, TOTAL_COMPUTE = "after last word", "total compute"


class Span(NamedTuple):
    """What is timed of a query, and what goes right before it off the clock."""

    prepare: Callable[[str], Any]
    call: Callable[[Any], object]
    """Takes what ``prepare`` made of the query's text."""


def spans_of(cell: Cell, bench: Workbench) -> dict[str, Span]:
    """Return what to time of a cell, the whole answer last; opens encoder and index."""
    search = cell.search
    if not isinstance(search, SearchIndex):
        retriever = bench.opened(search.retriever)
        return {END_TO_END: Span(str, lambda text: retriever.search([text], search.k))}
    encoder, index = bench.instance(search.row), bench.opened(search.index)

    def encoded(text: str) -> Any:
        return _on_host(encoder.encode_queries([text]))

    def found(vectors: Any) -> object:
        return index.search(vectors, search.k, **search.options)

    encode, find = named(encoded, search.row.who), named(found, search.searcher.who)
    return {
        ENCODE: Span(str, encode),
        **(_typing(encoder) if isinstance(encoder, IncrementalQueryEncoder) else {}),
        SEARCH: Span(encode, find),
        END_TO_END: Span(str, lambda text: find(encode(text))),
    }


def _on_host(vectors: Any) -> Any:
    """Return contiguous float32 in host memory, as a search needs it: the end of the span."""
    return np.ascontiguousarray(vectors, dtype=np.float32)


def stages_of(cell: Cell, bench: Workbench) -> dict[str, Callable[[Any], Any]]:
    """Return the stages of encoding a query, in order, if the encoder can tell them apart.

    The first takes a list of one text, each other one what the one before returned.
    """
    encoder = bench.instance(cell.row) if cell.index else None
    if not isinstance(encoder, StagedQueryEncoder):
        return {}
    return {
        f"{ENCODE}: {name}": _settled(stage) for name, stage in encoder.query_stages().items()
    }


def _settled(stage: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a stage that is over when it returns, on a GPU too."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return stage

    def settled(given: Any) -> Any:
        found = stage(given)
        torch.cuda.synchronize()
        return found

    return settled


def _typing(encoder: IncrementalQueryEncoder) -> dict[str, Span]:
    """Return what to time of a query that is read while it is typed, word by word."""

    def read(text: str) -> tuple[Any, str]:
        state = encoder.start()
        for so_far in _typed(text):
            state = encoder.advance(state, so_far)
        return state, text

    def finish(read_so_far: tuple[Any, str]) -> object:
        return _on_host(encoder.finish(*read_so_far))

    return {
        AFTER_LAST_WORD: Span(read, finish),
        TOTAL_COMPUTE: Span(str, lambda text: finish(read(text))),
    }


def _typed(text: str) -> list[str]:
    """Return the text so far at the start of each word but the first."""
    starts = [word.start() for word in re.finditer(r"\S+", text)]
    return [text[:start] for start in starts[1:]]
