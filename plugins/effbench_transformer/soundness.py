"""Checks that refuse a model which would give wrong vectors without any warning."""

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

TRIED_WORDS = 200
"""How many words of a vocabulary are read, to see whether the tokenizer knows them."""

TOLERANCE, HALF_TOLERANCE = 1e-3, 0.1
"""How far a batch may move a vector, as a share of the vector's length, in float32 and in half
precision. Another order of summation moves it by 1e-6, or by 1e-2 in half precision. A padding
token that is read as a token of the text moves it by 0.1 to 1."""


class Vocabulary(NamedTuple):
    """The words of a tokenizer: their ids, the ids of special tokens, and how to read texts."""

    ids: Mapping[str, int]
    special: Set[int]
    read: Callable[[str], list[int]]
    """From a text to its ids, with special tokens."""

    spell: Callable[[int], str]
    """From an id to its text."""

    files: Sequence[str]
    """The names of the files that such a tokenizer is usually read from."""


def vocabulary_of(tokenizer: Any) -> Vocabulary:
    """Return the vocabulary of a tokenizer of transformers."""
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
    """Return the vocabulary of a `tokenizers.Tokenizer`."""
    added = tokenizer.get_added_tokens_decoder()
    return Vocabulary(
        tokenizer.get_vocab(),
        {number for number, token in added.items() if token.special},
        lambda text: tokenizer.encode(text).ids,
        lambda number: tokenizer.decode([number], skip_special_tokens=False),
        ["tokenizer.json"],
    )


def refuse_foreign_words(model: str, vocabulary: Vocabulary, rows: int | None) -> None:
    """Refuse a tokenizer that knows no words, or has ids beyond the ``rows`` of the model.

    If a folder lacks the files of the tokenizer, transformers makes a tokenizer that knows
    only special tokens, and reads every word as unknown. Without ``merges.txt``, it makes a
    tokenizer that reads single letters.

    Raises:
        EffbenchError: it is such a tokenizer, or the tokenizer of another model.

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
    """Refuse the tokenizer of another model, and make sure that there is a padding token.

    Raises:
        EffbenchError: the tokenizer knows no words, or has ids that the model does not have.

    """
    rows = rows_of(network)
    refuse_foreign_words(model, vocabulary_of(tokenizer), rows)
    ensure_padding(tokenizer, rows)


def _knows(vocabulary: Vocabulary, words: Sequence[int]) -> bool:
    """Return whether any of up to `TRIED_WORDS` words is read as its own id.

    If there are words with several letters, only these count, because a tokenizer without
    merges knows single letters, too.
    """
    tried = words[:: len(words) // TRIED_WORDS + 1]
    spelled = {number: vocabulary.spell(number) for number in tried}
    letters = {number: sum(map(str.isalnum, text)) for number, text in spelled.items()}
    most = min(2, max(letters.values(), default=0))
    return most > 0 and any(
        number in vocabulary.read(text)
        for number, text in spelled.items()
        if letters[number] >= most
    )


def rows_of(network: Any) -> int | None:
    """Return the number of word embeddings, or None if the network has no table of them."""
    try:
        table = network.get_input_embeddings()
    except (NotImplementedError, AttributeError):
        return None
    return table.num_embeddings if isinstance(table, torch.nn.Embedding) else None


@contextmanager
def whole_weights(
    model: str, pooler_is_read: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Refuse the models that are loaded in the block if their files lack weights.

    transformers makes missing weights up at random. It says so only in a report, which the
    library that loads the model in the block does not ask for.

    Raises:
        EffbenchError: weights are missing, and are not the weights of an unused pooler.

    """
    original = PreTrainedModel.__dict__["from_pretrained"]
    missing: set[str] = set()

    def watched(cls: Any, *arguments: Any, **options: Any) -> Any:
        wants_report = options.pop("output_loading_info", False)
        network, report = original.__func__(
            cls, *arguments, output_loading_info=True, **options
        )
        missing.update(report["missing_keys"])
        return (network, report) if wants_report else network

    PreTrainedModel.from_pretrained = classmethod(watched)
    try:
        yield
    finally:
        PreTrainedModel.from_pretrained = original
    refuse_missing(model, missing, pooler_is_read())


def refuse_missing(model: str, missing: Set[str], pooler_is_read: bool = False) -> None:
    """Refuse a model with missing weights; a pooler's weights count only if it is used.

    Raises:
        EffbenchError: weights are missing; they would be random.

    """
    lost = sorted(name for name in missing if pooler_is_read or "pooler." not in name)
    if lost:
        raise EffbenchError(
            f"model {model!r}: {len(lost)} of its weights, such as {lost[0]}, are not in its "
            "files (they would be random: take another model)"
        )


def ensure_padding(tokenizer: Any, rows: int | None) -> None:
    """Give a tokenizer a padding token if it has none with a word embedding.

    Any token will do, since padding is masked.
    """
    pad = tokenizer.pad_token_id
    if pad is None or (rows is not None and pad >= rows):
        usual = (tokenizer.eos_token_id, tokenizer.unk_token_id, 0)
        known = (
            token for token in usual if token is not None and (rows is None or token < rows)
        )
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(next(known))


def moved_by_a_batch(alone: Vectors, together: Vectors, half: bool) -> bool:
    """Return whether a batch moves vectors too far, or any of them is not finite.

    ``alone`` and ``together`` are the vectors [n, d] of the same texts, each text alone and
    all in one batch; ``half`` says that they come from weights in half precision.
    """
    lengths = np.maximum(np.linalg.norm(alone, axis=1), 1e-12)
    distances = np.linalg.norm(together - alone, axis=1) / lengths
    # written so that NaN, which is never <=, counts as moved
    return not bool(np.all(distances <= (HALF_TOLERANCE if half else TOLERANCE)))


def batch_decides(model: str, alone: Vectors) -> EffbenchError:
    """Return the error for a model that gives a text another vector in a batch than alone."""
    if not np.isfinite(alone).all():
        return EffbenchError(
            f"model {model!r}: its vectors are not finite numbers (are its files damaged? "
            "fetch it anew, or take another dtype)"
        )
    return EffbenchError(
        f"model {model!r}: a text gets another vector in a batch with a longer text than "
        "alone, since padding is read as text (take another model)"
    )
