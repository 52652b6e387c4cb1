"""Measures of quality: calculated by ir_measures from hits whose order is already fixed."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from effbench.api.encoders import Qrel
from effbench.api.errors import EffbenchError
from effbench.guard.blame import blamed
from effbench.steps.notation import measure_of
from effbench.store.reading import MOST_RELEVANCE

if TYPE_CHECKING:
    from ir_measures.measures import Measure

Ranking = Sequence[str]
"""The doc ids of one query's hits, best first."""

HITS = 2**18
"""Hits that are scored together: some 50 MB."""

DEEPEST = 1_000_000
"""The largest cutoff of a measure."""

LONGEST = 200
"""A measure has at most this many characters: longer ones may crash Python's parser."""

_MISSPELLED = (NameError, ValueError, SyntaxError, TypeError, MemoryError, RecursionError)
"""What parsing raises; too many brackets raise the last two."""

_PLAIN = {"nDCG", "RR", "R", "P", "AP", "Success"}
"""Known to work without parameters or with a cutoff: planning need not try them."""

_OF_JUDGMENTS = {"NumQ", "NumRel"}
"""Counts of judgments: they are the same for every run, whatever its hits."""

_SHARES = _PLAIN | {"Rprec", "Bpref", "SetP", "SetR", "SetF", "IPrec", "Judged", "ERR", "RBP"}
"""Measures whose values are from 0 to 1."""

_SILENT = {"RR", "nDCG", "ERR"}
"""Their providers may give no value for a query without a relevant doc: it is then 0."""


def plain(measure: Measure) -> bool:
    """Tell whether a measure is known to work: planning need not try it."""
    return measure.NAME in _PLAIN and measure.params.keys() <= {"cutoff"}


def parse_measure(text: object) -> Measure:
    """Return the measure of ir_measures that ``text`` spells; ``MRR`` means ``RR``.

    Raises:
        EffbenchError: ``text`` spells no measure, or one with a wrong parameter.

    """
    import ir_measures

    if not isinstance(text, str) or len(text) > LONGEST:
        start = f"{text!r}"[:LONGEST]
        raise EffbenchError(f"no measure is called {start} (write one such as nDCG@10)")
    try:
        measure = measure_of(text)
    except _MISSPELLED as error:
        name, cutoff = re.findall(r"(?s)^(.*?)@?(\d*)$", text)[0]
        known = {m.NAME.casefold(): m.NAME for m in ir_measures.measures.registry.values()}
        near = difflib.get_close_matches(name.casefold(), known, n=1)
        cut = f"@{cutoff}" if cutoff else ""
        hint = (
            f"did you mean {known[near[0]]}{cut}?"
            if near
            else "take one such as nDCG@10, RR@10, R@100"
        )
        raise EffbenchError(f"no measure {text!r} ({hint})") from error
    if measure.NAME in _OF_JUDGMENTS:
        raise EffbenchError(
            f"{text!r} counts judgments, not what is found (take one such as nDCG@10)"
        )
    for name, parameter in measure.SUPPORTED_PARAMS.items():
        if parameter.required and name not in measure.params:
            hint = f"{text}@100" if name == measure.AT_PARAM else f"{text}({name}=...)"
            raise EffbenchError(f"measure {text!r} needs a {name} (write {hint})")
    for name, value in measure.params.items():
        if wrong := _wrong(measure, name, value):
            raise EffbenchError(f"measure {text!r}: {name} {wrong}")
    return measure


def attempt(name: str) -> None:
    """Calculate a measure of a query with three hits; its provider may end the process.

    Raises:
        EffbenchError: the measure cannot be calculated.

    """
    run = {"1": {"a": 3.0, "b": 2.0, "c": 1.0}}
    try:
        for _ in _calculated([parse_measure(name)], {"1": {"a": 0, "b": 1}}, run):
            pass
    except EffbenchError as error:
        if "Unsupported measures" not in str(error):
            raise
        missing = re.findall(r"pip install (\S+\])", str(error))
        hint = f"pip install '{missing[0]}'" if missing else "another cutoff or parameter?"
        raise EffbenchError(f"nothing installed calculates {name} ({hint})") from error


def values_by_query(
    run: Iterable[tuple[str, Ranking]], qrels: Iterable[Qrel], measures: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return measure -> query_id -> value, for every query that has a judgment.

    ``run`` gives each query once, with its hits; some `HITS` hits are in memory at a time.

    The providers of ir_measures break ties of scores in different ways, so they get scores that
    are made from the ranks. Some providers misread query ids, so they get numbers as ids. A
    judged query without hits has the value 0; hits of queries without judgments do not count.

    Raises:
        EffbenchError: a provider fails, gives no value for a query that has hits, or gives a
            value that is not finite or is outside 0 to 1 for a measure in `_SHARES`.

    """
    judged: dict[str, dict[str, int]] = {}
    for query_id, doc_id, relevance in qrels:
        judged.setdefault(query_id, {})[doc_id] = relevance
    query_ids = sorted(judged)
    numbers = {query_id: number for number, query_id in enumerate(query_ids)}
    values = {name: dict.fromkeys(query_ids, 0.0) for name in measures}
    groups = list(_groups([parse_measure(name) for name in measures]))
    for part in _parts((query_id, hits) for query_id, hits in run if query_id in judged):
        ranked = {
            str(numbers[query_id]): {doc_id: float(-rank) for rank, doc_id in enumerate(hits)}
            for query_id, hits in sorted(part)
        }
        grades = {number: _safe(judged[query_ids[int(number)]]) for number in ranked}
        for group in groups:
            for measure, number, value in _calculated(group, grades, ranked):
                values[str(measure)][query_ids[number]] = value
    return values


def _parts(run: Iterable[tuple[str, Ranking]]) -> Iterator[list[tuple[str, Ranking]]]:
    """Yield a run in parts, without the queries that have no hits."""
    part: list[tuple[str, Ranking]] = []
    count = 0
    for query_id, hits in run:
        if hits:
            part.append((query_id, hits))
            count += len(hits)
        if count >= HITS:
            yield part
            part, count = [], 0
    if part:
        yield part


def mean(values: Mapping[str, float]) -> float:
    """Return the mean of the queries' values; the sum is exact."""
    return math.fsum(values.values()) / len(values)


def _wrong(measure: Measure, name: str, value: Any) -> str | None:
    """Return what is wrong with a parameter; wrong ones crash or mislead providers."""
    if name not in measure.SUPPORTED_PARAMS:
        return f"is no parameter of it (it has {', '.join(measure.SUPPORTED_PARAMS)})"
    if name == "gains":
        grades = [*value, *value.values()] if isinstance(value, dict) else [None]
        if not all(type(grade) is int and abs(grade) <= MOST_RELEVANCE for grade in grades):
            return f"maps integers to integers of at most {MOST_RELEVANCE:,} ({{1: 1, 2: 3}})"
    elif name in ("cutoff", "rel", "min_rel", "max_rel"):
        most, least = DEEPEST if name == "cutoff" else MOST_RELEVANCE, int(name != "min_rel")
        if type(value) is not int or not least <= value <= most:
            return f"is {value!r} (take {least} to {most:,})"
    elif name == "recall":  # trec_eval reads two digits of it
        if type(value) is not float or not 0 <= value <= 1 or round(value, 2) != value:
            return f"is {value!r} (take 0.00 to 1.00, in steps of 0.01)"
    elif isinstance(value, float) and ("e" in repr(value) or value - value != 0):
        return f"is {value!r} (write it with few digits: trec_eval reads no exponent)"
    elif not measure.SUPPORTED_PARAMS[name].validate(value):
        return f"cannot be {value!r} (take another)"
    return None


def _groups(measures: Sequence[Measure]) -> Iterator[list[Measure]]:
    """Yield groups that may be calculated together: pytrec_eval mixes ``gains`` up."""
    together = [measure for measure in measures if "gains" not in measure.params]
    if together:
        yield together
    yield from ([measure] for measure in measures if "gains" in measure.params)


def _calculated(
    measures: Sequence[Measure],
    qrels: Mapping[str, Mapping[str, int]],
    run: Mapping[str, Mapping[str, float]],
) -> Iterator[tuple[Measure, int, float]]:
    """Yield (measure, number of the query, value) for every query of the run."""
    import ir_measures

    bounded = [_bounded(measure) for measure in measures]
    for measure in bounded:
        measure.DEFAULT = math.nan  # the default 0 would hide that a provider gives no value
    names = ", ".join(map(str, measures))
    values: dict[tuple[str, str], float] = {}
    with blamed(f"{names} cannot be calculated"):
        for metric in ir_measures.iter_calc(bounded, qrels, run):
            values[str(metric.measure), metric.query_id] = float(metric.value)
    for measure, calculated in zip(measures, bounded, strict=True):
        for query in run:
            value = values.get((str(calculated), query), math.nan)
            if math.isnan(value) and measure.NAME in _SILENT:
                relevant = measure.params.get("rel", 1)
                if not any(relevance >= relevant for relevance in qrels[query].values()):
                    value = 0.0
            yield measure, int(query), _sound(measure, value)


def _safe(grades: Mapping[str, int]) -> Mapping[str, int]:
    """Return grades, or zeros if all of them are below 0, which would crash trec_eval's code.

    The values of a query without a relevant doc do not change by that.
    """
    return dict.fromkeys(grades, 0) if max(grades.values()) < 0 else grades


def _bounded(measure: Measure) -> Measure:
    """Return the measure with a cutoff: without it, trec_eval's nDCG may take hours.

    Its time grows with the square of the largest relevance. No run reaches the cutoff, so the
    value is the same.
    """
    endless = measure.NAME == "nDCG" and "cutoff" not in measure.params
    return measure(cutoff=DEEPEST) if endless else measure


def _sound(measure: Measure, value: float) -> float:
    """Return the value; refuse one that the measure cannot have."""
    shares = measure.NAME in _SHARES
    if not math.isfinite(value) or (shares and not -1e-9 <= value <= 1 + 1e-9):
        answer = "nothing" if math.isnan(value) else str(value)
        raise EffbenchError(
            f"{measure} cannot be calculated: its provider says {answer} of a query with hits"
        )
    return value
