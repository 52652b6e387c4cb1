"""Refuse models that would give vectors without a word of warning, but the wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from transformers import PreTrainedModel

from effbench import EffbenchError

if TYPE_CHECKING:
    from effbench import Vectors

TRIED = 200
"""Words of a vocabulary that are read to see whether the tokenizer knows them."""

TOLERANCE, HALF_TOLERANCE = 1e-3, 0.1
"""How far a batch may move a vector, as a share of its length. Sums in another order move it
by 1e-6, in half precision by 1e-2; a padding token that is read as a text's moves it by 0.1
to 1."""


class Vocabulary(NamedTuple):
    """What a tokenizer knows."""

    ids: Mapping[str, int]
    special: Set[int]
    read: Callable[[str], list[int]]
    """A text's ids, special tokens added."""

    spell: Callable[[int], str]
    files: Sequence[str]
    """What it is usually read from."""


def vocabulary_of(tokenizer: Any) -> Vocabulary:
    """Return what a tokenizer of transformers knows."""
    added = getattr(tokenizer, "added_tokens_decoder", {})
    special = {number for number, token in added.items() if token.special}
    return Vocabulary(
        tokenizer.get_vocab(),
        special | set(tokenizer.all_special_ids),
        lambda text: tokenizer(text)["input_ids"],
        lambda number: tokenizer.decode([number], clean_up_tokenization_spaces=False),
        sorted(set(getattr(tokenizer, "vocab_files_names", {}).values())),
    )


def rust_vocabulary(tokenizer: Any) -> Vocabulary:
    """Return what a `tokenizers.Tokenizer` knows."""
    added = tokenizer.get_added_tokens_decoder()
    return Vocabulary(
        tokenizer.get_vocab(),
        {number for number, token in added.items() if token.special},
        lambda text: tokenizer.encode(text).ids,
        lambda number: tokenizer.decode([number], skip_special_tokens=False),
        ["tokenizer.json"],
    )


def refuse_foreign_words(model: str, vocabulary: Vocabulary, rows: int | None) -> None:
    """Refuse a tokenizer that knows no words, or other words than the ``rows`` of the model.

    From a folder without its files transformers makes a tokenizer that knows special tokens
    only, and reads every word as unknown; without ``merges.txt``, one that reads letters.

    Raises:
        EffbenchError: it is such a tokenizer.

    """
    words = {number for number in vocabulary.ids.values() if number not in vocabulary.special}
    if not _knows(vocabulary, sorted(words)):
        lacking = [name for name in vocabulary.files if not (Path(model) / name).is_file()]
        named = " or ".join(lacking) if lacking and Path(model).is_dir() else "a file of it"
        raise EffbenchError(
            f"model {model!r}: its tokenizer does not know its own words, and would read every "
            f"text as unknown tokens: {named} is missing (save the tokenizer beside the model)"
        )
    highest = max([*words, *vocabulary.read("")])
    if rows is not None and highest >= rows:
        raise EffbenchError(
            f"model {model!r}: its tokenizer has ids up to {highest}, its word embeddings end "
            f"at {rows - 1}: it is another model's (save the model's own tokenizer beside it)"
        )


def prepare_tokenizer(model: str, tokenizer: Any, network: Any) -> None:
    """Refuse a tokenizer that is not the model's own, and see that it has a padding token.

    Raises:
        EffbenchError: it knows no words, or other words than the model.

    """
    rows = rows_of(network)
    refuse_foreign_words(model, vocabulary_of(tokenizer), rows)
    pad_somehow(tokenizer, rows)


def _knows(vocabulary: Vocabulary, words: Sequence[int]) -> bool:
    """Return whether some words of the vocabulary, as texts, are read as themselves.

    Those of several letters, if there are any: letters are known without any merges, too.
    """
    spelled = {number: vocabulary.spell(number) for number in words[:: len(words) // TRIED + 1]}
    letters = {number: sum(map(str.isalnum, text)) for number, text in spelled.items()}
    most = min(2, max(letters.values(), default=0))
    return most > 0 and any(
        number in vocabulary.read(text)
        for number, text in spelled.items()
        if letters[number] >= most
    )


def rows_of(network: Any) -> int | None:
    """Return how many word embeddings there are, None where words are not looked up."""
    try:
        table = network.get_input_embeddings()
    except (NotImplementedError, AttributeError):
        return None
    return table.num_embeddings if isinstance(table, torch.nn.Embedding) else None


@contextmanager
def whole_weights(
    model: str, pooler_is_read: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Refuse weights that are not in the files of what is loaded in the block.

    transformers makes them up at random, and says so only to who asks for its report: a
    library that loads for us does not.

    Raises:
        EffbenchError: weights are missing, other than those of a pooler that nobody reads.

    """
    original = PreTrainedModel.__dict__["from_pretrained"]
    missing: set[str] = set()

    def watched(cls: Any, *arguments: Any, **options: Any) -> Any:
        asked = options.pop("output_loading_info", False)
        network, report = original.__func__(
            cls, *arguments, output_loading_info=True, **options
        )
        missing.update(report["missing_keys"])
        return (network, report) if asked else network

    PreTrainedModel.from_pretrained = classmethod(watched)
    try:
        yield
    finally:
        PreTrainedModel.from_pretrained = original
    refuse_missing(model, missing, pooler_is_read())


def refuse_missing(model: str, missing: Set[str], pooler_is_read: bool = False) -> None:
    """Refuse weights that would be random; those of a pooler only where it is read.

    Raises:
        EffbenchError: there are some.

    """
    lost = sorted(name for name in missing if pooler_is_read or "pooler." not in name)
    if lost:
        raise EffbenchError(
            f"model {model!r}: {len(lost)} of its weights, such as {lost[0]}, are not in its "
            "files (they would be random: take another model)"
        )


def pad_somehow(tokenizer: Any, rows: int | None) -> None:
    """Give a tokenizer a padding token if it has none, or one that has no word embedding.

    It is masked, so any would do.
    """
    pad = tokenizer.pad_token_id
    if pad is None or (rows is not None and pad >= rows):
        usual = (tokenizer.eos_token_id, tokenizer.unk_token_id, 0)
        known = (one for one in usual if one is not None and (rows is None or one < rows))
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(next(known))


def moved_by_a_batch(alone: Vectors, together: Vectors, half: bool) -> bool:
    """Return whether vectors [n, d] of texts alone and in one batch are not the same."""
    lengths = np.maximum(np.linalg.norm(alone, axis=1), 1e-12)
    apart = np.linalg.norm(together - alone, axis=1) / lengths
    return not bool(np.all(apart <= (HALF_TOLERANCE if half else TOLERANCE)))  # NaN is not


def batch_decides(model: str, alone: Vectors) -> EffbenchError:
    """Return the refusal of a model whose vectors of texts alone are others in a batch."""
    if not np.isfinite(alone).all():
        return EffbenchError(
            f"model {model!r}: its vectors are not finite numbers (are its files damaged? "
            "fetch it anew, or take another dtype)"
        )
    return EffbenchError(
        f"model {model!r}: a text gets another vector in a batch with a longer text than "
        "alone, since padding is read as text (take another model)"
    )
