"""Held-out queries of a domain: drawn before a training, kept with its prompt, and searched."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ir_measures
import msgspec
import numpy as np

from effbench import Doc, EffbenchError, Examples
from effbench_soft_prompt.prompts import OpenBackbone, Prompt
from effbench_soft_prompt.reading import Limits, SoftPromptEncoder

FILE = "held_out.json"
MOST_DOCS = 500
"""Docs among which the queries are searched, or all their good docs if these are more. A choice
of temperature reads them dozens of times."""

MOST_GOOD = 3
"""Good docs of a query that are put among the docs; more may be there for other queries."""

MEASURE = ir_measures.nDCG @ 10


class HeldOut(msgspec.Struct, frozen=True):
    """Queries that were kept out of a training, and docs to search."""

    queries: list[str]
    docs: list[Doc]
    good: list[list[int]]
    """The good docs of each query, as positions in ``docs``; at least one for each query."""


def hold_out(data: Examples, most: int) -> tuple[Examples, HeldOut]:
    """Return the examples without up to ``most`` queries, at most a quarter; and these.

    The seed decides nothing here: trainings that differ in it hold out the same queries.

    Raises:
        EffbenchError: the examples have fewer than four queries.

    """
    order = sorted(range(len(data.queries)), key=lambda row: _hash(data.queries[row]))
    count = min(most, len(order) // 4)
    if not count:
        raise EffbenchError(
            f"prompt-domain: too few queries to hold some out: {len(order)} (give 4 or more)"
        )
    held, kept = order[:count], sorted(order[count:])
    numbers = _docs(data, held)
    places = {number: place for place, number in enumerate(numbers)}
    good = [
        [places[number] for number in map(int, data.positives[row]) if number in places]
        for row in held
    ]
    queries = [data.queries[row] for row in held]
    return chosen(data, kept), HeldOut(queries, [data.docs[n] for n in numbers], good)


def chosen(data: Examples, rows: list[int]) -> Examples:
    """Return the examples of the queries in ``rows``."""
    return data._replace(
        queries=[data.queries[row] for row in rows],
        positives=[data.positives[row] for row in rows],
        negatives=[data.negatives[row] for row in rows],
        tasks=[data.tasks[row] for row in rows],
    )


def save_held_out(held_out: HeldOut, folder: Path) -> None:
    """Write held-out queries beside their prompt."""
    (folder / FILE).write_bytes(msgspec.json.encode(held_out))


def load_held_out(folder: Path, name: str) -> HeldOut:
    """Read the held-out queries of the prompt of domain ``name``.

    Raises:
        EffbenchError: the folder has none, or the file is damaged.

    """
    try:
        held_out = msgspec.json.decode((folder / FILE).read_bytes(), type=HeldOut)
    except (OSError, msgspec.DecodeError) as error:
        raise EffbenchError(
            f"prompt-mix: no held-out queries beside the prompt of {name} ({error}; train it "
            "by prompt-domain)"
        ) from error
    places = range(len(held_out.docs))
    if len(held_out.good) != len(held_out.queries) or not all(
        good and all(place in places for place in good) for good in held_out.good
    ):
        raise EffbenchError(f"{folder / FILE}: its good docs do not fit (train again)")
    return held_out


def ndcg(prompt: Prompt, opened: OpenBackbone, held_out: HeldOut) -> float:
    """Return the mean nDCG@10 of held-out queries with a prompt, 0 to 1."""
    encoder = SoftPromptEncoder(prompt, opened, Limits())
    scores = encoder.encode_queries(held_out.queries) @ encoder.encode_corpus(held_out.docs).T
    names = [str(place) for place in range(len(held_out.docs))]
    run = {
        str(row): dict(zip(names, line, strict=True))
        for row, line in enumerate(scores.tolist())
    }
    good = {
        str(row): {names[place]: 1 for place in places}
        for row, places in enumerate(held_out.good)
    }
    return float(ir_measures.calc_aggregate([MEASURE], good, run)[MEASURE])


def gained(
    base: Prompt, trained: Prompt, opened: OpenBackbone, held_out: HeldOut
) -> Mapping[str, Any]:
    """Return the facts of about.json on what a prompt gained over its base prompt."""
    before, after = (ndcg(prompt, opened, held_out) for prompt in (base, trained))
    count = len(held_out.queries)
    facts = {"queries": count, "docs": len(held_out.docs), "before": before, "after": after}
    remark = (
        f"its prompt gained nothing on {count} held-out queries (nDCG@10 {after:.4f}, "
        f"{before:.4f} before)"
    )
    remarks = [remark] if after <= before else []
    return {"gain": after - before, "held_out": facts, "remarks": remarks}


def _docs(data: Examples, held: list[int]) -> list[int]:
    """Return the docs to search, each once: good docs of the queries ``held``, then others."""
    good = [int(number) for row in held for number in data.positives[row][:MOST_GOOD]]
    others = np.random.default_rng(0).permutation(len(data.docs)).tolist()
    return list(dict.fromkeys([*good, *others]))[: max(MOST_DOCS, len(set(good)))]


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
