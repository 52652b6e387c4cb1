"""The step that encodes training texts: the vectors that a student learns to give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
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
from effbench.steps.texts import Texts, counts_of, read_texts
from effbench.vectors.kinds import KINDS
from effbench.work.effort import Work
from effbench.work.rows import Row
from effbench.work.step import Bench, Known, Step

if TYPE_CHECKING:
    from effbench.offers.plugins import Offer
    from effbench.store.artifacts import Artifact
    from effbench.vectors.kinds import AnyVectors


@dataclass(frozen=True)
class EncodeTexts:
    """Encode gathered texts as queries, or as passages where a source says so.

    A student learns to give the same vectors. They are kept as those of the passages are.
    """

    row: Row
    texts: Texts
    kind = "queries"

    @property
    def label(self) -> str:
        return f"encode {self.row.name} training texts"

    @property
    def facts(self) -> Mapping[str, Any]:
        facts = {**query_facts(self.row), **self._passages.kept_facts}
        if any(self._are_docs):
            facts |= {"passages": self._passages.corpus_facts, "are_docs": self._are_docs}
        return facts

    @property
    def inputs(self) -> tuple[Step, ...]:
        return (self.texts, *(step for row in self._rows for step in row.steps))

    @property
    def offers(self) -> tuple[Offer, ...]:
        return tuple(offer for row in self._rows for offer in row.offers)

    def work(self, known: Known) -> Work:
        count, number = known.count(self.texts, "texts"), bytes_of_number(self._passages)
        return query_work(self.row, "texts", count, known, number)

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        texts = read_texts(self.texts, bench)
        encode = encode_queries(bench.instance(self.row), self.row, "texts")
        if any(self._are_docs):
            encode = self._by_side(encode, bench)
        encode = as_kept(encode, self._passages)
        with bench.progress.work(self.label, len(texts), "texts") as advance:
            shards = write_vectors(
                self.row, artifact, self._items(texts, bench), encode, advance
            )
        return shards._asdict()

    @property
    def _passages(self) -> Row:
        return self.row.passages or self.row

    @property
    def _rows(self) -> tuple[Row, ...]:
        """The rows whose encoders read the texts."""
        return (self.row, self._passages) if any(self._are_docs) else (self.row,)

    @property
    def _are_docs(self) -> list[bool]:
        """Whether the texts of each source are encoded as passages."""
        return [source.use.side == PASSAGES for source in self.texts.sources]

    def _items(
        self, texts: Sequence[str], bench: Bench
    ) -> Iterator[tuple[str, str] | tuple[str, Doc]]:
        numbered = enumerate(texts)
        for docs, count in zip(self._are_docs, counts_of(self.texts, bench), strict=True):
            for number, text in islice(numbered, count):
                name = str(number)
                yield (name, Doc(name, text)) if docs else (name, text)

    def _by_side(
        self, ask: Callable[[Sequence[Any]], AnyVectors], bench: Bench
    ) -> Callable[[Sequence[Any]], AnyVectors]:
        """Return a function that encodes docs as passages, and texts with ``ask``."""
        row = self._passages
        read = encode_corpus(bench.instance(row), row, "leave out side: passages")

        def call(items: Sequence[Any]) -> AnyVectors:
            runs = [(kind, list(run)) for kind, run in groupby(items, type)]
            parts = [read(run) if kind is Doc else ask(run) for kind, run in runs]
            return KINDS[row.offer.makes].joined(parts)

        return call
