"""Docs that share words with the query: a retriever without vectors."""

from __future__ import annotations

import effbench


@effbench.hookimpl
def effbench_retrievers():
    return {"overlap": OverlapRetriever}


class OverlapRetriever:
    """Docs that share most words with the query."""

    def index(self, docs):
        self.docs = [(doc.doc_id, set(doc.default_text().lower().split())) for doc in docs]

    def search(self, queries, k):
        return [self.best(set(query.lower().split()), k) for query in queries]

    def best(self, words, k):
        hits = [
            effbench.ScoredDoc(doc_id, float(len(words & known))) for doc_id, known in self.docs
        ]
        return sorted(hits, key=lambda hit: -hit.score)[:k]
