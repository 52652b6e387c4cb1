"""The rates at which the machine reads memory: no honest time of a search is below them."""

from __future__ import annotations

from time import perf_counter

SIZES = (10**6, 4 * 10**6, 16 * 10**6, 64 * 10**6, 256 * 10**6)
"""Bytes of the arrays: small ones stay in caches, which are faster than memory."""

REPEATS = 3


def memory_rates() -> dict[str, float]:
    """Return bytes of an array -> bytes a second, the best of a few passes on all cores."""
    import numpy as np

    array = np.ones(max(SIZES) // 4, dtype=np.float32)
    rates = {}
    for nbytes in SIZES:
        part, best = array[: nbytes // 4], float("inf")
        for _ in range(REPEATS):
            start = perf_counter()
            np.dot(part, part)
            best = min(best, perf_counter() - start)
        rates[str(nbytes)] = nbytes / best
    return rates
