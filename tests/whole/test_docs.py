"""What the docs say is so: hooks, commands, suites, files."""

from __future__ import annotations

import inspect
import itertools
import json
import os
import re
import runpy
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from effbench.api import hookspecs
from folders import ROOT
from made_processes import MAIN

HOOKS = [name for name in dir(hookspecs) if name.startswith("effbench_")]
MAKEFILE = (ROOT / "Makefile").read_text()
GUIDE = (ROOT / "docs" / "plugins.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_is_documented_with_its_signature(hook: str) -> None:
    signature = inspect.signature(getattr(hookspecs, hook))
    heading = f"### `{hook}() -> {signature.return_annotation}`"
    assert heading in (ROOT / "docs" / "contract.md").read_text()
    assert f"`{hook}`" in GUIDE or f"def {hook}():" in GUIDE


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_has_a_plugin_of_ours_that_uses_it(hook: str) -> None:
    sources = [path.read_text() for path in (ROOT / "plugins").rglob("*.py")]
    assert any(f"def {hook}(" in source for source in sources)


def test_help_in_the_docs_is_the_programs() -> None:
    generated = runpy.run_path(str(ROOT / "docs" / "generate.py"))["commands"]()
    assert (ROOT / "docs" / "commands.md").read_text() == generated, "run: make docs"


def test_the_contract_in_the_docs_is_that_of_the_code(monkeypatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs")
    generated = runpy.run_path(str(ROOT / "docs" / "generate.py"))["contract_page"]()
    assert (ROOT / "docs" / "contract.md").read_text() == generated, "run: make docs"


def test_messages_in_the_docs_are_the_programs() -> None:
    generated = runpy.run_path(str(ROOT / "docs" / "messages.py"))["messages"]()
    assert (ROOT / "docs" / "messages.md").read_text() == generated, "run: make docs"


def test_the_published_leaderboard_is_that_of_the_records() -> None:
    generated = runpy.run_path(str(ROOT / "docs" / "generate.py"))["leaderboard"]()
    assert (ROOT / "results" / "leaderboard.md").read_text() == generated, "run: make docs"


@pytest.mark.parametrize("path", sorted((ROOT / "suites").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_suite_can_be_planned_offline(
    effbench, path: Path, tmp_path: Path
) -> None:
    for package in re.findall(r"package:(\w+)/", path.read_text()):
        pytest.importorskip(package, reason=f"{path.name} needs a model that {package} ships")
    found = effbench("plan", path, "--data", made_data(tmp_path / "data"))
    assert found.exit_code == 0, found.stderr


def made_data(folder: Path) -> Path:
    """What suites take from --data, as small as can be."""
    for name, splits in (
        ("scifact", ("test", "train")),
        ("nfcorpus", ("test", "train", "dev")),
        ("msmarco-dl1920-pool", ("dl19", "dl20")),
    ):
        (folder / "beir" / name / "qrels").mkdir(parents=True)
        for split in splits:
            (folder / "beir" / name / "qrels" / f"{split}.tsv").write_text(
                "query-id\tcorpus-id\tscore\nq\td\t1\n"
            )
        for file, key in (("corpus", "d"), ("queries", "q")):
            line = f'{{"_id": "{key}", "text": "{name}"}}\n'
            (folder / "beir" / name / f"{file}.jsonl").write_text(line)
    (folder / "dpr").mkdir()
    (folder / "dpr" / "nq-sample.biencoder.json").write_text("[]")
    (folder / "queries").mkdir()
    (folder / "queries" / "distill_train.tsv").write_text("source\tquery\na\twhat is that\n")
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_to_files_hold(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_yaml_examples_parse(page: Path) -> None:
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL):
        yaml.safe_load(block)


def test_the_example_suite_of_the_docs_can_be_planned(effbench, suite) -> None:
    page = (ROOT / "docs" / "suites.md").read_text()
    (block,) = re.findall(r"```yaml\n(suite:.*?)```", page, re.DOTALL)
    found = effbench("plan", suite(block))
    assert found.exit_code == 0, found.stderr


BOUNDED = """\
suite: bounded
datasets: [{use: toy}]
encoders: {words: {use: hashing, width: 0}}
indexes: {plain: {use: plain}}
"""


def test_the_bounds_of_the_docs_are_listed_and_hold(effbench, suite, installed) -> None:
    page = (ROOT / "docs" / "plugins.md").read_text().partition("## Bounds of options")[2]
    (source,) = re.findall(r"```python\n(.*?)```", page.partition("\n## ")[0], re.DOTALL)
    hook = "    def encode_queries(self, queries): pass\n"
    hook += (
        "\n@effbench.hookimpl\ndef effbench_encoders(): return {'hashing': HashingEncoder}\n"
    )
    installed("bounded", f"import effbench\n{source}{hook}")
    (listed,) = re.findall(r"lists the option as `(.*?)`", page)
    assert f"    {listed}\n" in effbench("plugins").stdout
    found = effbench("plan", suite(BOUNDED))
    (message,) = re.findall(r"any other mistake: `(.*?)`", page)
    assert message in found.stderr


def test_the_map_is_that_of_the_code() -> None:
    pytest.importorskip("tomllib", reason="docs/rooms.py needs Python 3.11")
    page = (ROOT / "docs" / "development.md").read_text()
    assert runpy.run_path(str(ROOT / "docs" / "rooms.py"))["filled"](page) == page, (
        "run: make docs"
    )


def test_every_file_of_the_map_exists() -> None:
    page = (ROOT / "docs" / "development.md").read_text()
    names = re.findall(r"`([a-z_/]+(?:\.py|/))`", page)
    assert len(names) > 200
    for name in names:
        places = [ROOT / name, ROOT / "harness" / "effbench" / name, ROOT / "plugins" / name]
        assert any(place.exists() for place in places), name


def test_a_room_says_which_rooms_it_may_import() -> None:
    pytest.importorskip("tomllib", reason="docs/rooms.py needs Python 3.11")
    rooms = runpy.run_path(str(ROOT / "docs" / "rooms.py"))["layers"]()[::-1]
    assert len(rooms) > 10
    for before, room in itertools.pairwise(rooms[:-1]):
        says = (ROOT / "harness" / "effbench" / room / "__init__.py").read_text()
        assert f"`{before}`" in says, room


DAY = re.compile(r"\d+ [A-Z][a-z]+ \d{4}")


def test_days_of_published_results_are_those_of_their_records() -> None:
    table = (ROOT / "results" / "README.md").read_text()
    rows = re.findall(r"^\| \[.*?\]\((published/.*?)\)(.*)", table, re.M)
    assert rows
    quickstart = (ROOT / "README.md").read_text()
    (told,) = re.findall(r"measured by `make quickstart` (.*?, \d+ \w+ \d{4},)", quickstart)
    rows.append((next(folder for folder, _ in rows if folder.endswith("quickstart")), told))
    for folder, told in rows:
        days = [datetime.strptime(day, "%d %B %Y") for day in DAY.findall(told)]
        said = {day.date().isoformat() for day in days}
        cells = list((ROOT / "results" / folder).glob("*--*.json"))
        assert {json.loads(cell.read_text())["created"][:10] for cell in cells} == said


def test_it_is_said_that_ranks_repeat_and_skip() -> None:
    for name in ("README.md", "docs/leaderboard.md", "harness/effbench/views/page/page.html"):
        page = " ".join((ROOT / name).read_text().split())
        _, _, after = page.partition("better beyond chance")
        assert "ranks can repeat and skip" in after[:500], name


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The commit that is checked out, as somebody who is new gets it."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    git("clone", "--quiet", "--no-hardlinks", ROOT, tmp_path / "clone")
    return tmp_path / "clone"


def git(*command: str | Path) -> str:
    safe = ["-c", "safe.directory=*"]  # the checkout may be another user's
    return subprocess.run(
        ["git", *safe, *command], check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_first_run_in_a_clone_measures_here(clone: Path, tmp_path: Path) -> None:
    """Where the published results are of a machine of this very kind."""
    published = sorted(clone.glob("results/published/*/quickstart"))[0].parent
    facts = {**json.loads((published / "machine.json").read_text())}
    facts.pop("sha256")
    (tmp_path / "sitecustomize.py").write_text(
        f"from effbench.machine import facts\nfacts.facts = lambda: {facts!r}\n"
    )
    path = os.pathsep.join(map(str, [tmp_path, clone / "harness", clone / "plugins"]))
    environment = {**os.environ, "PYTHONPATH": path, "EFFBENCH_CACHE": str(tmp_path / "cache")}
    for name in ("EFFBENCH_MACHINE", "EFFBENCH_IN_PROCESS"):
        environment.pop(name, None)

    def effbench(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", MAIN, *command],
            cwd=clone, env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip

    (recipe,) = re.findall(r"^quickstart:.*\n\t\$\(BIN\)/effbench (.+)", MAKEFILE, re.MULTILINE)
    found = effbench(*recipe.split())
    rows = re.findall(
        r"^ +\d+ +(bm25(?:-weights)?|static|all-MiniLM-L6-v2) ", found.stdout, re.MULTILINE
    )
    assert len(rows) == 8
    assert "8 cells done, 0 finished already, 0 failed" in found.stderr
    (machine,) = [place.parent.name for place in clone.glob("results/*/quickstart")]
    assert machine != published.name
    assert git("-C", clone, "status", "--porcelain") == "", "a file of the clone has changed"
    boards = json.loads(effbench("leaderboard", "results", "--format", "json").stdout)
    assert [len(b["lines"]) for b in boards if b["machine"] == machine] == [8]
