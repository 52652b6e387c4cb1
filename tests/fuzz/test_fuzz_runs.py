"""Any bytes as a run or as qrels: scores, or one line that says where it is wrong."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mutations import torn
from trial import FUZZ, tried

QRELS = b"q1 0 a 1\nq1 0 b 0\nq2 0 c 2\nq2 0 d -1\nq3 0 a 1\n"
BEIR = b"query-id\tcorpus-id\tscore\nq1\ta\t1\nq2\tc\t2\nq3\ta\t1\n"
RUN = (
    b"q1 Q0 b 1 2.0 me\nq1 Q0 a 2 1.0 me\nq2 Q0 c 1 0.5 me\nq2 Q0 d 2 0.5 me\nq9 Q0 a 1 3 me\n"
)
MEASURES = [
    "nDCG@10", "RR@10", "R@100", "AP", "AP(rel=2)@5", "P@1", "P(rel=3)@5", "nDCG", "ERR@10",
    "Rprec", "Bpref", "Success@1", "Judged@10", "infAP", "SetP", "SetF", "IPrec@0.1", "NumRet",
    "Compat(p=0.8)", "nDCG(dcg='exp-log2')@10", "nDCG(gains={0: 0, 1: 5})@10", "RBP(p=0.8)",
]  # fmt: skip

qrels = st.one_of(torn(QRELS), torn(BEIR, "\t"))
measures = st.lists(st.sampled_from(MEASURES), min_size=1, max_size=3, unique=True)


@FUZZ
@given(qrels=qrels, run=torn(RUN), measures=measures, whole=st.sampled_from("qr-"))
def test_runs_and_qrels(tmp_path: Path, monkeypatch, qrels, run, measures, whole) -> None:
    monkeypatch.chdir(tmp_path)
    Path("qrels").write_bytes(QRELS if whole == "q" else qrels)
    Path("run").write_bytes(RUN if whole == "r" else run)
    options = [part for one in measures for part in ("-m", one)]
    found = tried("evaluate", "qrels", "run", "--json", "--per-query", *options)
    if found.exit_code:
        assert found.stdout == ""
        assert len(found.stderr.splitlines()) == 1
        names = "run:", "qrels:", *(one.partition("(")[0] for one in measures)
        assert any(name in found.stderr for name in names), found.stderr
        return
    values = json.loads(found.stdout)
    assert all(math.isfinite(one) for one in values["mean"].values())
    packed = [Path(f"{name}.gz") for name in ("qrels", "run")]
    for path in packed:
        path.write_bytes(gzip.compress(path.with_suffix("").read_bytes(), 1))
    if all(path.with_suffix("").read_bytes()[:2] != b"\x1f\x8b" for path in packed):
        again = tried("evaluate", *packed, "--json", "--per-query", *options)
        assert json.loads(again.stdout) == values
