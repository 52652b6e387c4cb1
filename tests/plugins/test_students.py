"""Folders of students, as docs/formats.md has them: ours, a third party's, damaged ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effbench import EffbenchError, ModelId
from effbench_small_query import small_query
from effbench_small_query.kinds import kind_of
from effbench_training.students import open_student
from tiny_students import ODD, STUDENTS, save_base, targets, train

pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> ModelId:
    return save_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def made(base: ModelId, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the folder of a trained student by its name."""
    folders: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in folders:
            folder = tmp_path_factory.mktemp(name)
            options = {**STUDENTS[name], "epochs": 1}
            folders[name] = train(base, targets(24), folder, **options)
        return folders[name]

    return make


@pytest.fixture
def copied(made: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """Return a copy of a trained student's folder."""
    return lambda name: shutil.copytree(made(name), tmp_path / name)


def put(path: Path, /, **facts: Any) -> None:
    """Change keys of a JSON object, or of the last object of a list."""
    value = json.loads(path.read_text())
    (value[-1] if isinstance(value, list) else value).update(facts)
    path.write_text(json.dumps(value))


@pytest.mark.parametrize("name", STUDENTS)
def test_what_align_writes_is_read_by_its_own_reader(
    made: Callable[[str], Path], name: str
) -> None:
    folder = made(name)
    assert kind_of(folder).cell == STUDENTS[name]["cell"]
    library = open_student(folder).encode_query(ODD)
    np.testing.assert_allclose(small_query(folder).encode_queries(ODD), library, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "file", "facts", "quick"),
    [
        ("first-layers", "tokenizer_config.json", {"model_max_length": 5}, True),
        ("first-layers", "sentence_bert_config.json", {"max_seq_length": 5}, False),
        ("first-layers", "1_Pooling/config.json", {"pooling_mode": "weightedmean"}, False),
        ("static", "config_sentence_transformers.json", {"prompts": {"query": "cat "}}, False),
        (
            "random-layers",
            "2_Dense/config.json",
            {"activation_function": "torch.nn.modules.activation.Tanh"},
            False,
        ),
    ],
)  # fmt: skip
def test_a_reader_gives_what_sentence_transformers_gives(
    made: Callable[[str], Path],
    copied: Callable[[str], Path],
    name: str,
    file: str,
    facts: dict[str, Any],
    quick: bool,
) -> None:
    folder = copied(name)
    put(folder / file, **facts)
    assert (kind_of(folder).cell != "other") == quick
    found = small_query(folder).encode_queries(ODD)
    assert np.abs(found - small_query(made(name)).encode_queries(ODD)).max() > 1e-3
    np.testing.assert_allclose(found, open_student(folder).encode_query(ODD), atol=1e-5)


@pytest.mark.parametrize("name", ["gru", "lstm"])
def test_the_weights_of_a_recurrent_student_are_those_of_the_page(
    made: Callable[[str], Path], name: str
) -> None:
    from safetensors.numpy import load_file

    shape = json.loads((made(name) / "recurrent.json").read_text())
    h, gates = shape["hidden"], {"gru": 3, "lstm": 4}[shape["cell"]] * shape["hidden"]
    wanted = {"embedding.weight": (shape["vocabulary"], shape["width"])}
    for n in range(shape["layers"]):
        wanted[f"rnn.weight_ih_l{n}"] = (gates, h if n else shape["width"])
        wanted[f"rnn.weight_hh_l{n}"] = (gates, h)
        wanted |= {f"rnn.bias_{side}_l{n}": (gates,) for side in ("ih", "hh")}
    for n in range(shape["feed_forward"]):
        wanted |= {f"head.{n}.intermediate.weight": (4 * h, h), f"head.{n}.norm.weight": (h,)}
        wanted |= {f"head.{n}.intermediate.bias": (4 * h,), f"head.{n}.norm.bias": (h,)}
        wanted |= {f"head.{n}.output.weight": (h, 4 * h), f"head.{n}.output.bias": (h,)}
    if shape["output"] != h:
        last = f"head.{shape['feed_forward']}"
        wanted |= {f"{last}.weight": (shape["output"], h), f"{last}.bias": (shape["output"],)}
    weights = load_file(made(name) / "model.safetensors")
    assert {key: value.shape for key, value in weights.items()} == wanted
    assert {value.dtype for value in weights.values()} == {np.dtype(np.float32)}


def test_a_network_of_a_plugin_is_trained_and_read_and_not_exported(
    copied: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = copied("gru")
    put(folder / "config_sentence_transformers.json", prompts={"query": "the ", "document": ""})
    student: Any = small_query(folder)
    assert kind_of(folder).cell == "other"
    wanted = open_student(folder).encode_query(["cat"])
    np.testing.assert_allclose(student.encode_queries(["cat"]), wanted, atol=1e-6)
    with pytest.raises(EffbenchError, match=r"code of effbench_small_query\.recurrent"):
        student.export(tmp_path / "exported", folder)


def test_any_student_is_exported_with_its_passages(
    copied: Callable[[str], Path], base: ModelId, tmp_path: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    folder, passages = copied("random-layers"), copied("first-layers")
    put(folder / "1_Pooling" / "config.json", pooling_mode="weightedmean")
    put(folder / "config_sentence_transformers.json", prompts={"query": "the ", "document": ""})
    student: Any = small_query(folder)
    student.export(tmp_path / "exported", passages)
    exported = SentenceTransformer(str(tmp_path / "exported"), device="cpu")
    wanted = student.encode_queries(ODD)
    np.testing.assert_allclose(exported.encode_query(ODD), wanted, atol=1e-5)


def test_a_student_that_only_the_library_reads_has_no_int8(
    copied: Callable[[str], Path],
) -> None:
    folder = copied("random-layers")
    put(folder / "1_Pooling" / "config.json", pooling_mode="weightedmean")
    assert small_query(folder).encode_queries([]).shape == (0, 24)
    with pytest.raises(EffbenchError, match="int8: only recurrent and transformer students"):
        small_query(folder, int8=True)


def test_code_in_a_folder_is_never_run(copied: Callable[[str], Path], tmp_path: Path) -> None:
    folder, ran = copied("static"), tmp_path / "ran"
    (folder / "evil.py").write_text(f"open({str(ran)!r}, 'w')\nclass Normalize: pass\n")
    for package in ("evil", "os"):
        put(folder / "modules.json", type=f"{package}.Normalize")
        for read in (open_student, small_query):
            with pytest.raises(EffbenchError, match="code of a folder is not run"):
                read(folder)
    assert not ran.exists()


def cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize("name", ["gru", "static", "first-layers"])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "modules.json").unlink(), "it has no modules.json"),
        (lambda folder: (folder / "modules.json").write_text("[{"), "JSONDecodeError"),
        (lambda folder: (folder / "modules.json").write_text("[]"), "names no module"),
        (lambda folder: (folder / "modules.json").write_text("[1]"), "TypeError"),
        (lambda folder: (folder / "modules.json").write_text("[" * 100_000), "recursion"),
        (lambda folder: put(folder / "modules.json", path="../x"), "outside of the folder"),
        (
            lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
            "pytorch_model.bin is a pickle",
        ),
        (lambda folder: (folder / "tokenizer.json").unlink(), "."),
        (lambda folder: (folder / "model.safetensors").unlink(), "."),
        (cut, "."),
    ],
)
def test_a_damaged_folder_is_one_line(
    copied: Callable[[str], Path], name: str, damage: Callable[[Path], None], said: str
) -> None:
    folder = copied(name)
    damage(folder)
    for read in (open_student, small_query):
        with pytest.raises(EffbenchError, match=said) as error:
            read(folder)
        message = str(error.value)
        assert str(folder) in message
        assert "\n" not in message
        assert message.endswith(")")


def test_what_is_wrong_with_the_weights_is_said(copied: Callable[[str], Path]) -> None:
    from safetensors.torch import load_file, save_file

    folder = copied("gru")
    weights = load_file(folder / "model.safetensors")
    del weights["rnn.weight_ih_l1"]
    save_file(weights, folder / "model.safetensors")
    for read in (open_student, small_query):
        with pytest.raises(EffbenchError, match=r'Missing key.* "rnn\.weight_ih_l1"'):
            read(folder)
    put_shape = folder / "recurrent.json"
    put_shape.write_text(json.dumps({**json.loads(put_shape.read_text()), "cell": "rnn"}))
    for read in (open_student, small_query):
        with pytest.raises(EffbenchError, match="KeyError: 'rnn'"):
            read(folder)


def test_the_activation_of_a_transformer_is_a_word(
    copied: Callable[[str], Path],
) -> None:
    """GPT-2 has ``"activation_function": "gelu_new"`` in its config.json."""
    folder = copied("first-layers")
    wanted = open_student(folder).encode_query(["cat"])
    put(folder / "config.json", activation_function="gelu_new")
    np.testing.assert_array_equal(open_student(folder).encode_query(["cat"]), wanted)
    np.testing.assert_allclose(small_query(folder).encode_queries(["cat"]), wanted, atol=1e-5)
