"""A query that is read alone has the vector that transformers itself gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_bert
from effbench import ModelId
from effbench_transformer import TransformerEncoder
from effbench_transformer.prepared import prepare

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = ["ab", "a longer text of many letters", "c", "", "ab cd", "[PAD] x", "x y z 1 2 3"]


def save_roberta(folder: Path) -> Path:
    """Write a RoBERTa, whose positions depend on padding tokens in the text."""
    from transformers import AutoTokenizer, RobertaConfig, RobertaModel

    AutoTokenizer.from_pretrained(tiny_bert.save(folder)).save_pretrained(folder)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = RobertaConfig(
        vocab_size=200, intermediate_size=64, pad_token_id=0, initializer_range=0.3, **shape
    )
    RobertaModel(config).save_pretrained(folder)
    return folder


def one_by_one(encoder: TransformerEncoder) -> np.ndarray:
    return np.concatenate([encoder.encode_queries([text]) for text in TEXTS])


def reference(model: Path, pooling: str) -> np.ndarray:
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, network = AutoTokenizer.from_pretrained(model), AutoModel.from_pretrained(model)
    rows = []
    for text in TEXTS:
        inputs = tokenizer(text, return_tensors="pt", return_token_type_ids=False)
        with torch.no_grad():
            tokens = network.eval()(**inputs).last_hidden_state[0]
        pooled = {"mean": tokens.mean(0), "max": tokens.amax(0), "cls": tokens[0]}
        rows.append(pooled[pooling])
    return torch.stack(rows).numpy()


MODELS: dict[str, Any] = {
    "bert": tiny_bert.save,
    "relu": lambda folder: tiny_bert.save(folder, hidden_act="relu"),
    "roberta": save_roberta,
}


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_a_query_alone_has_the_vector_of_transformers(
    tmp_path: Path, name: str, onednn: bool, pooling: Any
) -> None:
    model = MODELS[name](tmp_path)
    options = {"pooling": pooling, "onednn": onednn, "device": "cpu"}
    encoder = TransformerEncoder(ModelId(str(model)), **options)
    wanted = reference(model, pooling)
    assert np.ptp(wanted, axis=0).max() > 0.1, "texts differ"
    np.testing.assert_allclose(one_by_one(encoder), wanted, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_queries(TEXTS), wanted, atol=1e-5)


def open_network(model: Path, **how: Any) -> Any:
    from transformers import AutoModel

    return AutoModel.from_pretrained(model, **how).eval()


@pytest.mark.parametrize("first_only", [False, True])
def test_first_products_are_made_ahead(tmp_path: Path, first_only: bool) -> None:
    import torch

    network = open_network(tiny_bert.save(tmp_path))
    torch.nn.init.normal_(network.embeddings.LayerNorm.weight, 1, 0.3)
    torch.nn.init.normal_(network.embeddings.LayerNorm.bias, 0, 0.3)
    fast = prepare(network, first_only=first_only, precompute=True)
    assert fast is not None
    ids = [2, 20, 9, 41, 3]
    with torch.no_grad():
        wanted = network(input_ids=torch.tensor([ids])).last_hidden_state
        network.encoder.layer[0].attention.self.query.weight.zero_()
        found = fast(ids)
    assert found.shape == (1, 1 if first_only else 5, 32)
    np.testing.assert_allclose(found, wanted[:, : found.shape[1]], atol=1e-5)


def test_other_networks_are_read_by_transformers(tmp_path: Path) -> None:
    import torch

    known = open_network(tiny_bert.save(tmp_path))
    assert prepare(known) is not None

    class Own(type(known)):  # type: ignore[misc] - a class whose forward may be another
        pass

    assert prepare(Own(known.config)) is None
    assert prepare(open_network(tmp_path, dtype=torch.bfloat16)) is None
    assert prepare(open_network(tmp_path, is_decoder=True)) is None
