"""Query encoding with a sparse student: each word of a query has its weight in one table."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scipy.sparse import csr_array

from effbench import Description, EffbenchError
from effbench_small_query.light_sparse import Words, read
from effbench_training.students import modules_of

if TYPE_CHECKING:
    from effbench import SparseVectors

MODULES = ["SparseStaticEmbedding"]
"""The modules of a sparse student's folder."""


def open_words(folder: Path) -> Words:
    """Return the student in ``folder``.

    Raises:
        EffbenchError: the folder holds no sparse student, or its files are damaged.

    """
    modules = modules_of(folder)
    if [module.name for module in modules] != MODULES:
        raise EffbenchError(
            f"sparse-query: model: {folder} holds {' and '.join(m.name for m in modules)}, no "
            "weights of words (take a model of align-sparse, or use: small-query)"
        )
    try:
        return read(modules[0].folder)
    except Exception as error:  # such as tokenizers, which raises just Exception
        name = "KeyError: " if isinstance(error, KeyError) else ""  # its text is only the key
        reason = textwrap.shorten(f"{name}{error}", 160, placeholder=" ...")
        raise EffbenchError(
            f"sparse-query: model: no whole student in {folder}: {reason} (train it again)"
        ) from error


def vectors_of(words: Words, tokens: Sequence[Sequence[int]]) -> SparseVectors:
    """Return the vectors of the token ids of n texts, float32 [n, words]."""
    weights, numbers, starts = words.look_up(tokens)
    return csr_array((weights, numbers, starts), shape=(len(tokens), words.count))


def describe(words: Words) -> Description:
    """Tell the stages tokenise and look up; a token reads its weight."""
    return Description(
        stages={"tokenise": words.tokenise, "look up": lambda ids: vectors_of(words, ids)},
        count_tokens=lambda queries: [len(ids) for ids in words.tokenise(queries)],
        bytes_read=lambda tokens: tokens * 4,
        query_parameters=words.count,
    )
