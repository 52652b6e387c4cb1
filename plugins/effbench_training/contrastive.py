"""Contrastive training: its loss, and what is written at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.util import all_gather, all_gather_with_grad, get_rank
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import set_seed

from effbench_training import Contrastive
from effbench_training.batches import Batches, ExampleSet, Features, SideFeatures
from effbench_training.loop import fit
from effbench_training.sides import open_sides, save_side

README = """\
# Trained by effbench

{kind}, trained contrastively on {queries} queries with a batch of {batch}.
"""


def train(options: Contrastive, output_dir: Path, seed: int) -> None:
    """Train the sides, and write them into ``output_dir``; continue from a checkpoint there.

    Raises:
        EffbenchError: options, models and data do not fit together, or the loss is NaN.

    """
    set_seed(seed)
    queries, passages = open_sides(options)
    examples = ExampleSet("contrastive", options.data, options.negatives, seed)
    batches = Batches(
        SideFeatures(queries, options.query_max_length, options.cached),
        _passages(options, passages),
    )
    network = Contrast(
        queries,
        passages,
        temperature=options.temperature,
        shared=options.shared_negatives,
        cached=options.cached is not None,
    )

    def save(folder: Path) -> dict[str, Any]:
        return _save(options, queries, passages, folder)

    rate = options.query_learning_rate
    fit(
        "contrastive",
        network,
        examples,
        batches,
        save,
        output_dir,
        options=options,
        warmup=options.warmup_ratio,
        seed=seed,
        rates=() if rate is None else ((queries, rate),),
    )


def _save(
    options: Contrastive,
    queries: SentenceTransformer,
    passages: SentenceTransformer | None,
    folder: Path,
) -> dict[str, Any]:
    """Write the trained sides into ``folder``; return facts for about.json."""
    save_side(queries, folder)
    if passages is not None and passages is not queries:
        save_side(passages, folder / "passages")
    kind = "An encoder" if options.student is None else "A small query encoder"
    count = len(options.data.queries)
    readme = README.format(kind=kind, queries=count, batch=options.batch_size)
    (folder / "README.md").write_text(readme, encoding="utf-8")
    return {"queries": count}


def _passages(
    options: Contrastive, passages: SentenceTransformer | None
) -> Callable[[Sequence[int]], Features | Tensor]:
    """Return a function from the rows of docs to their given vectors, or to features to encode.

    The docs have features if a passage side is trained.
    """
    docs, vectors = options.data.docs, options.data.vectors
    if passages is None and vectors is not None:
        return lambda rows: torch.from_numpy(vectors(rows))
    features = SideFeatures(passages, options.max_length, options.cached)
    return lambda rows: features([docs[row].default_text() for row in rows])


class Contrast(nn.Module):
    """Two sides with their loss: the softmax cross-entropy of a batch's queries and passages.

    ``queries`` and ``passages`` may be the same module; ``passages`` is None if the passage
    vectors are given. ``shared``: the passages of all devices are in the softmax. ``cached``:
    activations are computed again in the backward pass, which saves memory.
    """

    def __init__(
        self,
        queries: nn.Module,
        passages: nn.Module | None,
        *,
        temperature: float,
        shared: bool,
        cached: bool = False,
    ) -> None:
        super().__init__()
        self.queries = queries
        self._tied = passages is queries
        self.passages = None if self._tied else passages  # or a checkpoint has weights twice
        self._temperature = temperature
        self._shared = shared
        self._cached = cached

    def forward(
        self, queries: Any, passages: Any, rows: Tensor, good: Tensor
    ) -> dict[str, Tensor]:
        """Return the ``loss``, a mean over the device's queries.

        There are q queries and p passages; each query has p / q passages, and the first of them
        is its positive. ``queries`` are features in chunks. ``passages`` are features in chunks
        too, or vectors [p, d] if they are given. ``rows`` [p] are the docs' numbers of the
        passages. ``good`` [q, g] are the docs' numbers of all positives of each query, filled
        up with -1.
        """
        query_vectors = self._encode(self.queries, queries)
        side = self.queries if self._tied else self.passages
        vectors = passages if side is None else self._encode(side, passages)
        count, each, rank = len(query_vectors), len(rows) // len(query_vectors), 0
        if self._shared and torch.distributed.is_initialized():
            vectors, rows, rank = all_gather_with_grad(vectors), all_gather(rows), get_rank()
        with torch.autocast(query_vectors.device.type, enabled=False):  # no rounding to bf16
            scores = query_vectors @ vectors.T / self._temperature
        positives = (torch.arange(count, device=rows.device) + rank * count) * each
        also_good = (rows[None, :, None] == good[:, None, :]).any(-1)
        also_good.scatter_(1, positives[:, None], False)
        masked = scores.masked_fill(also_good, -torch.inf)
        return {"loss": nn.functional.cross_entropy(masked, positives)}

    def _encode(self, side: nn.Module, chunks: Sequence[dict[str, Tensor]]) -> Tensor:
        """Return the vectors of all chunks, float32 [n, d]."""

        def encode(features: dict[str, Tensor]) -> Tensor:
            vectors: Tensor = side(dict(features))["sentence_embedding"]
            return vectors.float()

        if self._cached:
            vectors = [checkpoint(encode, chunk, use_reentrant=False) for chunk in chunks]
        else:
            vectors = [encode(chunk) for chunk in chunks]
        return torch.cat(vectors)
