"""The second stages of ``rerank``: stored vectors, or a cross-encoder that reads texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from effbench import Doc, EffbenchError, EncodedCorpus
from effbench_combine.texts import Texts


class StoredVectors:
    """Inner products, or MaxSim, with the vectors of docs that the harness keeps."""

    def __init__(self, encoder: EncodedCorpus) -> None:
        self._encoder = encoder

    def index(self, docs: Iterable[Doc]) -> None:
        """Do nothing: the corpus is encoded."""

    def save(self, folder: Path) -> None:
        """Write nothing."""

    def load(self, folder: Path) -> None:
        """Read nothing."""

    def scores(
        self, queries: Sequence[str], doc_ids: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """Return a score for each doc of each query."""
        vectors: Any = self._encoder.encode_queries(queries)
        return [
            _scores(vectors[row : row + 1], self._encoder.vectors(ids)) if ids else []
            for row, ids in enumerate(doc_ids)
        ]


def _scores(query: Any, docs: Any) -> list[float]:
    """Return the score of each doc for one query, with vectors of the same kind."""
    import numpy as np

    if isinstance(docs, np.ndarray):
        products = docs @ query[0]
    elif hasattr(docs, "starts"):  # token vectors
        similarities = docs.vectors @ query.vectors.T
        products = np.maximum.reduceat(similarities, docs.starts[:-1], axis=0).sum(axis=1)
    else:
        products = (docs @ query.T).toarray()[:, 0]
    scores: list[float] = products.tolist()
    return scores


class CrossEncoding:
    """Scores of a `CrossEncoder`, which reads a query and a doc together."""

    def __init__(
        self,
        model: str,
        revision: str | None,
        max_length: int | None,
        batch_size: int,
        device: str,
    ) -> None:
        self._model, self._batch_size = _load(model, revision, max_length, device), batch_size
        self._texts = Texts()

    def index(self, docs: Iterable[Doc]) -> None:
        """Keep the texts of the docs."""
        self._texts.write(docs)

    def save(self, folder: Path) -> None:
        """Write the texts."""
        self._texts.save(folder)

    def load(self, folder: Path) -> None:
        """Open the texts."""
        self._texts.load(folder)

    def scores(
        self, queries: Sequence[str], doc_ids: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """Return a score for each doc of each query; a query's docs are read in one batch."""
        return [self._scores(query, ids) for query, ids in zip(queries, doc_ids, strict=True)]

    def _scores(self, query: str, doc_ids: Sequence[str]) -> list[float]:
        if not doc_ids:
            return []
        import torch

        scores: list[float] = self._model.predict(
            [(query, text) for text in self._texts.of(doc_ids)],
            batch_size=self._batch_size,
            activation_fn=torch.nn.Identity(),
            show_progress_bar=False,
        ).tolist()
        return scores


def _load(model: str, revision: str | None, max_length: int | None, device: str) -> Any:
    from sentence_transformers import CrossEncoder

    from effbench_transformer.loading import loading, place_for
    from effbench_transformer.soundness import prepare_tokenizer, whole_weights
    from effbench_transformer.tokens import length_limit

    place = place_for(device, "float32")
    with loading(model, revision), whole_weights(model, lambda: True):
        loaded = CrossEncoder(
            model,
            revision=revision,
            device=str(place),
            model_kwargs={"use_safetensors": True},
        )
    if loaded.num_labels != 1:
        raise EffbenchError(
            f"cross_encoder {model!r} has {loaded.num_labels} labels (take a model with one "
            "score)"
        )
    prepare_tokenizer(model, loaded.tokenizer, loaded.model)
    limit = length_limit(loaded.tokenizer, loaded.model, max_length, "max_length")
    loaded.max_seq_length = limit
    return loaded
