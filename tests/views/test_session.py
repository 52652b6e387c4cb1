"""A latency session as it is drawn."""

from __future__ import annotations

from pathlib import Path

from effbench.latency.samples import read_session
from effbench.views import session
from effbench.views.layout import table_lines
from effbench.views.render import cell_text, columns_for_people
from made_records import write_results
from made_tables import ROWS, hidden, stacked


def test_a_latency_session_shows_every_column(tmp_path: Path) -> None:
    write_results(tmp_path, rows=ROWS, datasets=1)
    (path,) = tmp_path.glob("a-machine/made/latency/*.npz")
    known, _ = session.session_tables(read_session(path), "made", "a-machine")
    assert not hidden(list(table_lines(known, 60)))
    for cells, line in zip(stacked(known, 60), known.lines, strict=True):
        assert cells == {
            name: cell_text(known, line, name) for name in columns_for_people(known)
        }


def test_the_table_of_stages_has_the_encoders_alone(tmp_path: Path) -> None:
    write_results(tmp_path, rows=ROWS, datasets=1, retrievers={"keywords": 0.3})
    (path,) = tmp_path.glob("a-machine/made/latency/*.npz")
    rows, stages = session.session_tables(read_session(path), "made", "a-machine")
    encoders = [line["row"] for line in rows.lines if line["encode p50 ms"] is not None]
    assert [line["row"] for line in stages.lines] == encoders
    assert len(encoders) == len(ROWS) == len(rows.lines) - 1
