"""Training of a prompt: gradients flow through the frozen backbone to the prompt's vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import set_seed

from effbench import EffbenchError, Examples
from effbench_soft_prompt import PromptTrainer
from effbench_soft_prompt.held_out import HeldOut, gained, save_held_out
from effbench_soft_prompt.mixture import Mixture
from effbench_soft_prompt.prompts import (
    VECTORS,
    OpenBackbone,
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
from effbench_transformer.network import pool
from effbench_transformer.reads import weights_in
from effbench_transformer.tokens import length_limit, tokens_of


def train(
    options: PromptTrainer, output_dir: Path, seed: int, held_out: HeldOut | None = None
) -> None:
    """Train a prompt and write it into ``output_dir``; continue from a checkpoint there.

    If queries are held out, they stand beside the prompt, and about.json says what it gained
    on them.

    Raises:
        EffbenchError: options, backbone and data do not fit together, or the loss is NaN.

    """
    set_seed(seed)
    opened, prompt = _beginning(options, seed)
    queries = _Side(opened, prompt.queries, prompt.reading)
    passages = queries if prompt.tied else _Side(opened, prompt.passages, prompt.reading)
    network = Contrast(
        queries,
        passages,
        temperature=options.temperature,
        shared=options.shared_negatives,
    )

    def save(folder: Path) -> dict[str, Any]:
        if digest_of(opened.network) != opened.backbone.weights:
            raise AssertionError("training moved a weight of the backbone")
        trained = prompt._replace(queries=queries.prompt, passages=passages.prompt)
        save_prompt(trained, folder)
        about = _about(opened, network, folder)
        if held_out is None:
            return about
        save_held_out(held_out, folder)
        return {**about, **gained(prompt, trained, opened, held_out)}

    fit(
        "prompt",
        network,
        Mixture(options, seed),
        _batches(options.data, opened, prompt),
        save,
        output_dir,
        options=options,
        warmup=options.warmup_ratio,
        seed=seed,
    )


def _batches(data: Examples, opened: OpenBackbone, prompt: Prompt) -> Batches:
    """Return what makes batches of examples; texts are cut as the prompt says."""
    length, reading = len(prompt.queries), prompt.reading
    return Batches(
        _TextFeatures(opened, length, reading.query_max_length, "query_max_length"),
        _DocFeatures(data, _TextFeatures(opened, length, reading.max_length, "max_length")),
    )


def _beginning(options: PromptTrainer, seed: int) -> tuple[OpenBackbone, Prompt]:
    """Return the backbone, and the prompt before the first step.

    The prompt is that of ``start``, or random rows of the word embeddings.
    """
    if options.start is not None:
        prompt = load_prompt(options.start.folder)
        name, revision = prompt.backbone[:2]
        if options.backbone:
            name, revision = options.backbone, options.revision
        opened = open_backbone(name, revision)
        check_backbone(prompt, opened, "prompt: start")
        return opened, prompt
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
    """The encoder of queries or of passages; its only parameters are the prompt [n, d]."""

    def __init__(self, opened: OpenBackbone, prompt: Tensor, reading: Reading) -> None:
        super().__init__()
        self.prompt = nn.Parameter(prompt.clone())
        # in a tuple it is no submodule, so that a checkpoint holds only the prompt
        self._network = (opened.network,)
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


class _TextFeatures:
    """Makes padded features of texts, in one chunk.

    ``length`` is the prompt's, ``max_length`` the most tokens of a text, and ``option`` the
    name of the option that says so.
    """

    def __init__(self, opened: OpenBackbone, length: int, max_length: int, option: str) -> None:
        limit = length_limit(opened.tokenizer, opened.network, max_length, option, length)
        self._tokens = tokens_of(opened.tokenizer, limit)
        self._pad = opened.tokenizer.pad_token_id or 0

    def __call__(self, texts: Sequence[str]) -> list[dict[str, Tensor]]:
        """Return ``input_ids`` and ``attention_mask``, int64 [b, t], in a list of length 1."""
        ids = [torch.tensor(tokens) for tokens in self._tokens(texts)]
        padded = nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=self._pad)
        lengths = torch.tensor([[len(tokens)] for tokens in ids])
        mask = (torch.arange(padded.shape[1]) < lengths).long()
        return [{"input_ids": padded, "attention_mask": mask}]


class _DocFeatures:
    """Makes padded features of the docs in given rows."""

    def __init__(self, data: Examples, features: _TextFeatures) -> None:
        self._docs, self._features = data.docs, features

    def __call__(self, rows: Sequence[int]) -> list[dict[str, Tensor]]:
        """Return the features of title, space and text of each doc."""
        return self._features([self._docs[row].default_text() for row in rows])


def _about(opened: OpenBackbone, network: nn.Module, folder: Path) -> dict[str, Any]:
    """Return the facts about a trained prompt for about.json."""
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return {
        "trained_parameters": trained,
        "prompt_bytes": (folder / VECTORS).stat().st_size,
        "backbone_parameters": weights_in(opened.network),
        "backbone_weights": opened.backbone.weights,
    }
