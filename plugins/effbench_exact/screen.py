"""The screen: the pairs of a query and a vector that may be hits, by products of codes.

It keeps every pair whose exact score may be among the k best as far as is known. Pairs are
scored exactly at the end, or before if there are too many of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from effbench_exact import keys
from effbench_exact.candidates import DENSE, product_error, score

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from effbench import Positions, Vectors
    from effbench_exact.candidates import Rows
    from effbench_exact.codes import Codes, QueryCodes
    from effbench_exact.keys import Keys

    Doubles = NDArray[np.float64]

TILE = 512
"""The queries of one product. More of them would not make it faster."""

_PRODUCTS = 2**21  # of a block: they stay in the cache
_PAIRS = 2**20  # kept at least, before some are scored; a pair takes 32 bytes
_MANY = 24  # if one in so many is left, products in float32 are faster than exact scores
_FULL = 8  # if one in so many pairs of a block is left, the block itself shows a better floor
_SMALL = 1e-15
_ULP = 2.0**-23


def merge(
    best: Keys,
    queries: Vectors,
    norms: Doubles,
    codes: Codes,
    vectors: Rows,
    start: int,
    k: int,
) -> Keys:
    """Return the k best hits [q, up to k] among ``best`` and all ``vectors``.

    ``codes`` are those of ``vectors``, the first of which has the position ``start``.
    ``norms`` [q] are the norms of the queries times the largest norm of any vector.
    """
    coded = codes.encode(queries)
    pool = _Pool(coded, norms, k)
    rows = max(1, _PRODUCTS // max(1, len(queries)))
    limit = max(_PAIRS, 4 * k * len(queries))

    finer = (
        vectors if isinstance(vectors, torch.Tensor) and _may_be_finer(coded, codes) else None
    )

    def scored(best: Keys, begin: int, end: int) -> Keys:
        row, position = pool.take()
        if finer is not None and len(row) * _MANY > len(queries) * (end - begin):
            for first in range(begin, end, rows):
                block = finer[first : min(end, first + rows)].float()
                pool.add(first, *_float32_products(coded, queries, norms, block))
            row, position = pool.take()
        scores = score(queries, norms, vectors, row, position)
        return keys.merge(best, keys.Candidates(row, position, scores), start, k)

    begin = end = 0
    if best.shape[1] >= k:
        pool.raise_floor(keys.worst_score(best, k))
    for first, products, error in codes.products(coded, rows):
        pool.add(first, products, error)
        end = first + products.shape[1]
        if len(pool) > limit:
            pool.prune()
            if len(pool) > limit // 2:
                best, begin = scored(best, begin, end), end
                pool.raise_floor(keys.worst_score(best, k))
    return scored(best, begin, end)


def _may_be_finer(coded: QueryCodes, codes: Codes) -> bool:
    """Return whether `_float32_products` pay for so many vectors, and have a bound."""
    normal = (coded.scale > _SMALL).all() and (coded.scale < 1 / _SMALL).all()
    return len(coded.scale) > 1 and len(codes) > DENSE and bool(normal)


def _float32_products(
    coded: QueryCodes, queries: Vectors, norms: Doubles, block: Tensor
) -> tuple[Vectors, Doubles]:
    """Return products float32 [q, m] and their errors [q], in the unit of the codes."""
    products = torch.from_numpy(queries) @ block.T
    products -= torch.from_numpy(coded.offset.astype(np.float32))[:, None]
    products /= torch.from_numpy(coded.scale.astype(np.float32))[:, None]
    error = norms * (product_error(block.shape[1]) + 8 * _ULP) / coded.scale
    return products.numpy(), error


class _Pairs(NamedTuple):
    row: Positions
    position: Positions
    product: Vectors
    error: Doubles  # of the product, as all are [pairs]


class _Pool:
    """The pairs that may be hits. All products are in the unit of `Codes.products`."""

    def __init__(self, queries: QueryCodes, norms: Doubles, k: int) -> None:
        self._queries, self._k = queries, k
        # scores are rounded to float32, which makes ties of different products
        self._rounding = _ULP * norms / queries.scale
        self._floor = np.full(len(queries.scale), -np.inf)  # no hit has a smaller product
        self._parts: list[_Pairs] = []

    def __len__(self) -> int:
        return sum(len(part.row) for part in self._parts)

    def raise_floor(self, scores: Vectors) -> None:
        """Take the k-th best exact scores [q] that are known."""
        exact = scores.astype(np.float64)
        floor = (exact - self._queries.offset) / self._queries.scale - self._rounding
        self._floor = np.maximum(self._floor, floor)

    def add(self, start: int, products: Vectors, error: Doubles) -> None:
        """Take the pairs of a block that may be hits; ``start`` is its first position."""
        error = error + self._rounding
        flat = self._chosen(products, error)
        if len(products) == 1:
            row, position = np.zeros(len(flat), np.int64), flat
        else:
            row, position = np.divmod(flat, products.shape[1])
        self._parts.append(_Pairs(row, position + start, products.ravel()[flat], error[row]))

    def prune(self) -> None:
        """Drop the pairs that cannot be hits, because k others are better."""
        if len(self._parts) < 2:
            return  # `add` dropped them
        row, position, product, error = map(np.concatenate, zip(*self._parts, strict=True))
        order = np.argsort(row, kind="stable")
        row, position, product, error = (x[order] for x in (row, position, product, error))
        table = keys.table(row, product - error, len(self._floor), -np.inf)
        if table.shape[1] > self._k:
            kth = np.partition(table, -self._k, axis=1)[:, -self._k]
            self._floor = np.maximum(self._floor, kth)
        kept = product + error >= self._floor[row]
        self._parts = [_Pairs(row[kept], position[kept], product[kept], error[kept])]

    def take(self) -> tuple[Positions, Positions]:
        """Return the rows and positions of all pairs, sorted by both, and forget them."""
        self.prune()
        parts, self._parts = self._parts, []
        if not parts:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        return parts[0].row, parts[0].position

    def _chosen(self, products: Vectors, error: Doubles) -> Positions:
        """Return the places of products that may be hits; see if the block raises the floor."""
        more = products.shape[1] > self._k
        if not more or self._floor.min() > -np.inf:
            flat = self._at_least(products, error)
            if not more or len(flat) <= products.size // _FULL:
                return flat
        kth = np.partition(products, -self._k, axis=1)[:, -self._k]
        self._floor = np.maximum(self._floor, kth - error)
        return self._at_least(products, error)

    def _at_least(self, products: Vectors, error: Doubles) -> Positions:
        least = self._floor - error
        least = (least - _ULP * np.abs(least)).astype(np.float32)
        return np.flatnonzero(products >= least[:, None])
