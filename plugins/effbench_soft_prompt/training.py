"""Train a prompt: the backbone is read through, its weights are never touched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import set_seed

from effbench import EffbenchError, Examples
from effbench_soft_prompt import PromptTrainer
from effbench_soft_prompt.mixture import Mixture
from effbench_soft_prompt.prompts import (
    VECTORS,
    Opened,
    Prompt,
    Reading,
    check_backbone,
    digest_of,
    load_prompt,
    open_backbone,
    save_prompt,
)
from effbench_soft_prompt.reading import read
from effbench_training.batches import Batches
from effbench_training.contrastive import Contrast
from effbench_training.loop import fit
from effbench_transformer.network import pool, weights_in
from effbench_transformer.tokens import length_limit, tokens_of


def train(options: PromptTrainer, output_dir: Path, seed: int) -> None:
    """Train a prompt from the newest checkpoint in ``output_dir``, if any; write it there."""
    set_seed(seed)
    opened, prompt = _started(options, seed)
    queries = _Side(opened, prompt.queries, prompt.reading)
    passages = queries if prompt.tied else _Side(opened, prompt.passages, prompt.reading)
    network = Contrast(
        queries,
        passages,
        temperature=options.temperature,
        shared=options.shared_negatives,
    )
    length, reading = len(prompt.queries), prompt.reading
    batches = Batches(
        _Tokens(opened, length, reading.query_max_length, "query_max_length"),
        _Passages(options.data, _Tokens(opened, length, reading.max_length, "max_length")),
    )

    def save(folder: Path) -> dict[str, Any]:
        if digest_of(opened.network) != opened.backbone.weights:
            raise AssertionError("training moved a weight of the backbone")
        trained = prompt._replace(queries=queries.prompt, passages=passages.prompt)
        save_prompt(trained, folder)
        return _about(opened, network, folder)

    fit(
        "prompt",
        network,
        Mixture(options, seed),
        batches,
        save,
        output_dir,
        options=options,
        warmup=options.warmup_ratio,
        seed=seed,
    )


def _started(options: PromptTrainer, seed: int) -> tuple[Opened, Prompt]:
    """Return the backbone, and the prompt that training begins with."""
    if options.start is not None:
        given = load_prompt(options.start.folder)
        name, at = given.backbone[:2]
        if options.backbone:
            name, at = options.backbone, options.revision
        opened = open_backbone(name, at)
        check_backbone(given, opened.backbone, "prompt: start")
        return opened, given
    if options.backbone is None:
        raise EffbenchError("prompt: which backbone? (give backbone, or start: a prompt)")
    opened = open_backbone(options.backbone, options.revision)
    words = opened.network.get_input_embeddings().weight.detach()
    special = torch.tensor(opened.tokenizer.all_special_ids, dtype=torch.long)
    usable = torch.ones(len(words), dtype=torch.bool)
    usable[special] = False
    rows = usable.nonzero()[:, 0]
    drawn = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
    vectors = words[rows[drawn[: options.length or 40]]].clone()
    reading = Reading(
        options.pooling or "mean",
        bool(options.normalize),
        options.query_max_length or 64,
        options.max_length or 192,
    )
    passages = vectors if options.tied else vectors.clone()
    return opened, Prompt(vectors, passages, opened.backbone, reading)


class _Side(nn.Module):
    """One side of a bi-encoder: its only parameters are the prompt's."""

    def __init__(self, opened: Opened, prompt: Tensor, reading: Reading) -> None:
        super().__init__()
        self.prompt = nn.Parameter(prompt.clone())
        self._network = (opened.network,)  # no submodule: a checkpoint holds the prompt alone
        self._reading = reading

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return ``sentence_embedding`` [b, d]."""
        (network,) = self._network
        if network.device != self.prompt.device:
            network.to(self.prompt.device)
        mask = features["attention_mask"]
        hidden = read(network, self.prompt, features["input_ids"], mask)
        pooled = pool(hidden.float(), mask, self._reading.pooling)
        if self._reading.normalize:
            pooled = nn.functional.normalize(pooled)
        return {"sentence_embedding": pooled}


class _Tokens:
    """Texts into one chunk of padded features."""

    def __init__(self, opened: Opened, length: int, wanted: int, option: str) -> None:
        limit = length_limit(opened.tokenizer, opened.network, wanted, option, length)
        self._tokens = tokens_of(opened.tokenizer, limit)
        self._pad = opened.tokenizer.pad_token_id or 0

    def __call__(self, texts: Sequence[str]) -> list[dict[str, Tensor]]:
        """Return ``input_ids`` and ``attention_mask`` [b, t]."""
        ids = [torch.tensor(one) for one in self._tokens(texts)]
        padded = nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=self._pad)
        lengths = torch.tensor([[len(one)] for one in ids])
        mask = (torch.arange(padded.shape[1]) < lengths).long()
        return [{"input_ids": padded, "attention_mask": mask}]


class _Passages:
    """Positions of docs into features."""

    def __init__(self, data: Examples, tokens: _Tokens) -> None:
        self._docs, self._tokens = data.docs, tokens

    def __call__(self, rows: Sequence[int]) -> list[dict[str, Tensor]]:
        """Return the features of title, space, text."""
        return self._tokens([self._docs[row].default_text() for row in rows])


def _about(opened: Opened, network: nn.Module, folder: Path) -> dict[str, Any]:
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return {
        "trained_parameters": trained,
        "prompt_bytes": (folder / VECTORS).stat().st_size,
        "backbone_parameters": weights_in(opened.network),
        "backbone_weights": opened.backbone.weights,
    }
