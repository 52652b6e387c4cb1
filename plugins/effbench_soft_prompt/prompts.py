"""Prompts on disk: the vectors in safetensors, and the facts about backbone and encoding."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_type_hints

import torch
from msgspec import ValidationError, convert
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from effbench import EffbenchError
from effbench_transformer.loading import load

VECTORS, FACTS = "prompt.safetensors", "prompt.json"
CENTROIDS = "centroids.safetensors"
"""Only a folder of several prompts has this file: those of the parts of a domain."""

FORMAT = 1
POOLINGS = ("mean", "cls")

Facts = TypeVar("Facts")


class Backbone(NamedTuple):
    """The frozen transformer that a prompt belongs to."""

    model: str
    """A folder or a hub id."""

    revision: str | None
    weights: str
    """The digest of its weights (`digest_of`)."""


class Reading(NamedTuple):
    """The options of encoding that were used in the training of a prompt."""

    pooling: str
    normalize: bool
    query_max_length: int
    """Tokens of a query, with special tokens, without the prompt's vectors."""

    max_length: int
    """Tokens of a passage, with special tokens, without the prompt's vectors."""


class Prompt(NamedTuple):
    """The vectors that a backbone reads before each text, and what belongs to them."""

    queries: Tensor
    """The vectors before a query, float32 [n, d]."""

    passages: Tensor
    """The vectors before a passage, float32 [n, d]; the same object as ``queries`` if tied."""

    backbone: Backbone
    reading: Reading

    @property
    def tied(self) -> bool:
        """Whether queries and passages have the same vectors."""
        return self.queries is self.passages


def save_prompt(prompt: Prompt, folder: Path) -> None:
    """Write the prompt into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    named = {"queries": prompt.queries}
    if not prompt.tied:
        named["passages"] = prompt.passages
    tensors = {name: side.detach().float().cpu().contiguous() for name, side in named.items()}
    save_file(tensors, folder / VECTORS)
    facts = {
        "format": FORMAT,
        "backbone": prompt.backbone._asdict(),
        "reading": prompt.reading._asdict(),
    }
    (folder / FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")


def load_prompt(folder: Path) -> Prompt:
    """Read a prompt that ``prompt`` or ``prompt-mix`` wrote.

    Raises:
        EffbenchError: the folder holds no prompt or several, or a file is damaged or too new.

    """
    if (folder / CENTROIDS).exists():
        raise EffbenchError(
            f"{folder}: a prompt for each part of a domain (mix them by prompt-mix, name one "
            "of the folders 1, 2 ... in it, or leave out clusters)"
        )
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        if convert(facts["format"], int) > FORMAT:
            raise EffbenchError(f"{folder}: a prompt of a newer effbench (upgrade)")
        tensors = load_file(folder / VECTORS)
        queries = tensors["queries"]
        passages = tensors.get("passages", queries)
        backbone = _checked(facts["backbone"], Backbone)
        reading = _checked(facts["reading"], Reading)
        if reading.pooling not in POOLINGS:
            raise ValueError(f"pooling is {reading.pooling!r}")
    except (
        OSError, ValueError, KeyError, TypeError, RecursionError,
        SafetensorError, ValidationError,
    ) as error:  # fmt: skip
        reason = " ".join(str(error).split())[:200]
        raise EffbenchError(
            f"{folder}: no prompt ({type(error).__name__}: {reason}; name a folder that the "
            f"trainer prompt wrote, with {VECTORS} and {FACTS})"
        ) from error
    if queries.ndim != 2 or queries.shape != passages.shape:
        raise EffbenchError(
            f"{folder / VECTORS}: vectors of shapes {list(queries.shape)} and "
            f"{list(passages.shape)} (two of one shape [n, d] are wanted)"
        )
    return Prompt(queries, passages, backbone, reading)


def _checked(given: dict[str, Any], kind: type[Facts]) -> Facts:
    """Return facts of a prompt, each of its type."""
    types = get_type_hints(kind)
    return kind(**{name: convert(fact, types[name]) for name, fact in given.items()})


class OpenBackbone(NamedTuple):
    """A frozen backbone in memory."""

    tokenizer: Any
    network: Any
    backbone: Backbone


def open_backbone(
    model: str, revision: str | None, device: str = "cpu", trust_remote_code: bool = False
) -> OpenBackbone:
    """Load a backbone in float32 and freeze it.

    Raises:
        EffbenchError: the backbone cannot be loaded.

    """
    if Path(model).is_absolute() and not Path(model).is_dir():
        raise EffbenchError(f"no backbone at {model} (say backbone: where it is now)")
    tokenizer, network = load(model, revision, "float32", device, trust_remote_code)
    network.requires_grad_(False)
    return OpenBackbone(tokenizer, network, Backbone(model, revision, digest_of(network)))


def check_backbone(prompt: Prompt, opened: OpenBackbone, who: str) -> None:
    """Refuse a backbone that the prompt was not trained for.

    Raises:
        EffbenchError: the backbone has different weights, or vectors of another width.

    """
    backbone, width = opened.backbone, opened.network.get_input_embeddings().weight.shape[1]
    if prompt.backbone.weights != backbone.weights:
        at = prompt.backbone.revision
        raise EffbenchError(
            f"{who}: the prompt was trained for {prompt.backbone.model!r}"
            f"{f' at revision {at}' if at else ''}, and {backbone.model!r} has other weights "
            "(name that backbone, or train a prompt for this one)"
        )
    if prompt.queries.shape[1] != width:
        raise EffbenchError(
            f"{who}: the prompt's vectors are {prompt.queries.shape[1]} wide, the word "
            f"embeddings of {backbone.model!r} {width} (train a prompt for this backbone)"
        )


def digest_of(network: torch.nn.Module) -> str:
    """Return the sha256 of a network's float32 weights, without those of an unused pooler."""
    digest = hashlib.sha256()
    for name, weight in sorted(network.state_dict().items()):
        if "pooler." not in name and weight.is_floating_point():
            digest.update(f"{name} {list(weight.shape)}\n".encode())
            digest.update(weight.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
