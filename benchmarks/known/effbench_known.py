"""Encoders whose times are known, to check the latency protocol."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from effbench import ModelId, SpeedOnly, hookimpl
from effbench_transformer import TransformerEncoder


class Nothing:
    """Do nothing, so that only the clock and the loop take time."""

    def __init__(self) -> None:
        self._vector = np.ones((1, 8), dtype=np.float32)

    def encode_queries(self, queries: Sequence[str]) -> Any:
        """Return the same vector for each query."""
        return self._vector if len(queries) == 1 else np.ones((len(queries), 8), np.float32)

    def encode_corpus(self, docs: Sequence[Any]) -> Any:
        """Return the same vector for each doc."""
        return np.ones((len(docs), 8), dtype=np.float32)


class Repeated:
    """Encode each query ``times`` times, then sleep ``sleep_ms`` milliseconds."""

    def __init__(
        self, model: ModelId, *, times: SpeedOnly[int] = 1, sleep_ms: SpeedOnly[float] = 0.0
    ) -> None:
        self._encoder = TransformerEncoder(model, normalize=True, max_length=256)
        self._times, self._seconds = times, sleep_ms / 1e3

    def encode_queries(self, queries: Sequence[str]) -> Any:
        """Return the vectors of the last repetition."""
        for _ in range(self._times):
            vectors = self._encoder.encode_queries(queries)
        if self._seconds and len(queries) == 1:
            time.sleep(self._seconds)
        return vectors

    def encode_corpus(self, docs: Sequence[Any]) -> Any:
        """Return the vectors of docs, encoded once."""
        return self._encoder.encode_corpus(docs)


class Slowed:
    """Encode, then go on computing until the whole took ``factor`` times as long."""

    def __init__(
        self, model: ModelId, *, max_length: int = 256, factor: SpeedOnly[float] = 1.0
    ) -> None:
        self._encoder = TransformerEncoder(model, normalize=True, max_length=max_length)
        self._factor = factor

    def encode_queries(self, queries: Sequence[str]) -> Any:
        """Return the vectors of the transformer."""
        start = time.thread_time()
        vectors = self._encoder.encode_queries(queries)
        end = start + self._factor * (time.thread_time() - start)
        while time.thread_time() < end:
            pass
        return vectors

    def encode_corpus(self, docs: Sequence[Any]) -> Any:
        """Return the vectors of docs, encoded once."""
        return self._encoder.encode_corpus(docs)


@hookimpl
def effbench_encoders() -> Mapping[str, type]:
    """Offer ``nothing``, ``repeated`` and ``slowed``."""
    return {"nothing": Nothing, "repeated": Repeated, "slowed": Slowed}


def passes(suite: str, cache: str, row: str, count: int, threads: int) -> Callable[[], None]:
    """Return a function that encodes each query of a session of ``count`` queries once.

    The queries are those that the session draws, in the session's order.
    """
    import torch

    from effbench.latency.drawing import draw
    from effbench.offers import plugins
    from effbench.plan import planner as planning
    from effbench.steps.data import queries_of
    from effbench.store.artifacts import Store
    from effbench.work.progress import Silent
    from effbench.work.workbench import Workbench

    store = Store(Path(cache))
    memory = store.root / "digests.json"
    plan = planning.make(Path(suite), plugins.load(), memory, Path(suite).parent)
    (cell,) = [cell for cell in plan.cells if cell.row.name == row]
    bench = Workbench(store, Silent(), None)
    encoder = bench.instance(cell.row)
    queries = {query.query_id: query.text for query in queries_of(cell.search.data, bench)}
    texts = [text for _, text in draw(queries, count, 50)[0]]
    torch.set_num_threads(threads)

    def encode_all() -> None:
        for text in texts:
            encoder.encode_queries([text])

    return encode_all
