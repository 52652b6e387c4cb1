"""Records as ir_metadata: the names of its checklists, and headers of runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from effbench.board.ir_metadata import trec_name
from effbench.store.disk import write_json
from made_records import write_results
from made_results import SCANNED

CHECKLIST = {
    "platform": {
        "hardware": {"cpu", "gpu", "ram"},
        "operating system": {"kernel", "distribution"},
        "software": {"libraries", "retrieval toolkit"},
    },
    "research goal": {
        "venue": {"name", "year"},
        "publication": {"dblp", "doi", "arxiv", "url", "abstract"},
        "evaluation": {"reported measures", "baseline", "significance test"},
    },
    "implementation": {"executable": {"cmd"}, "source": {"lang", "repository", "commit"}},
    "method": {"automatic", "score ties", "indexing", "retrieval"},
    "actor": {
        "name", "orcid", "team", "fields", "mail", "role", "degree", "github", "twitter",
    },
    "data": {"test collection": {"name", "source", "qrels", "topics", "ir_datasets"},
             "training data": ..., "other": ...},
}  # fmt: skip
"""The fields that www.ir-metadata.org lists."""

GIVEN = """\
actor: {name: Ada, role: experimenter}
research goal: {venue: {name: SIGIR, year: 2027}}
"""


@pytest.fixture
def written(run, effbench, tmp_path: Path):
    """Run a suite of two rows, and write its metadata."""
    run(SCANNED)

    def write(*options: object) -> Path:
        words = ["ir-metadata", tmp_path / "results", "--output", tmp_path / "out", *options]
        found = effbench(*words)
        assert found.exit_code == 0, found.output
        assert found.stderr == f"2 files of metadata and 2 runs in {tmp_path / 'out'}\n"
        (folder,) = (tmp_path / "out").glob("*/toys")
        return folder

    return write


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content


def header(run: Path) -> dict[str, Any]:
    """Read a run's header as repro_eval does."""
    first, *lines = run.read_text().splitlines()
    assert first == "# ir_metadata.start"
    end = lines.index("# ir_metadata.end")
    content: dict[str, Any] = yaml.safe_load("\n".join(line[1:] for line in lines[:end]))
    return content


def strange(known: Any, listed: Any, place: str = "") -> list[str]:
    """Return the places of fields that are not listed."""
    if listed is ... or not isinstance(known, dict):
        return []
    parts = listed if isinstance(listed, dict) else dict.fromkeys(listed, ...)
    return [
        name
        for key, value in known.items()
        for name in (
            strange(value, parts[key], f"{place}/{key}") if key in parts else [f"{place}/{key}"]
        )
    ]


def test_every_field_is_on_the_checklists(written) -> None:
    known = read(written() / "toy--words--plain.yml")
    general = {"schema-version": 0.1, "run-version": 1.0, "tag": "toy--words--plain"}
    assert {name: known.pop(name) for name in general} == general
    assert {*known.pop("effbench")} >= {"suite", "machine", "key", "k"}
    assert [*known] == [*CHECKLIST]
    assert not strange(known, CHECKLIST)
    assert known["research goal"]["evaluation"]["reported measures"] == ["ndcg_cut_10", "RR@10"]
    assert known["research goal"]["evaluation"]["baseline"] == ["toy--words--plain"]
    assert known["data"] == {"test collection": {"name": "toy"}}
    assert known["method"]["retrieval"] == [
        {"name": "words", "method": "words of effbench-toy 0.1"}
    ]
    assert known["method"]["indexing"] == {
        "name": "plain",
        "method": "plain of effbench-toy 0.1",
    }
    libraries = known["platform"]["software"]["libraries"]["python"]
    assert any(library.startswith("numpy==") for library in libraries)


def test_a_run_has_its_metadata_as_a_header_and_is_read_as_before(
    written, effbench, tmp_path: Path
) -> None:
    folder = written()
    run = folder / "toy--words--plain.trec"
    assert header(run) == read(folder / "toy--words--plain.yml")
    hits = [line for line in run.read_text().splitlines() if not line.startswith("#")]
    assert {line.split()[-1] for line in hits} == {"toy--words--plain"}
    (bare,) = (tmp_path / "results").glob("*/toys/runs/toy--words--plain.trec.gz")
    qrels = tmp_path / "qrels.txt"
    qrels.write_text("q0 0 d0 1\nq2 0 d2 1\n")
    scores = [effbench("evaluate", qrels, path, "--json").stdout for path in (bare, run)]
    assert scores[0] == scores[1]
    assert json.loads(scores[0])["mean"]["nDCG@10"] == 1.0


def test_what_the_user_gives_is_added_and_counts(written, tmp_path: Path) -> None:
    given = tmp_path / "given.yml"
    given.write_text(GIVEN)
    known = read(written("--with", given) / "toy--scan.yml")
    assert known["actor"] == {"name": "Ada", "role": "experimenter"}
    assert known["research goal"]["venue"] == {"name": "SIGIR", "year": 2027}
    assert known["research goal"]["evaluation"]["significance test"][0]["correction method"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("actr: {name: A}", "actr: no component of ir_metadata (did you mean 'actor'?)"),
        ("actor: Ada", "actor: not a mapping (write its fields below it)"),
        ("- actor", "no mapping of components (actor: {name: NAME})"),
    ],
)
def test_mistakes_in_what_is_given_are_one_line(
    effbench, tmp_path: Path, text: str, said: str
) -> None:
    write_results(tmp_path / "results", rows=["big"], datasets=1)
    given = tmp_path / "given.yml"
    given.write_text(text)
    out = tmp_path / "out"
    found = effbench("ir-metadata", tmp_path / "results", "--output", out, "--with", given)
    assert found.exit_code == 2
    assert found.stderr in {f"Error: {given}: {said}\n", f"Error: {given}:1: {said}\n"}
    assert not out.exists()


def test_a_damaged_or_absent_run_is_not_written(written, tmp_path: Path, effbench) -> None:
    (path,) = (tmp_path / "results").glob("*/toys/runs/toy--scan.trec.gz")
    path.write_bytes(b"another")
    found = effbench("ir-metadata", tmp_path / "results", "--output", tmp_path / "out")
    assert "2 files of metadata and 1 runs in" in found.stderr
    assert not [*(tmp_path / "out").rglob("toy--scan.trec")]


def test_the_machine_is_that_of_the_session_or_of_its_file(effbench, tmp_path: Path) -> None:
    folder = write_results(tmp_path / "results", rows=["big"], datasets=1)
    facts = {"cpu": "A CPU", "cores": 4, "memory_gib": 24, "gpus": ["A GPU"]}
    write_json(folder.parent / "machine.json", facts | {"system": "Linux x86"})
    for path in (folder / "latency").iterdir():
        path.unlink()
    found = effbench("ir-metadata", tmp_path / "results", "--output", tmp_path / "out")
    assert found.exit_code == 0, found.output
    (path,) = (tmp_path / "out").rglob("*.yml")
    hardware = read(path)["platform"]["hardware"]
    assert hardware == {
        "cpu": {"model": "A CPU", "architecture": "x86", "number of cores": 4},
        "gpu": {"model": "A GPU"},
        "ram": "24 GB",
    }


def test_an_unknown_suite_is_named(effbench, tmp_path: Path) -> None:
    write_results(tmp_path / "results", rows=["big"], datasets=1)
    words = ["ir-metadata", tmp_path / "results", "--output", tmp_path / "out"]
    found = effbench(*words, "--suite", "other")
    assert found.exit_code == 2
    assert "no results of other on any machine (known: made on a-machine)" in found.stderr


def test_a_run_whose_header_has_no_end_is_refused(effbench, tmp_path: Path) -> None:
    run, qrels = tmp_path / "run.trec", tmp_path / "qrels.txt"
    run.write_text("# ir_metadata.start\n# tag: x\nq0 Q0 d0 1 1.0 x\n")
    qrels.write_text("q0 0 d0 1\n")
    found = effbench("evaluate", qrels, run)
    assert found.exit_code == 2
    assert "run.trec: its header has no end (write the line # ir_metadata.end)" in found.stderr


def test_measures_have_the_names_of_trec_eval() -> None:
    names = ("nDCG@10", "nDCG", "AP", "AP@100", "R@100", "P@5", "RR", "RR@10", "P(rel=2)@5")
    assert [trec_name(name) for name in names] == [
        "ndcg_cut_10", "ndcg", "map", "map_cut_100", "recall_100", "P_5", "recip_rank",
        "RR@10", "P(rel=2)@5",
    ]  # fmt: skip
