"""Choose hard negatives from hits, query by query."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

from effbench import EffbenchError, ScoredDoc
from effbench_training import Mine

DOCPAIRS = "docpairs.tsv"


def mine(options: Mine, output_dir: Path, seed: int) -> None:
    """Write the docpairs; each negative beside one of the query's relevant docs in turn."""
    relevant: dict[str, list[str]] = defaultdict(list)
    for qrel in options.hits.qrels:
        if qrel.relevance > 0:
            relevant[qrel.query_id].append(qrel.doc_id)
    written = 0
    partial = output_dir / f".{DOCPAIRS}"
    with partial.open("w", encoding="utf-8") as file:
        for query_id, hits in options.hits.hits:
            good = relevant.get(query_id)
            bad = _chosen(hits, set(good), options, f"{seed} {query_id}") if good else []
            for doc_id_a, doc_id_b in zip(cycle(good or ()), bad, strict=False):
                file.write(f"{query_id}\t{doc_id_a}\t{doc_id_b}\n")
            written += len(bad)
    if not written:
        raise EffbenchError(
            "mine: no negative is left (a deeper depth, a smaller margin or first_rank)"
        )
    partial.replace(output_dir / DOCPAIRS)


def _chosen(hits: Sequence[ScoredDoc], good: set[str], options: Mine, seed: str) -> list[str]:
    """Return the doc_ids of the negatives, best first."""
    window = list(_allowed(hits, good, options))
    if options.pick == "random" and len(window) > options.negatives:
        kept = random.Random(seed).sample(range(len(window)), options.negatives)  # noqa: S311 - no secret
        return [window[place] for place in sorted(kept)]
    return window[: options.negatives]


def _allowed(hits: Sequence[ScoredDoc], good: set[str], options: Mine) -> Iterator[str]:
    highest = float("inf")
    if options.margin is not None:
        found = [hit.score for hit in hits if hit.doc_id in good]
        highest = max(found, default=float("-inf")) - options.margin
    for hit in hits[options.first_rank - 1 :]:
        if hit.doc_id not in good and hit.score <= highest:
            yield hit.doc_id
