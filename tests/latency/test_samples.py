"""Every sample is kept, and read as it was written."""

from __future__ import annotations

from pathlib import Path

from effbench.api.errors import EffbenchError
from effbench.latency.samples import read_session
from made_sessions import write_session
from made_timed import TIMED


def test_every_sample_of_a_session_is_kept(measured) -> None:
    found, session = measured(TIMED)
    assert found.exit_code == 0, found.output
    rows = {facts.row: name for name, facts in session.header.rows.items()}
    assert set(rows) == {"words", "other", "scan"}
    for row, spans in {
        "words": {"encode", "search", "end to end"},
        "scan": {"end to end"},
    }.items():
        times = {span: session.times(rows[row], span) for span in session.header.spans}
        assert {span for span, by_process in times.items() if by_process} == spans
        for span in spans:
            assert set(times[span]) == {0, 1}
            assert all(sorted(one[:, 1]) == list(range(30)) for one in times[span].values())
            assert all((one[:, 2] > 0).all() for one in times[span].values())
    assert len(set(session.header.queries)) == 30
    assert len(session.blocks) == 2 * 3 * 3  # processes, rows, blocks of 10
    assert session.header.fingerprint["threads"] == 1


def test_a_session_is_read_as_it_was_written_or_not_at_all(tmp_path: Path) -> None:
    path = write_session(tmp_path, "toy", {"cell": {"encode": [1.0, 2.0, 3.0] * 9}})
    true, content = read_session(path), path.read_bytes()
    refused = 0
    for place in range(0, len(content), 3):
        changed = content[place] ^ 1 << place % 8
        path.write_bytes(content[:place] + bytes([changed]) + content[place + 1 :])
        try:
            found = read_session(path)
        except EffbenchError:
            refused += 1
        else:
            assert found.header == true.header
            assert found.blocks == true.blocks
            for name, column in true.columns.items():
                assert (found.columns[name] == column).all()
    assert refused > len(content) / 3 / 2
