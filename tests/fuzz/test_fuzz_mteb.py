"""Any JSON as mteb's result files: it is named and left out, and the other rows stand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altered import replaced
from board import FORMS
from made_records import write_results
from mutations import TEXTS, changed, damaged, written
from trial import FUZZ, tried

META = {"name": "someone/else", "revision": "abc", "framework": ["PyTorch"], "n_parameters": 7}


def task(name: str) -> dict[str, object]:
    entry = {"hf_subset": "default", "languages": ["eng-Latn"], "main_score": 0.7}
    entry |= {"ndcg_at_10": 0.7, "mrr_at_10": 0.6, "recall_at_100": 0.9}
    return {
        "dataset_revision": "abc",
        "task_name": name,
        "mteb_version": "2.20.0",
        "scores": {"test": [entry]},
        "evaluation_time": 1.0,
    }


FILES = {
    "someone__model/abc/SciFact.json": task("SciFact"),
    "someone__model/abc/FiQA2018.json": task("FiQA2018"),
    "someone__model/abc/model_meta.json": META,
}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Make results, and a folder of good files of mteb."""
    folder = tmp_path_factory.mktemp("mteb")
    made = write_results(folder / "results", rows=["big", "small"], datasets=2, queries=5)
    for path in [*made.rglob("*.json"), *made.rglob("*.npz")]:
        if path.suffix == ".json":
            names = {'"data-0"': '"beir/scifact/test"', '"data-1"': '"beir/fiqa/test"'}
            path.write_text(replaced(path.read_text(), names))
        else:
            path.unlink()
    good = folder / "good/someone__good/abc"
    good.mkdir(parents=True)
    for name in ("SciFact", "FiQA2018"):
        (good / f"{name}.json").write_text(json.dumps(task(name)))
    return folder


@st.composite
def contents(draw: st.DrawFn, document: object) -> bytes | None:
    how = draw(st.sampled_from(["change"] * 9 + ["bytes", "folder"]))
    if how == "folder":
        return None
    if how == "bytes":
        return draw(damaged(json.dumps(document).encode()))
    return written(draw(changed(document)), plain=draw(st.booleans()))


@st.composite
def folders(draw: st.DrawFn) -> dict[str, bytes | None]:
    """Return files, of which some are damaged, and some in odd folders."""
    files: dict[str, bytes | None] = {
        name: json.dumps(one).encode() for name, one in FILES.items()
    }
    for name in draw(st.lists(st.sampled_from(sorted(files)), min_size=1, max_size=2)):
        files[name] = draw(contents(FILES[name]))
    if draw(st.sampled_from([0] * 5 + [1])):
        odd = [text for text in TEXTS if 0 < len(text.encode("utf-8", "replace")) < 200]
        model = draw(st.sampled_from(odd)).replace("\0", "").replace("..", "")
        model = model.encode("utf-8", "ignore").decode().strip("/") or "x"
        files = {name.replace("someone__model", model): one for name, one in files.items()}
    return files


@FUZZ
@given(files=folders(), form=st.sampled_from([*FORMS, "mteb"]))
def test_mteb_files(place: Path, monkeypatch, files, form) -> None:
    folder = place / "files"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name, content in files.items():
        path = folder / "published" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if content is None else path.write_bytes(content)
    given = (
        place / "results",
        "--published",
        place / "good",
        "--published",
        folder / "published",
    )
    found = tried("leaderboard", *given, "--format", "json")
    if found.exit_code == 2:
        assert str(folder) in found.stderr
        return
    (table,) = json.loads(found.stdout)
    if found.exit_code:
        assert any(Path(name).name in found.stderr for name in files)
    rows = {line["row"]: line for line in table["lines"]}
    for row in ("big", "small", "someone/good (published)"):
        assert rows[row]["mean nDCG@10"] is not None
    assert rows["someone/good (published)"]["mean nDCG@10"] == 0.7
    if form != "json":
        output = ["--output", folder / "written"] if form == "mteb" else []
        tried("leaderboard", *given, "--format", form, *output)
