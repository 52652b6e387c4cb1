"""Texts for training: what each source gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from altered import altered
from made_mixes import LINES, SOURCE, SUITE, made


@pytest.fixture
def gather(run, tmp_path: Path):
    """Run a suite with these sources of texts; return the texts."""
    (tmp_path / "lines.txt").write_text(LINES)

    def gathered(sources: str) -> list[str]:
        found = run(altered(SUITE, SOURCE, sources))
        assert found.exit_code == 0, found.output
        (folder,) = made(tmp_path, "texts")
        texts: list[str] = json.loads((folder / "texts.json").read_text())
        return texts

    return gathered


def test_a_doc_is_its_title_and_its_text(gather) -> None:
    texts = gather("[{docs: target}]")
    assert len(texts) == 60
    assert texts[0].startswith("no 0 ")


@pytest.mark.parametrize("part", ["spans", "keywords"])
def test_a_doc_gives_as_many_short_texts_as_the_source_says(gather, part: str) -> None:
    texts = gather(f"[{{{part}: target, least: 2, most: 3, each: 1}}]")
    assert 30 < len(texts) <= 60
    assert {len(text.split()) for text in texts} <= {2, 3}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{spans: target, least: 5, most: 3}", "spans: least: 5 is more than most: 3"),
        ("{spans: target, each: 0}", "each: 0 is not a number of texts"),
        ("{keywords: target, most: x}", "most: 'x' is not a number of words"),
        ("{docs: target, each: 2}", "unknown key 'each' of a source"),
        ("{queries: target, column: x}", "unknown key 'column' of a source"),
        ("{queries: target, titles: target}", "is no source of texts (give one of file, quer"),
        ("{file: [a.txt, b.txt]}", "is no file (give each a source of its own)"),
        ("{file: a.csv, column: 3}", "column: 3 is no name (write it as text)"),
        ("{file: a.csv, column: c}", "a.csv:1: no column 'c' (its header has 'a', 'b')"),
        ("{docs: target, side: docs}", "side: 'docs' is no side (say queries or passages)"),
        ("{docs: target, weight: 0}", "weight: 0 is no weight (take a number above 0, up to"),
        ("{docs: target, weight: 1001}", "weight: 1001 is no weight"),
        ("{docs: target, weight: true}", "weight: True is no weight"),
    ],
)
def test_mistakes_are_found_when_planning(
    effbench, suite, tmp_path: Path, source: str, message: str
) -> None:
    (tmp_path / "a.csv").write_text("a,b\nthe cat,1\n")
    found = effbench("plan", suite(altered(SUITE, SOURCE, f"[{source}]")))
    assert found.exit_code == 2
    assert "models.table.targets: " in found.stderr
    assert message in found.stderr
