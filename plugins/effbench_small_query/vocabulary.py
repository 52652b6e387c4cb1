"""The words that a student's tokenizer knows, and those that it has vectors for."""

from __future__ import annotations

from tokenizers import Tokenizer


def refuse_other_words(tokenizer: Tokenizer, rows: int) -> None:
    """Raise `ValueError` where a tokenizer knows more words than there are vectors of words."""
    if tokenizer.get_vocab_size() > rows:
        raise ValueError(f"{tokenizer.get_vocab_size()} words, but vectors of {rows}")
