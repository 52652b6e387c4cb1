"""The vectors of a block that may be among the k best, with exact scores.

An exact score is the float64 sum of the products rounded to float32. Where the rounding
could depend on the order of summation, the order is fixed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from effbench import Positions, Vectors

    Doubles = NDArray[np.float64]

_FLOAT32, _FLOAT64 = 2.0**-24, 2.0**-53  # unit roundoffs
_BFLOAT16 = 2.0**-7  # error of a product whose factors torch may round to bfloat16 or TF32

with warnings.catch_warnings():  # torch says once that sparse matrices are in beta
    warnings.simplefilter("ignore")
    torch.sparse_csr_tensor([0, 0], [], [], size=(1, 1))


class Found(NamedTuple):
    """Pairs of a query and a vector of the block, sorted by query and position."""

    row: Positions
    position: Positions
    scores: Vectors


def find(queries: Vectors, norms: Doubles, block: Tensor, floor: Vectors, k: int) -> Found:
    """Return all that may be among the k best of the block and score ``floor`` or more.

    ``norms`` [q] are those of the queries times the largest of any vector, ``floor`` [q]
    is the score of the k-th best hit elsewhere.
    """
    if len(queries) == 1 and not block.is_cuda:
        return _find_for_one(queries, norms, block.numpy(), floor, k)
    q, width = torch.from_numpy(queries).to(block.device), block.shape[1]
    products = q @ block.T
    least = _least(products, floor, norms * _product_error(width), k)
    row, position = _pairs(products, least)
    at = position
    if len(row) < len(block):
        block, at = block[torch.from_numpy(position).to(block.device)], np.arange(len(row))
    q, block = q.double(), block.double()

    def terms(some: Positions) -> Doubles:
        return (q[row[some]] * block[at[some]]).cpu().numpy()

    sums = _sampled_products(q, block, row, at)
    return Found(row, position, _rounded(sums, norms[row] * _sum_error(width), terms))


def _find_for_one(
    queries: Vectors, norms: Doubles, block: Vectors, floor: Vectors, k: int
) -> Found:
    """Do what `find` does for one query by numpy alone, at a third of torch's overhead."""
    width = block.shape[1]
    products = torch.from_numpy(_products_of_one(block, queries[0]))[None]
    least = _least(products, floor, norms * _product_error(width), k)
    row, position = _pairs(products, least)
    q, vectors = queries[0].astype(np.float64), block[position].astype(np.float64)
    sums = _products_of_one(vectors, q)
    error = norms[row] * _sum_error(width)
    return Found(row, position, _rounded(sums, error, lambda some: vectors[some] * q))


def _products_of_one(vectors: NDArray[Any], query: NDArray[Any]) -> NDArray[Any]:
    """Return inner products [n], by one thread where several take longer to meet."""
    small = vectors.size < 2**22 and hasattr(np, "vecdot")  # since NumPy 2
    products: NDArray[Any] = np.vecdot(vectors, query) if small else vectors @ query
    return products


def _least(products: Tensor, floor: Vectors, error: Doubles, k: int) -> Vectors:
    """Return what the products of possible hits have at least, float32 [q]."""
    least = floor - error
    if products.shape[1] > k:
        if products.is_cuda:
            kth = products.topk(k, dim=1).values[:, -1].cpu().numpy()
        else:  # ten times as fast as torch.topk
            kth = np.partition(products.numpy(), -k, axis=1)[:, -k]
        least = np.maximum(least, kth - 2 * error)
    return least.astype(np.float32)


def _pairs(products: Tensor, least: Vectors) -> tuple[Positions, Positions]:
    """Return row and column of the products of ``least`` or more."""
    if products.is_cuda:
        mask = products >= torch.from_numpy(least).to(products.device)[:, None]
        flat = mask.flatten().nonzero()[:, 0].cpu().numpy()
    else:  # again by numpy, at a quarter of torch's time
        flat = np.flatnonzero(products.numpy() >= least[:, None])
    return np.divmod(flat, products.shape[1])


def _product_error(width: int) -> float:
    """Bound the error of a float32 inner product of unit vectors, summed in any order."""
    try:
        rounded = torch.get_float32_matmul_precision() != "highest"
    except RuntimeError:  # set by torch's newer interface, which this one cannot read
        rounded = True
    return 1.01 * (width + 8) * _FLOAT32 + (_BFLOAT16 if rounded else 0.0)


def _sum_error(width: int) -> float:
    """Bound how far two float64 sums of unit vectors' products are apart, with room."""
    return 4 * (width + 16) * _FLOAT64


def _sampled_products(q: Tensor, block: Tensor, row: Positions, at: Positions) -> Doubles:
    """Return the inner product of each pair of rows, which are sorted by query."""
    starts = np.searchsorted(row, np.arange(len(q) + 1))
    pairs = torch.sparse_csr_tensor(
        torch.from_numpy(starts).to(q.device),
        torch.from_numpy(at).to(q.device),
        block.new_zeros(len(row)),
        size=(len(q), len(block)),
    )
    products: Tensor = torch.sparse.sampled_addmm(pairs, q, block.T, beta=0.0)
    return products.values().cpu().numpy()


def _rounded(sums: Doubles, error: Doubles, terms: Callable[[Positions], Doubles]) -> Vectors:
    """Round sums to float32, anew from their ``terms`` where the order might decide."""
    unsure = np.flatnonzero(np.float32(sums - error) != np.float32(sums + error))
    for first in range(0, len(unsure), 4096):
        some = unsure[first : first + 4096]
        sums[some] = _pairwise_sum(terms(some))
    return sums.astype(np.float32) + np.float32(0)  # -0.0 becomes 0.0, its equal


def _pairwise_sum(terms: Doubles) -> Doubles:
    """Sum each row in an order that depends on nothing but its length."""
    while (width := terms.shape[1]) > 1:
        half = width // 2
        terms[:, :half] += terms[:, width - half :]
        terms = terms[:, : width - half]
    return terms[:, 0]
