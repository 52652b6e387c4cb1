"""Measure how fast `exact` searches sparse vectors and token vectors, against other programs.

    python benchmarks/kinds_speed.py sparse [--docs N] [--queries N] [--single N] [-k K]
        [--rounds N] [--threads N] [--vectors FILE] [--query-vectors FILE]
    python benchmarks/kinds_speed.py tokens [the same options]

Sparse: against scipy's product of float32 matrices with the best k of each row, and against
Seismic with the fastest setting of a grid that finds 95 % of the exact hits. Tokens: against
`maxsim` of sentence-transformers with `torch.topk`.

Vectors are made, unless files have them: of scipy.sparse for sparse ones (`save_npz`), and of
NumPy with the arrays `vectors` and `starts` for tokens (`savez`). Made docs have topics, and
a text has 120 words or 30 to 300 tokens; a query has 40 words or 32 tokens.

The searchers take turns in one process, so other work of the machine slows them equally. A
ratio above 1 means that `exact` is faster.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from scipy import sparse
from search_speed import Search, compare_speed, print_machine, timed
from threadpoolctl import threadpool_limits

from effbench import TokenVectors
from effbench_exact import ExactIndex
from effbench_seismic import SeismicIndex

_WORDS, _DOC_WORDS, _QUERY_WORDS = 30_522, 120, 40
_WIDTH, _SHORTEST, _LONGEST, _QUERY_TOKENS = 128, 30, 300, 32
_TOPICS = 500
_RECALL = 0.95
_CUTS, _FACTORS = (3, 5, 8, 12, 20, 40), (0.6, 0.7, 0.8, 0.9, 1.0)


class Source:
    """Vectors as an index of effbench reads them."""

    def __init__(self, vectors: Any) -> None:
        self._vectors, self.shape = vectors, vectors.shape

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: slice) -> Any:
        return self._vectors[rows]


def main() -> None:
    """Print milliseconds, ratios, bytes, and whether the hits are the same."""
    options = parse()
    torch.set_num_threads(options.threads)
    docs, queries = load(options)
    with threadpool_limits(options.threads):
        print_machine()
        exact = built(ExactIndex(device="cpu", memory=64.0), docs, "exact")
        print(f"{docs.shape} {options.kind}, {len_of(queries)} queries, k = {options.k}")
        peers = sparse_peers if options.kind == "sparse" else token_peers
        searches = {"exact": partial(exact.search, k=options.k)}
        searches |= peers(docs, queries, options.k, searches["exact"])
        single = min(options.single, len_of(queries))
        each = [queries[row : row + 1] for row in range(single)]
        for label, batches in (("all at once", [queries]), ("one by one", each)):
            compare_speed(label, searches, batches, options.rounds)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", choices=["sparse", "tokens"])
    parser.add_argument("--docs", type=int, default=5183, help="default: 5183, as SciFact has")
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--single", type=int, default=50, help="queries searched one by one")
    parser.add_argument("-k", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--vectors", type=Path, help="an .npz file of the docs' vectors")
    parser.add_argument("--query-vectors", type=Path, help="an .npz file, too")
    return parser.parse_args()


def load(options: argparse.Namespace) -> tuple[Any, Any]:
    """Return the vectors of docs and queries."""
    made, read = (
        (made_weights, read_weights) if options.kind == "sparse" else (made_tokens, read_tokens)
    )
    if options.vectors:
        return read(options.vectors), read(options.query_vectors)
    random = np.random.default_rng(0)
    return made(options.docs, random, query=False), made(options.queries, random, query=True)


def read_weights(path: Path) -> Any:
    """Read a csr_array."""
    return sparse.csr_array(sparse.load_npz(path), dtype=np.float32)


def read_tokens(path: Path) -> TokenVectors:
    """Read token vectors."""
    with np.load(path) as arrays:
        return TokenVectors(arrays["vectors"], arrays["starts"])


def made_weights(count: int, random: np.random.Generator, *, query: bool) -> Any:
    """Make vectors of words: half are those of all texts, and half those of a topic."""
    words = _QUERY_WORDS if query else _DOC_WORDS
    frequency = 1 / np.arange(1, _WORDS + 1) ** 0.8
    common = random.choice(_WORDS, (count, words // 2), p=frequency / frequency.sum())
    topics = random.integers(_TOPICS, size=(count, 1))
    # a topic has 200 words, which the number of the topic draws
    places = random.integers(200, size=(count, words - words // 2))
    special = (topics * 7_919 + places * 104_729) % _WORDS
    columns = np.concatenate([common, special], axis=1).ravel()
    weights = random.exponential(1, columns.size).astype(np.float32) + np.float32(0.01)
    rows = np.repeat(np.arange(count), words)
    made = sparse.csr_array((weights, (rows, columns)), shape=(count, _WORDS))
    made.sum_duplicates()
    return made


def made_tokens(count: int, random: np.random.Generator, *, query: bool) -> TokenVectors:
    """Make vectors of length 1 around 2,000 centres, as those of tokens lie."""
    longest = (_QUERY_TOKENS, _QUERY_TOKENS) if query else (_SHORTEST, _LONGEST)
    lengths = random.integers(longest[0], longest[1] + 1, size=count)
    centres = np.random.default_rng(1).standard_normal((2_000, _WIDTH), dtype=np.float32)
    vectors = random.standard_normal((lengths.sum(), _WIDTH), dtype=np.float32)
    vectors += centres[random.integers(len(centres), size=len(vectors))]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return TokenVectors(vectors, np.concatenate([[0], np.cumsum(lengths)]))


def built(index: Any, docs: Any, name: str) -> Any:
    """Build an index, and print the seconds and its bytes."""
    start = perf_counter()
    index.build(Source(docs))
    seconds = perf_counter() - start
    print(f"{name}: built in {seconds:.2f} s, takes {index.nbytes / 1e6:,.1f} MB")
    return index


def sparse_peers(docs: Any, queries: Any, k: int, exact: Search) -> dict[str, Search]:
    """Return the searches of scipy and of Seismic."""
    by_word = docs.T.tocsr()

    def scipy_search(queries: Any) -> list[Any]:
        scores = queries @ by_word
        rows = (slice(*scores.indptr[row : row + 2]) for row in range(scores.shape[0]))
        return [best(scores.data[row], scores.indices[row], k) for row in rows]

    positions = exact(queries)[1]
    same = [
        np.intersect1d(found, mine).size / max(1, (mine >= 0).sum())
        for (_, found), mine in zip(scipy_search(queries), positions, strict=True)
    ]
    print(f"scipy: takes {8e-6 * by_word.nnz:,.1f} MB, and has {np.mean(same):.4%} of the hits")
    index = built(SeismicIndex(), docs, "seismic")
    return {"scipy": scipy_search, "seismic": fastest(index, queries, positions)}


def best(scores: Any, positions: Any, k: int) -> tuple[Any, Any]:
    """Return the k best scores and their positions, best first."""
    if len(scores) > k:
        chosen = np.argpartition(scores, -k)[-k:]
        scores, positions = scores[chosen], positions[chosen]
    order = np.argsort(-scores)
    return scores[order], positions[order]


def fastest(index: SeismicIndex, queries: Any, positions: Any) -> Search:
    """Return the fastest search of a grid that has enough of the exact hits."""
    trials = []
    for cut in _CUTS:
        for factor in _FACTORS:
            search = partial(
                index.search, k=positions.shape[1], query_cut=cut, heap_factor=factor
            )
            milliseconds = timed(search, queries)
            trials.append((recall(search, queries, positions), milliseconds, cut, factor))
    enough = [trial for trial in trials if trial[0] >= _RECALL] or [max(trials)]
    share, _, cut, factor = min(enough, key=lambda trial: trial[1])
    print(f"seismic: query_cut {cut}, heap_factor {factor}: {share:.1%} of the hits")
    return partial(index.search, k=positions.shape[1], query_cut=cut, heap_factor=factor)


def recall(search: Callable[[Any], Any], queries: Any, positions: Any) -> float:
    """Return the share of the exact hits that a search has."""
    pairs = zip(search(queries)[1], positions, strict=True)
    shares = [
        np.intersect1d(mine[mine >= 0], exact[exact >= 0]).size / max(1, (exact >= 0).sum())
        for mine, exact in pairs
    ]
    return float(np.mean(shares))


def token_peers(
    docs: TokenVectors, queries: TokenVectors, k: int, exact: Search
) -> dict[str, Search]:
    """Return the search of sentence-transformers."""
    from sentence_transformers.util import maxsim

    tensors = [torch.from_numpy(doc) for doc in docs]

    def search(queries: TokenVectors) -> Any:
        scores = maxsim([torch.from_numpy(query) for query in queries], tensors)
        return torch.topk(scores, min(k, len(tensors)))

    few = queries[:10]
    same = (search(few).indices.numpy() == exact(few)[1]).mean()
    print(f"sentence-transformers: takes {docs.vectors.nbytes / 1e6:,.1f} MB, and has", end="")
    print(f" {same:.4%} of the positions")
    return {"sentence-transformers": search}


def len_of(vectors: Any) -> int:
    """Return the number of texts."""
    return int(vectors.shape[0])


if __name__ == "__main__":
    main()
