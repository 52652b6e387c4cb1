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
    """Gather the texts of a source: stripped, none empty, none twice; all, or a drawn part.

    The memory holds a digest of each text, some 100 bytes, and the texts of a draw.
    """

    source: Source
    kind = "texts"

    @property
    def label(self) -> str:
        return f"gather {self.source.name}"

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"source": self.source.fact}

    @property
    def inputs(self) -> tuple[Step, ...]:
        return ()

    @property
    def offers(self) -> tuple[Offer, ...]:
        source = self.source
        return (source.row.offer,) if isinstance(source, DatasetSource) else ()

    def work(self, known: Known) -> Work:
        return Work("texts", known.count(self, "texts"))

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        seen = set[bytes]()
        with bench.progress.work(self.label, None, "texts") as work:
            put_texts(artifact, self._distinct(seen, work))
        if not seen:
            raise EffbenchError(f"texts: {self.source.name} gives no text (is it empty?)")
        return {"texts": len(seen)}

    def _distinct(self, seen: set[bytes], work: Tally) -> Iterator[str]:
        """Yield the texts, each once, and add their digests to ``seen``."""
        for text in _drawn(self.source, work):
            digest = _digest(text)
            if digest not in seen:
                seen.add(digest)
                yield text
        work.reach(len(seen))


def read_texts(step: Texts, bench: Bench) -> Sequence[str]:
    """Return the gathered texts, in their fixed order, read from disk as needed."""
    return open_texts(bench.artifact(step).folder)


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
