"""Shares of a run: each makes its part and waits for nobody; a last run finds all done."""

from __future__ import annotations

import pytest

from effbench.making.share import Share
from effbench.steps import writing

SOURCE = """
import effbench.steps.writing
effbench.steps.writing.SHARD = 8

class Counted(WordsEncoder):
    def encode_corpus(self, docs):
        print("encoded", len(docs), "docs")
        return super().encode_corpus(docs)

@effbench.hookimpl
def effbench_encoders(): return {"counted": Counted}
"""

SUITE = """\
suite: shared
datasets: [{use: toy}]
measures: [nDCG@10]
encoders:
  counted: {use: counted}
indexes:
  plain: {use: plain}
latency: false
"""


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch):
    monkeypatch.setattr(writing, "SHARD", 8)  # the plugin sets it in the workers too


@pytest.mark.parametrize("devices", ["cpu", "cpu,cpu"])
def test_shares_make_all_shards_once_and_a_last_run_goes_on(
    mine, run, records, tmp_path, devices
) -> None:
    mine(SOURCE)
    whole = run(SUITE, "--cache", tmp_path / "whole", "--results", tmp_path / "alone")
    assert whole.output.count("encoded 8 docs") == 7

    places = "--cache", tmp_path / "parts", "--devices", devices
    outputs = []
    for number in (2, 3, 1):  # in any order, and at the same time
        shared = run(SUITE, *places, "--share", f"{number}/3")
        assert shared.exit_code == 0, shared.output
        outputs.append(shared.output)
        (folder,) = (tmp_path / "parts" / "encode").glob("*/")
        of_another = folder / ".half-written.npy"
        assert of_another.exists() == (len(outputs) > 1), "a share removes nothing"
        of_another.touch()
    assert [output.count("encoded ") for output in outputs] == [3, 3, 2]
    for output in outputs:
        made, left = output.splitlines()[-1].split("; left to others: ")
        assert "a part of encode counted corpus of toy" in made
        assert int(left.split()[0]) >= 3, "the encoding, the index and the search"
    assert not list(folder.glob("manifest.json"))
    assert not records()

    last = run(SUITE, *places)
    assert last.exit_code == 0, last.output
    assert "encoded" not in last.output
    assert not of_another.exists()
    assert records()["toy--counted--plain"]["status"] == "done"
    runs = [next(tmp_path.glob(f"{n}/run/*/run.trec")).read_bytes() for n in ("whole", "parts")]
    assert runs[0] == runs[1]


def test_shares_have_each_shard_and_each_step_once() -> None:
    for total in (1, 2, 3, 7):
        shares = [Share(number, total) for number in range(1, total + 1)]
        for shards in (0, 1, 5, 540):
            assert [n for share in shares for n in share.of(shards)] == list(range(shards))
        for key in ("00ff", "7c3", "abcdef0123456789abcdef0123456789"):
            assert sum(share.has(key) for share in shares) == 1


def test_a_failure_in_a_share_is_told(mine, run) -> None:
    mine(SOURCE.replace("return super().encode_corpus(docs)", "raise ValueError('no luck')"))
    result = run(SUITE, "--share", "1/2")
    assert result.exit_code == 1
    assert "FAILED encode counted corpus of toy: encoder 'counted' (plugin mine): " in (
        result.output
    )
    assert "failed: 1 step (encode counted corpus of toy)" in result.output


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "a/b", "1/0", "-1/2"])
def test_a_share_that_is_none_is_one_line(run, text) -> None:
    result = run(SUITE, "--share", text)
    assert result.exit_code == 2
    assert f"--share: {text!r} is no share (write 1/4, 2/4, 3/4 and 4/4)" in result.output


def test_a_share_of_a_cluster_is_refused(run) -> None:
    result = run(SUITE.replace("counted}", "words}"), "--share", "1/2", "--ray")
    assert result.exit_code == 2
    assert "--share is for runs without a cluster (leave out --ray)" in result.output
