"""Latency: sessions of fresh processes that answer one query at a time, and their figures.

`session` measures all rows of a suite on one dataset, in turns; a `worker` is the process that
one row lives in, `workers` holds its other end, and `crew` those of all rows; `spans` says what
is timed and `timing` does it; `calibration` and `gate` tell whether the machine was steady;
`samples` keeps every single time; `figures` computes from them whatever is shown; `sessions`
finds the files of a suite, `measure` makes those that are missing, `board` and `report` lay
them out. docs/latency.md has the protocol and its reasons.
"""

from __future__ import annotations
