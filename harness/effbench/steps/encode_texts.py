"""The step that encodes training texts: the vectors that a student learns to give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from effbench.api.encoders import Doc
from effbench.steps.encode import (
    as_kept,
    bytes_of_number,
    query_facts,
    query_work,
    write_vectors,
)
from effbench.steps.encoded import encode_corpus, encode_queries
from effbench.steps.sources import PASSAGES
from effbench.steps.texts import Texts, read_texts
from effbench.work.effort import Work
from effbench.work.rows import Row
from effbench.work.step import Bench, Known, Step

if TYPE_CHECKING:
    from effbench.offers.plugins import Offer
    from effbench.store.artifacts import Artifact


@dataclass(frozen=True)
class EncodeTexts:
    """Encode gathered texts as queries, or as passages where their source says so.

    A student learns to give the same vectors. They are kept as those of the passages are.
    """

    row: Row
    texts: Texts
    kind = "queries"

    @property
    def label(self) -> str:
        return f"encode {self.row.name} {self.texts.source.name}"

    @property
    def facts(self) -> Mapping[str, Any]:
        passages = self._passages
        facts = {"docs": passages.corpus_facts} if self._are_docs else query_facts(self.row)
        return {**facts, **passages.kept_facts}

    @property
    def inputs(self) -> tuple[Step, ...]:
        return (self.texts, *self._reader.steps)

    @property
    def offers(self) -> tuple[Offer, ...]:
        return self._reader.offers

    def work(self, known: Known) -> Work:
        count, number = known.count(self.texts, "texts"), bytes_of_number(self._passages)
        return query_work(self.row, "texts", count, known, number)

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        texts = read_texts(self.texts, bench)
        reader = bench.instance(self._reader)
        items: Iterator[tuple[str, Any]]
        if self._are_docs:
            encode = encode_corpus(reader, self._reader, "leave out side: passages")
            items = ((str(n), Doc(str(n), text)) for n, text in enumerate(texts))
        else:
            encode = encode_queries(reader, self.row, "texts")
            items = ((str(n), text) for n, text in enumerate(texts))
        encode = as_kept(encode, self._passages)
        with bench.progress.work(self.label, len(texts), "texts") as advance:
            shards = write_vectors(self._reader, artifact, items, encode, advance)
        return shards._asdict()

    @property
    def _are_docs(self) -> bool:
        return self.texts.source.use.side == PASSAGES

    @property
    def _passages(self) -> Row:
        return self.row.passages or self.row

    @property
    def _reader(self) -> Row:
        """The row whose encoder reads the texts."""
        return self._passages if self._are_docs else self.row
