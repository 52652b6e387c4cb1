"""The parts of a faiss index, and the search options that the parts have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import faiss

_OPTIONS = {  # name in faiss.ParameterSpace -> the object in a part, and its attribute
    "nprobe": ("", "nprobe"),
    "efSearch": ("hnsw", "efSearch"),
    "search_L": ("nsg", "search_L"),
    "k_factor_rf": ("", "k_factor"),
}


def search_options(index: Any) -> dict[str, tuple[Any, str]]:
    """Return the search options of the index: name -> the object and attribute to set."""
    options = {}
    for prefix, part in parts(index):
        for name, (inner, attribute) in _OPTIONS.items():
            holder = getattr(part, inner, None) if inner else part
            if hasattr(holder, attribute):
                options[prefix + name] = (holder, attribute)
    return options


def parts(index: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield an index and the indexes inside it, each after the prefix of its options."""
    index = faiss.downcast_index(index)
    yield prefix, index
    for inner, more in (("index", ""), ("base_index", ""), ("quantizer", "quantizer_")):
        if hasattr(index, inner):
            yield from parts(getattr(index, inner), prefix + more)
