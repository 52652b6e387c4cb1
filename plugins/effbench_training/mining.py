"""Mining of hard negatives: the choice from the hits of each query, and the file of pairs."""

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
    """Write ``docpairs.tsv``: each negative with one of the query's relevant docs, in turn.

    Raises:
        EffbenchError: no negative is left.

    """
    relevant: dict[str, list[str]] = defaultdict(list)
    for qrel in options.hits.qrels:
        if qrel.relevance > 0:
            relevant[qrel.query_id].append(qrel.doc_id)
    written = 0
    partial = output_dir / f".{DOCPAIRS}"
    with partial.open("w", encoding="utf-8") as file:
        for query_id, hits in options.hits.hits:
            good = relevant.get(query_id)
            bad = _choose(hits, set(good), options, f"{seed} {query_id}") if good else []
            for doc_id_a, doc_id_b in zip(cycle(good or ()), bad, strict=False):
                file.write(f"{query_id}\t{doc_id_a}\t{doc_id_b}\n")
            written += len(bad)
    if not written:
        raise EffbenchError(
            "mine: no negative is left (a deeper depth, a smaller margin or first_rank)"
        )
    partial.replace(output_dir / DOCPAIRS)


def _choose(hits: Sequence[ScoredDoc], good: set[str], options: Mine, seed: str) -> list[str]:
    """Return the doc_ids of a query's negatives, the highest score first."""
    candidates = list(_candidates(hits, good, options))
    if options.pick == "random" and len(candidates) > options.negatives:
        draw = random.Random(seed)  # noqa: S311 - no secret
        kept = draw.sample(range(len(candidates)), options.negatives)
        return [candidates[number] for number in sorted(kept)]
    return candidates[: options.negatives]


def _candidates(hits: Sequence[ScoredDoc], good: set[str], options: Mine) -> Iterator[str]:
    """Yield the doc_ids of the hits that may be negatives, the highest score first."""
    highest = float("inf")
    if options.margin is not None:
        good_scores = [hit.score for hit in hits if hit.doc_id in good]
        highest = max(good_scores, default=float("-inf")) - options.margin
    for hit in hits[options.first_rank - 1 :]:
        if hit.doc_id not in good and hit.score <= highest:
            yield hit.doc_id
