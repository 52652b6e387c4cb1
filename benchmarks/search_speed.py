"""Measure how fast `exact` and faiss's IndexFlatIP search the same vectors.

    python benchmarks/search_speed.py [--docs N] [--width D] [--queries N] [-k K ...]
        [--vectors FILE] [--query-vectors FILE] [--threads N] [--rounds N]

Vectors are random and normalised, unless NumPy files have them. The two take turns in one
process, with all queries at once and with single queries, so other work of the machine slows
both equally. A ratio above 1 means that `exact` is faster.
"""

from __future__ import annotations

import argparse
import platform
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

import faiss
import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from effbench_exact import ExactIndex

Vectors: TypeAlias = NDArray[np.float32]
Search: TypeAlias = Callable[[Vectors], Any]


def main() -> None:
    """Print milliseconds, ratios, and whether the hits are the same."""
    options = parse()
    vectors, queries = load(options)
    torch.set_num_threads(options.threads)
    with threadpool_limits(options.threads):
        print_machine()
        exact = ExactIndex(device="cpu", memory=64)
        exact.build(vectors)
        flat = faiss.IndexFlatIP(vectors.shape[1])
        flat.add(vectors)
        for k in options.k:
            print(f"\n{vectors.shape} vectors, {len(queries)} queries, k = {k}")
            search_exact: Search = partial(exact.search, k=k)
            search_flat: Search = partial(flat.search, k=k)
            compare_hits(search_exact(queries), search_flat(queries))
            compare_speed("all at once", search_exact, search_flat, [queries], options.rounds)
            each = [queries[i : i + 1] for i in range(len(queries))]
            compare_speed("one by one", search_exact, search_flat, each, options.rounds)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--docs", type=int, default=5183, help="default: 5183, as SciFact has")
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("-k", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--vectors", type=Path, help="a .npy file of the docs' vectors")
    parser.add_argument("--query-vectors", type=Path, help="a .npy file, too")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=10)
    return parser.parse_args()


def load(options: argparse.Namespace) -> tuple[Vectors, Vectors]:
    """Return the vectors of docs [n, d] and queries [q, d]; random without a file."""
    random = np.random.default_rng(0)

    def draw(rows: int, width: int) -> Vectors:
        vectors: Vectors = random.standard_normal((rows, width), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    docs, queries = options.vectors, options.query_vectors
    vectors = np.load(docs) if docs else draw(options.docs, options.width)
    width = vectors.shape[1]
    return vectors, np.load(queries) if queries else draw(options.queries, width)


def compare_hits(
    exact: tuple[Vectors, NDArray[np.int64]], flat: tuple[Vectors, NDArray[np.int64]]
) -> None:
    """Print how many positions are the same, and how much the scores differ."""
    same = (exact[1] == flat[1]).mean()
    difference = np.abs(exact[0] - flat[0]).max()
    print(f"same positions: {same:.4%}, largest difference of scores: {difference:.1e}")


def compare_speed(
    label: str,
    search_exact: Search,
    search_flat: Search,
    batches: Sequence[Vectors],
    rounds: int,
) -> None:
    """Print the median milliseconds of a call, and the median and range of rounds' ratios."""
    exact, flat, ratios = [], [], []
    for number in range(rounds + 1):
        times = [(timed(search_exact, batch), timed(search_flat, batch)) for batch in batches]
        if number == 0:
            continue  # warms up
        exact_ms, flat_ms = (statistics.median(ms) for ms in zip(*times, strict=True))
        exact.append(exact_ms)
        flat.append(flat_ms)
        ratios.append(flat_ms / exact_ms)
    ms = f"exact {statistics.median(exact):.3f} ms, faiss {statistics.median(flat):.3f} ms"
    middle = statistics.median(ratios)
    print(f"{label}: {ms}, ratio {middle:.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def timed(search: Search, batch: Vectors) -> float:
    """Return the milliseconds of one call."""
    start = perf_counter()
    search(batch)
    return (perf_counter() - start) * 1e3


def print_machine() -> None:
    """Print the machine and the versions that the numbers depend on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    print(f"{(names or [platform.processor()])[0]}, {torch.get_num_threads()} threads")
    print(", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "faiss-cpu")))


if __name__ == "__main__":
    main()
