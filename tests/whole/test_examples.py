"""The smallest plugin of each kind: it is listed, it runs, and the docs show it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from effbench.api.kinds import KINDS
from effbench.latency.samples import read_session
from folders import ROOT

EXAMPLES = ROOT / "docs" / "examples"
GUIDE = (ROOT / "docs" / "plugins.md").read_text()
MINILM = re.compile(r"minilm: \{.*\}")
CELLS = {"encoder": 2, "index": 3, "retriever": 1, "dataset": 1, "trainer": 2}


def module_of(kind: str) -> Path:
    (path,) = (EXAMPLES / kind).glob("*.py")
    return path


def files_of(kind: str) -> list[Path]:
    return [path for path in (EXAMPLES / kind).iterdir() if path.is_file()]


def test_every_kind_has_an_example() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == set(KINDS) == set(CELLS)


def costs_of(folder: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the index or retriever of each record, and the record's costs."""
    for path in folder.glob("results/*/*/*--*.json"):
        record = json.loads(path.read_text())
        yield (record.get("index") or record["row"])["name"], record["costs"]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_listed_and_runs(kind: str, effbench, installed, tmp_path: Path) -> None:
    module = module_of(kind)
    name = module.stem.removeprefix("effbench_")
    project = (EXAMPLES / kind / "pyproject.toml").read_text()
    assert f'[project.entry-points.effbench]\n{name} = "{module.stem}"\n' in project
    installed(module.stem, module.read_text(), plugin=name)
    listed = effbench("plugins")
    assert listed.exit_code == 0
    assert f"\n  {KINDS[kind].section}: {name} - " in listed.stdout
    shutil.copytree(EXAMPLES / kind, tmp_path / "here")
    path = tmp_path / "here" / "suite.yaml"
    quick = MINILM.sub("minilm: {use: words}", path.read_text())  # toys: no transformer here
    path.write_text(f"{quick}latency: false\n")
    result = effbench("run", path, "--results", tmp_path / "results")
    assert result.exit_code == 0, result.stderr
    assert re.search(rf"\b{CELLS[kind]} cells? done, .* 0 failed", result.stderr), result.stderr
    unknown = {row for row, costs in costs_of(tmp_path) if costs.get("index_bytes") is None}
    assert unknown == {"index": {"sampled"}, "retriever": {"overlap"}}.get(kind, set())


@pytest.mark.parametrize("kind", KINDS)
def test_the_guide_shows_its_files(kind: str) -> None:
    _, _, section = re.split(rf"(\n## An? {kind}\n)", GUIDE, maxsplit=1)
    section = section.partition("\n## ")[0]
    for path, form in ((module_of(kind), "python"), (EXAMPLES / kind / "suite.yaml", "yaml")):
        assert f"```{form}\n{path.read_text()}```\n" in section, path


@pytest.mark.parametrize("kind", KINDS)
def test_the_installed_package_prints_it(kind: str, effbench) -> None:
    result = effbench("plugins", kind)
    assert result.exit_code == 0
    for path in files_of(kind):
        assert path.read_text() in result.stdout, path


TOLD = """\
suite: told
datasets: [{use: toy}]
encoders: {words: {use: hashing}}
indexes: {plain: {use: plain}}
latency: {queries: 5, warmup: 4, processes: 1, timeout: 60}
"""


def test_the_description_of_the_guide_is_measured(
    effbench, suite, installed, tmp_path: Path
) -> None:
    (method,) = re.findall(r"```python\n(    def describe.*?)```", GUIDE, re.DOTALL)
    assert len(method.splitlines()) == 7
    source = f"{module_of('encoder').read_text()}\n{method}"
    installed("told_hashing", source)  # digests of code are kept by module
    result = effbench("run", suite(TOLD), "--results", tmp_path, "--json")
    assert result.exit_code == 0, result.stderr
    (path,) = tmp_path.glob("*/told/latency/*.npz")
    header = read_session(path).header
    assert "encode: hash" in header.spans
    (row,) = header.rows.values()
    assert row.bytes_read == [0] * 5
    assert row.tokens == header.words
    (record,) = tmp_path.glob("*/told/*--*.json")
    assert json.loads(record.read_text())["costs"]["query_parameters"] == 0


READY = """\
suite: ready
datasets: [{use: toy}]
encoders: every
indexes: {plain: {use: plain}}
latency: false
"""


def test_the_ready_rows_of_the_guide_are_planned(effbench, installed, suite) -> None:
    section = GUIDE.partition("\n## Ready rows\n")[2].partition("\n## ")[0]
    (rows,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    installed("ready_linear", f"{module_of('trainer').read_text()}{rows}")
    assert "ready row of encoders: linear-student (use: linear)" in effbench("plugins").stdout
    result = effbench("plan", suite(READY), "--steps")
    assert result.exit_code == 0, result.stderr
    assert re.search(r"^to do .* train linear with linear$", result.stdout, re.MULTILINE)
    assert re.search(r"^cell .* toy--linear-student--plain$", result.stdout, re.MULTILINE)


def test_the_wheel_has_the_examples() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    assert '\n"docs/examples" = "effbench/examples"\n' in project


def test_the_guide_shows_a_pyproject() -> None:
    assert f"```toml\n{(EXAMPLES / 'encoder' / 'pyproject.toml').read_text()}```\n" in GUIDE


def test_the_kinds_of_the_guide_are_listed_and_run(effbench, run, records, installed) -> None:
    section = GUIDE.partition("\n## Sparse vectors and token vectors\n")[2]
    section = section.partition("\n## ")[0]
    (source,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    (text,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    installed("effbench_word_kinds", source)
    installed("effbench_hashing", module_of("encoder").read_text(), plugin="hashing")
    listed = effbench("plugins").stdout
    assert re.search(r"\n  encoders: word-weights - .*\n    makes sparse vectors\n", listed)
    assert re.search(r"\n  indexes: whole - .*\n    takes sparse or token vectors\n", listed)
    assert re.search(r"\n  encoders: hashing - .*\n    makes dense vectors\n", listed)
    result = run(f"{text}latency: {{queries: 5, processes: 1}}\n")
    assert result.exit_code == 0, result.output
    scores: dict[tuple[str, str], list[float]] = {}
    for record in records().values():
        if record["vectors"] != "dense":
            place = record["row"]["name"], record["vectors"]
            scores.setdefault(place, []).append(record["scores"]["nDCG@10"])
    assert scores.keys() == {("weights", "sparse"), ("vectors", "tokens")}
    for exact, whole in scores.values():
        assert exact == pytest.approx(whole, abs=0.01)  # ties may fall otherwise
        assert whole > 0.1
