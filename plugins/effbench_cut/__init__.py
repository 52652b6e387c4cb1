"""A large collection cut to a size that can be encoded: another dataset, and named so."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator, Sequence
from functools import cached_property

import effbench


class Cut:
    """A dataset whose corpus is all its judged docs and a sample of the others.

    The sample is those of smallest sha256 of ``seed`` and doc_id, so many that there are
    ``docs`` in all (as many as are judged, if those are more); a corpus that is not larger
    stays whole. Scores are higher than with all docs, so the name says so:
    ``NAME-cut-100000``, or ``name``. Its other splits, which one may train on, are those of the
    whole. Raises `EffbenchError` for a senseless number.
    """

    def __init__(
        self,
        dataset: effbench.Dataset,
        *,
        docs: int = 100_000,
        seed: int = 42,
        name: str | None = None,
    ) -> None:
        if docs < 1:
            raise effbench.EffbenchError(f"cut: docs is {docs} (take 1 or more)")
        self._whole = dataset
        self._docs, self._seed = docs, seed
        self.dataset_id = name or f"{dataset.dataset_id}-cut-{docs}"
        self.note = f"{docs:,} docs of {dataset.dataset_id}: scores are higher than with all"
        self.drop_self_hits = dataset.drop_self_hits
        self.corpus_key = f"cut:{docs}:{seed}:{dataset.corpus_key}:{dataset.key}"
        self.key = dataset.key
        own = ((dataset.corpus_key, dataset.key),)
        self.parts: Sequence[tuple[str, str]] = getattr(dataset, "parts", own)

    @property
    def splits(self) -> Sequence[str]:
        """The splits of the whole dataset."""
        return self._whole.splits if isinstance(self._whole, effbench.Split) else ()

    def split(self, name: str) -> effbench.Dataset:
        """Return a split of the whole dataset, whose corpus is not cut."""
        if not isinstance(self._whole, effbench.Split):
            raise effbench.EffbenchError(
                f"{self.dataset_id} has no splits (cut another dataset)"
            )
        return self._whole.split(name)

    def docs_count(self) -> None:
        """Return None: counting takes a pass."""

    def count_docs(self) -> int:
        """Return how many docs stay; their ids are needed for reading them, too."""
        return len(self._kept)

    def docs(self) -> Iterator[effbench.Doc]:
        """Yield the docs that stay, in the order of the whole corpus."""
        kept = self._kept
        for doc in self._whole.docs():
            if doc.doc_id in kept:
                yield doc

    def queries(self) -> Iterator[effbench.Query]:
        """Yield the queries of the whole dataset."""
        return self._whole.queries()

    def qrels(self) -> Iterator[effbench.Qrel]:
        """Yield the judgments of the whole dataset."""
        return self._whole.qrels()

    @cached_property
    def _kept(self) -> frozenset[str]:
        """The ids of the docs that stay; takes a pass over the corpus."""
        judged = {qrel.doc_id for qrel in self._whole.qrels()}
        ids = (doc.doc_id for doc in self._whole.docs())
        there, others = set(), _Smallest(self._docs, self._seed)
        for doc_id in ids:
            if doc_id in judged:
                there.add(doc_id)
            else:
                others.add(doc_id)
        return frozenset(there | set(others.first(max(0, self._docs - len(there)))))


class _Smallest:
    """Keeps the ids of smallest hash, at most so many."""

    def __init__(self, most: int, seed: int) -> None:
        self._most, self._seed = most, seed
        self._heap: list[tuple[int, str]] = []  # negative hashes: the largest hash is on top

    def add(self, one: str) -> None:
        """Take an id, and drop the one of largest hash if there are too many."""
        digest = hashlib.sha256(f"{self._seed}:{one}".encode()).digest()
        heapq.heappush(self._heap, (-int.from_bytes(digest), one))
        if len(self._heap) > self._most:
            heapq.heappop(self._heap)

    def first(self, count: int) -> list[str]:
        """Return the ids of the ``count`` smallest hashes."""
        return [one for _, one in heapq.nlargest(count, self._heap)]


@effbench.hookimpl
def effbench_datasets() -> dict[str, type[Cut]]:
    """Offer ``cut``."""
    return {"cut": Cut}
