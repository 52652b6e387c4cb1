"""Any text as a suite: a plan, or every mistake with its line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mutations import TEXTS, changed, damaged
from trial import FUZZ, tried

SUITE: dict[str, Any] = {
    "suite": "fuzz",
    "datasets": [
        {"use": "toy", "docs": 12},
        {"group": "both", "datasets": [{"use": "folder", "path": "good"}]},
    ],
    "measures": ["nDCG@10", "RR@10"],
    "k": 10,
    "models": {"table": {"use": "table", "targets": {"texts": "corpus", "encoder": "words"}}},
    "encoders": {
        "words": {"use": "words", "width": 8, "lower": True},
        "typed": {"use": "typed", "passages": "words", "words": 1},
        "learnt": {
            "use": "table",
            "model": "table",
            "passages": {"row": "words", "unchecked": True},
        },
    },
    "retrievers": {"scan": {"use": "scan", "twice": False}},
    "indexes": {"plain": {"use": "plain", "search": {"depth": [3, 8]}}},
    "latency": {"queries": 9, "baseline": "words", "batches": [1, 2], "arrivals": [0.5]},
    "expected": {"tolerance": 0.1, "nDCG@10": {"words": {"toy": 0.5}}},
}

SCALARS = [
    "no", "off", "ON", "yes", "~", "null", "010", "0o7", "0x1F", "0b11", "1_000", "12:30",
    "1:2:3", "2024-01-01", "2024-01-01 00:00:00", "2024-99-99", ".inf", "-.inf", ".nan", "1e5",
    "1e999", "=", "<<", "!!binary aGk=", "!!binary '*'", "!!float x", "!!int x",
    "!!timestamp x", "!!set {a: b}", "!!omap [a: 1]", "!!pairs [a: 1]",
    "!!python/object:os.system x", "!!null x", "!!bool maybe", "!x y", "! z", "!!str", "*a",
    "&a", "&a x", "@at", "`tick", "%d", "{", "[", "]", "? x", "- x", "a: b", "#", '"\\x00"',
    '"\\ud800"', '"\\e[31m"', '"\\U0001F680"', '"\\', "'", "|", ">-", "'a''b'", "0" * 5000,
    "9" * 5000, "-0", "+1", "1.", ".5", "0.0001", "1e-400",
]  # fmt: skip
"""Words that YAML takes for something, and pieces of its syntax."""

MEASURES = [
    "P@0", "nDCG@0", "nDCG@-1", "nDCG@1e3", "R", "RBP", "ERR@10", "alpha_nDCG@10", "AP(rel=0)",
    "nDCG@10000000", "P(rel=9999999999)@5", "nDCG(gains={1: 'a'})@5", "SetF(beta=1e-9)",
    "IPrec@2", "IPrec@0.123", "INST(T=1)", "Judged@1@2", "nDCG(", "nDCG(x=__import__('os'))@1",
    "(" * 500, "nDCG@" + "9" * 500, "RR@\u0663", "Compat(p=2)", "BPM@10", "StatAP", "NumQ",
    "nERR8(max_rel=3)@10", "Success", "MRR@10", "nDCG@10 ", "Accuracy", "AP@0.5",
]  # fmt: skip


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Return a suite that was changed: what it says, words of it, lines of it, or its bytes."""
    document = SUITE
    how = draw(st.sampled_from(["said"] * 4 + ["words"] * 5 + ["measure"] + ["bytes", "made"]))
    if how == "said":
        document = draw(changed(SUITE))
    elif how == "measure":
        document = SUITE | {"measures": draw(st.lists(st.sampled_from(MEASURES), max_size=3))}
    try:
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=draw(st.booleans()))
    except (ValueError, RecursionError):
        text = "suite: x"
    if how == "words":
        for _ in range(draw(st.integers(1, 3))):
            text = _reworded(draw, text)
    elif how == "made":
        text = draw(nested())
    content = text.encode("utf-8", "surrogatepass")
    return draw(damaged(content)) if how == "bytes" else content


def _reworded(draw: st.DrawFn, text: str) -> str:
    """Return a suite's text with a word, a line or its depth changed."""
    words = [found.span() for found in re.finditer(r"[\w@.]+", text)]
    start, end = draw(st.sampled_from(words)) if words else (0, 0)
    how = draw(st.sampled_from(["word"] * 5 + ["before", "anchor", "merge", "twice", "depth"]))
    if how == "word":
        word = draw(
            st.one_of(st.sampled_from(SCALARS), st.sampled_from(TEXTS), st.text(max_size=6))
        )
        return text[:start] + word + text[end:]
    if how == "before":
        return (
            text[:start] + draw(st.sampled_from([f"{one} " for one in SCALARS])) + text[start:]
        )
    lines = text.splitlines()
    at = draw(st.integers(0, max(0, len(lines) - 1)))
    if how == "anchor":
        return text.replace(": ", ": &a ", 3).replace(": &a ", ": ", 1) + draw(
            st.sampled_from(["more: *a\n", "encoders: *a\n", "<<: *a\n", "*a : 1\n"])
        )
    if how == "merge":
        indent = " " * (len(lines[at]) - len(lines[at].lstrip())) if lines else ""
        lines.insert(
            at,
            indent
            + draw(st.sampled_from(["<<: {use: x}", "<<: [{a: 1}, 2]", "<<: 3", "? [a]\n: b"])),
        )
    elif how == "twice" and lines:
        lines.insert(at, lines[draw(st.integers(0, len(lines) - 1))])
    elif how == "depth" and lines:
        lines[at] = draw(st.sampled_from([" ", "  ", "\t", "- ", "    "])) + lines[at]
    return "\n".join(lines) + "\n"


def nested() -> st.SearchStrategy[str]:
    """Return YAML of aliases in aliases, of great depth, of many documents, of any text."""
    depth = st.sampled_from([3, 50, 900, 3000, 20_000])
    pairs = st.sampled_from(
        [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", ""), ("!!map {b: ", "}")]
    )
    deep = st.builds(
        lambda n, pair: "suite: x\nk: " + pair[0] * n + "1" + pair[1] * n, depth, pairs
    )
    short = st.sampled_from([
        "&a [*a]", "suite: &a {b: *a}", "a: 1\n---\nb: 2", "--- !!x\n", "%YAML 9.9\n---\na: 1",
        "%TAG ! !x\n---\n!y z", "&a a: *a", "{*a : 1}", "- *nothing",
    ])  # fmt: skip
    bombs = st.builds(_bomb, st.integers(2, 12), st.integers(2, 9))
    signs = st.text("-?:,[]{}#&*!|>'\"%@` \n\tabc01~.<=", max_size=60)
    return st.one_of(deep, bombs, short, st.text(), signs)


def _bomb(levels: int, width: int) -> str:
    """Return lines each of which names the one before many times."""
    lines = ["a0: &a0 {use: words}"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]")
    return "\n".join([*lines, f"suite: fuzz\ndatasets: *a{levels - 1}\nencoders: {{w: *a0}}"])


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("suites")
    (folder / "good/qrels").mkdir(parents=True)
    (folder / "good/corpus.jsonl").write_text('{"_id": "d1", "text": "apple"}\n')
    (folder / "good/queries.jsonl").write_text('{"_id": "q1", "text": "apple"}\n')
    (folder / "good/qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    return folder


@FUZZ
@given(text=texts(), how=st.sampled_from([[], [], [], ["--json"]]))
def test_suites(place: Path, monkeypatch, text, how) -> None:
    monkeypatch.chdir(place)
    Path("suite.yaml").write_bytes(text)
    found = tried("plan", "suite.yaml", "--cache", "cache", *how)
    if found.exit_code:
        assert found.exit_code == 2
        assert found.stdout == ""
        for line in found.stderr.removeprefix("Error: ").splitlines():
            assert re.match(r"suite\.yaml(:\d+)?: |\.\.\. and [\d,]+ more", line), line
