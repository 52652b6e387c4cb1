"""Measures through ir_measures, on an order of hits that is fixed before measuring."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from effbench.api.encoders import Qrel
from effbench.api.errors import EffbenchError
from effbench.guard.blame import blamed
from effbench.store.reading import MOST_RELEVANCE

if TYPE_CHECKING:
    from ir_measures.measures import Measure

Ranking = Sequence[str]
"""The doc ids of one query's hits, best first."""

DEEPEST = 1_000_000
"""The largest cutoff of a measure."""

LONGEST = 200
"""Characters of a measure: Python's parser may die of longer ones."""

_MISSPELLED = (NameError, ValueError, SyntaxError, TypeError, MemoryError, RecursionError)
"""What parsing raises; the last two of too many brackets."""

_PLAIN = {"nDCG", "RR", "R", "P", "AP", "Success"}
"""With a cutoff or nothing these are known to work: planning need not try them."""

_OF_JUDGMENTS = {"NumQ", "NumRel"}
"""Counts of judgments: the same for every run, and no matter of hits."""

_SHARES = _PLAIN | {"Rprec", "Bpref", "SetP", "SetR", "SetF", "IPrec", "Judged", "ERR", "RBP"}
"""Measures whose values are 0 to 1."""

_SILENT = {"RR", "nDCG", "ERR"}
"""Providers of these may say nothing of a query without a relevant doc: their value is 0."""


def plain(measure: Measure) -> bool:
    """Tell whether a measure is known to work: planning need not try it."""
    return measure.NAME in _PLAIN and measure.params.keys() <= {"cutoff"}


def parse_measure(text: object) -> Measure:
    """Return the ir_measures measure that ``text`` spells; ``MRR`` means ``RR``.

    Raises:
        EffbenchError: no measure is spelled like that, or a parameter cannot be.

    """
    import ir_measures

    if not isinstance(text, str) or len(text) > LONGEST:
        said = f"{text!r}"[:LONGEST]
        raise EffbenchError(f"no measure is called {said} (write one such as nDCG@10)")
    try:
        measure: Measure = ir_measures.parse_measure(text)
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
    """Calculate a measure of a query of three hits.

    Raises:
        EffbenchError: it cannot be calculated; but a provider may end the process instead.

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


def measure(
    run: Mapping[str, Ranking], qrels: Iterable[Qrel], measures: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return measure -> query_id -> value, for every query that has a judgment.

    Providers of ir_measures break ties of scores in opposite ways, so they get scores made
    from the ranks; some read ids in ways of their own, so they get numbers for query ids. A
    judged query without hits counts 0; hits of unjudged queries are left out.

    Raises:
        EffbenchError: a provider fails, says nothing of a query that has hits, or what it says
            is not a number, or exceeds 1 where 1 is the most.

    """
    judged: dict[str, dict[str, int]] = {}
    for query_id, doc_id, relevance in qrels:
        judged.setdefault(query_id, {})[doc_id] = relevance
    query_ids = sorted(judged)
    with_hits = {n: query_id for n, query_id in enumerate(query_ids) if run.get(query_id)}
    ranked = {
        str(number): {doc_id: float(-rank) for rank, doc_id in enumerate(run[query_id])}
        for number, query_id in with_hits.items()
    }
    given = {str(number): _safe(judged[query_id]) for number, query_id in enumerate(query_ids)}
    values = {name: dict.fromkeys(query_ids, 0.0) for name in measures}
    for group in _groups([parse_measure(name) for name in measures]) if ranked else ():
        for one, number, value in _calculated(group, given, ranked):
            values[str(one)][with_hits[number]] = value
    return values


def mean(values: Mapping[str, float]) -> float:
    """Return the mean over queries, summed exactly."""
    return math.fsum(values.values()) / len(values)


def _wrong(measure: Measure, name: str, value: Any) -> str | None:
    """Say what is wrong with a parameter: providers die of some, and misread others."""
    if name not in measure.SUPPORTED_PARAMS:
        return f"is no parameter of it (it has {', '.join(measure.SUPPORTED_PARAMS)})"
    if name == "gains":
        grades = [*value, *value.values()] if isinstance(value, dict) else [None]
        if not all(type(one) is int and abs(one) <= MOST_RELEVANCE for one in grades):
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
    """Yield what may be calculated together: pytrec_eval's provider mixes up ``gains``."""
    plain = [one for one in measures if "gains" not in one.params]
    if plain:
        yield plain
    yield from ([one] for one in measures if "gains" in one.params)


def _calculated(
    measures: Sequence[Measure],
    qrels: Mapping[str, Mapping[str, int]],
    run: Mapping[str, Mapping[str, float]],
) -> Iterator[tuple[Measure, int, float]]:
    """Yield measure, number of the query and value, for every query of the run."""
    import ir_measures

    asked = [_asked(one) for one in measures]
    for one in asked:
        one.DEFAULT = math.nan  # ir_measures' 0 would hide that a provider says nothing
    names = ", ".join(map(str, measures))
    found: dict[tuple[str, str], float] = {}
    with blamed(f"{names} cannot be calculated"):
        for metric in ir_measures.iter_calc(asked, qrels, run):
            found[str(metric.measure), metric.query_id] = float(metric.value)
    for one, own in zip(measures, asked, strict=True):
        for query in run:
            value = found.get((str(own), query), math.nan)
            if math.isnan(value) and one.NAME in _SILENT:
                relevant = one.params.get("rel", 1)
                if not any(relevance >= relevant for relevance in qrels[query].values()):
                    value = 0.0
            yield one, int(query), _sound(one, value)


def _safe(grades: Mapping[str, int]) -> Mapping[str, int]:
    """Return grades that are not all below 0: of those trec_eval's code dies.

    A query without a relevant doc has the same values whether its docs are judged 0 or less.
    """
    return dict.fromkeys(grades, 0) if max(grades.values()) < 0 else grades


def _asked(measure: Measure) -> Measure:
    """Return what a provider is asked for: without a cutoff, trec_eval's nDCG takes hours.

    Its time grows with the square of the largest relevance; a cutoff that is never reached
    gives the same value.
    """
    endless = measure.NAME == "nDCG" and "cutoff" not in measure.params
    return measure(cutoff=DEEPEST) if endless else measure


def _sound(measure: Measure, value: float) -> float:
    shares = measure.NAME in _SHARES
    if not math.isfinite(value) or (shares and not -1e-9 <= value <= 1 + 1e-9):
        said = "nothing" if math.isnan(value) else str(value)
        raise EffbenchError(
            f"{measure} cannot be calculated: its provider says {said} of a query with hits"
        )
    return value
