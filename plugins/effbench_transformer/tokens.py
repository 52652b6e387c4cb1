"""The way from texts to token ids, cut at a length limit."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

from effbench import EffbenchError


def tokens_of(tokenizer: Any, limit: int) -> Callable[[Sequence[str]], list[list[int]]]:
    """Return a function from texts to their ids, at most ``limit`` each with special tokens."""
    if not tokenizer.is_fast:
        return lambda texts: [
            tokenizer(text, truncation=True, max_length=limit)["input_ids"] for text in texts
        ]
    # The Rust tokenizer is used directly: a query takes 25 us, and 65 us through transformers.
    # The length limit is part of its state, so queries and passages have a copy each.
    rust = copy.deepcopy(tokenizer.backend_tokenizer)
    rust.no_padding()
    rust.enable_truncation(limit, direction=tokenizer.truncation_side)
    return lambda texts: [encoding.ids for encoding in rust.encode_batch_fast(texts)]


def length_limit(
    tokenizer: Any,
    network: Any,
    wanted: int | None,
    option: str,
    prompt: int = 0,
    prefix: str = "",
) -> int:
    """Return how many tokens a text may have: ``wanted``, or what tokenizer and model allow.

    ``prompt`` is the number of positions before the text that are used. The limit includes
    special tokens and the tokens of ``prefix``, which comes before each text. At least one
    token more must fit, since all texts would have the same vector otherwise.

    Raises:
        EffbenchError: nothing sets a limit, or the model does not allow ``wanted`` tokens.

    """
    least, most = len(tokenizer(prefix)["input_ids"]) + 1, positions_of(network) - prompt
    limit = min(tokenizer.model_max_length, most) if wanted is None else wanted
    if limit > 1e9:  # transformers says so if it knows no limit
        raise EffbenchError(f"{option}: the model has no limit (say 512)")
    if not least <= limit <= most:
        after = f" after a prompt of {prompt}" if prompt else ""
        after += f" with {prefix!r} before each text" if prefix else ""
        raise EffbenchError(
            f"{option}: {limit} is outside what the model takes{after} (say {least} to {most})"
        )
    return int(limit)


def positions_of(network: Any) -> float:
    """Return how many tokens have a position; infinity if positions are relative."""
    count = getattr(network.config, "max_position_embeddings", None) or math.inf
    count = count if count > 0 else math.inf  # XLNet says -1
    embeddings = getattr(getattr(network, "embeddings", None), "position_embeddings", None)
    padding = getattr(embeddings, "padding_idx", None)
    # RoBERTa and similar models number positions from the padding token's id on.
    return count if padding is None else count - padding - 1
