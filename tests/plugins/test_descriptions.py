"""What encoders say of a query: its stages, its tokens, the weights that it reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

import tiny_bert
from effbench import Described, ModelId
from effbench_small_query import small_query
from effbench_transformer import TransformerEncoder
from tiny_students import ODD, save_base, targets, train

pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")

STUDENTS: dict[str, dict[str, Any]] = {
    "gru": {"cell": "gru", "layers": 2, "feed_forward": 1},
    "lstm": {"cell": "lstm", "hidden": 16},
    "static": {"cell": "static"},
    "transformer": {"cell": "transformer"},
}
WIDTHS = {"gru": 32, "lstm": 24, "static": 24, "transformer": 24}


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> ModelId:
    return ModelId(str(tiny_bert.save(tmp_path_factory.mktemp("bert"))))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> ModelId:
    """A model without special tokens, for which an empty text has no token at all."""
    folder = tmp_path_factory.mktemp("bare")
    return ModelId(str(tiny_bert.save(folder, special_tokens=False)))


@pytest.fixture(scope="module")
def students(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("students")
    base = save_base(folder / "base")
    for name, options in STUDENTS.items():
        given = targets(WIDTHS[name], normalize=name != "static", count=4)
        train(base, given, folder / name, epochs=1, **options)
    return folder


def prompted(model: str, folder: Path, **options: Any) -> Any:
    """Return the encoder of a prompt of three vectors."""
    import torch

    from effbench_soft_prompt import soft_prompt
    from effbench_soft_prompt.prompts import Prompt, Reading, open_backbone, save_prompt

    rows = torch.full((3, 32), 0.5)
    reading = Reading("mean", True, 16, 20)
    save_prompt(Prompt(rows, rows, open_backbone(model, None).backbone, reading), folder)
    return soft_prompt(folder, device="cpu", **options)


def check(encoder: Any) -> None:
    """Hold the stages against the whole, one query a time and all of them."""
    assert isinstance(encoder, Described)
    stages, count_tokens, bytes_read, _ = encoder.describe()
    assert stages is not None
    assert count_tokens is not None
    assert bytes_read is not None
    assert next(iter(stages)) == "tokenise"

    def staged(texts: list[str]) -> Any:
        found: Any = texts
        for stage in stages.values():
            found = stage(found)
        return found

    for text in ODD:
        whole = encoder.encode_queries([text])
        np.testing.assert_array_equal(staged([text]), whole)
        assert staged([text]).dtype == whole.dtype == np.float32
        if count_tokens([text]) == [0]:
            np.testing.assert_array_equal(whole, np.zeros_like(whole))
            assert bytes_read(0) == 0
    np.testing.assert_allclose(staged(ODD), encoder.encode_queries(ODD), atol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_transformers_stages_are_the_whole(bert: ModelId, bare: ModelId, pooling: Any):
    options = {"pooling": pooling, "normalize": True, "device": "cpu"}
    check(TransformerEncoder(bert, batch_tokens=16, dtype="bfloat16", **options))
    check(TransformerEncoder(bare, **options))
    assert TransformerEncoder(bare, device="cpu").describe().count_tokens(["", "a"]) == [0, 1]


def test_a_prompts_stages_are_the_whole(bert: ModelId, bare: ModelId, tmp_path: Path):
    check(prompted(bert, tmp_path / "bert"))
    check(prompted(bare, tmp_path / "bare", batch_tokens=16))


@pytest.mark.parametrize("student", STUDENTS)
def test_a_students_stages_are_the_whole(students: Path, student: str):
    check(small_query(students / student, device="cpu"))


@pytest.mark.parametrize("student", ["gru", "transformer"])
def test_so_they_are_in_int8(students: Path, student: str):
    check(small_query(students / student, device="cpu", int8=True))


@pytest.mark.parametrize("student", ["lstm", "transformer"])
def test_so_they_are_with_a_precomputed_table(students: Path, student: str):
    check(small_query(students / student, device="cpu", precompute=True))


def test_one_query_is_read_on_the_cpu_whatever_the_device(students: Path):
    wanted, found = (
        small_query(students / "gru", device=device).encode_queries(["the cat"])
        for device in ("cpu", "meta")  # which stands for a GPU: it computes nothing
    )
    np.testing.assert_array_equal(found, wanted)


def test_tokens_are_those_that_the_tokenizer_gives_cut(bert: ModelId, tmp_path: Path):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(bert)

    def wanted(prefix: str, limit: int) -> list[int]:
        texts = [prefix + text for text in ODD]
        return list(map(len, tokenizer(texts, truncation=True, max_length=limit)["input_ids"]))

    encoder = TransformerEncoder(bert, query_prefix="q: ", query_max_length=9, device="cpu")
    assert encoder.describe().count_tokens(ODD) == wanted("q: ", 9)
    assert prompted(bert, tmp_path).describe().count_tokens(ODD) == wanted("", 16)


@pytest.mark.parametrize("student", STUDENTS)
def test_a_student_counts_special_tokens_only_if_it_reads_them(students: Path, student: str):
    tokenizer = Tokenizer.from_file(str(students / student / "tokenizer.json"))
    tokenizer.no_padding()
    special = student == "transformer"
    encodings = tokenizer.encode_batch(ODD, add_special_tokens=special)
    counts = small_query(students / student, device="cpu").describe().count_tokens(ODD)
    assert counts == [len(encoding.ids) for encoding in encodings]


LAYER = 4 * (32 * 32 + 32) + (64 * 32 + 64) + (32 * 64 + 32) + 4 * 32
"""Weights of one layer of the tiny BERTs: attention, feed-forward, two normalisations."""


@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("bfloat16", 2)])
@pytest.mark.parametrize("onednn", [False, True])
def test_the_bytes_of_a_transformer(bert: ModelId, dtype: Any, size: int, onednn: bool):
    encoder = TransformerEncoder(bert, dtype=dtype, onednn=onednn, device="cpu")
    token_type_and_norm, word_and_position = 32 + 2 * 32, 32 + 32
    wanted = token_type_and_norm + 2 * LAYER + 7 * word_and_position
    assert encoder.describe().bytes_read(7) == size * wanted


def test_the_bytes_of_a_prompt(bert: ModelId, tmp_path: Path):
    plain, read = (
        encoder.describe().bytes_read(7)
        for encoder in (TransformerEncoder(bert, device="cpu"), prompted(bert, tmp_path))
    )
    vectors_and_positions = 3 * 32 + 3 * 32
    assert read == plain + 4 * vectors_and_positions


@pytest.mark.parametrize(("table", "row"), [(None, 24 * 4), ("int8", 24 + 4), ("int4", 12 + 4)])
def test_the_bytes_of_a_static_student(students: Path, table: Any, row: int):
    assert small_query(students / "static", table=table).describe().bytes_read(7) == 7 * row


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("precompute", [False, True])
def test_the_bytes_of_a_gru(students: Path, int8: bool, precompute: bool):
    def matrix(outputs: int, inputs: int) -> int:
        """Bytes with the bias; in int8, each output has a scale."""
        weights = outputs * inputs
        return (weights + 4 * outputs if int8 else 4 * weights) + 4 * outputs

    gates = 3 * 32
    products = 3 if precompute else 4  # of inputs and of hidden, in two layers
    head = matrix(128, 32) + matrix(32, 128) + 4 * 2 * 32
    row = 4 * (gates if precompute else 32)
    encoder: Any = small_query(students / "gru", device="cpu", int8=int8, precompute=precompute)
    assert encoder.describe().bytes_read(7) == products * matrix(gates, 32) + head + 7 * row


@pytest.mark.parametrize("how", [{}, {"int8": True}, {"precompute": True}])
def test_the_bytes_of_a_transformer_student(students: Path, how: dict[str, bool]):
    int8, precompute = how.get("int8", False), how.get("precompute", False)
    linear = 4 * 32 * 32 + 2 * 32 * 64
    outputs = 4 * 32 + 64 + 32
    layer = 4 * LAYER - int8 * (3 * linear - 4 * outputs)
    projection = 4 * (32 * 24 + 24)
    rest = 4 * (32 + 2 * 32 + 7 * (32 + 32))
    saved = 4 * 3 * 32 * 32 - 7 * 2 * (4 * 3 * 32)  # rows of words and positions instead
    wanted = layer + projection + rest - precompute * saved
    encoder: Any = small_query(students / "transformer", device="cpu", **how)
    assert encoder.describe().bytes_read(7) == wanted
