"""The spans of a query that are timed: encoding, search, end to end, typing, and stages."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from effbench.api.encoders import IncrementalQueryEncoder
from effbench.guard.blame import blamed_call, blamed_for_all
from effbench.plan.cells import Cell
from effbench.steps.answers import hosting, index_answer, retriever_answer
from effbench.steps.search import SearchIndex
from effbench.vectors.kinds import KINDS

if TYPE_CHECKING:
    from effbench.api.encoders import Description, Vectors
    from effbench.work.rows import Row
    from effbench.work.workbench import Workbench

ENCODE, SEARCH, END_TO_END = "encode", "search", "end to end"
AFTER_LAST_WORD, TOTAL_COMPUTE = "after last word", "total compute"


class Span(NamedTuple):
    """A part of the answer to a query. Only ``call`` is on the clock."""

    prepare: Callable[[str], Any]
    """Takes the query's text, and returns the argument of ``call``."""

    call: Callable[[Any], Any]
    """Returns an answer that is finished, on a GPU too."""

    copy: Callable[[Any], Any]
    """Copies an answer: a plugin may use its arrays again for the next answer."""


def spans_of(cell: Cell, bench: Workbench) -> dict[str, Span]:
    """Open the encoder and the index of a cell; return its spans by name, end to end last."""
    search, row = cell.search, cell.row
    if not isinstance(search, SearchIndex):
        ask = _synchronized(bench.opened(search.retriever).search)

        def answer(text: str) -> Any:
            return retriever_answer(ask([text], search.depth), row)

        return {END_TO_END: Span(str, answer, lambda lists: [list(hits) for hits in lists])}
    shape, host = (1, shape_of(search, bench)[1]), hosting(row)
    whole = _synchronized(bench.instance(row).encode_queries)
    ask = _synchronized(bench.opened(search.index).search)

    def encode_text(text: str) -> Any:
        return host(whole([text]), shape, "encode_queries")

    def find_docs(vectors: Any) -> Any:
        return index_answer(ask(vectors, search.depth, **search.options), search.index.row)

    encode, find = (
        blamed_call(encode_text, search.row.who),
        blamed_call(find_docs, search.searcher.who),
    )
    return {
        ENCODE: Span(str, encode, KINDS[row.offer.makes].copied),
        **_typing_spans(search, bench),
        SEARCH: Span(encode, find, _copy_answer),
        END_TO_END: Span(str, lambda text: find(encode(text)), _copy_answer),
    }


def batch_encoder_of(
    search: SearchIndex, bench: Workbench
) -> Callable[[Sequence[str]], Vectors]:
    """Return a function that encodes a batch of queries into vectors in host memory."""
    row, (_, width) = search.row, shape_of(search, bench)
    host = hosting(row)
    encode = _synchronized(bench.instance(row).encode_queries)

    def encode_batch(texts: Sequence[str]) -> Vectors:
        # the encoder gets a new list, which it may change
        vectors: Vectors = host(encode(list(texts)), (len(texts), width), "encode_queries")
        return vectors

    return encode_batch


def stages_of(
    told: Description, search: SearchIndex, bench: Workbench
) -> dict[str, Callable[[Any], Any]]:
    """Return the stages of encoding a query by name, in order; none if the encoder has none.

    The first stage takes a list of one text. Each later stage takes the value that the stage
    before it returned. The last stage returns a vector in host memory.
    """
    stages = {
        f"{ENCODE}: {name}": _synchronized(stage) for name, stage in (told.stages or {}).items()
    }
    if stages:
        name, last = stages.popitem()
        shape, host = (1, shape_of(search, bench)[1]), hosting(search.row)
        method = f"describe: stages: {name.removeprefix(ENCODE)[2:]}"
        stages[name] = lambda given: host(last(given), shape, method)
    return stages


def try_stages(stages: Mapping[str, Callable[[Any], Any]], text: str, row: Row) -> None:
    """Run the stages once, off the clock: an error names the stage."""
    value: Any = [text]
    for name, stage in stages.items():
        with blamed_for_all(f"{row.who}: describe: stages: {name.removeprefix(ENCODE)[2:]}"):
            value = stage(value)


def shape_of(search: SearchIndex, bench: Workbench) -> tuple[int, int]:
    """Return the number and the width of the vectors that are searched."""
    manifest = bench.artifact(search.index.corpus).manifest() or {}
    return int(manifest["rows"]), int(manifest["width"])


def _copy_answer(answer: tuple[Any, Any]) -> tuple[Any, Any]:
    scores, positions = answer
    return np.array(scores), np.array(positions)


def _synchronized(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a plugin's method that returns only when a GPU has finished, too."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return call

    def synchronized(*arguments: Any, **options: Any) -> Any:
        answer = call(*arguments, **options)
        torch.cuda.synchronize()
        return answer

    return synchronized


def _typing_spans(search: SearchIndex, bench: Workbench) -> dict[str, Span]:
    """Return the spans of an encoder that reads while the user types; else none."""
    encoder = bench.instance(search.row)
    if not isinstance(encoder, IncrementalQueryEncoder):
        return {}
    last, shape = _synchronized(encoder.finish), (1, shape_of(search, bench)[1])
    host, copy = hosting(search.row), KINDS[search.row.offer.makes].copied

    def read(text: str) -> tuple[Any, str]:
        state = encoder.start()
        for so_far in _prefixes(text):
            state = encoder.advance(state, so_far)
        return state, text

    def finish(read_so_far: tuple[Any, str]) -> Any:
        return host(last(*read_so_far), shape, "finish")

    return {
        AFTER_LAST_WORD: Span(read, finish, copy),
        TOTAL_COMPUTE: Span(str, lambda text: finish(read(text)), copy),
    }


def _prefixes(text: str) -> list[str]:
    """Return the text before each word but the first."""
    starts = [word.start() for word in re.finditer(r"\S+", text)]
    return [text[:start] for start in starts[1:]]
