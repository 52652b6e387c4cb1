"""Batches of texts: how they are cut, and how they keep all threads of a CPU busy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Given = TypeVar("Given")
Made = TypeVar("Made")

MOST_LANES = 32
"""Most batches at a time: with more, Python's lock would be the narrow place."""


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Yield batches of rows, the longest first, of up to ``budget`` tokens with padding.

    Texts of length 0 are left out.
    """
    rows = sorted(
        (row for row in range(len(lengths)) if lengths[row]), key=lambda row: -lengths[row]
    )
    start = 0
    while start < len(rows):
        size = max(1, budget // lengths[rows[start]])
        yield rows[start : start + size]
        start += size


def in_lanes(work: Callable[[Given], Made], given: Sequence[Given]) -> Iterator[Made]:
    """Yield ``work`` of each batch in order; a CPU works on as many as torch has threads.

    A batch that all threads share waits at the end of each operation for the slowest of them.
    Operations take about a millisecond. If the system gives a core to another program for
    a few milliseconds, all threads stand still so long. A lane, a thread with a batch to
    itself, waits for nobody before the last batch.

    Fewer batches than lanes are worked on in turn, by all threads.
    """
    threads = torch.get_num_threads()
    lanes = min(threads, MOST_LANES)
    if lanes == 1 or len(given) < lanes:
        yield from map(work, given)
        return
    # each thread has a number of its own for torch, but a new thread starts with the newest
    pool = ThreadPoolExecutor(
        lanes, "lane", initializer=torch.set_num_threads, initargs=(threads // lanes,)
    )
    try:
        with pool:
            yield from pool.map(work, given)
    finally:
        torch.set_num_threads(threads)


def ahead(make: Callable[[Given], Made], given: Sequence[Given]) -> Iterator[Made]:
    """Yield ``make`` of each part in order; a thread makes the next part meanwhile."""
    if len(given) == 1:
        yield make(given[0])
        return
    with ThreadPoolExecutor(1, "ahead") as pool:
        waiting = [pool.submit(make, part) for part in given[:1]]
        for part in given[1:]:
            waiting.append(pool.submit(make, part))
            yield waiting.pop(0).result()
        for last in waiting:
            yield last.result()
