"""A collection whose judgments a test says."""

from __future__ import annotations

from effbench.work.datasets import DatasetRow


class Given:
    """A dataset that yields what it is given."""

    dataset_id, corpus_key, key, drop_self_hits = "given", "given", "given", False

    def __init__(self, docs=(), qrels=()) -> None:
        self._docs, self._qrels = docs, qrels

    def docs(self):
        return iter(self._docs)

    def docs_count(self):
        return len(self._docs)

    def queries(self):
        return iter(())

    def qrels(self):
        return iter(self._qrels)


def row(**given) -> DatasetRow:
    from types import SimpleNamespace

    return DatasetRow(Given(**given), SimpleNamespace(name="given", plugin="given"))
