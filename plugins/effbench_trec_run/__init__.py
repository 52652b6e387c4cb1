"""A run that another system left in a TREC run file, as a row: its scores, and no latency."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from effbench import Dataset, Doc, EffbenchError, ScoredDoc, VectorSource, hookimpl
from effbench.files import read_trec, upside_down

ENDINGS = (".trec", ".trec.gz", ".run", ".txt")


class TrecRun:
    """Answer with the hits of a run file, that of the folder ``runs`` named after the dataset.

    For ``beir/scifact/test`` it is ``beir-scifact-test`` with ``.trec``, ``.trec.gz``, ``.run``
    or ``.txt``. ``dataset`` is ``target``, the one that is searched. What the system took for
    its answers is not known, so it stands in no latency session.

    Raises `EffbenchError` for a file that is missing or no run, that answers none of the
    dataset's queries, whose scores rise with its ranks, or that has other hits for two
    queries of one text.
    """

    latency = False

    def __init__(self, dataset: Dataset, runs: Path) -> None:
        self._dataset = dataset
        name = dataset.dataset_id.replace("/", "-")
        paths = [runs / f"{name}{ending}" for ending in ENDINGS]
        found = next((path for path in paths if path.is_file()), None)
        if found is None:
            raise EffbenchError(
                f"trec-run: no {paths[0]} (put the run there, or as {ENDINGS[1]})"
            )
        self._path = found

    @property
    def nbytes(self) -> int:
        """Bytes of the run's file."""
        return self._path.stat().st_size

    def index(self, docs: Iterable[Doc]) -> None:
        """Read the run; docs are not needed."""
        run = read_trec(self._path)
        if upside_down(self._path):
            raise EffbenchError(
                f"trec-run: {self._path}: its scores rise with its ranks (are they distances? "
                "the best hit has the highest score)"
            )
        self._hits: dict[str, list[ScoredDoc]] = {}
        for query in self._dataset.queries():
            hits = run.get(query.query_id, [])
            if self._hits.setdefault(query.text, hits) != hits:
                raise EffbenchError(
                    f"trec-run: {self._path}: {query.query_id} asks what another query asks, "
                    "and has other hits (give both the same)"
                )
        if not any(self._hits.values()):
            raise EffbenchError(
                f"trec-run: {self._path} answers none of the queries of "
                f"{self._dataset.dataset_id} (is it a run of another dataset?)"
            )

    def search(self, queries: Sequence[str], k: int) -> list[list[ScoredDoc]]:
        """Return the run's hits of each query."""
        return [self._hits.get(query, [])[:k] for query in queries]

    def save(self, folder: Path) -> None:
        """Write the hits by the queries' texts."""
        (folder / "hits.json").write_text(json.dumps(self._hits), encoding="utf-8")

    def load(self, folder: Path, vectors: VectorSource | None) -> None:
        """Take the hits back."""
        kept = json.loads((folder / "hits.json").read_text(encoding="utf-8"))
        self._hits = {text: [ScoredDoc(*hit) for hit in hits] for text, hits in kept.items()}


@hookimpl
def effbench_retrievers() -> Mapping[str, type]:
    """Offer ``trec-run``."""
    return {"trec-run": TrecRun}
