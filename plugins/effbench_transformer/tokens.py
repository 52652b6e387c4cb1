"""Texts into token ids, cut at a length."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

from effbench import EffbenchError


def tokens_of(tokenizer: Any, limit: int) -> Callable[[Sequence[str]], list[list[int]]]:
    """Return what turns texts into at most ``limit`` ids each, special tokens included."""
    if not tokenizer.is_fast:
        return lambda texts: [
            tokenizer(text, truncation=True, max_length=limit)["input_ids"] for text in texts
        ]
    # The Rust tokenizer itself: a query takes it 25 us, through transformers 65. Its length
    # limit is state, hence a copy each for queries and passages.
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
    """Return the tokens a text may have: ``wanted``, or else what both models allow.

    ``prompt`` positions before it are taken, and tokens by the ``prefix`` of all texts and
    by special tokens: one more has to fit, or all texts would have the same vector.

    Raises:
        EffbenchError: there is no limit to be found, or ``wanted`` is outside the model's.

    """
    least, most = len(tokenizer(prefix)["input_ids"]) + 1, positions_of(network) - prompt
    limit = min(tokenizer.model_max_length, most) if wanted is None else wanted
    if limit > 1e9:  # transformers' way to say that it knows none
        raise EffbenchError(f"{option}: the model has no limit (say 512)")
    if not least <= limit <= most:
        after = f" after a prompt of {prompt}" if prompt else ""
        after += f" with {prefix!r} before each text" if prefix else ""
        raise EffbenchError(
            f"{option}: {limit} is outside what the model takes{after} (say {least} to {most})"
        )
    return int(limit)


def positions_of(network: Any) -> float:
    """Return how many tokens have a position, infinity where positions are relative."""
    count = getattr(network.config, "max_position_embeddings", None) or math.inf
    count = count if count > 0 else math.inf  # XLNet says -1
    embeddings = getattr(getattr(network, "embeddings", None), "position_embeddings", None)
    padding = getattr(embeddings, "padding_idx", None)
    # RoBERTa and its kin number positions from the padding's on
    return count if padding is None else count - padding - 1
