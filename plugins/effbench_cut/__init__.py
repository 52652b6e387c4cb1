"""The plugin of ``cut``: a large corpus becomes a sample of a size that can be encoded."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator, Sequence
from functools import cached_property

import effbench


class Cut:
    """A dataset with a smaller corpus: all judged docs, and a sample of the unjudged docs.

    The new corpus has ``docs`` docs, or all judged docs if they are more. A corpus that is
    not larger than ``docs`` stays whole. The sample consists of the docs with the smallest
    sha256 of ``seed`` and doc_id.

    Scores are higher than with all docs. The dataset therefore has a name that says so:
    ``NAME-cut-100000``, or ``name``. The queries and judgments are those of the whole
    dataset. Its splits, which are there to train on, have the whole corpus.

    Raises:
        EffbenchError: ``docs`` is less than 1.

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
        self.cut = True
        self.drop_self_hits = dataset.drop_self_hits
        self.corpus_key = f"cut:{docs}:{seed}:{dataset.corpus_key}:{dataset.key}"
        self.key = dataset.key
        whole = ((dataset.corpus_key, dataset.key),)
        self.parts: Sequence[tuple[str, str]] = getattr(dataset, "parts", whole)

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
        """Return None: counting the docs takes a pass over the corpus."""

    def count_docs(self) -> int:
        """Return how many docs stay; this collects their ids, which `docs` needs as well."""
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
        """The ids of the docs that stay; the first access takes a pass over the corpus."""
        judged = {qrel.doc_id for qrel in self._whole.qrels()}
        kept, unjudged = set(), _Smallest(self._docs, self._seed)
        for doc in self._whole.docs():
            if doc.doc_id in judged:  # judgments may name docs that the corpus lacks
                kept.add(doc.doc_id)
            else:
                unjudged.add(doc.doc_id)
        return frozenset(kept | set(unjudged.first(max(0, self._docs - len(kept)))))


class _Smallest:
    """A collection that keeps the ids with the smallest hashes, at most ``most`` ids."""

    def __init__(self, most: int, seed: int) -> None:
        self._most, self._seed = most, seed
        self._heap: list[tuple[int, str]] = []  # negative hashes: the largest hash is on top

    def add(self, doc_id: str) -> None:
        """Add an id; if there are too many then, drop the id with the largest hash."""
        digest = hashlib.sha256(f"{self._seed}:{doc_id}".encode()).digest()
        heapq.heappush(self._heap, (-int.from_bytes(digest), doc_id))
        if len(self._heap) > self._most:
            heapq.heappop(self._heap)

    def first(self, count: int) -> list[str]:
        """Return the ids with the ``count`` smallest hashes."""
        return [doc_id for _, doc_id in heapq.nlargest(count, self._heap)]


@effbench.hookimpl
def effbench_datasets() -> dict[str, type[Cut]]:
    """Offer ``cut``."""
    return {"cut": Cut}
