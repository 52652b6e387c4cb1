"""Measure `compressed` and `usearch` against `exact`, faiss and usearch on the same vectors.

    python benchmarks/compressed_speed.py [--docs N] [--width D] [--queries N] [--single N]
        [-k K] [--over-fetch N] [--threads N] [--rounds N] [--kind clustered|random]
        [--vectors FILE] [--query-vectors FILE] [--hnsw]

Vectors are made as in search_speed.py, and kept in a file, from which `compressed` reads those
of its candidates. faiss's rival is IndexRefineFlat over the same codes, which keeps the float32
vectors in memory; faiss has no such index of binary codes. usearch scans int8 and bits, without
rescoring; with --hnsw its graph of float32 is built too, which takes long for many docs.

The searchers take turns in one process, so other work of the machine slows them equally. Each
line shows the recall of the k best, the memory of the index, the seconds of building, and the
milliseconds of a query alone and of all queries at once, with the ratio to `exact`: above 1
means that `exact` is slower.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

import faiss
import numpy as np
import torch
from search_speed import Source, Vectors, load, print_machine
from threadpoolctl import threadpool_limits
from usearch.index import Index

from effbench_compressed import CompressedIndex
from effbench_exact import ExactIndex
from effbench_usearch import UsearchIndex

Answer: TypeAlias = tuple[Any, Any]
_BLOCK = 65_536
_TURN = 10  # searches: the first of a turn fill the processor's caches again


class Searcher(NamedTuple):
    """An index that was built: its search for a number of hits, its bytes, its seconds."""

    search: Callable[[Vectors, int], Answer]
    nbytes: int
    seconds: float


def main() -> None:
    """Print a line for each searcher."""
    options = parse()
    torch.set_num_threads(options.threads)
    faiss.omp_set_num_threads(options.threads)
    with threadpool_limits(options.threads), tempfile.TemporaryDirectory() as folder:
        print_machine()
        source, queries = load(options, Path(folder))
        searchers = {name: build(*makers) for name, makers in rivals(source, options).items()}
        print(f"{source.shape} {source.dtype}, {len(queries)} queries, k = {options.k}")
        compare(searchers, queries, options)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--docs", type=int, default=5183, help="default: 5183, as SciFact has")
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--single", type=int, default=100, help="queries searched one by one")
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--over-fetch", type=int, default=4)
    parser.add_argument("--kind", choices=["clustered", "random"], default="clustered")
    parser.add_argument("--kept", choices=["float32", "float16"], default="float32")
    parser.add_argument("--vectors", type=Path, help="a .npy file of the docs' vectors")
    parser.add_argument("--query-vectors", type=Path, help="a .npy file, too")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hnsw", action="store_true", help="usearch's graph of float32 too")
    return parser.parse_args()


def rivals(source: Source, options: argparse.Namespace) -> dict[str, Any]:
    """Return for each searcher a function that builds it, and its search options."""
    rescored = {"over_fetch": options.over_fetch}
    indexes: dict[str, Any] = {"exact": (ours(ExactIndex(device="cpu"), source), {})}
    for code in ("float32", "float16", "int8", "rabitq", "binary"):
        made = ours(CompressedIndex(code=code), source)
        indexes[f"compressed {code}"] = (made, rescored)
    for code in ("int8", "binary"):
        made = ours(CompressedIndex(code=code), source)
        indexes[f"compressed {code}, no rescoring"] = (made, {"rescore": False})
    indexes["faiss Flat"] = (lambda: flat(source), {})
    indexes["faiss SQ8 + RFlat"] = (lambda: refined(source, options.over_fetch), {})
    for dtype in ("i8", "b1"):
        indexes[f"usearch scan {dtype}"] = (scanned(source, dtype, options.threads), {})
    if options.hnsw:
        indexes["usearch HNSW float32"] = (ours(UsearchIndex(), source), {})
    return indexes


def build(make: Callable[[], tuple[Any, int]], options: dict[str, Any]) -> Searcher:
    """Build an index and note the seconds."""
    start = perf_counter()
    search, nbytes = make()
    seconds = perf_counter() - start
    return Searcher(lambda queries, k: search(queries, k, **options), nbytes, seconds)


def ours(index: Any, source: Source) -> Callable[[], tuple[Any, int]]:
    """Return a function that builds an index of effbench."""

    def make() -> tuple[Any, int]:
        index.build(source)
        return index.search, index.nbytes

    return make


def flat(source: Source) -> tuple[Any, int]:
    """Build faiss's exact index."""
    index = faiss.IndexFlatIP(source.shape[1])
    for first in range(0, len(source), _BLOCK):
        index.add(source[first : first + _BLOCK])
    return index.search, 4 * source.shape[0] * source.shape[1]


def refined(source: Source, over_fetch: int) -> tuple[Any, int]:
    """Build faiss's index of int8 with rescoring; its vectors are in memory."""
    index = faiss.index_factory(source.shape[1], "SQ8,RFlat", faiss.METRIC_INNER_PRODUCT)
    index.train(source[:_BLOCK])
    index.k_factor = over_fetch
    for first in range(0, len(source), _BLOCK):
        index.add(source[first : first + _BLOCK])
    return index.search, 5 * source.shape[0] * source.shape[1]


def scanned(source: Source, dtype: str, threads: int) -> Callable[[], tuple[Any, int]]:
    """Return a function that gives usearch vectors to scan: its index, without the graph."""

    def coded(vectors: Vectors) -> Any:
        return vectors if dtype == "i8" else np.packbits(vectors > 0, axis=1)

    def make() -> tuple[Any, int]:
        metric = "ip" if dtype == "i8" else "hamming"
        # the smallest graph: the scan does not use it, and building it takes longest
        index = Index(
            ndim=source.shape[1], metric=metric, dtype=dtype, connectivity=2, expansion_add=1
        )
        for first in range(0, len(source), _BLOCK):
            block = source[first : first + _BLOCK]
            index.add(np.arange(first, first + len(block)), coded(block), threads=threads)

        def search(queries: Vectors, k: int) -> Answer:
            hits = index.search(coded(queries), k, exact=True, threads=threads)
            return hits.distances, np.atleast_2d(hits.keys)

        return search, source.shape[0] * source.shape[1] // (1 if dtype == "i8" else 8)

    return make


def compare(
    searchers: dict[str, Searcher], queries: Vectors, options: argparse.Namespace
) -> None:
    """Print the table: medians over rounds, in which the searchers take turns."""
    k = options.k
    each = [queries[i : i + 1] for i in range(min(options.single, len(queries)))]
    wanted = searchers["exact"].search(queries, k)[1]
    alone = turns(searchers, each, options)
    together = turns(searchers, [queries], options)
    print("| searcher | recall | MB | built s | alone ms | ratio | all at once ms | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, searcher in searchers.items():
        positions = searcher.search(queries, k)[1].astype(np.int64)
        recall = np.mean(
            [np.isin(*pair).mean() for pair in zip(wanted, positions, strict=True)]
        )
        figures = [
            f"{statistics.median(times[name]):.3f} | {ratio(times['exact'], times[name])}"
            for times in (alone, together)
        ]
        print(
            f"| {name} | {recall:.3f} | {searcher.nbytes / 1e6:,.1f} | "
            f"{searcher.seconds:.1f} | {' | '.join(figures)} |",
            flush=True,
        )


def turns(
    searchers: dict[str, Searcher], batches: Sequence[Vectors], options: argparse.Namespace
) -> dict[str, list[float]]:
    """Return the median milliseconds of a call in each round, after one that warms up."""
    medians: dict[str, list[float]] = {name: [] for name in searchers}
    for number in range(options.rounds + 1):
        times: dict[str, list[float]] = {name: [] for name in searchers}
        for first in range(0, len(batches), _TURN):
            for name, searcher in searchers.items():
                for batch in batches[first : first + _TURN]:
                    times[name].append(timed(searcher, batch, options.k))
        if number:
            for name in searchers:
                medians[name].append(statistics.median(times[name]))
    return medians


def timed(searcher: Searcher, queries: Vectors, k: int) -> float:
    """Return the milliseconds of a search."""
    start = perf_counter()
    searcher.search(queries, k)
    return 1e3 * (perf_counter() - start)


def ratio(first: Sequence[float], second: Sequence[float]) -> str:
    """Return the median ratio of rounds, and its range."""
    ratios = [a / b for a, b in zip(first, second, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


if __name__ == "__main__":
    main()
