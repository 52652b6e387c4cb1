"""References to live rows: encoders and searchers that work inside the row that names them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.plan.fitting import search_problems
from effbench.plan.forms import parts
from effbench.plan.scope import Scope
from effbench.plan.vectors import refuse_unfit
from effbench.steps import live
from effbench.steps.encode import EncodeCorpus
from effbench.steps.index import BuildIndex, BuildRetriever
from effbench.work.options import Input
from effbench.work.rows import Row

_FORM = "{row: ROW, index: ROW, search: {OPTION: VALUE}}"


def encoder(scope: Scope, value: Any) -> Input:
    """Return the input for an option of the type `effbench.Encoder`."""
    row = scope.row("encoders", value)
    rows = _with_passages(row)
    steps = tuple(step for each in rows for step in each.steps)
    return Input(steps, partial(live.LiveEncoder, row), rows, vectors=(row,))


def encoded_corpus(scope: Scope, value: Any) -> Input:
    """Return the input for an option of the type `effbench.EncodedCorpus`."""
    row, target = scope.row("encoders", value), scope.needed_target()
    corpus = EncodeCorpus(row.passages or row, target)
    opened = partial(live.StoredCorpus, row, corpus)
    return Input((*row.steps, corpus), opened, (row,), vectors=(row,))


def searcher(scope: Scope, value: Any) -> Input:
    """Return the input for an option of the type `effbench.Searcher`."""
    target = scope.needed_target()
    if isinstance(value, str):
        _refuse_encoder(scope, value)
        row = scope.row("retrievers", value)
        step = BuildRetriever(row, target)
        return Input((*row.steps, step), partial(live.RetrieverSearcher, step), (row,))
    given = parts(value, f"a row of retrievers or {_FORM}", "row", "index", search={})
    _refuse_retriever(scope, given["row"])
    row, index_row = scope.row("encoders", given["row"]), scope.row("indexes", given["index"])
    refuse_unfit(row, index_row)
    options = _search_options(index_row, given["search"])
    index = BuildIndex(index_row, EncodeCorpus(row.passages or row, target))
    opened = partial(live.IndexSearcher, row, index, options)
    steps = (*row.steps, *index_row.steps, index.corpus, index)
    return Input(steps, opened, (row, index_row), (options,))


def _with_passages(row: Row) -> tuple[Row, ...]:
    return (row, row.passages) if row.passages else (row,)


def _refuse_encoder(scope: Scope, name: str) -> None:
    if _names(scope, "encoders", name) and not _names(scope, "retrievers", name):
        raise EffbenchError(
            f"{name!r} is a row of encoders (say {{row: {name}, index: ROW}}, with a row of "
            "indexes)"
        )


def _refuse_retriever(scope: Scope, name: Any) -> None:
    if _names(scope, "retrievers", name) and not _names(scope, "encoders", name):
        raise EffbenchError(f"{name!r} is a row of retrievers (say {name} alone, no index)")


def _names(scope: Scope, section: str, name: Any) -> bool:
    return scope.lookup.names(section, f"{name}", scope.plugin)


def _search_options(index: Row, given: Any) -> Mapping[str, Any]:
    """Return the search options of an index; raise an error for one that it does not take."""
    if not isinstance(given, dict):
        raise EffbenchError(f"search: {given!r} is not {{OPTION: VALUE}}")
    values = {name: [value] for name, value in given.items()}
    for place, message in search_problems(values, index.offer):
        raise EffbenchError(": ".join((*map(str, place), message)))
    return given
