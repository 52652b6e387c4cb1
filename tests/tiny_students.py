"""Small students, and the BERT of a few words that they come from, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from effbench import EncodedTexts, ModelId
from effbench_small_query import Align

WIDTH = 32
WORDS = "the of cat dog river bank what is how running a b c".split()  # noqa: SIM905 - words
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, "run", "##s", "##ning", "!", "é"]

ODD = [
    "", " ", "a", "  the  cat ", "cats", "the 🐱 cat", "!", "cat!dog", "é", "e\u0301 cat",
    "猫 the cat",
    "the cat\trunning", "a\u00a0b", "the\x1ccat", "zzz", "[SEP] cat", "the [MASK]",
    " ".join(WORDS * 25),
]  # fmt: skip
STUDENTS: dict[str, dict[str, Any]] = {
    "gru": {"cell": "gru", "layers": 2, "feed_forward": 1},
    "lstm": {"cell": "lstm", "hidden": 16, "embeddings": "free"},
    "static": {"cell": "static", "embeddings": "free"},
    "first-layers": {"cell": "transformer", "layers": 2},
    "random-layers": {"cell": "transformer", "layers": 4, "start": "random", "pooling": "cls"},
}


def save_base(folder: Path, *, layers: int = 3, masked: bool = False) -> ModelId:
    """Write model and tokenizer; a ``masked`` model has a head that guesses masked tokens."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import (
        BertConfig,
        BertForMaskedLM,
        BertModel,
        PreTrainedTokenizerFast,
    )

    vocabulary = {piece: number for number, piece in enumerate(PIECES)}
    rust = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    rust.normalizer = normalizers.BertNormalizer(strip_accents=False)
    rust.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    rust.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "sep_token": "[SEP]"}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=rust, cls_token="[CLS]", model_max_length=512, **special
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(PIECES),
        hidden_size=WIDTH,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=64,
    )
    (BertForMaskedLM if masked else BertModel)(config).save_pretrained(folder)
    return ModelId(str(folder))


def targets(width: int = WIDTH, normalize: bool = True, count: int = 48) -> EncodedTexts:
    """Texts whose vectors depend on their words, which a student can learn."""
    draw = np.random.default_rng(0)
    meanings = draw.normal(size=(len(WORDS), width))
    picks = [draw.integers(len(WORDS), size=draw.integers(1, 8)) for _ in range(count)]
    vectors = np.stack([meanings[pick].mean(0) for pick in picks]).astype(np.float32)
    if normalize:
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return EncodedTexts([" ".join(WORDS[i] for i in pick) for pick in picks], vectors, "big")


def train(base: ModelId, given: EncodedTexts, folder: Path, **options: Any) -> Path:
    fast = {"epochs": 4, "batch_size": 8, "learning_rate": 1e-2, "warmup_steps": 2}
    Align(given, base, **{**fast, **options}).train(folder, seed=3)
    return folder
