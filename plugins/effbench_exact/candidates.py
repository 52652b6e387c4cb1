"""Candidates: the vectors of a block that may be among the k best, with exact scores.

An exact score is the float64 sum of the products, rounded to float32. If the order of
summation could change the rounded score, the sum is taken again in a fixed order.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from effbench_exact.keys import Candidates

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from effbench import Positions, Vectors

    Doubles = NDArray[np.float64]

_FLOAT32, _FLOAT64 = 2.0**-24, 2.0**-53  # unit roundoffs
DENSE = 2**14
"""Of so many vectors all are converted to float64, if each has four pairs or more."""

_GATHERED = {"cpu": 2**9, "cuda": 2**18}  # vectors that are taken at a time
_CACHED = 256  # the same for a single query: in float64 they stay in the cache
_SPARSE = 12  # on a CPU all products take the time of a twelfth of them that are sampled
_BFLOAT16 = 2.0**-7  # error of a product if torch rounds its factors to bfloat16 or TF32

with warnings.catch_warnings():  # torch warns once that sparse matrices are in beta
    warnings.simplefilter("ignore")
    torch.sparse_csr_tensor([0, 0], [], [], size=(1, 1))


class Rows(Protocol):
    """Vectors [n, d] that are taken by position, as those of a tensor."""

    @property
    def device(self) -> torch.device:
        """Where `index_select` puts them."""

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """Return the vectors at the positions ``index``; ``dim`` is 0."""


def find(queries: Vectors, norms: Doubles, block: Tensor, floor: Vectors, k: int) -> Candidates:
    """Return the pairs that may be among the k best of the block and score ``floor`` or more.

    ``norms`` [q] are the norms of the queries times the largest norm of any vector.
    ``floor`` [q] is the score of the k-th best hit in the blocks before.
    """
    if len(queries) == 1 and not block.is_cuda:
        products = torch.from_numpy(_products_of_query(block.numpy(), queries[0]))[None]
    else:
        products = torch.from_numpy(queries).to(block.device) @ block.T
    row, position = choose(products, floor, norms * product_error(block.shape[1]), k)
    return Candidates(row, position, score(queries, norms, block, row, position))


def choose(
    products: Tensor, floor: Vectors, error: Doubles, k: int
) -> tuple[Positions, Positions]:
    """Return the rows and columns of products [q, n] that may be among the k best of a row.

    ``error`` [q] bounds the difference to the exact scores. A score below ``floor`` [q] is none
    of the best.
    """
    return _pairs(products, _least(products, floor, error, k))


def _products_of_query(vectors: Vectors, query: Vectors) -> Vectors:
    """Return inner products [n]: `vecdot` has one thread, and OpenBLAS's `@` is slower then."""
    alone = vectors.size < 2**22 or torch.get_num_threads() == 1
    products: Vectors = np.vecdot(vectors, query) if alone else vectors @ query
    return products


def score(
    queries: Vectors, norms: Doubles, vectors: Rows, row: Positions, position: Positions
) -> Vectors:
    """Return the exact score of each pair, float32 [pairs]; pairs are sorted by query."""
    if vectors.device.type == "cpu" and len(queries) == 1:
        return _scores_of_query(queries[0].astype(np.float64), norms, vectors, position)
    device = vectors.device
    q = torch.from_numpy(queries).to(device).double()
    if isinstance(vectors, torch.Tensor) and len(vectors) <= min(len(row) // 4, DENSE):
        return _scores(q, norms, vectors.double(), row, position)
    scores, step = np.empty(len(row), np.float32), _GATHERED[device.type]
    for first in range(0, len(row), step):
        part = slice(first, first + step)
        at = torch.from_numpy(position[part]).to(device)
        taken = vectors.index_select(0, at).double()
        scores[part] = _scores(q, norms, taken, row[part], np.arange(len(taken)))
    return scores


def _scores_of_query(
    query: Doubles, norms: Doubles, vectors: Rows, position: Positions
) -> Vectors:
    scores = np.empty(len(position), np.float32)
    for first in range(0, len(position), _CACHED):
        part = slice(first, first + _CACHED)
        taken = vectors.index_select(0, torch.from_numpy(position[part])).double().numpy()
        sums, error = np.vecdot(taken, query), norms * sum_error(len(query))
        scores[part] = rounded_sums(sums, error, partial(_fixed_sums, taken, query))
    return scores


def _fixed_sums(taken: Doubles, query: Doubles, pairs: Positions) -> Doubles:
    return pairwise_sum(taken[pairs] * query)


def _scores(
    q: Tensor, norms: Doubles, vectors: Tensor, row: Positions, at: Positions
) -> Vectors:
    """Return the scores of pairs of a query and a row of ``vectors``, both float64."""

    def fixed(pairs: Positions) -> Doubles:
        rows, columns = (torch.from_numpy(x[pairs]).to(q.device) for x in (row, at))
        return pairwise_sum((q[rows] * vectors[columns]).cpu().numpy())

    if len(row) * _SPARSE > len(q) * len(vectors) and not q.is_cuda:
        sums = torch.mm(q, vectors.T).numpy()[row, at]
    else:
        sums = _sampled_products(q, vectors, row, at)
    return rounded_sums(sums, norms[row] * sum_error(q.shape[1]), fixed)


def _least(products: Tensor, floor: Vectors, error: Doubles, k: int) -> Vectors:
    """Return the smallest product that a hit of each query can have, float32 [q]."""
    least = floor - error
    if products.shape[1] > k:
        if products.is_cuda:
            kth = products.topk(k, dim=1).values[:, -1].cpu().numpy()
        else:  # numpy takes a tenth of the time of torch.topk
            kth = np.partition(products.numpy(), -k, axis=1)[:, -k]
        least = np.maximum(least, kth - 2 * error)
    with np.errstate(over="ignore"):
        return least.astype(np.float32)


def _pairs(products: Tensor, least: Vectors) -> tuple[Positions, Positions]:
    """Return the rows and columns of the products that are at least ``least``."""
    if products.is_cuda:
        mask = products >= torch.from_numpy(least).to(products.device)[:, None]
        flat = mask.flatten().nonzero()[:, 0].cpu().numpy()
    else:  # numpy takes a quarter of torch's time
        flat = np.flatnonzero(products.numpy() >= least[:, None])
    if len(products) == 1:
        return np.zeros(len(flat), np.int64), flat
    return np.divmod(flat, products.shape[1])


def product_error(width: int) -> float:
    """Return a bound of the error of a float32 inner product of unit vectors, in any order."""
    try:
        rounded = torch.get_float32_matmul_precision() != "highest"
    except RuntimeError:  # the precision was set by torch's newer interface
        rounded = True
    return 1.01 * (width + 8) * _FLOAT32 + (_BFLOAT16 if rounded else 0.0)


def sum_error(width: int) -> float:
    """Return a bound, with a margin, of the difference between two float64 inner products.

    Both are of the same unit vectors, summed in different orders.
    """
    return 4 * (width + 16) * _FLOAT64


def _sampled_products(q: Tensor, block: Tensor, row: Positions, at: Positions) -> Doubles:
    """Return the inner product of each pair, float64 [pairs]; pairs are sorted by query."""
    starts = np.searchsorted(row, np.arange(len(q) + 1))
    pairs = torch.sparse_csr_tensor(
        torch.from_numpy(starts).to(q.device),
        torch.from_numpy(at).to(q.device),
        block.new_zeros(len(row)),
        size=(len(q), len(block)),
    )
    products: Tensor = torch.sparse.sampled_addmm(pairs, q, block.T, beta=0.0)
    return products.values().cpu().numpy()


def rounded_sums(
    sums: Doubles, error: Doubles, fixed: Callable[[Positions], Doubles]
) -> Vectors:
    """Round sums [pairs] to float32; first those for which ``error`` could matter are replaced.

    ``fixed`` gets the numbers of these pairs, and returns their sums in a fixed order.
    """
    with np.errstate(over="ignore"):  # the harness refuses infinite scores
        unsure = np.flatnonzero(np.float32(sums - error) != np.float32(sums + error))
        for first in range(0, len(unsure), 4096):
            pairs = unsure[first : first + 4096]
            sums[pairs] = fixed(pairs)
        return sums.astype(np.float32) + np.float32(0)  # -0.0 becomes 0.0, its equal


def pairwise_sum(terms: Doubles) -> Doubles:
    """Sum each row [pairs, terms] in an order that depends only on its length."""
    while (width := terms.shape[1]) > 1:
        half = width // 2
        terms[:, :half] += terms[:, width - half :]
        terms = terms[:, : width - half]
    return terms[:, 0]
