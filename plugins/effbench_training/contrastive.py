"""Contrastive training: a query side, and a passage side that is trained along or given."""

from __future__ import annotations

import shutil
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

KEPT = "small_query.json"
"""What a student's folder says beside Sentence Transformers' own files."""

README = """\
# Trained by effbench

{what}, trained contrastively on {queries} queries with a batch of {batch}.
"""


def train(options: Contrastive, output_dir: Path, seed: int) -> None:
    """Train, and write the query side, with a passage side beside it if it was trained too."""
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
    """Write the sides that were trained; return what about.json says of them."""
    save_side(queries, folder)
    if passages is not None and passages is not queries:
        save_side(passages, folder / "passages")
    if options.student is not None:
        shutil.copy(options.student.folder / KEPT, folder / KEPT)
    what = "An encoder" if options.student is None else "A small query encoder"
    count = len(options.data.queries)
    readme = README.format(what=what, queries=count, batch=options.batch_size)
    (folder / "README.md").write_text(readme, encoding="utf-8")
    return {"queries": count}


def _passages(
    options: Contrastive, passages: SentenceTransformer | None
) -> Callable[[Sequence[int]], Features | Tensor]:
    """Return what gives the vectors of passages, or features of those that are trained."""
    docs, vectors = options.data.docs, options.data.vectors
    if passages is None and vectors is not None:
        return lambda rows: torch.from_numpy(vectors(rows))
    features = SideFeatures(passages, options.max_length, options.cached)
    return lambda rows: features([docs[row].default_text() for row in rows])


class Contrast(nn.Module):
    """Scores of a batch's queries and passages, and the loss that compares them."""

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
        self.passages = None if self._tied else passages  # a checkpoint holds a weight once
        self._temperature = temperature
        self._shared = shared
        self._cached = cached

    def forward(
        self, queries: Any, passages: Any, rows: Tensor, good: Tensor
    ) -> dict[str, Tensor]:
        """Return the ``loss``, a mean over the device's queries.

        ``queries`` and ``passages`` are features in chunks, or vectors [p, d] for passages that
        are not trained; each query has p / q passages, its good one first. ``rows`` [p] numbers
        the passages, ``good`` [q, g] the good ones of each query, filled up with -1.
        """
        ours = self._encode(self.queries, queries)
        side = self.queries if self._tied else self.passages
        theirs = passages if side is None else self._encode(side, passages)
        each, rank = len(rows) // len(ours), 0
        if self._shared and torch.distributed.is_initialized():
            theirs, rows, rank = all_gather_with_grad(theirs), all_gather(rows), get_rank()
        with torch.autocast(ours.device.type, enabled=False):  # bf16 would round them
            scores = ours @ theirs.T / self._temperature
        own = (torch.arange(len(ours), device=rows.device) + rank * len(ours)) * each
        also_good = (rows[None, :, None] == good[:, None, :]).any(-1)
        also_good.scatter_(1, own[:, None], False)
        loss = nn.functional.cross_entropy(scores.masked_fill(also_good, -torch.inf), own)
        return {"loss": loss}

    def _encode(self, side: nn.Module, chunks: Sequence[dict[str, Tensor]]) -> Tensor:
        """Return float32 vectors; cached, their activations are computed again later."""

        def encode(features: dict[str, Tensor]) -> Tensor:
            vectors: Tensor = side(dict(features))["sentence_embedding"]
            return vectors.float()

        if self._cached:
            return torch.cat([checkpoint(encode, one, use_reentrant=False) for one in chunks])
        return torch.cat([encode(one) for one in chunks])
