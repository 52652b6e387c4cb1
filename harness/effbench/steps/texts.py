"""The texts step: gathers texts for training from files, queries and corpora."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from heapq import heappush, heapreplace
from typing import TYPE_CHECKING, Any

from effbench.api.errors import EffbenchError
from effbench.steps.sources import DatasetSource, Source
from effbench.store.texts import open_texts, put_texts
from effbench.work.effort import Work
from effbench.work.step import Bench, Known, Step

if TYPE_CHECKING:
    from effbench.offers.plugins import Offer
    from effbench.store.artifacts import Artifact
    from effbench.work.progress import Tally


@dataclass(frozen=True)
class Texts:
    """Gather texts: stripped, none empty, none twice; of a source, all or a drawn part.

    The memory holds a digest of each text, some 100 bytes, and the texts of one draw.
    """

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
        counts: list[int] = []
        with bench.progress.work(self.label, None, "texts") as work:
            put_texts(artifact, self._distinct(counts, work))
        return {"texts": sum(counts), "by_source": counts}

    def _distinct(self, counts: list[int], work: Tally) -> Iterator[str]:
        """Yield the texts of all sources, and append how many came of each source."""
        seen = set[bytes]()
        for source in self.sources:
            before = len(seen)
            for text in _drawn(source, work):
                digest = _digest(text)
                if digest not in seen:
                    seen.add(digest)
                    yield text
            counts.append(len(seen) - before)
            work.reach(len(seen))
            if not counts[-1]:
                raise EffbenchError(f"texts: {source.name} gives no text (is it empty?)")


def read_texts(step: Texts, bench: Bench) -> Sequence[str]:
    """Return the gathered texts, in their fixed order, read from disk as needed."""
    return open_texts(bench.artifact(step).folder)


def counts_of(step: Texts, bench: Bench) -> list[int]:
    """Return how many texts came of each source; they stand in the order of the sources."""
    counts: list[int] = (bench.artifact(step).manifest() or {})["by_source"]
    return counts


def _drawn(source: Source, work: Tally) -> Iterable[str]:
    """Return the texts of a source in its order; a draw has none twice."""
    texts = _stripped(source, work)
    return texts if source.draw is None else _smallest(texts, source.draw)


def _stripped(source: Source, work: Tally) -> Iterator[str]:
    for text in source.texts():
        work(1)
        if stripped := " ".join(text.split()):
            yield stripped


def _smallest(texts: Iterable[str], count: int) -> Iterable[str]:
    """Return the texts with the smallest digests in their order; hold no others."""
    kept: dict[int, str] = {}
    largest: list[int] = []  # a heap of the negated digests
    for text in texts:
        digest = int.from_bytes(_digest(text), "big")
        if digest in kept:
            continue
        if len(kept) < count:
            heappush(largest, -digest)
        elif digest < -largest[0]:
            del kept[-heapreplace(largest, -digest)]
        else:
            continue
        kept[digest] = text
    return kept.values()


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()[:16]
