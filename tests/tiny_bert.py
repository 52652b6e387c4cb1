"""A small random BERT with a tokenizer of letters, for the tests of the encoders."""

from __future__ import annotations

import os
import string
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # read once, when huggingface_hub is imported
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
POSITIONS = 40


def save(
    folder: Path, *, special_tokens: bool = True, masked: bool = False, **config: Any
) -> Path:
    """Write model (safetensors) and tokenizer; every letter is a token.

    A ``masked`` model has a head that guesses masked tokens.
    """
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForMaskedLM, BertModel, PreTrainedTokenizerFast
    from transformers.utils import logging

    letters = list(string.ascii_letters + string.digits + ":{}")
    vocabulary = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters)]
    ids = {token: number for number, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if special_tokens:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
        )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=512,
    ).save_pretrained(folder)
    shape = {
        "vocab_size": len(vocabulary),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": POSITIONS,
        "initializer_range": 0.3,  # wide, so that texts differ much
    }
    torch.manual_seed(0)
    logging.disable_progress_bar()
    kind = BertForMaskedLM if masked else BertModel
    kind(BertConfig(**{**shape, **config})).save_pretrained(folder)
    return folder
