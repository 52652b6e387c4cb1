"""The dataset ``dpr``: a retriever training file of DPR, with training pairs."""

from __future__ import annotations

import difflib
import functools
import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Literal

import effbench
from effbench.files import default_root, inside, sha256_of, stamp_of
from effbench_dpr.download import MD5, NAMES, fetch_file
from effbench_dpr.entries import Entry, read_entries


class Dpr:
    """A retriever training file of DPR: one JSON array, plain or gzipped, read as a stream.

    ``path`` is your own file. ``name`` is a dataset of DPR: nq, trivia, webquestions,
    curatedtrec or squad1. The file of its ``split`` is downloaded into ``folder`` (by default
    ``$EFFBENCH_CACHE/dpr``, or ``~/.cache/effbench/dpr``) when data is first read. The MD5 of
    nq and trivia is checked. Nobody publishes checksums of the other files, so each of them
    is compared with the sha256 that it had after its first download.

    The docs are the positives, and the first ``hard_negatives`` hard negatives of each entry.
    An entry without a positive or without a hard negative is left out.

    Raises:
        EffbenchError: the file is missing, or the name is unknown; or, with ``path:line``, an
            entry is malformed.

    """

    drop_self_hits = False  # the query ids, which are made here, are in no corpus

    def __init__(
        self,
        *,
        path: Path | None = None,
        name: str | None = None,
        split: Literal["train", "dev"] = "train",
        hard_negatives: int = 30,
        folder: str = "",
    ) -> None:
        if (path is None) == (name is None):
            raise effbench.EffbenchError("dpr: which file? (give either path or name)")
        if path is not None and not path.is_file():
            raise effbench.EffbenchError(f"{path}: no such file (is path right?)")
        if hard_negatives < 1:
            raise effbench.EffbenchError(
                f"dpr: hard_negatives: {hard_negatives} is too few (give 1 or more)"
            )
        self._path = path
        self._stem = _checked_stem(name, split) if name is not None else ""
        self._folder = inside(Path(), folder) if folder else default_root() / "dpr"
        self._hard_negatives = hard_negatives
        self.dataset_id = f"dpr/{name}/{split}" if path is None else _table_name(path)

    @cached_property
    def _file(self) -> str:
        """What the key says of the file: its digest, which a plan reads, or its name."""
        if self._path is None:
            return ":".join(["dpr", self._stem, *filter(None, [MD5.get(self._stem)])])
        return f"dpr:{_digest(self._path, stamp_of(self._path))}"

    @property
    def corpus_key(self) -> str:
        """The file, and the number of hard negatives that are read."""
        return f"{self._file}:{self._hard_negatives}"

    @property
    def parts(self) -> frozenset[tuple[str, str]]:
        """The file, whatever ``hard_negatives`` is."""
        return frozenset({(self._file, self._file)})

    @property
    def key(self) -> str:
        """The key of the corpus: queries, judgments and docs are in the same file."""
        return self.corpus_key

    def docs_count(self) -> None:
        """Return None: counting the docs takes a pass over the file."""

    def docs(self) -> Iterator[effbench.Doc]:
        """Yield the distinct positives and hard negatives, in order of first appearance."""
        seen: set[int] = set()  # hashes of 8 bytes, not ids: NQ has millions of docs
        for entry in self._entries():
            for doc in (*entry.positives.values(), *entry.negatives.values()):
                digest = hashlib.blake2b(doc.doc_id.encode(), digest_size=8).digest()
                number = int.from_bytes(digest, "little")
                if number not in seen:
                    seen.add(number)
                    yield doc

    def queries(self) -> Iterator[effbench.Query]:
        """Yield the questions; ``q7`` is the id of the question in the file's eighth entry."""
        for entry in self._entries():
            yield entry.query

    def qrels(self) -> Iterator[effbench.Qrel]:
        """Yield relevance 1 for each positive."""
        for entry in self._entries():
            for doc_id in entry.positives:
                yield effbench.Qrel(entry.query.query_id, doc_id, 1)

    def docpairs(self) -> Iterator[effbench.DocPair]:
        """Yield pairs of a positive and a hard negative, until each doc has been in a pair."""
        for entry in self._entries():
            good, bad = list(entry.positives), list(entry.negatives)
            for i in range(max(len(good), len(bad))):
                better, worse = good[i % len(good)], bad[i % len(bad)]
                yield effbench.DocPair(entry.query.query_id, better, worse)

    def _entries(self) -> Iterator[Entry]:
        path = fetch_file(self._stem, self._folder) if self._path is None else self._path
        return read_entries(path, self._hard_negatives)


def _checked_stem(name: str, split: str) -> str:
    if name not in NAMES:
        close = " or ".join(difflib.get_close_matches(name, NAMES))
        hint = f"did you mean {close}?" if close else f"DPR has: {', '.join(NAMES)}"
        raise effbench.EffbenchError(f"dpr: there is no {name!r} ({hint})")
    return f"{name}-{split}"


def _table_name(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".json")


@functools.cache  # a suite may read a file several times, each with other hard_negatives
def _digest(path: Path, stamp: tuple[int, ...]) -> str:
    try:
        with path.open("rb") as stream:
            return sha256_of(stream).hex()
    except OSError as error:
        raise effbench.EffbenchError(f"{path}: {error.strerror} (is path right?)") from error
