"""The light reader of exports: without torch it gives the row's vectors."""

from __future__ import annotations

import json
import math
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_bert
from altered import altered
from effbench import ModelId
from effbench_small_query import light, small_query
from effbench_transformer import TransformerEncoder
from tiny_students import ODD, STUDENTS, save_base, targets, train

pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")

QUERIES = [*ODD, *(f"the cat {word} running {word}" for word in ("a", "b", "river", "bank"))]

READ = """\
import importlib.util, json, sys
from pathlib import Path

class Absent:
    def find_spec(self, name, path=None, target=None):
        first = name.partition(".")[0]
        if first.startswith("effbench") or first in {absent}:
            raise ImportError(name)

sys.meta_path.insert(0, Absent())
import numpy as np

place, vectors = Path(sys.argv[1]), {{}}
queries = json.loads((place / "queries.json").read_text())
for folder in sorted((place / "exports").iterdir()):
    sys.path.insert(0, str(folder))
    sys.modules.pop("reader", None)
    from reader import Encoder
    sys.path.pop(0)
    vectors[folder.name] = Encoder(folder).encode(queries)
    assert (Encoder().encode(queries[2]) == vectors[folder.name][2]).all(), folder
    spec = importlib.util.spec_from_file_location("unlisted", folder / "reader.py")
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    assert (module.Encoder(folder).encode(queries) == vectors[folder.name]).all(), folder
np.savez(place / "vectors.npz", **vectors)
""".format(absent={"torch", "transformers", "sentence_transformers", "safetensors", "scipy"})

ROWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "static": (STUDENTS["static"], {}),
    "gru": (STUDENTS["gru"], {}),
    "gru.precomputed": (STUDENTS["gru"], {"precompute": True}),
    "gru.int8": (STUDENTS["gru"], {"int8": True}),
    "static.int8-words": (STUDENTS["static"], {"table": "int8"}),
    "static.int4-words": (STUDENTS["static"], {"table": "int4"}),
    "gru.int4-words": (STUDENTS["gru"], {"table": "int4"}),
    "gru.int8-words": (STUDENTS["gru"], {"table": "int8", "int8": True}),
    "gru.int8-words.precomputed": (STUDENTS["gru"], {"table": "int8", "precompute": True}),
    "gru.int8.precomputed": (STUDENTS["gru"], {"int8": True, "precompute": True}),
    "lstm": (STUDENTS["lstm"], {}),
    "lstm.int8": (STUDENTS["lstm"], {"int8": True}),
}
"""Row -> how its student is trained, and how it is read."""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Export all rows, read queries in a process without torch; return place and rows."""
    place = tmp_path_factory.mktemp("light")
    teacher = TransformerEncoder(
        ModelId(str(tiny_bert.save(place / "bert"))), normalize=True, device="cpu"
    )
    base, rows = save_base(place / "base"), {}
    for name, (options, how) in ROWS.items():
        student = place / name.partition(".")[0]
        if not student.exists():
            train(base, targets(count=8), student, epochs=1, **options)
        rows[name] = small_query(student, device="cpu", **how)
        (passages := place / "passages" / name).mkdir(parents=True)
        teacher.export(passages, None)
        (folder := place / "exports" / name).mkdir(parents=True)
        rows[name].export(folder, passages)
    (place / "queries.json").write_text(json.dumps(QUERIES))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, "-W", "error", "-c", READ, place], check=True, env=environment
    )
    return place, rows


@pytest.mark.parametrize("name", ROWS)
def test_vectors_without_torch_are_those_of_the_row(
    exported: tuple[Path, dict[str, Any]], name: str
) -> None:
    place, rows = exported
    found = np.load(place / "vectors.npz")[name]
    assert found.dtype == np.float32
    alone = np.concatenate([rows[name].encode_queries([query]) for query in QUERIES])
    np.testing.assert_allclose(found, alone, atol=1e-5)
    np.testing.assert_allclose(found, rows[name].encode_queries(QUERIES), atol=1e-5)
    assert np.ptp(found, axis=0).max() > 0.01, "queries differ"


@pytest.mark.parametrize("name", ROWS)
def test_the_readme_says_what_the_reader_is(
    exported: tuple[Path, dict[str, Any]], name: str
) -> None:
    folder = exported[0] / "exports" / name
    readme = (folder / "README.md").read_text()
    assert "Through Sentence Transformers a query takes longer" in readme
    assert 'Encoder("this folder").encode(["a query"])' in readme
    assert ("Its products are int8" in readme) == bool(ROWS[name][1].get("int8"))
    assert ("reads the table of words as int" in readme) == ("words" in name)
    assert (folder / "reader.py").read_bytes() == Path(light.__file__).read_bytes()


def test_int8_differs_from_float32(exported: tuple[Path, dict[str, Any]]) -> None:
    found = np.load(exported[0] / "vectors.npz")
    assert np.abs(found["gru"] - found["gru.int8"]).max() > 1e-4, (
        "or the test above says little"
    )


@pytest.mark.parametrize(("cell", "kept"), [("static", "int4"), ("gru", "int8")])
def test_words_of_few_bits_need_no_other_words(
    exported: tuple[Path, dict[str, Any]], tmp_path: Path, cell: str, kept: str
) -> None:
    place = exported[0]
    name = f"{cell}.{kept}-words"
    folder = tmp_path / name
    shutil.copytree(place / "exports" / name, folder)
    [whole] = folder.glob("query_0_*/model.safetensors")
    size = (whole.parent / "reader.safetensors").stat().st_size
    assert size < whole.stat().st_size
    from sentence_transformers import SentenceTransformer

    library = SentenceTransformer(str(folder), device="cpu", trust_remote_code=True)
    found = np.load(place / "vectors.npz")
    exact, few = found[cell], found[name]
    if name == "static.int4-words":  # the library knows no int8 products
        np.testing.assert_allclose(library.encode_query(QUERIES), few, atol=1e-5)
    whole.unlink()
    np.testing.assert_array_equal(light.Encoder(folder).encode(QUERIES), few)
    read = np.linalg.norm(exact, axis=1) > 0
    assert (exact * few).sum(1)[read].min() > 0.97
    assert np.abs(exact - few).max() > 1e-6


@pytest.mark.parametrize("width", [1, 7, 8])
@pytest.mark.parametrize(("kept", "largest"), [("int8", 127), ("int4", 7)])
def test_a_word_in_few_bits_is_near_by_half_a_step(width: int, kept: str, largest: int) -> None:
    table = np.random.default_rng(0).normal(size=(50, width)).astype(np.float32)
    table[3] = 0
    words = light.Words.of(table, kept)
    step = np.abs(table).max(1, keepdims=True) / largest
    assert words.all().dtype == np.float32
    assert (np.abs(words.all() - table) <= step / 2 * (1 + 1e-5)).all()
    ids = np.array([[3, 0], [49, 49]])
    np.testing.assert_array_equal(words.take(ids), words.all()[ids])


@pytest.mark.parametrize("size", [1.0, 1e-3, 1e-9, 0.0])
@pytest.mark.parametrize("shift", [0.0, 2.0, -2.0])
def test_int8_products_are_those_of_torch(size: float, shift: float) -> None:
    import torch

    from effbench_small_query.int8 import Int8Linear

    if "x86" not in torch.backends.quantized.supported_engines:
        pytest.skip("bit by bit on x86 only")
    draw = np.random.default_rng(0)
    weight, bias = (draw.normal(size=s).astype(np.float32) for s in ((24, 40), 24))
    weight[3] = 0
    theirs = Int8Linear(torch.from_numpy(weight), torch.from_numpy(bias))
    mine = light.Int8(weight, bias)
    for _ in range(200):
        x = (size * (draw.normal(size=(3, 40)) + shift)).astype(np.float32)
        with torch.inference_mode():
            wanted = theirs(torch.from_numpy(x)).numpy()
            first = theirs(torch.from_numpy(x[:1])).numpy()[0]
        np.testing.assert_array_equal(mine(x), wanted)
        np.testing.assert_array_equal(mine(x[0]), first)


def test_gelu_is_what_its_formula_says() -> None:
    x = np.linspace(-8, 8, 4001, dtype=np.float32)
    wanted = [one / 2 * (1 + math.erf(one / math.sqrt(2))) for one in x.tolist()]
    np.testing.assert_allclose(light._gelu(x), wanted, atol=5e-7)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:4],
        lambda data: data[:-4],
        lambda data: altered(data, b'"F32"', b'"F16"'),
        lambda data: b"\xff" * len(data),
    ],
)
def test_damaged_weights_are_no_vectors(
    exported: tuple[Path, dict[str, Any]], tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    [whole] = (exported[0] / "exports" / "static").glob("query_0_*/model.safetensors")
    path = tmp_path / "model.safetensors"
    path.write_bytes(damage(whole.read_bytes()))
    with pytest.raises((ValueError, OSError)):
        light.read_weights(path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def changed_header(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Return what changes the facts of the words' vectors in a file of safetensors."""

    def write(path: Path) -> None:
        data = path.read_bytes()
        end = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:end])
        change(header["embedding.weight"])
        text = json.dumps(header).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + data[end:])

    return write


def fewer_rows(facts: dict[str, Any]) -> None:
    rows, width = facts["shape"]
    facts["shape"] = [rows - 1, width]
    facts["data_offsets"][1] -= 4 * width


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("tokenizer.json", cut),
        ("../reader.json", cut),
        ("../reader.json", lambda path: path.write_text("[]")),
        ("model.safetensors", cut),
        ("model.safetensors", lambda path: path.write_bytes((2).to_bytes(8, "little") + b"[]")),
        ("model.safetensors", changed_header(fewer_rows)),
        ("model.safetensors", changed_header(lambda own: own.update(data_offsets=["0", "4"]))),
        (
            "model.safetensors",
            changed_header(
                lambda own: own.update(data_offsets=[-4, own["data_offsets"][1] - 4])
            ),
        ),
    ],
)
def test_a_damaged_export_is_refused_when_it_is_loaded(
    exported: tuple[Path, dict[str, Any]], tmp_path: Path, name: str, damage: Any
) -> None:
    folder = tmp_path / "moved"
    shutil.copytree(exported[0] / "exports" / "gru", folder)
    assert light.Encoder(folder).encode(query for query in ["the cat"]).shape == (1, 32)
    [student] = folder.glob("query_0_*")
    damage(student / name)
    with pytest.raises(ValueError, match="moved: no whole export of effbench"):
        light.Encoder(folder)


SUITE = """\
suite: small
datasets: [{{use: toy}}]
models:
  static:
    use: align
    base: {base}
    cell: static
    embeddings: free
    epochs: 1
    batch_size: 8
    targets: {{encoder: bert, texts: [{{titles: {{use: toy}}}}, {{sentences: {{use: toy}}}}]}}
encoders:
  bert: {{use: transformer, model: {bert}, normalize: true}}
  static: {{use: small-query, model: static, passages: bert}}
indexes: {{exact: {{use: exact}}}}
latency: false
"""


def test_from_a_suite_to_an_encoder_that_others_can_read(
    effbench, suite, tmp_path: Path
) -> None:
    base, bert = save_base(tmp_path / "base"), tiny_bert.save(tmp_path / "bert")
    path = suite(SUITE.format(base=base, bert=bert))
    before = os.umask(0o022)
    try:
        found = effbench("run", path, "--results", tmp_path / "results")
        assert found.exit_code == 0, found.output
        out = tmp_path / "out"
        found = effbench("export", path, "static", out, "--results", tmp_path / "results")
    finally:
        os.umask(before)
    assert found.exit_code == 0, found.output
    assert "trust_remote_code" not in found.stdout, "reader.py is no code of a model"
    assert f"Encoder({str(out)!r}).encode(['a query'])" in found.stdout
    for kept in (out, tmp_path / "results", Path(os.environ["EFFBENCH_CACHE"])):
        for one in (kept, *kept.rglob("*")):
            wanted = 0o755 if one.is_dir() else 0o644
            assert stat.S_IMODE(one.stat().st_mode) == wanted, one
    readme = (out / "README.md").read_text()
    assert readme.startswith("---\nlibrary_name: sentence-transformers\ntags:\n")
    for fact in ("cell: static", "first_loss: ", "own_target_first: ", "training took: corpus"):
        assert fact in readme, fact
    assert light.Encoder(out).encode(["the cat"]).shape == (1, 32)
