"""benchmarks/exports.py: mistakes in its rows are one line, and what it compares."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from folders import ROOT

SUITE = """\
suite: s
datasets: []
encoders:
  t: {use: transformer, model: ./m}
  s: {use: small-query, model: m, passages: t}
  lost: {use: small-query, model: m, passages: gone}
"""


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("x", "no row 'x' in encoders (t, s, lost)"),
        ("lost", "no row 'gone' in encoders (t, s, lost)"),
        ("s:int8", "s:int8: an option without a value (say s:int8=VALUE)"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, row: str, said: str) -> None:
    (tmp_path / "s.yaml").write_text(SUITE)
    places = [f"--{name}={tmp_path}" for name in ("beir", "data", "cache")]
    script = ROOT / "benchmarks" / "exports.py"
    command = [sys.executable, script, tmp_path / "s.yaml", row, *places]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert found.stderr.startswith("Error: ")
    assert found.stderr.endswith(f"{said}\n")
    assert found.stderr.count("\n") == 1


def test_a_row_without_passages_reads_them_itself(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SUITE)
    program = (
        "import exports, sys; from pathlib import Path; sys.argv[1:] = "
        f"[{str(tmp_path / 's.yaml')!r}, 't', 's:int8=true', '--beir=b', '--data=d', "
        "'--cache=c']; rows = exports.suite_of(exports.parse())['encoders']; "
        "print({name: [row.get('passages'), row.get('int8')] for name, row in rows.items()})"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT / "benchmarks",
    )
    assert found.stdout == "{'t': [None, None], 's-int8-true': ['t', True]}\n"
