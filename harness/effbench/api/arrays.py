"""The types of arrays in signatures; this module alone of `api` imports numpy."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Vectors: TypeAlias = NDArray[np.float32]
"""Vectors of one width as an array of numpy in host memory, float32 [n, d]; also scores."""

Positions: TypeAlias = NDArray[np.int64]
"""Positions of vectors in a corpus, counted from 0, as an array of numpy, int64 [q, m]."""
