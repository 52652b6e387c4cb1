"""Vectors in shards: what is lost or damaged is encoded again, and nothing else."""

from __future__ import annotations

from made_suites import TOYS


def test_a_corrupt_shard_is_noticed_and_made_again(run, records, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    run(TOYS)
    before = records()
    (shard,) = tmp_path.glob("cache/encode/*/00000.npy")
    raw = shard.read_bytes()
    shard.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    (tmp_path / "log").unlink()
    for path in [
        *tmp_path.glob("results/*/toys/*--*.json"),
        *tmp_path.glob("cache/index/*/m*"),
    ]:
        path.unlink()
    found = run(TOYS)
    assert found.exit_code == 0
    assert ": lost or damaged, making it again" in found.stderr
    assert "encoded d0 60" in (tmp_path / "log").read_text()
    assert shard.read_bytes() == raw
    after = records()
    assert {n: r["per_query"] for n, r in after.items()} == {
        n: r["per_query"] for n, r in before.items()
    }


def test_only_the_lost_shards_are_encoded_again(run, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    monkeypatch.setattr("effbench.steps.writing.SHARD", 20)
    run(TOYS)
    for path in [
        *tmp_path.glob("results/*/toys/*--*.json"),
        *tmp_path.glob("cache/index/*/m*"),
    ]:
        path.unlink()
    (tmp_path / "log").unlink()
    (lost,) = tmp_path.glob("cache/encode/*/00001.npy")
    lost.unlink()
    run(TOYS)
    encoded = [
        line for line in (tmp_path / "log").read_text().splitlines() if "encoded" in line
    ]
    assert encoded == ["encoded d20 20"]
