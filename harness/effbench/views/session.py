"""The tables of one session: what ``effbench latency`` shows."""

from __future__ import annotations

from dataclasses import replace

from effbench.board.latencies import spelled
from effbench.board.lines import Line
from effbench.latency.samples import Session
from effbench.latency.spans import ENCODE, END_TO_END
from effbench.statistics import figures, trust
from effbench.statistics.row_latency import RowLatency, Value, columns
from effbench.text.names import through
from effbench.views.render import for_people
from effbench.views.tables import Table


def session_tables(session: Session, suite: str, machine: str) -> list[Table]:
    """Return a table of the session's rows, and one of where their time goes."""
    return [
        _table(session, f"{suite}: latency on {session.header.dataset}", machine),
        _parts(session, f"{suite}: encode p50 ms by stage and by tokens", machine),
    ]


def _table(session: Session, title: str, machine: str) -> Table:
    header = session.header
    cells = [cell for cell in session.cells if cell not in header.errors]
    known = [(session, cell) for cell in cells if cell == header.baseline]
    baseline = RowLatency(known)
    over = next((_through(session, cell) for _, cell in known), None)
    lines = [
        _name(session, cell)
        | _line(session, cell, baseline)
        | {"baseline": over.row if over else None}
        for cell in cells
    ]
    remarks = [f"{cell}: FAILED: {error}" for cell, error in header.errors.items()]
    remarks += spelled((cell, RowLatency([(session, cell)]).flags()) for cell in cells)
    remarks += header.warnings
    return _as_table(title, machine, lines, remarks, over.name if over else "")


def _line(session: Session, cell: str, baseline: RowLatency) -> dict[str, Value]:
    own = RowLatency([(session, cell)])
    values = columns(own, baseline)
    mean = figures.mean_of(own.times(END_TO_END))
    values[f"{END_TO_END} mean ms"] = mean and mean.value
    stability = trust.stability_of(session, cell)
    values["steady"] = stability.steady
    values["spread"] = stability.spread
    sizes = session.header.rows[cell].bytes_read
    values["MB read"] = sum(sizes) / len(sizes) / 1e6 if sizes else None
    for counter in ("cpu", "gpu"):
        joules = [one[counter] for one in own.process_figures("joules") if counter in one]
        values[f"{counter} mJ"] = figures.over_processes(joules).value * 1e3 if joules else None
    for span in session.header.spans:
        if span.startswith("response"):
            for percent in (50, 95, 99):
                found = figures.percentile_of(own.times(span), percent)
                values[f"{span} p{percent} ms"] = found and found.value
    return values


def _parts(session: Session, title: str, machine: str) -> Table:
    lines = []
    for cell in session.cells:
        if cell in session.header.errors:
            continue
        values: dict[str, Value] = {**_name(session, cell)}
        for span in session.header.spans:
            if span.startswith(f"{ENCODE}: "):
                times = trust.steady_times(session, cell, span)
                found = figures.percentile_of(times, 50)
                values[f"{span.removeprefix(ENCODE)[2:]} ms"] = found and found.value
        unit = "tokens" if session.header.rows[cell].tokens else "words"
        for bucket, median in figures.by_length(session, cell, ENCODE).items():
            values[f"{bucket} {unit} ms"] = median.value
        lines.append(values)
    return _as_table(title, machine, lines, [])


def _name(session: Session, cell: str) -> dict[str, Value]:
    line = _through(session, cell)
    return {"row": line.row, "index": line.index}


def _through(session: Session, cell: str) -> Line:
    facts = session.header.rows[cell]
    return Line(facts.row, through(facts.index, facts.search), {})


def _as_table(
    title: str,
    machine: str,
    lines: list[dict[str, Value]],
    remarks: list[str],
    baseline: str = "",
) -> Table:
    """Return a table whose columns for people are all shown: no other command shows them."""
    names = tuple(dict.fromkeys(name for line in lines for name in line))
    brief = (f"{ENCODE} p50", f"{END_TO_END} p50", "speed-up")
    bounds = (n for n in names if n.endswith((" low", " high")) and not n.startswith(brief))
    details = (*bounds, "baseline")
    whole = Table(
        title, machine, names, tuple(lines), tuple(remarks), details, baseline=baseline
    )
    return replace(whole, chosen=tuple(for_people(whole)))
