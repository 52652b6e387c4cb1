"""The public functions for files: a plugin reads the files of users and keeps its own files.

This module is part of the public face, beside `effbench` and `effbench.commands`.
docs/plugins.md explains each name in a sentence. A mistake in a user's file raises an
`EffbenchError`: one line with the path, the line number and how to mend the file.
"""

from __future__ import annotations

from effbench.guard.interruption import postponed
from effbench.machine.linux import total_bytes as machine_memory
from effbench.store.artifacts import default_root
from effbench.store.digests import count_lines, digest_of, find_model, stamp_of, text_digest
from effbench.store.disk import read_sealed, write_json
from effbench.store.judgments import checked as checked_qrel
from effbench.store.judgments import distinct as distinct_qrels
from effbench.store.paths import inside
from effbench.store.reading import (
    checked_id,
    checked_relevance,
    checked_text,
    json_objects,
    kind_of,
    lines_of,
    numbered,
    opened,
    read_lines,
    sha256_of,
    shown,
)
from effbench.store.tabular import TabularFile
from effbench.store.trec import read_trec, upside_down
from effbench.text.words import counted
from effbench.work.downloads import fetch

__all__ = [
    "TabularFile",
    "checked_id",
    "checked_qrel",
    "checked_relevance",
    "checked_text",
    "count_lines",
    "counted",
    "default_root",
    "digest_of",
    "distinct_qrels",
    "fetch",
    "find_model",
    "inside",
    "json_objects",
    "kind_of",
    "lines_of",
    "machine_memory",
    "numbered",
    "opened",
    "postponed",
    "read_lines",
    "read_sealed",
    "read_trec",
    "sha256_of",
    "shown",
    "stamp_of",
    "text_digest",
    "upside_down",
    "write_json",
]
