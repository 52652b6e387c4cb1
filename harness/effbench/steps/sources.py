"""Sources of texts for training: files of a user, and the queries and docs of datasets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from effbench.api.errors import EffbenchError
from effbench.steps.data import all_queries_of, docs_of
from effbench.steps.excerpts import Cut, Keywords, sentences, spans
from effbench.store.digests import file_sha256
from effbench.store.reading import numbered, opened
from effbench.store.tabular import TabularFile
from effbench.work.datasets import DatasetRow

QUERIES, PASSAGES = "queries", "passages"
SIDES = (QUERIES, PASSAGES)
"""The two sides of an encoder; the first encodes texts where a source says nothing."""

CUTS = {"spans": Cut(2, 12, 4), "keywords": Cut(2, 6, 4)}
"""Part of a dataset whose texts are drawn from its docs -> how, where a source says nothing."""

PARTS = ("queries", "titles", "sentences", "docs", *CUTS)
"""The parts of a dataset that can be a source of texts."""


class Use(NamedTuple):
    """How the texts of a source are used; this changes no text, so no key of `Texts`."""

    side: str = QUERIES
    """The side of the encoder that makes the vectors of the texts, one of `SIDES`."""

    weight: float = 1.0
    """How often a text is seen in an epoch, against a text of weight 1."""


USUAL = Use()


@dataclass(frozen=True)
class FileSource:
    """A source of texts: the lines of a text file, or a column of a .csv, .tsv or .jsonl."""

    path: Path
    digest: str
    column: str | None
    draw: int | None
    use: Use = USUAL

    @property
    def name(self) -> str:
        """How messages name it."""
        return str(self.path)

    @property
    def fact(self) -> list[Any]:
        """What decides the texts."""
        return ["file", self.digest, self.column, self.draw]

    def texts(self) -> Iterator[str]:
        """Yield the texts as they stand."""
        with opened(self.path) as file:
            if file_sha256(self.path) != self.digest:
                raise EffbenchError(f"{self.path}: has changed since the plan (run again)")
            if self.column is not None:
                rows = TabularFile(self.path).rows([self.column])
                yield from (text for _, (text,) in rows)
                return
            for _, line in numbered(str(self.path), file):
                yield from line.split("\r")  # files of an old Mac end lines so


@dataclass(frozen=True)
class DatasetSource:
    """A source of texts: the queries of a dataset, or what its docs hold or give."""

    row: DatasetRow
    part: str
    draw: int | None
    cut: Cut | None = None
    """For a part in `CUTS`."""

    use: Use = USUAL

    @property
    def name(self) -> str:
        """How messages name it."""
        return f"{self.part} of {self.row.name}"

    @property
    def fact(self) -> list[Any]:
        """What decides the texts."""
        key = self.row.key if self.part == "queries" else self.row.corpus_key
        return [self.part, key, self.draw, *([] if self.cut is None else [list(self.cut)])]

    def texts(self) -> Iterator[str]:
        """Yield the texts as they stand."""
        if self.part == "queries":
            yield from (query.text for query in all_queries_of(self.row))
        elif self.part == "titles":
            yield from (doc.title for doc in docs_of(self.row))
        elif self.part == "sentences":
            for doc in docs_of(self.row):
                yield from sentences(doc.text)
        elif self.cut is None:
            yield from self._docs()
        elif self.part == "spans":
            for text in self._docs():
                yield from spans(text, self.cut)
        else:
            keywords = Keywords(self._docs())
            for text in self._docs():
                yield from keywords.of(text, self.cut)

    def _docs(self) -> Iterator[str]:
        return (doc.default_text() for doc in docs_of(self.row))


Source: TypeAlias = FileSource | DatasetSource
