"""What encoders say of their size: the weights that a query is read with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_bert
from effbench import EncodedTexts, ModelId
from effbench_small_query import Align, small_query
from effbench_transformer import TransformerEncoder

pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> ModelId:
    return ModelId(str(tiny_bert.save(tmp_path_factory.mktemp("sized"))))


def saved_weights(folder: Path) -> int:
    """Return how many weights the files of a model hold, a pooler aside."""
    from safetensors.numpy import load_file

    return sum(
        array.size
        for path in folder.rglob("*.safetensors")
        for name, array in load_file(path).items()
        if "pooler" not in name
    )


@pytest.mark.parametrize("onednn", [False, True])
def test_a_transformers_are_those_of_its_file_but_the_pooler(
    bert: ModelId, onednn: bool
) -> None:
    encoder = TransformerEncoder(bert, device="cpu", onednn=onednn)
    layer = 4 * (32 * 32 + 32) + (64 * 32 + 64) + (32 * 64 + 32) + 4 * 32
    words = (4 + 65 * 2 + 40 + 2) * 32
    assert encoder.describe().query_parameters == words + 2 * 32 + 2 * layer
    assert encoder.describe().query_parameters == saved_weights(Path(bert))


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("width", [32, 24])
@pytest.mark.parametrize("cell", ["gru", "lstm", "transformer", "static"])
def test_a_students_are_those_of_its_files(
    bert: ModelId, tmp_path: Path, cell: str, width: int, int8: bool
) -> None:
    vectors = np.random.default_rng(0).normal(size=(4, width)).astype(np.float32)
    given = EncodedTexts(["ab", "cd", "a b", "c d"], vectors, "teacher")
    recurrent: dict[str, Any] = {"hidden": 32, "feed_forward": 1} if cell == "gru" else {}
    Align(given, bert, cell=cell, epochs=1, batch_size=4, **recurrent).train(tmp_path, seed=0)
    encoder: Any = small_query(tmp_path, device="cpu", int8=int8 and cell != "static")
    assert encoder.describe().query_parameters == saved_weights(tmp_path)


def test_a_routers_are_those_of_its_query_route(bert: ModelId, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import (
        Pooling,
        Router,
        StaticEmbedding,
        Transformer,
    )
    from tokenizers import Tokenizer

    from effbench_sentence_transformers import SentenceTransformersEncoder

    def size(name: str, *modules: Any) -> int | None:
        model = SentenceTransformer(modules=list(modules), device="cpu")
        model.save(str(tmp_path / name), create_model_card=False)
        model_id = ModelId(str(tmp_path / name))
        return SentenceTransformersEncoder(model_id, device="cpu").describe().query_parameters

    tokenizer = Tokenizer.from_file(str(Path(bert) / "tokenizer.json"))
    static = [StaticEmbedding(tokenizer, embedding_dim=32)]
    large = [Transformer(bert), Pooling(32, "mean")]
    assert size("plain", *large) == saved_weights(Path(bert))
    assert size("router", Router.for_query_document(static, large)) == 32 * (4 + 65 * 2)
    assert size("unnamed", Router({"text": static})) is None
