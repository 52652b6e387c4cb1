"""Soft prompt transfer: a frozen backbone, a few trained vectors for each domain.

*Soft Prompt Transfer for Information Retrieval* (its code: multitask-prompted-search).
``prompt`` trains vectors that are read before each text, ``prompt-mix`` makes a new domain's
from those of domains like it, without training, and ``soft-prompt`` encodes with either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from effbench import (
    DomainModels,
    EffbenchError,
    Examples,
    ModelId,
    QueryOnly,
    SpeedOnly,
    TrainedModel,
    Trainer,
    hookimpl,
)
from effbench_training import Count, LoopTrainer, Natural, Positive, Warmup

if TYPE_CHECKING:
    from collections.abc import Callable

    import click

    from effbench import Encoder


FROM_START = ("length", "tied", "pooling", "normalize", "query_max_length", "max_length")
"""Options that a prompt to start from has already decided."""


@dataclass(frozen=True, eq=False)
class PromptTrainer(LoopTrainer):
    """Train a soft prompt: vectors that a frozen backbone reads before each text.

    ``length`` vectors stand before the token embeddings of queries and as many others before
    those of passages (40); ``tied``, they are the same. They begin as random rows of the word
    embeddings. A text's vector is the mean of its own token vectors or the first of them
    (``cls``); ``normalize`` divides it by its L2 norm. Texts are cut at ``query_max_length``
    (64) and ``max_length`` (192) tokens, which together with the prompt must have positions in
    the model. All this is what the prompt ``start`` says, when training begins with one.

    The loss is softmax cross-entropy over the passages of the batch, a good one and
    ``negatives`` bad ones a query, scores divided by ``temperature`` (vectors of unit length
    want about 0.05). Examples of several collections are a ``mixture`` of tasks: drawn in
    proportion to their ``size`` or ``even``; ``batches`` are of a ``single`` task, whose
    negatives are harder, or ``mixed``; with several devices, those on each device.

    AdamW with ``learning_rate``, ``warmup_ratio`` of all steps, then linear decay. The backbone
    is read without dropout and none of its weights is trained. Defaults are the method's.
    Raises `EffbenchError` when options, backbone and data do not go together, or at a NaN.
    """

    data: Examples
    _: KW_ONLY
    backbone: ModelId | None = None
    revision: str | None = None
    start: TrainedModel | None = None
    length: Count | None = None
    tied: bool | None = None
    pooling: Literal["mean", "cls"] | None = None
    normalize: bool | None = None
    query_max_length: Count | None = None
    max_length: Count | None = None
    negatives: Natural = 0
    temperature: Positive = 1.0
    shared_negatives: bool = True
    mixture: Literal["size", "even"] = "size"
    batches: Literal["single", "mixed"] = "single"
    epochs: Count = 40
    learning_rate: Positive = 1e-3
    warmup_ratio: Warmup = 0.1
    batch_size: Count = 128
    checkpoint_steps: SpeedOnly[Count] = 1000

    def train(self, output_dir: Path, *, seed: int) -> None:
        """Write the prompt, what it belongs to, and its facts."""
        from effbench_soft_prompt.training import train

        train(self, output_dir, seed)

    @staticmethod
    def check(*, backbone: str | None, **others: object) -> None:
        """Raise `EffbenchError` where nothing says what to start from, or two options do."""
        fixed = [name for name in FROM_START if others[name] is not None]
        started = "start" not in others  # a row is not handed over here, its absence is: None
        if started and fixed:
            raise EffbenchError(f"prompt: {fixed[0]} is what start says (leave it out)")
        if not started and backbone is None:
            raise EffbenchError("prompt: which backbone? (give backbone, or start: a prompt)")


@dataclass(frozen=True, eq=False)
class PromptMix:
    """Make a prompt for a domain from those of others, without training.

    Domains are as alike as their features: the cosine of their mean vectors (``average``), or
    the mean cosine of all pairs (``pairwise``). The ``top`` most similar sources (null: all)
    are weighed by ``softmax`` of similarity over ``temperature``; ``even`` and
    ``random`` weights are baselines, ``top: 1`` is the nearest prompt alone.

    Raises:
        EffbenchError: the prompts do not go together.

    """

    prompts: DomainModels
    _: KW_ONLY
    similarity: Literal["average", "pairwise"] = "average"
    top: Count | None = 5
    temperature: Positive = 0.1
    weights: Literal["softmax", "even", "random"] = "softmax"

    def train(self, output_dir: Path, *, seed: int) -> None:
        """Write the mixed prompt, and what each source counted."""
        from effbench_soft_prompt.mixing import mix

        mix(self, output_dir, seed)


def soft_prompt(
    model: TrainedModel | Path,
    *,
    backbone: ModelId | None = None,
    revision: str | None = None,
    query_max_length: QueryOnly[Count | None] = None,
    max_length: Count | None = None,
    dtype: Literal["float32", "bfloat16"] = "float32",
    device: SpeedOnly[str] = "auto",
    batch_tokens: SpeedOnly[Count | None] = None,
    onednn: SpeedOnly[bool] = True,
    trust_remote_code: bool = False,
) -> Encoder:
    """Encode queries and passages (title, space, text) after a prompt.

    The prompt says backbone, pooling and lengths; ``backbone`` is for where that model lies
    elsewhere, and has to have the same weights. Texts may be cut at other lengths than
    those of the training.

    Raises:
        EffbenchError: there is no prompt, or its backbone is not here or another.

    """
    from effbench_soft_prompt.prompts import load_prompt
    from effbench_soft_prompt.reading import Limits, SoftPromptEncoder

    folder = model.folder if isinstance(model, TrainedModel) else model
    return SoftPromptEncoder(
        load_prompt(folder),
        backbone,
        revision,
        Limits(query_max_length, max_length),
        dtype=dtype,
        device=device,
        batch_tokens=batch_tokens,
        onednn=onednn,
        trust_remote_code=trust_remote_code,
    )


@hookimpl
def effbench_trainers() -> Mapping[str, type[Trainer]]:
    """Offer ``prompt`` and ``prompt-mix``."""
    return {"prompt": PromptTrainer, "prompt-mix": PromptMix}


@hookimpl
def effbench_encoders() -> Mapping[str, Callable[..., Encoder]]:
    """Offer ``soft-prompt``."""
    return {"soft-prompt": soft_prompt}


@hookimpl
def effbench_commands() -> Mapping[str, click.Command]:
    """Offer ``prompt`` and ``heat-map``."""
    from effbench_soft_prompt.commands import heat_map, prompt

    return {"prompt": prompt, "heat-map": heat_map}
