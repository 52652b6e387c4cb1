"""Check of a student's vocabulary: its tokenizer may not know more words than its table has."""

from __future__ import annotations

from tokenizers import Tokenizer


def refuse_words_without_vectors(tokenizer: Tokenizer, rows: int) -> None:
    """Raise `ValueError` if the tokenizer knows more words than the ``rows`` of the table."""
    if tokenizer.get_vocab_size() > rows:
        raise ValueError(f"{tokenizer.get_vocab_size()} words, but vectors of {rows}")
