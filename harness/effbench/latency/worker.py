"""The program of a worker: a fresh process that opens a row and obeys the session.

The environment sets the threads of every library before anything is imported. Commands and
answers go through two pipes (`channel`), and everything that a plugin prints goes to standard
error. The process ends when no more commands come, so it does not outlive a run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from time import perf_counter_ns
from typing import Any

from effbench.api.encoders import Description
from effbench.latency import agreement, timing
from effbench.latency.calibration import Kernel
from effbench.latency.cell_source import open_cell
from effbench.latency.replies import Arrived, Energy, First, Opened, Rate, Reply, Timed, Warm
from effbench.latency.spans import (
    ENCODE,
    END_TO_END,
    SEARCH,
    batch_encoder_of,
    shape_of,
    spans_of,
    stages_of,
    try_stages,
)
from effbench.making.channel import MARK, Inside, end_with_parent
from effbench.steps.description import bytes_of, description_of, tokens_of
from effbench.steps.search import SearchIndex
from effbench.vectors.kinds import KINDS

REWARM = 3
"""Queries off the clock when a row's turn comes: other rows have filled the CPU's caches."""


def main() -> None:
    """Open the cell that the first command names, then obey until no more commands come."""
    end_with_parent()
    channel = Inside(os.environ[MARK])
    try:
        _obey(channel)
    except BaseException as error:
        channel.fail(error)


def _obey(channel: Inside) -> None:
    row: _OpenRow | None = None
    while True:
        arguments = channel.command()
        command = arguments.pop("do")
        if row is None:
            row = _OpenRow(**arguments)
            reply: Reply = row.opened
        else:
            reply = getattr(row, command)(**arguments)
        channel.answer(reply)


class _OpenRow:
    """The open encoder and index of a cell. Its public methods are the commands."""

    def __init__(self, threads: int, **planned: Any) -> None:
        cell, bench = open_cell(**planned)
        began = perf_counter_ns()
        self._cell = cell
        self._spans = spans_of(cell, bench)
        self._parts = bench.parts
        search = cell.search if isinstance(cell.search, SearchIndex) else None
        self._told = Description()
        if search:
            self._told = description_of(bench.instance(search.row), search.row)
        self._stages = stages_of(self._told, search, bench) if search else {}
        _limit_torch(threads)
        self._encode: Any = batch_encoder_of(search, bench) if search else None
        self._docs = shape_of(search, bench)[0] if search else 0
        self.opened = Opened((perf_counter_ns() - began) / 1e6, _libraries())
        self._kernel = Kernel()

    def first(self, text: str) -> First:
        """Answer the first query of this process."""
        return First(timing.times(next(iter(self._spans.values())), [text])[0] / 1e6)

    def warm(self, texts: Sequence[str], timed: Sequence[str]) -> Warm:
        """Warm up with the first half of ``texts``, and with a timed query of each length.

        Time the second half of ``texts`` twice, as new queries and as repeated ones: this
        shows whether an encoder keeps its answers.
        """
        tokens = tokens_of(self._told, timed, self._cell.row)
        lengths = [len(text.split()) for text in timed] if tokens is None else tokens
        old, new = texts[: len(texts) // 2], texts[len(texts) // 2 :]
        by_length = {n: text for n, text in zip(lengths, timed, strict=True) if text not in new}
        whole, *parts = self._spans.values()
        timing.times(whole, [*old, *by_length.values()])
        for span in parts:
            timing.times(span, old)
        if old:
            try_stages(self._stages, old[0], self._cell.row)
        timing.stages(self._stages, old)
        fresh, again = timing.times(whole, new), timing.times(whole, new)
        timing.tidy()
        read = bytes_of(self._told, tokens, self._cell.row)
        return Warm(fresh, again, timing.resident_bytes(), tokens, read)

    def block(self, texts: Sequence[str], before: Sequence[str]) -> Timed:
        """Time all spans of some queries between two calibrations; return the answers, too."""
        timing.tidy()
        kernel, preempted = self._kernel.run(), timing.preempted()
        times, answers = {}, dict[str, list[Any]]()
        for name, span in self._spans.items():
            timing.times(span, before[:REWARM])
            answers[name] = []
            times[name] = timing.times(span, texts, answers[name])
        kind, staged = KINDS[self._cell.row.offer.makes], list[Any]()
        times |= timing.stages(
            self._stages, texts, lambda vectors: staged.append(kind.copied(vectors))
        )
        parts = timing.parts(self._spans[END_TO_END], texts, self._parts)
        times |= {f"{END_TO_END}: {name}": taken for name, taken in parts.items()}
        kernels = (kernel, self._kernel.run())
        if self._stages:
            answers[list(self._stages)[-1]] = staged
        return Timed(
            ns=times,
            kernel_ns=kernels,
            preempted=timing.preempted() - preempted,
            answers=[
                agreement.first_hits(answer, text, self._cell, self._docs)
                for answer, text in zip(answers[END_TO_END], texts, strict=True)
            ],
            unlike={
                name: agreement.differing_vectors(kind, vectors, answers[ENCODE])
                for name, vectors in answers.items()
                if name not in (ENCODE, SEARCH, END_TO_END)
            },
        )

    def throughput(self, texts: Sequence[str], size: int) -> Rate:
        """Return how many queries are encoded in a second, in batches of ``size``."""
        batches = [texts[at : at + size] for at in range(0, len(texts), size)]
        self._encode(batches[0])
        start = perf_counter_ns()
        for batch in batches:
            self._encode(batch)
        return Rate(len(texts) / ((perf_counter_ns() - start) / 1e9))

    def arrivals(self, texts: Sequence[str], due_ns: Sequence[int]) -> Arrived:
        """Answer queries end to end that arrive ``due_ns`` after the start."""
        *_, span = self._spans.values()
        return Arrived(*timing.arrivals(span, texts, due_ns))

    def energy(self, texts: Sequence[str], seconds: float) -> Energy:
        """Read the energy counters (``cpu``, ``gpu``) before and after a loop of queries."""
        return Energy(timing.energy(next(iter(self._spans.values())), texts, seconds))


def _limit_torch(threads: int) -> None:
    """Let torch use this many threads, whatever a plugin has set."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


def _libraries() -> list[dict[str, Any]]:
    """Return the loaded thread pools (OpenMP, BLAS) with their versions and threads."""
    from threadpoolctl import threadpool_info

    names = ("user_api", "internal_api", "version", "num_threads", "architecture")
    return [{name: pool.get(name) for name in names} for pool in threadpool_info()]


if __name__ == "__main__":
    main()
