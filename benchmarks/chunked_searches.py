"""The searches of mteb and BEIR over vectors that exist: their own code, and no encoding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

_CHUNK = 50_000  # the default of both


def mteb_search(source: Any, k: int) -> Callable[[Any], Any]:
    """Return mteb's search of the vectors of ``source`` for query vectors [q, d]."""
    import mteb
    from datasets import Dataset
    from mteb.models import search_wrappers

    ids = [str(row) for row in range(len(source))]
    corpus = Dataset.from_dict({"id": ids, "title": [""] * len(ids), "text": ids})
    metadata = mteb.get_task("SciFact").metadata
    # it prepares texts for an encoder, which takes longer than the search and is no part of it
    search_wrappers.create_dataloader = lambda *_, **__: None

    def search(queries: Any) -> Any:
        return search_wrappers.chunked_full_corpus_search(
            task_corpus=corpus,
            corpus_chunk_size=_CHUNK,
            query_idx_to_id={row: f"q{row}" for row in range(len(queries))},
            query_embeddings=torch.from_numpy(queries),
            task_metadata=metadata,
            hf_subset="default",
            hf_split="test",
            top_k=k,
            encode_kwargs={"show_progress_bar": False},
            encode_fn=_Chunks(source).encode,
            similarity_fn=lambda a, b: torch.mm(a, b.T),
        )

    return search


def beir_search(source: Any, k: int) -> Callable[[Any], Any]:
    """Return BEIR's search of the vectors of ``source`` for query vectors [q, d]."""
    from beir.retrieval.search.dense.exact_search import DenseRetrievalExactSearch

    corpus = {str(row): {"text": ""} for row in range(len(source))}

    def search(queries: Any) -> Any:
        model = _Chunks(source, queries)
        asked = {f"q{row}": "" for row in range(len(queries))}
        return DenseRetrievalExactSearch(model, corpus_chunk_size=_CHUNK).search(
            corpus, asked, k, "dot"
        )

    return search


class _Chunks:
    """An encoder that hands out the vectors of a source, chunk by chunk."""

    def __init__(self, source: Any, queries: Any = None) -> None:
        self._source, self._queries, self._first = source, queries, 0

    def encode_queries(self, _: Any, **__: Any) -> torch.Tensor:
        """Return the vectors of the queries."""
        return torch.from_numpy(np.asarray(self._queries))

    def encode_corpus(self, _: Any, **__: Any) -> torch.Tensor:
        """Return the next chunk of vectors."""
        rows = slice(self._first, self._first + _CHUNK)
        self._first = rows.stop
        return torch.from_numpy(self._source[rows])

    encode = encode_corpus
