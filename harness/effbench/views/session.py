"""The tables of a latency session, as ``effbench latency`` shows them."""

from __future__ import annotations

from dataclasses import replace

from effbench.board.latencies import spelled
from effbench.board.lines import Line
from effbench.latency.samples import Session
from effbench.latency.spans import ENCODE, END_TO_END
from effbench.statistics import figures, trust
from effbench.statistics.row_latency import RowLatency, Value, columns
from effbench.text.names import index_label
from effbench.views.render import columns_for_people
from effbench.views.tables import Table


def session_tables(session: Session, suite: str, machine: str) -> list[Table]:
    """Return a table of the session's rows, and tables of the parts of their times."""
    tables = [
        _table(session, f"{suite}: latency on {session.header.dataset}", machine),
        _stages(session, f"{suite}: encode p50 ms by stage and by tokens", machine),
        _parts(session, f"{suite}: end to end p50 ms by part", machine),
    ]
    return [table for number, table in enumerate(tables) if not number or table.lines]


def _table(session: Session, title: str, machine: str) -> Table:
    header = session.header
    cells = [cell for cell in session.cells if cell not in header.errors]
    baseline_cells = [cell for cell in cells if cell == header.baseline]
    baseline = RowLatency([(session, cell) for cell in baseline_cells])
    baseline_line = next((_board_line(session, cell) for cell in baseline_cells), None)
    lines = [
        _name(session, cell)
        | _line(session, cell, baseline)
        | {"baseline": baseline_line.row if baseline_line else None}
        for cell in cells
    ]
    remarks = [f"{cell}: FAILED: {error}" for cell, error in header.errors.items()]
    remarks += spelled((cell, RowLatency([(session, cell)]).flags()) for cell in cells)
    remarks += header.warnings
    name = baseline_line.name if baseline_line else ""
    return _as_table(title, machine, lines, remarks, name)


def _line(session: Session, cell: str, baseline: RowLatency) -> dict[str, Value]:
    latency = RowLatency([(session, cell)])
    values = columns(latency, baseline)
    mean = figures.mean_of(latency.times(END_TO_END))
    values[f"{END_TO_END} mean ms"] = mean and mean.value
    stability = trust.stability_of(session, cell)
    values["steady"] = stability.steady
    values["spread"] = stability.spread
    sizes = session.header.rows[cell].bytes_read
    values["MB read"] = sum(sizes) / len(sizes) / 1e6 if sizes else None
    for counter in ("cpu", "gpu"):
        energies = latency.process_figures("joules")
        joules = [energy[counter] for energy in energies if counter in energy]
        values[f"{counter} mJ"] = figures.over_processes(joules).value * 1e3 if joules else None
    for span in session.header.spans:
        if span.startswith("response"):
            for percent in (50, 95, 99):
                time = figures.percentile_of(latency.times(span), percent)
                values[f"{span} p{percent} ms"] = time and time.value
    return values


def _parts(session: Session, title: str, machine: str) -> Table:
    """Return a table of the live rows that work inside of other rows."""
    lines: list[dict[str, Value]] = []
    for cell in session.cells:
        medians = _medians(session, cell, END_TO_END)
        if cell not in session.header.errors and any(medians.values()):
            whole = figures.percentile_of(trust.steady_times(session, cell, END_TO_END), 50)
            named = {**_name(session, cell), "whole ms": whole and whole.value}
            lines.append({**named, **{n: v for n, v in medians.items() if v is not None}})
    return _as_table(title, machine, lines, [])


def _medians(session: Session, cell: str, span: str) -> dict[str, Value]:
    """Return name -> median in ms for the parts of a span of a cell."""
    medians: dict[str, Value] = {}
    for part in session.header.spans:
        if part.startswith(f"{span}: "):
            median = figures.percentile_of(trust.steady_times(session, cell, part), 50)
            medians[f"{part.removeprefix(span)[2:]} ms"] = median and median.value
    return medians


def _stages(session: Session, title: str, machine: str) -> Table:
    """Return a table of the encoders: their stages, and their times by length of query."""
    lines: list[dict[str, Value]] = []
    for cell in session.cells:
        if cell in session.header.errors:
            continue
        values = _medians(session, cell, ENCODE)
        unit = "tokens" if session.header.rows[cell].tokens else "words"
        for bucket, time in figures.by_length(session, cell, ENCODE).items():
            values[f"{bucket} {unit} ms"] = time.value
        if any(value is not None for value in values.values()):  # a retriever has none
            lines.append({**_name(session, cell), **values})
    return _as_table(title, machine, lines, [])


def _name(session: Session, cell: str) -> dict[str, Value]:
    line = _board_line(session, cell)
    return {"row": line.row, "index": line.index}


def _board_line(session: Session, cell: str) -> Line:
    """Return a cell as a line without records: its row, and its index with search setting."""
    facts = session.header.rows[cell]
    return Line(facts.row, index_label(facts.index, facts.search), {})


def _as_table(
    title: str,
    machine: str,
    lines: list[dict[str, Value]],
    remarks: list[str],
    baseline: str = "",
) -> Table:
    """Return a table that shows all its columns for people: no other command shows them."""
    names = tuple(dict.fromkeys(name for line in lines for name in line))
    brief = (f"{ENCODE} p50", f"{END_TO_END} p50", "speed-up")
    bounds = (n for n in names if n.endswith((" low", " high")) and not n.startswith(brief))
    details = (*bounds, "baseline")
    whole = Table(
        title, machine, names, tuple(lines), tuple(remarks), details, baseline=baseline
    )
    return replace(whole, chosen=tuple(columns_for_people(whole)))
