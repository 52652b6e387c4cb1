"""Time one query at a time, the way a user waits for it.

The first, simple protocol: one process, batch 1, a closed loop after a warm-up, raw samples
kept. `session` is all that the rest of the harness knows of it.
"""

from __future__ import annotations

import gc
import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from effbench.api import IncrementalQueryEncoder
from effbench.cells import Cell
from effbench.errors import EffbenchError
from effbench.steps.data import queries_of
from effbench.steps.search import SearchIndex
from effbench.suite import LatencyOptions

if TYPE_CHECKING:
    from effbench.workbench import Workbench

PROTOCOL = 2
"""Raised whenever what is measured changes: figures of two protocols are not comparable.

2: a search is timed right after its query was encoded, as in `end_to_end` (1: after another
search); encoders that read while the user types have spans of their own.
"""

SMALLEST = {50: 11, 90: 64, 95: 130, 99: 662}
"""Samples that a percentile needs (MLPerf's early-stopping rule at 99 % confidence)."""


class Span(NamedTuple):
    """What is timed of a query, and what goes right before it off the clock."""

    prepare: Callable[[str], Any]
    call: Callable[[Any], object]
    """Takes what ``prepare`` made of the query's text."""


def session(
    cells: Sequence[Cell], bench: Workbench, options: LatencyOptions
) -> dict[str, dict[str, Any] | EffbenchError]:
    """Measure the cells of one dataset, one after the other, on the same queries.

    Returns:
        Cell name -> raw samples in ms by span (docs/latency.md) with the conditions they
        were taken under, or the error that kept a cell from it.

    """
    found: dict[str, dict[str, Any] | EffbenchError] = {}
    texts = _sample([query.text for query in queries_of(cells[0].search.data, bench)], options)
    label = f"latency on {cells[0].dataset.name}"
    gc.collect()
    with bench.progress.work(label, len(cells), "rows") as advance, _threads(options.threads):
        for cell in cells:
            try:
                samples = {
                    name: _timed(span, texts, options.warmup)
                    for name, span in _spans(cell, bench).items()
                }
            except Exception as error:  # a plugin may raise anything
                found[cell.name] = EffbenchError(f"{cell.row.who}: latency: {error}")
            else:
                found[cell.name] = {**conditions(options), "samples_ms": samples}
            advance(1)
    return found


def conditions(options: LatencyOptions) -> dict[str, Any]:
    """Return what latencies must share to stand beside each other (on one machine)."""
    return {
        "protocol": PROTOCOL,
        "queries": options.queries,
        "warmup": options.warmup,
        "threads": options.threads,
    }


def percentile(samples: Sequence[float], percent: int) -> float | None:
    """Return a percentile by nearest rank, or None when the samples are too few for it."""
    if len(samples) < SMALLEST[percent]:
        return None
    return sorted(samples)[math.ceil(len(samples) * percent / 100) - 1]


def _spans(cell: Cell, bench: Workbench) -> dict[str, Span]:
    """Return what to time: from the raw query text to a host vector, to hits, and to both."""
    search = cell.search
    if not isinstance(search, SearchIndex):
        retriever = bench.opened(search.retriever)
        return {"end_to_end": Span(str, lambda text: retriever.search([text], search.k))}
    encoder, index = bench.instance(search.row), bench.opened(search.index)

    def encode(text: str) -> Any:
        return encoder.encode_queries([text])

    def find(vectors: Any) -> object:
        return index.search(vectors, search.k, **search.options)

    return {
        "encode": Span(str, encode),
        **(_typing(encoder) if isinstance(encoder, IncrementalQueryEncoder) else {}),
        "search": Span(encode, find),
        "end_to_end": Span(str, lambda text: find(encode(text))),
    }


def _typing(encoder: IncrementalQueryEncoder) -> dict[str, Span]:
    """Return what to time of a query that is read while it is typed, word by word."""

    def read(text: str) -> tuple[Any, str]:
        state = encoder.start()
        for so_far in _typed(text):
            state = encoder.advance(state, so_far)
        return state, text

    def finish(read_so_far: tuple[Any, str]) -> object:
        return encoder.finish(*read_so_far)

    return {
        "after_last_word": Span(read, finish),
        "total_compute": Span(str, lambda text: finish(read(text))),
    }


def _typed(text: str) -> list[str]:
    """Return the text so far at the start of each word but the first."""
    starts = [word.start() for word in re.finditer(r"\S+", text)]
    return [text[:start] for start in starts[1:]]


def _timed(span: Span, texts: Sequence[str], warmup: int) -> list[float]:
    """Return milliseconds a call, one for each text, after a warm-up on the first texts."""
    for text in texts[:warmup]:
        span.call(span.prepare(text))
    samples = []
    gc.disable()
    try:
        for text in texts:
            prepared = span.prepare(text)
            start = perf_counter()
            span.call(prepared)
            samples.append(round((perf_counter() - start) * 1e3, 4))
    finally:
        gc.enable()
    return samples


def _sample(texts: list[str], options: LatencyOptions) -> list[str]:
    """Return real queries in a seeded shuffle, none twice."""
    unique = list(dict.fromkeys(texts))
    return random.Random(0).sample(unique, min(options.queries, len(unique)))  # noqa: S311 - no secret


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Hold torch, BLAS and OpenMP (faiss among them) to ``count`` threads."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)
