"""Exports are loaded where effbench cannot be imported, and give the same vectors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_bert
from effbench import Doc, EffbenchError, Exported, ModelId
from effbench_sentence_transformers import SentenceTransformersEncoder
from effbench_small_query import small_query
from effbench_transformer import TransformerEncoder
from tiny_students import ODD, STUDENTS, WIDTH, save_base, targets, train

pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")
pytestmark = pytest.mark.usefixtures("one_thread")

DOCS = [Doc(f"d{number}", text, "a" * (number % 3)) for number, text in enumerate(ODD)]
PASSAGES = [doc.default_text() for doc in DOCS]
NARROW = 24
NARROW_ONES = ("lstm", "random-layers")
"""Students with a projection; their teacher is the encoder of sentence-transformers."""

DEPLOYED = """\
import json, sys
from pathlib import Path

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("effbench"):
            raise ImportError(name)

sys.meta_path.insert(0, Absent())
import numpy as np
from sentence_transformers import SentenceTransformer

place = Path(sys.argv[1])
texts = json.loads((place / "texts.json").read_text())
for folder in sorted((place / "exports").iterdir()):
    code = any((folder / name).exists() for name in ("recurrent.py", "int8_transformer.py"))
    model = SentenceTransformer(str(folder), device="cpu", trust_remote_code=code)
    queries = [model.encode_query(texts["queries"]), model.encode_query(texts["queries"][:1])]
    np.savez(
        place / folder.name,
        queries=np.concatenate(queries),
        passages=model.encode_document(texts["passages"]),
        similarity=model.similarity_fn_name,
        code=code,
    )
"""


def transformer(folder: Path, **options: Any) -> TransformerEncoder:
    return TransformerEncoder(ModelId(str(tiny_bert.save(folder))), device="cpu", **options)


def sentence_transformer(folder: Path, router: bool = False) -> SentenceTransformersEncoder:
    """Return an encoder with prompts and inner products; a Router has two routes of it."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import (
        Normalize,
        Pooling,
        Router,
        Transformer,
    )

    bert = tiny_bert.save(folder / "bert", hidden_size=NARROW)
    modules: list[Any] = [Transformer(str(bert), max_seq_length=20), Pooling(NARROW, "cls")]
    if router:
        modules = [Router.for_query_document([*modules, Normalize()], modules)]
    prompts = {"query": "q: ", "passage": "p: "}
    model = SentenceTransformer(modules=modules, prompts=prompts, device="cpu")
    model.save(str(folder / "model"), create_model_card=False)
    model_id = ModelId(str(folder / "model"))
    return SentenceTransformersEncoder(model_id, device="cpu", normalize=router)


def exports(place: Path) -> dict[str, tuple[Any, Any]]:
    """Write exports into ``place / "exports"``; return each one's two encoders by name."""
    lengths = {"max_length": 12, "query_max_length": 6}
    prefixes = {"query_prefix": "a: ", "passage_prefix": "b: "}
    wide = transformer(place / "wide", normalize=True, **lengths, **prefixes)
    plain = transformer(place / "plain", pooling="max")
    narrow = sentence_transformer(place / "narrow")
    router = sentence_transformer(place / "router", router=True)
    base = save_base(place / "base")
    made: dict[str, tuple[Any, Any]] = {
        "wide": (wide, wide),
        "plain": (plain, plain),
        "narrow": (narrow, narrow),
        "router": (router, router),
    }
    for name, options in STUDENTS.items():
        teacher, width = (narrow, NARROW) if name in NARROW_ONES else (wide, WIDTH)
        folder = train(base, targets(width, count=8), place / name, epochs=1, **options)
        made[name] = (small_query(folder), teacher)
    dot = {"cell": "gru", "loss": "mse", "epochs": 1}
    folder = train(base, targets(NARROW, False, 8), place / "dot", **dot)
    made["gru.dot-1"] = (small_query(folder, precompute=True), router)
    for name in INT8:
        layers = place / name.removesuffix(".int8")
        made[name] = (small_query(layers, int8=True, device="cpu"), made[layers.name][1])
    for name, (encoder, teacher) in made.items():
        assert isinstance(encoder, Exported)
        passages = None
        if teacher is not encoder:
            (passages := place / "passages" / name).mkdir(parents=True)
            teacher.export(passages, None)
        (folder := place / "exports" / name).mkdir(parents=True)
        encoder.export(folder, passages)
    return made


INT8 = ("first-layers.int8", "random-layers.int8")
NAMES = ["wide", "plain", "narrow", "router", *STUDENTS, "gru.dot-1", *INT8]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Any, Path]]:
    """Export all, and encode with all in one process without effbench."""
    place = tmp_path_factory.mktemp("deployed")
    made = exports(place)
    (place / "texts.json").write_text(json.dumps({"queries": ODD, "passages": PASSAGES}))
    subprocess.run(
        [sys.executable, "-W", "error", "-c", DEPLOYED, place],
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_MODULES_CACHE": str(place / "code")},
    )
    assert list(made) == NAMES
    return {name: (*made[name], place / f"{name}.npz") for name in made}


@pytest.mark.parametrize("name", NAMES)
def test_vectors_are_those_of_the_rows(
    deployed: dict[str, tuple[Any, Any, Path]], name: str
) -> None:
    queries, passages, file = deployed[name]
    found = np.load(file)
    wanted = queries.encode_queries([*ODD, ODD[0]])
    np.testing.assert_allclose(found["queries"], wanted, atol=1e-5)
    np.testing.assert_allclose(found["passages"], passages.encode_corpus(DOCS), atol=1e-5)
    dot = ("plain", "narrow", *NARROW_ONES, "gru.dot-1", "random-layers.int8")
    normalized = name not in dot  # both sides
    assert found["similarity"] == ("cosine" if normalized else "dot")


@pytest.mark.parametrize("name", NAMES)
def test_what_brings_code_says_so(
    deployed: dict[str, tuple[Any, Any, Path]], name: str
) -> None:
    folder = deployed[name][2].parent / "exports" / name
    files = ["recurrent.py"] * (name in ("gru", "lstm", "gru.dot-1"))
    files += ["int8_transformer.py", "int8.py"] * (name in INT8)
    readable = name in ("static", "gru", "lstm", "gru.dot-1")
    found = {path.name for path in folder.rglob("*.py")}
    assert found == {*files, *["reader.py"] * readable}
    assert not [path for path in folder.rglob("*") if path.suffix in (".bin", ".pt", ".pkl")]
    readme = (folder / "README.md").read_text()
    cpu = ', device="cpu"' * (name in INT8)
    assert (f", trust_remote_code=True{cpu})" in readme) == bool(files)
    assert all(f"Custom code: `{file}` in this folder" in readme for file in files[:1])
    assert ("No custom code" in readme) == (not files)
    assert ("No lighter reader comes with it" in readme) == (not readable)


@pytest.mark.parametrize("name", INT8)
def test_int8_of_a_transformer_is_not_float32(
    deployed: dict[str, tuple[Any, Any, Path]], name: str
) -> None:
    found, plain = (np.load(deployed[each][2]) for each in (name, name.removesuffix(".int8")))
    apart = np.abs(found["queries"] - plain["queries"]).max()
    assert apart > 1e-4, "an int8 module that multiplies in float32"
    np.testing.assert_array_equal(found["passages"], plain["passages"])


def test_an_int8_export_loses_no_weights(
    deployed: dict[str, tuple[Any, Any, Path]], tmp_path: Path
) -> None:
    model = reloaded(deployed[INT8[0]][2].parent / "exports" / INT8[0])
    with pytest.raises(ValueError, match="copy the folder"):
        model.save(str(tmp_path / "again"))  # without the weights that became int8
    assert not list(tmp_path.rglob("model.safetensors"))


def test_an_int8_export_may_be_loaded_in_half_precision(
    deployed: dict[str, tuple[Any, Any, Path]],
) -> None:
    queries, _, file = deployed[INT8[0]]
    model = reloaded(file.parent / "exports" / INT8[0], model_kwargs={"dtype": "bfloat16"})
    found, wanted = model.encode_query(["the cat"]), queries.encode_queries(["the cat"])
    np.testing.assert_allclose(found, wanted, atol=1e-2)  # the files were read as bfloat16


def test_int8_reads_texts_without_tokens(tmp_path: Path) -> None:
    base = ModelId(str(tiny_bert.save(tmp_path / "base", special_tokens=False)))
    folder = train(base, targets(count=8), tmp_path / "s", cell="transformer", epochs=1)
    encoder = small_query(folder, int8=True, device="cpu")
    for name in ("passages", "out"):
        (tmp_path / name).mkdir()
    transformer(tmp_path / "teacher").export(tmp_path / "passages", None)
    encoder.export(tmp_path / "out", tmp_path / "passages")
    texts = ["", "abc", " ", "a b c"]
    found = reloaded(tmp_path / "out").encode_query(texts)
    np.testing.assert_allclose(found, encoder.encode_queries(texts), atol=1e-5)
    assert not found[0].any()


def reloaded(folder: Path, **options: Any) -> Any:
    """Return an export with code of its own, loaded by the library in this process."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu", trust_remote_code=True, **options)


def test_code_is_not_run_without_trust(deployed: dict[str, tuple[Any, Any, Path]]) -> None:
    from sentence_transformers import SentenceTransformer

    folder = deployed["gru"][2].parent / "exports" / "gru"
    with pytest.raises(ValueError, match="trust_remote_code=True"):
        SentenceTransformer(str(folder), device="cpu")


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("student")
    return train(
        save_base(place / "base"), targets(count=8), place / "gru", cell="gru", epochs=1
    )


def test_a_model_may_bring_its_own_passages(student: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    with pytest.raises(EffbenchError, match="nothing encodes its passages"):
        small_query(student).export(tmp_path / "out", None)
    teacher = transformer(tmp_path / "bert", normalize=True)
    (student / "passages").mkdir()
    teacher.export(student / "passages", None)
    (tmp_path / "out").mkdir()
    small_query(student).export(tmp_path / "out", None)
    model = SentenceTransformer(str(tmp_path / "out"), device="cpu", trust_remote_code=True)
    found = model.encode_document(PASSAGES)
    np.testing.assert_allclose(found, teacher.encode_corpus(DOCS), atol=1e-5)


def test_long_texts_end_where_the_positions_of_a_roberta_do(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from transformers import AutoTokenizer, RobertaConfig, RobertaModel

    base = ModelId(str(tiny_bert.save(tmp_path / "base")))
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4}
    shape |= {"vocab_size": len(AutoTokenizer.from_pretrained(base)), "intermediate_size": 64}
    config = RobertaConfig(max_position_embeddings=20, pad_token_id=0, **shape)
    RobertaModel(config).save_pretrained(base)
    teacher = TransformerEncoder(base, device="cpu")
    given = targets(count=8)
    encoder = small_query(train(base, given, tmp_path / "s", cell="transformer", epochs=1))
    for name in ("passages", "out"):
        (tmp_path / name).mkdir()
    teacher.export(tmp_path / "passages", None)
    encoder.export(tmp_path / "out", tmp_path / "passages")
    model = SentenceTransformer(str(tmp_path / "out"), device="cpu")
    text = "ab " * 50
    for found, wanted in (
        (model.encode_query([text]), encoder.encode_queries([text])),
        (model.encode_document([text]), teacher.encode_corpus([Doc("d", text)])),
    ):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: transformer(folder, passage_template="{text}"), "knows no titles"),
        (lambda folder: transformer(folder, trust_remote_code=True), "is not copied"),
    ],
)
def test_what_the_library_cannot_say_is_refused(
    tmp_path: Path, make: Callable[[Path], Any], said: str
) -> None:
    with pytest.raises(EffbenchError, match=said) as error:
        make(tmp_path / "bert").export(tmp_path / "out", None)
    assert "\n" not in str(error.value)


def test_cut_vectors_are_refused(tmp_path: Path) -> None:
    encoder = sentence_transformer(tmp_path)
    encoder._model.truncate_dim = 8
    with pytest.raises(EffbenchError, match="cuts its vectors"):
        encoder.export(tmp_path / "out", None)
