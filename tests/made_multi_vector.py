"""Models of token vectors, as small as can be: of each kind that the library opens."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tiny_bert

EXPANDED = {"strategy": "fixed", "length": 12, "token": "[UNK]"}


def save_bert(folder: Path) -> Path:
    """Save a tiny BERT whose tokenizer has a mask token."""
    from transformers import AutoTokenizer

    tiny_bert.save(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"mask_token": "[UNK]"})
    tokenizer.save_pretrained(folder)
    return folder


def native(bert: Path, folder: Path, *more: Any, **options: Any) -> None:
    """Save a model of the library's own kind, with a projection to 8 dimensions."""
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.base.modules.dense import Dense
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    names = ("query_length", "document_length", "query_expansion")
    lengths = {name: options.pop(name) for name in names if name in options}
    dense = Dense(32, 8, bias=False, module_input_name="token_embeddings")
    mask = MultiVectorMask(skiplist_words=[":"])
    modules = [Transformer(str(bert), **lengths), dense, mask]
    modules += [Normalize(module_input_name="token_embeddings"), *more]
    model = MultiVectorEncoder(modules=modules, device="cpu", **options)
    model.max_seq_length = tiny_bert.POSITIONS
    model.save(str(folder), create_model_card=False)


def expanded(bert: Path, folder: Path) -> None:
    prompts = {"query": "q: ", "document": "p: "}
    native(bert, folder, query_expansion=EXPANDED, document_length=20, prompts=prompts)


def expanded_at_least(bert: Path, folder: Path) -> None:
    native(bert, folder, query_expansion={**EXPANDED, "strategy": "min", "attend": True})


def pooled(bert: Path, folder: Path) -> None:
    from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling

    native(bert, folder, HierarchicalTokenPooling(2))


def pylate(bert: Path, folder: Path) -> None:
    """Save a model as PyLate does: two modules, and the rest as numbers in a file."""
    native(bert, folder)
    kinds = json.loads((folder / "modules.json").read_text())[:2]
    kinds[0]["type"] = "sentence_transformers.models.Transformer"
    kinds[1]["type"] = "pylate.models.Dense.Dense"
    (folder / "modules.json").write_text(json.dumps(kinds))
    said = {
        "model_type": "ColBERT",
        "query_prefix": "Q ",
        "document_prefix": "D ",
        "query_length": 14,
        "document_length": 20,
        "attend_to_expansion_tokens": False,
        "skiplist_words": ["a"],
    }
    (folder / "config_sentence_transformers.json").write_text(json.dumps(said))


def stanford(bert: Path, folder: Path) -> None:
    """Save a model as Stanford's ColBERT does: the projection is among BERT's weights."""
    import torch
    from safetensors.torch import load_file, save_file

    shutil.copytree(bert, folder, dirs_exist_ok=True)
    weights = load_file(folder / "model.safetensors")
    weights = {f"bert.{name}": weight for name, weight in weights.items()}
    weights["linear.weight"] = torch.randn(8, 32, generator=torch.Generator().manual_seed(1))
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["HF_ColBERT"]}))
    said = {"query_token_id": "Q", "doc_token_id": "D", "query_maxlen": 14, "doc_maxlen": 30}
    (folder / "artifact.metadata").write_text(json.dumps(said))


def dense_headed(bert: Path, folder: Path) -> None:
    """Save a model of one vector a text whose projection the library applies to tokens."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import (
        Dense,
        Pooling,
        Transformer,
    )

    modules = [Transformer(str(bert), max_seq_length=30), Pooling(32, "mean"), Dense(32, 8)]
    SentenceTransformer(modules=modules, device="cpu").save(
        str(folder), create_model_card=False
    )


KINDS: Mapping[str, tuple[Callable[[Path, Path], None], int]] = {
    "native": (native, 8),
    "expanded": (expanded, 8),
    "expanded-at-least": (expanded_at_least, 8),
    "pooled": (pooled, 8),
    "pylate": (pylate, 8),
    "stanford": (stanford, 8),
    "dense-headed": (dense_headed, 8),
}
"""Kind of model -> how it is saved, and the width of its vectors."""


def single(bert: Path, folder: Path) -> Path:
    """Save a model of one vector a text, without a projection."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import (
        Normalize,
        Pooling,
        Transformer,
    )

    transformer = Transformer(str(bert), max_seq_length=30)
    model = SentenceTransformer(modules=[transformer, Pooling(32), Normalize()], device="cpu")
    model.save(str(folder), create_model_card=False)
    return folder
