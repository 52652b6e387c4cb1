"""The plugin of ``trec-run``: a row that shows the scores of a TREC run file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from effbench import Dataset, Doc, EffbenchError, ScoredDoc, VectorSource, hookimpl
from effbench.files import read_trec, upside_down

ENDINGS = (".trec", ".trec.gz", ".run", ".txt")


class TrecRun:
    """Answer with the hits of a TREC run file, which another system wrote.

    The file is in the folder ``runs`` and has the name of the dataset: for
    ``beir/scifact/test`` it is ``beir-scifact-test`` with ``.trec``, ``.trec.gz``, ``.run`` or
    ``.txt``. Say ``dataset: target``, which means the dataset that is searched. Nobody knows
    how long the other system took, so no latency session measures the row.

    Raises:
        EffbenchError: the file is missing or is not a run; it answers none of the dataset's
            queries; its scores rise with its ranks; or two queries with equal texts have
            different hits in it.

    """

    latency = False

    def __init__(self, dataset: Dataset, runs: Path) -> None:
        self._dataset = dataset
        name = dataset.dataset_id.replace("/", "-")
        paths = [runs / f"{name}{ending}" for ending in ENDINGS]
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            raise EffbenchError(
                f"trec-run: no {paths[0]} (put the run there, or as {ENDINGS[1]})"
            )
        self._path = path

    @property
    def nbytes(self) -> int:
        """The size of the run's file in bytes."""
        return self._path.stat().st_size

    def index(self, docs: Iterable[Doc]) -> None:
        """Read the run; ``docs`` is not used."""
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
        """Return the first ``k`` hits that the run has for each query."""
        return [self._hits.get(query, [])[:k] for query in queries]

    def save(self, folder: Path) -> None:
        """Write the hits, by the texts of the queries."""
        (folder / "hits.json").write_text(json.dumps(self._hits), encoding="utf-8")

    def load(self, folder: Path, vectors: VectorSource | None) -> None:
        """Read the hits that `save` wrote."""
        kept = json.loads((folder / "hits.json").read_text(encoding="utf-8"))
        self._hits = {text: [ScoredDoc(*hit) for hit in hits] for text, hits in kept.items()}


@hookimpl
def effbench_retrievers() -> Mapping[str, type]:
    """Offer ``trec-run``."""
    return {"trec-run": TrecRun}
