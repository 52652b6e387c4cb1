"""Query encoding with a sparse student: each word of a query has its weight in one table."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from effbench import Description, EffbenchError
from effbench_small_query.light_sparse import Words, read
from effbench_training.students import modules_of

if TYPE_CHECKING:
    from effbench import SparseVectors

MODULES = ["SparseStaticEmbedding"]
"""The modules of a sparse student's folder."""


class WordsReader:
    """Encodes queries with the student in ``folder``.

    Raises:
        EffbenchError: the folder holds no sparse student, or its files are damaged.

    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._words = _open(folder)

    def encode_queries(self, queries: Sequence[str]) -> SparseVectors:
        """Return the vectors of n queries, float32 [n, words]."""
        return self._look_up(self._words.tokenise(queries))

    def spell(self, numbers: Sequence[int]) -> list[str]:
        """Return the words with these numbers, as the tokenizer spells them."""
        return self._words.spell(numbers)

    def describe(self) -> Description:
        """Tell the stages tokenise and look up; a token reads its weight."""
        tokenise = self._words.tokenise
        return Description(
            stages={"tokenise": tokenise, "look up": self._look_up},
            count_tokens=lambda queries: [len(ids) for ids in tokenise(queries)],
            bytes_read=lambda tokens: tokens * np.dtype(np.float32).itemsize,
            query_parameters=self._words.count,
        )

    def _look_up(self, tokens: Sequence[Sequence[int]]) -> SparseVectors:
        return csr_array(tuple(self._words.look_up(tokens)), (len(tokens), self._words.count))


def _open(folder: Path) -> Words:
    modules = modules_of(folder)
    if [module.name for module in modules] != MODULES:
        raise EffbenchError(
            f"sparse-query: model: {folder} holds {' and '.join(m.name for m in modules)}, no "
            "weights of words (take a model of align-sparse, or use: small-query)"
        )
    _refuse_more_than_weights(folder)
    try:
        return read(modules[0].folder)
    except Exception as error:  # such as tokenizers, which raises just Exception
        name = "KeyError: " if isinstance(error, KeyError) else ""  # its text is only the key
        reason = textwrap.shorten(f"{name}{error}", 160, placeholder=" ...")
        raise EffbenchError(
            f"sparse-query: model: no whole student in {folder}: {reason} (train it again)"
        ) from error


def _refuse_more_than_weights(folder: Path) -> None:
    """Refuse a model that reads a text before each query, or keeps only some of its words."""
    path = folder / "config_sentence_transformers.json"
    try:
        config = dict(json.loads(path.read_text(encoding="utf-8")))
        prompt = dict(config.get("prompts") or {}).get("query")
    except (OSError, ValueError, TypeError):
        return  # a folder of another writer may lack the file
    if config.get("max_active_dims") is not None or prompt:
        raise EffbenchError(
            f"sparse-query: model: {folder} has a query prompt or max_active_dims, and a "
            "student has neither (use: sparse reads them)"
        )
