"""A prompt on disk: a few kilobytes of safetensors, and what backbone they were trained for."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from effbench import EffbenchError
from effbench_transformer.loading import load

VECTORS, FACTS = "prompt.safetensors", "prompt.json"
FORMAT = 1


class Backbone(NamedTuple):
    """The frozen transformer that a prompt belongs to."""

    model: str
    """A folder or a hub id."""

    revision: str | None
    weights: str
    """Digest of its weights (`digest_of`)."""


class Reading(NamedTuple):
    """How texts become vectors."""

    pooling: str
    normalize: bool
    query_max_length: int
    max_length: int
    """Tokens of a text, special ones included, the prompt's vectors not."""


class Prompt(NamedTuple):
    """Vectors that are read before each text; one set for both sides where they are tied."""

    queries: Tensor
    """float32 [n, d]"""

    passages: Tensor
    """float32 [n, d]; the same object as ``queries`` where they are tied."""

    backbone: Backbone
    reading: Reading

    @property
    def tied(self) -> bool:
        """Whether queries and passages share the vectors."""
        return self.queries is self.passages


def save_prompt(prompt: Prompt, folder: Path) -> None:
    """Write the prompt into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    named = {"queries": prompt.queries}
    if not prompt.tied:
        named["passages"] = prompt.passages
    tensors = {name: one.detach().float().cpu().contiguous() for name, one in named.items()}
    save_file(tensors, folder / VECTORS)
    facts = {
        "format": FORMAT,
        "backbone": prompt.backbone._asdict(),
        "reading": prompt.reading._asdict(),
    }
    (folder / FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")


def load_prompt(folder: Path) -> Prompt:
    """Read a prompt.

    Raises:
        EffbenchError: there is none, or a file of it is not as it should be.

    """
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        if facts["format"] > FORMAT:
            raise EffbenchError(f"{folder}: a prompt of a newer effbench (upgrade)")
        tensors = load_file(folder / VECTORS)
        queries = tensors["queries"]
        passages = tensors.get("passages", queries)
        backbone, reading = Backbone(**facts["backbone"]), Reading(**facts["reading"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
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


class Opened(NamedTuple):
    """A frozen backbone, ready to read."""

    tokenizer: Any
    network: Any
    backbone: Backbone


def open_backbone(
    model: str, revision: str | None, device: str = "cpu", trust_remote_code: bool = False
) -> Opened:
    """Load a backbone in float32 and freeze it.

    Raises:
        EffbenchError: it cannot be loaded.

    """
    if Path(model).is_absolute() and not Path(model).is_dir():
        raise EffbenchError(f"no backbone at {model} (say backbone: where it is now)")
    tokenizer, network = load(model, revision, "float32", device, trust_remote_code)
    network.requires_grad_(False)
    return Opened(tokenizer, network, Backbone(model, revision, digest_of(network)))


def check_backbone(prompt: Prompt, opened: Backbone, who: str) -> None:
    """Refuse a backbone that the prompt was not trained for.

    Raises:
        EffbenchError: its weights are others.

    """
    if prompt.backbone.weights != opened.weights:
        at = prompt.backbone.revision
        raise EffbenchError(
            f"{who}: the prompt was trained for {prompt.backbone.model!r}"
            f"{f' at revision {at}' if at else ''}, and {opened.model!r} has other weights "
            "(name that backbone, or train a prompt for this one)"
        )


def digest_of(network: torch.nn.Module) -> str:
    """Return the sha256 of a network's float32 weights, less a pooler's, which nobody reads."""
    digest = hashlib.sha256()
    for name, weight in sorted(network.state_dict().items()):
        if "pooler." not in name and weight.is_floating_point():
            digest.update(f"{name} {list(weight.shape)}\n".encode())
            digest.update(weight.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
