"""The texts step: gathers texts for training from files, queries and corpora."""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effbench.api.errors import EffbenchError
from effbench.steps.data import all_queries_of, docs_of
from effbench.store.digests import file_sha256
from effbench.store.reading import numbered, opened
from effbench.store.tabular import TabularFile
from effbench.work.datasets import DatasetRow
from effbench.work.effort import Work
from effbench.work.step import Bench, Known, Step

if TYPE_CHECKING:
    from effbench.offers.plugins import Offer
    from effbench.store.artifacts import Artifact
    from effbench.work.progress import Tally

TEXTS = "texts.json"
PARTS = ("queries", "titles", "sentences")
"""The parts of a dataset that can be a source of texts."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^a-z])")


@dataclass(frozen=True)
class FileSource:
    """A source of texts: the lines of a text file, or a column of a .csv, .tsv or .jsonl."""

    path: Path
    digest: str
    column: str | None
    draw: int | None

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
    """A source of texts: the queries of a dataset, or its docs' titles or sentences."""

    row: DatasetRow
    part: str
    draw: int | None

    @property
    def fact(self) -> list[Any]:
        """What decides the texts."""
        key = self.row.key if self.part == "queries" else self.row.corpus_key
        return [self.part, key, self.draw]

    def texts(self) -> Iterator[str]:
        """Yield the texts as they stand."""
        if self.part == "queries":
            yield from (query.text for query in all_queries_of(self.row))
            return
        for doc in docs_of(self.row):
            yield from [doc.title] if self.part == "titles" else sentences(doc.text)


Source = FileSource | DatasetSource


@dataclass(frozen=True)
class Texts:
    """Gather texts: stripped, none empty, none twice; of a source, all or a drawn part."""

    sources: tuple[Source, ...]
    kind = "texts"

    @property
    def label(self) -> str:
        return "gather texts"

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"sources": [source.fact for source in self.sources]}

    @property
    def inputs(self) -> tuple[Step, ...]:
        return ()

    @property
    def offers(self) -> tuple[Offer, ...]:
        return tuple(s.row.offer for s in self.sources if isinstance(s, DatasetSource))

    def work(self, known: Known) -> Work:
        return Work("texts", known.count(self, "texts"))

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        texts: dict[str, None] = {}
        counts = []
        with bench.progress.work(self.label, None, "texts") as work:
            for source in self.sources:
                before = len(texts)
                texts.update(dict.fromkeys(_drawn(source, work)))
                counts.append(len(texts) - before)
                work.reach(len(texts))
                if not counts[-1]:
                    raise EffbenchError(f"texts: {_name(source)} gives no text (is it empty?)")
        artifact.put_text(TEXTS, json.dumps(list(texts), ensure_ascii=False))
        return {"texts": len(texts), "by_source": counts}


def read_texts(step: Texts, bench: Bench) -> list[str]:
    """Return the gathered texts, in their fixed order."""
    path = bench.artifact(step).folder / TEXTS
    texts: list[str] = json.loads(path.read_text(encoding="utf-8"))
    return texts


def sentences(text: str) -> Sequence[str]:
    """Split a text into sentences, roughly: after . ! ? and a space, before no small letter."""
    return _SENTENCE_END.split(text)


def _drawn(source: Source, work: Tally) -> list[str]:
    """Return the texts of a source in its order; a draw keeps the smallest hashes."""
    texts = dict[str, None]()
    for text in source.texts():
        work(1)
        if stripped := " ".join(text.split()):
            texts[stripped] = None
    if source.draw is None or len(texts) <= source.draw:
        return list(texts)
    kept = set(heapq.nsmallest(source.draw, texts, key=lambda t: sha256(t.encode()).digest()))
    return [text for text in texts if text in kept]


def _name(source: Source) -> str:
    if isinstance(source, FileSource):
        return str(source.path)
    return f"{source.part} of {source.row.name}"
