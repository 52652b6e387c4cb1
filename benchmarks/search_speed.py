"""Measure how fast `exact` searches, against faiss's IndexFlatIP, mteb and BEIR.

    python benchmarks/search_speed.py [--docs N] [--width D] [--queries N] [--single N]
        [-k K ...] [--threads N] [--rounds N] [--kind clustered|random] [--kept TYPE]
        [--memory GIB] [--vectors FILE] [--query-vectors FILE] [--chunked]

Vectors are made, unless NumPy files have them: ``clustered`` ones lie around 2,000 centres, as
those of texts do, and ``random`` ones have no structure, which is the hardest case. They are
kept in a file with the type --kept. `exact` holds what fits into --memory and reads the rest
from the file; faiss holds them all as float32.

The searchers take turns in one process, so other work of the machine slows them equally. A
ratio above 1 means that `exact` is faster. --chunked adds the searches of mteb and BEIR, which
multiply 50,000 vectors at a time and keep the best hits on heaps; the time of `exact` then
includes that of building it.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

import faiss
import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from effbench_exact import ExactIndex

Vectors: TypeAlias = NDArray[np.float32]
Search: TypeAlias = Callable[[Vectors], Any]

_BLOCK = 65_536


class Source:
    """The vectors of a file, as an index of effbench reads them."""

    def __init__(self, vectors: NDArray[Any]) -> None:
        self._vectors = vectors
        self.shape, self.dtype = vectors.shape, vectors.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> Vectors:
        return self._vectors[rows].astype(np.float32)

    def at(self, rows: NDArray[Any]) -> Vectors:
        """Return copies of the vectors at some positions."""
        taken: Vectors = self._vectors[rows].astype(np.float32)
        return taken

    def kept(self, rows: slice) -> NDArray[Any]:
        """Return a slice with the type of the file."""
        return self._vectors[rows]


class Searchers(NamedTuple):
    """Both indexes of the same vectors."""

    exact: ExactIndex
    flat: Any


def main() -> None:
    """Print milliseconds, ratios, and whether the hits are the same."""
    options = parse()
    torch.set_num_threads(options.threads)
    faiss.omp_set_num_threads(options.threads)
    with threadpool_limits(options.threads), tempfile.TemporaryDirectory() as folder:
        print_machine()
        source, queries = load(options, Path(folder))
        if options.chunked:
            for k in options.k:
                compare_chunked(source, queries, k, options)
            return
        both = build(source, options)
        for k in options.k:
            print(f"\n{source.shape} {source.dtype}, {len(queries)} queries, k = {k}")
            exact: Search = partial(both.exact.search, k=k)
            flat: Search = partial(both.flat.search, k=k)
            compare_hits(exact(queries), flat(queries))
            each = [queries[i : i + 1] for i in range(min(options.single, len(queries)))]
            for label, batches in (("all at once", [queries]), ("one by one", each)):
                compare_speed(label, {"exact": exact, "faiss": flat}, batches, options.rounds)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--docs", type=int, default=5183, help="default: 5183, as SciFact has")
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--single", type=int, default=300, help="queries searched one by one")
    parser.add_argument("-k", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--kind", choices=["clustered", "random"], default="clustered")
    parser.add_argument("--kept", choices=["float32", "float16"], default="float32")
    parser.add_argument("--memory", type=float, default=64.0, help="GiB, for `exact`")
    parser.add_argument("--vectors", type=Path, help="a .npy file of the docs' vectors")
    parser.add_argument("--query-vectors", type=Path, help="a .npy file, too")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--chunked", action="store_true", help="against mteb and BEIR")
    return parser.parse_args()


def load(options: argparse.Namespace, folder: Path) -> tuple[Source, Vectors]:
    """Return the vectors of docs and queries [q, d]; made ones without a file."""
    random = np.random.default_rng(0)
    if options.vectors:
        mapped = np.load(options.vectors, mmap_mode="r")
    else:
        shape = (options.docs, options.width)
        mapped = np.lib.format.open_memmap(
            folder / "vectors.npy", "w+", np.dtype(options.kept), shape
        )
    centres = random.standard_normal((2_000, mapped.shape[1]), dtype=np.float32)

    def draw(rows: int) -> Vectors:
        vectors: Vectors = random.standard_normal((rows, mapped.shape[1]), dtype=np.float32)
        if options.kind == "clustered":
            vectors += centres[random.integers(len(centres), size=rows)]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    for start in range(0, 0 if options.vectors else len(mapped), _BLOCK):
        rows = mapped[start : start + _BLOCK]
        rows[:] = draw(len(rows))
    asked = options.query_vectors
    return Source(mapped), np.load(asked) if asked else draw(options.queries)


def build(source: Source, options: argparse.Namespace) -> Searchers:
    """Build both indexes, and print the seconds."""
    exact = ExactIndex(device="cpu", memory=options.memory)
    start = perf_counter()
    exact.build(source)
    middle = perf_counter()
    flat = faiss.IndexFlatIP(source.shape[1])
    for first in range(0, len(source), _BLOCK):
        flat.add(source[first : first + _BLOCK])
    seconds = f"exact {middle - start:.2f} s, faiss {perf_counter() - middle:.2f} s"
    print(f"built: {seconds}; exact takes {exact.nbytes / 1e6:,.0f} MB")
    return Searchers(exact, flat)


def compare_hits(
    exact: tuple[Vectors, NDArray[np.int64]], flat: tuple[Vectors, NDArray[np.int64]]
) -> None:
    """Print how many positions are the same, and how much the scores differ."""
    same = (exact[1] == flat[1]).mean()
    difference = np.abs(exact[0] - flat[0]).max()
    print(f"same positions: {same:.4%}, largest difference of scores: {difference:.1e}")


def compare_speed(
    label: str, searches: dict[str, Search], batches: Sequence[Vectors], rounds: int
) -> None:
    """Print the median milliseconds of a call, and the median and range of rounds' ratios."""
    medians: dict[str, list[float]] = {name: [] for name in searches}
    for number in range(rounds + 1):
        times: dict[str, list[float]] = {name: [] for name in searches}
        for batch in batches:
            for name, search in searches.items():
                times[name].append(timed(search, batch))
        if number:  # the first round warms up
            for name in searches:
                medians[name].append(statistics.median(times[name]))
    first, *others = searches
    print(f"{label}: {first} {statistics.median(medians[first]):.3f} ms", end="")
    for name in others:
        ratios = [b / a for a, b in zip(medians[first], medians[name], strict=True)]
        middle, low, high = statistics.median(ratios), min(ratios), max(ratios)
        print(f", {name} {statistics.median(medians[name]):.3f} ms", end="")
        print(f", ratio {middle:.2f} ({low:.2f} to {high:.2f})", end="")
    print(flush=True)


def compare_chunked(
    source: Source, queries: Vectors, k: int, options: argparse.Namespace
) -> None:
    """Compare `exact`, building included, with the searches of mteb and BEIR."""
    from chunked_searches import beir_search, mteb_search

    def exact(queries: Vectors) -> None:
        index = ExactIndex(device="cpu", memory=options.memory)
        index.build(source)
        index.search(queries, k)

    print(f"\n{source.shape} {source.dtype}, {len(queries)} queries, k = {k}, with the build")
    searches = {
        "exact": exact,
        f"mteb {version('mteb')}": mteb_search(source, k),
        f"beir {version('beir')}": beir_search(source, k),
    }
    compare_speed("all at once", searches, [queries], options.rounds)
    index = ExactIndex(device="cpu", memory=options.memory)
    index.build(source)
    alone = [timed(partial(index.search, k=k), queries) for _ in range(options.rounds)]
    print(f"the search of exact alone: {statistics.median(alone):.3f} ms")


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
