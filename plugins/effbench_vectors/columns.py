"""The columns of parquet files: their usual names, and those that a suite names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

VECTORS = ("emb", "embedding", "embeddings", "vector", "vector_main")
IDS = ("_id", "id", "docid", "doc_id", "segment_id", "passage_id")
TEXTS = ("text", "query", "query_text")
"""The usual names of columns, in any case: Cohere's, Snowflake's and those of others."""


class Columns(NamedTuple):
    """The columns that a suite names, if any."""

    names: str | None
    vectors: str | None
    usual: Sequence[str] = IDS
    """The column of names is the first of these if none is named."""

    option: str = "id_column"
    """The option that names the column of names."""
