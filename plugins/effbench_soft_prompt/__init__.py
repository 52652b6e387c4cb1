"""Soft prompts: the options of the trainers and of the encoder ``soft-prompt``.

A soft prompt is a few vectors that a frozen transformer, the backbone, reads before each text.
The trainer ``prompt`` trains the vectors; ``prompt-domain`` measures what they gained, too. The
trainer ``prompt-mix`` makes the prompt of a new domain from the prompts of similar domains,
without training. The encoder ``soft-prompt`` encodes with them. The method: *Soft Prompt
Transfer for Information Retrieval* (its code: multitask-prompted-search).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

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

    from effbench import Encoder


FROM_START = ("length", "tied", "pooling", "normalize", "query_max_length", "max_length")
"""Options that are not allowed with ``start``: the prompt in ``start`` has decided them."""


@dataclass(frozen=True, eq=False)
class PromptTrainer(LoopTrainer):
    """Train a soft prompt: vectors that a frozen backbone reads before each text.

    ``backbone`` is the transformer. Its weights are not trained, and it has no dropout.
    ``length`` vectors (40) stand before the token embeddings of queries, and ``length`` other
    vectors before those of passages; if ``tied``, the vectors are the same. They start as
    random rows of the word embeddings. A text's vector is the mean of its token vectors, or the
    first of them (``cls``); the vectors of the prompt do not count. ``normalize`` divides the
    text's vector by its L2 norm. Queries are cut at ``query_max_length`` tokens (64), passages
    at ``max_length`` (192); prompt and text together must fit into the positions of the
    backbone. With ``start``, training starts from the prompt of that row, and the prompt
    decides ``length``, ``tied``, ``pooling``, ``normalize`` and the lengths of texts.

    The loss is softmax cross-entropy over the passages of a batch: for each query a positive
    and ``negatives`` of its negatives. Scores are divided by ``temperature`` (about 0.05 suits
    normalised vectors). Examples of several collections are a ``mixture`` of tasks, drawn in
    proportion to their ``size`` or ``even``. In ``batches``, a batch is from a ``single`` task,
    which makes harder negatives, or ``mixed`` from all tasks. With several devices this holds
    for each device; with ``shared_negatives``, the passages of all devices are in the softmax.

    The optimizer is AdamW: the learning rate rises during ``warmup_ratio`` of all steps, then
    falls linearly to 0. The defaults are those of the method.

    Raises:
        EffbenchError: options, backbone and data do not fit together, or the loss is NaN.

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
        """Write the prompt, the name of its backbone, and facts for about.json."""
        from effbench_soft_prompt.training import train

        train(self, output_dir, seed)

    @staticmethod
    def check(*, backbone: str | None, **options: object) -> None:
        """Raise `EffbenchError` without a backbone, or for an option that ``start`` decides."""
        decided = [name for name in FROM_START if options[name] is not None]
        has_start = options["start"] is not None
        if has_start and decided:
            raise EffbenchError(f"prompt: {decided[0]} is what start says (leave it out)")
        if not has_start and backbone is None:
            raise EffbenchError("prompt: which backbone? (give backbone, or start: a prompt)")


@dataclass(frozen=True, eq=False)
class DomainPrompt(PromptTrainer):
    """Train the prompt of a domain from a base prompt, and measure what it gained.

    The options are those of ``prompt``; ``start`` is the base prompt. ``held_out`` queries, at
    most a quarter of all, are kept out of the training: those with the smallest hashes. They
    are searched among up to 500 docs of the examples, with the base prompt and with the trained
    prompt. The difference of the two nDCG@10 is the fact ``gain``. Queries, docs and gain stand
    in the model's folder, where ``prompt-mix`` reads them.

    ``clusters`` cuts the domain into that many parts, each with its prompt, gain and held-out
    queries: k-means cuts the docs by their vectors (``passages`` in ``data``), and a query
    belongs to the part of its good docs. A part of fewer than 8 queries is given to the nearest
    others. To ``prompt-mix`` each part is a source domain.

    Raises:
        EffbenchError: as for ``prompt``; there are too few queries or docs.

    """

    _: KW_ONLY
    held_out: Count = 100
    clusters: Count = 1

    def train(self, output_dir: Path, *, seed: int) -> None:
        """Write the prompt, gain and held-out queries of the domain, or of each part."""
        from effbench_soft_prompt.domain import train_domain

        train_domain(self, output_dir, seed)

    @staticmethod
    def check(*, backbone: str | None, **options: object) -> None:
        """Raise `EffbenchError` without ``start``, or for ``clusters`` without vectors."""
        if options["start"] is None:
            raise EffbenchError("prompt-domain: from which prompt? (give start: a prompt)")
        data = options["data"]
        if options["clusters"] != 1 and isinstance(data, Mapping) and "passages" not in data:
            raise EffbenchError("prompt-domain: clusters need passages: ROW beside examples")
        PromptTrainer.check(backbone=backbone, **options)


@dataclass(frozen=True, eq=False)
class PromptMix:
    """Make the prompt of a domain from the prompts of similar domains, without training.

    The new prompt is the weighted mean of the ``prompts`` of the source domains. ``similarity``
    compares the vectors of two domains' texts: the cosine of the mean vectors (``average``), or
    the mean cosine of all pairs of texts (``pairwise``). Only the ``top`` most similar sources
    have a weight (null: all sources). The ``weights`` are the ``softmax`` of similarity divided
    by ``temperature``. Baselines are ``even`` and ``random`` weights, and ``top: 1``, which
    takes the most similar prompt as it is.

    Two options need sources of ``prompt-domain``, and no judgment of the target. ``gain``
    multiplies the weights of the softmax by what each prompt gained on its own domain; a prompt
    that gained nothing is no source. With ``temperature: held-out``, each source is a target
    once, for the mix of those of other datasets: that one of 1, 0.3, 0.1 and 0.03 is taken that
    gives the highest mean nDCG@10 on the held-out queries of the sources.

    Raises:
        EffbenchError: the prompts have different backbones, shapes or options of encoding, or
            no gain or held-out queries where an option needs them.

    """

    prompts: DomainModels
    _: KW_ONLY
    similarity: Literal["average", "pairwise"] = "average"
    top: Count | None = 5
    temperature: Positive | Literal["held-out"] = 0.1
    weights: Literal["softmax", "even", "random", "gain"] = "softmax"

    def train(self, output_dir: Path, *, seed: int) -> None:
        """Write the mixed prompt, and the weight of each source into about.json."""
        from effbench_soft_prompt.mixing import mix

        mix(self, output_dir, seed)

    @staticmethod
    def check(*, weights: str, temperature: object, **_: object) -> None:
        """Raise `EffbenchError` for a choice of temperature where weights have none."""
        if temperature == "held-out" and weights in ("even", "random"):
            raise EffbenchError(
                f"prompt-mix: {weights} weights have no temperature (leave it out)"
            )


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
    """Encode queries and passages with a frozen backbone that reads a soft prompt first.

    ``model`` is the prompt; it decides backbone, pooling and lengths. A passage is title, space
    and text. ``backbone`` is the place of the backbone if it has moved since the training; it
    must have the same weights. ``query_max_length`` and ``max_length`` cut texts at another
    number of tokens than in the training.

    Raises:
        EffbenchError: the folder holds no prompt, or its backbone is missing or has different
            weights.

    """
    from effbench_soft_prompt.prompts import load_prompt
    from effbench_soft_prompt.reading import Limits, SoftPromptEncoder, open_backbone_of

    prompt = load_prompt(model.folder if isinstance(model, TrainedModel) else model)
    return SoftPromptEncoder(
        prompt,
        open_backbone_of(prompt, backbone, revision, device, trust_remote_code),
        Limits(query_max_length, max_length),
        dtype=dtype,
        batch_tokens=batch_tokens,
        onednn=onednn,
    )


@hookimpl
def effbench_trainers() -> Mapping[str, type[Trainer]]:
    """Offer ``prompt``, ``prompt-domain`` and ``prompt-mix``."""
    return {"prompt": PromptTrainer, "prompt-domain": DomainPrompt, "prompt-mix": PromptMix}


@hookimpl
def effbench_encoders() -> Mapping[str, Callable[..., Encoder]]:
    """Offer ``soft-prompt``."""
    return {"soft-prompt": soft_prompt}


@hookimpl
def effbench_ready_rows() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Offer the base prompt, the prompt of each domain, and transfer, beside the backbone."""
    from effbench_soft_prompt.ready import ready_rows

    return ready_rows()
