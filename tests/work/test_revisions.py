"""Models of the hub that are not taken at a commit: a remark of one line for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from altered import altered

HASH = "8b3219a92973c328a8e22fadcfa821b5dc75636a"
PLUGIN = """\
import effbench, effbench_toy

@effbench.hookimpl
def effbench_encoders():
    return {"pinned": pinned, "loose": loose}

@effbench.hookimpl
def effbench_datasets():
    return {"asked": asked}

@effbench.hookimpl
def effbench_trainers():
    return {"copied": Copied}

def pinned(model: effbench.ModelId, *, revision: str | None = None):
    return effbench_toy.WordsEncoder()

def loose(*, backbone: effbench.ModelId | None = None):
    return effbench_toy.WordsEncoder()

def asked(*, model: effbench.ModelId, revision: str | None = None):
    return effbench_toy.ToyDataset()

class Copied:
    def __init__(self, *, base: effbench.ModelId, revision: str | None = None): pass

    def train(self, output_dir, *, seed):
        (output_dir / "model").touch()
"""
SUITE = """\
suite: revisions
datasets: [{use: toy}]
measures: [nDCG@10]
models:
  copy: {use: copied, base: org/a}
encoders:
  first: {use: pinned, model: org/a}
  second: {use: pinned, model: org/a}
  branch: {use: pinned, model: org/a, revision: main}
  fixed: {use: pinned, model: org/b, revision: HASH}
  folder: {use: pinned, model: ./folder}
  trained: {use: pinned, model: {trained: copy}}
  nothing: {use: loose}
indexes: {plain: {use: plain}}
latency: false
""".replace("HASH", HASH)
NO_KEY = "no key changes if the hub changes it"
MEND = "give the full hash of a commit as revision"
REMARKS = [
    f"model org/a (encoders first, second; models copy) has no revision: {NO_KEY} ({MEND})",
    f"model org/a (encoders branch) has the revision 'main': {NO_KEY} ({MEND})",
]


@pytest.fixture
def told(mine, effbench, suite, tmp_path: Path):
    """Plan or run a suite's text; return the remarks on models."""
    mine(PLUGIN)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "config.json").touch()

    def tell(text: str, command: str = "plan", *options: str) -> list[str]:
        found = effbench(command, suite(text), "--results", tmp_path / "results", *options)
        assert found.exit_code == 0, found.output
        return [line for line in found.stderr.splitlines() if line.startswith("model ")]

    return tell


def test_each_model_gets_a_line_that_names_its_rows(told) -> None:
    assert told(SUITE) == REMARKS
    assert told(SUITE, "plan", "--json") == []


def test_a_run_says_it_once_and_no_record_has_it(told, tmp_path: Path) -> None:
    assert told(SUITE, "run") == REMARKS
    records = [path.read_text() for path in tmp_path.glob("results/*/*/*--*.json")]
    assert len(records) == 7
    assert not any(NO_KEY in record for record in records)
    assert told(SUITE, "run") == REMARKS, "also when all is finished"


def test_a_branch_and_a_short_hash_are_no_commit(told) -> None:
    for revision in (HASH[:7], HASH.upper(), f"{HASH}0", "refs/pr/1"):
        text = altered(SUITE, "revision: main", f"revision: '{revision}'")
        assert len(told(text)) == 2, revision
    assert len(told(altered(SUITE, "revision: main", f"revision: '{HASH}'"))) == 1


def test_an_offer_without_a_revision_wants_a_folder(told) -> None:
    (remark,) = set(told(altered(SUITE, "{use: loose}", "{use: loose, backbone: org/c}"))) - {
        *REMARKS
    }
    assert remark.startswith("model org/c (encoders nothing) has no revision: ")
    assert remark.endswith("(name a folder: the plugin takes no revision)")


def test_a_dataset_that_takes_a_model_is_asked_too(told) -> None:
    text = altered(SUITE, "datasets: [{use: toy}]", "datasets: [{use: asked, model: org/d}]")
    assert any(line.startswith("model org/d (datasets toy) has no") for line in told(text))
