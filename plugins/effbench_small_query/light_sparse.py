"""Query encoding with a weight for each word, which needs only numpy and tokenizers.

    from reader import Encoder

    Encoder("FOLDER").encode(["a query"])  # [{2054: 0.31, 2003: 0.05}]

``effbench export`` copies this file without a change into the exported folder of such a
student, as ``reader.py``. effbench itself runs the same code.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

FACTS = "reader.json"
"""The file that tells `Encoder` the student's folder."""

LONGEST = 100_000_000
"""The most bytes that a header may have; the limit of the library safetensors."""


class Encoder:
    """The query encoder of a folder that ``effbench export`` wrote.

    ``folder`` is the exported folder; the folder of this file if it is not given.

    Raises:
        OSError, ValueError: the folder's files are missing or damaged.

    """

    def __init__(self, folder: str | Path = Path(__file__).parent) -> None:
        try:
            facts = json.loads(Path(folder, FACTS).read_text(encoding="utf-8"))
            self._words = read(Path(folder, facts["student"]))
        except OSError:
            raise
        except Exception as error:  # tokenizers raises a plain Exception for a damaged file
            said = f"{type(error).__name__}: {error}"
            raise ValueError(f"{folder}: no whole export of effbench ({said})") from error

    def encode(self, texts: str | Iterable[str]) -> list[dict[int, float]]:
        """Return the words of each text, as numbers of the vocabulary, with their weights."""
        tokens = self._words.tokenise([texts] if isinstance(texts, str) else list(texts))
        weights, words, starts = self._words.look_up(tokens)
        pairs = list(zip(words.tolist(), weights.tolist(), strict=True))
        return [dict(pairs[first:end]) for first, end in pairwise(starts)]


class Sparse(NamedTuple):
    """The arrays of a `scipy.sparse.csr_array`, in its canonical form."""

    weights: NDArray[np.float32]
    """The weights of the words of all texts, above 0; those of a text stand together."""

    words: NDArray[np.int32]
    """The number of each word; the numbers of a text rise."""

    starts: NDArray[np.int32]
    """Where each text begins, and the end, [n + 1]."""


class Words:
    """A student: a text's vector has the weight of each of its words, however often it occurs.

    ``weights`` is float32 [words]. A word of weight 0 is left out.
    """

    def __init__(self, tokenizer: Tokenizer, weights: NDArray[np.float32]) -> None:
        self._tokenizer, self._weights = tokenizer, weights
        self._silent = frozenset(np.flatnonzero(weights == 0).tolist())

    @property
    def count(self) -> int:
        """The number of words."""
        return len(self._weights)

    def spell(self, numbers: Iterable[int]) -> list[str]:
        """Return the words with these numbers, as the tokenizer spells them."""
        return [str(self._tokenizer.id_to_token(int(number))) for number in numbers]

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text, without special tokens."""
        encode = self._tokenizer.encode
        return [encode(text, add_special_tokens=False).ids for text in texts]

    def look_up(self, tokens: Sequence[Sequence[int]]) -> Sparse:
        """Return the vectors of the token ids of n texts."""
        rows = [sorted(set(ids) - self._silent) for ids in tokens]
        starts = np.zeros(len(rows) + 1, dtype=np.int32)
        np.cumsum([len(row) for row in rows], out=starts[1:])
        words = np.fromiter(chain.from_iterable(rows), np.int32, int(starts[-1]))
        return Sparse(self._weights[words], words, starts)


def read(folder: Path) -> Words:
    """Return the student in a folder of Sentence Transformers.

    Raises:
        OSError, ValueError, KeyError, TypeError: a file is missing or damaged.
        Exception: tokenizers cannot read its file.

    """
    text = (folder / "tokenizer.json").read_text(encoding="utf-8")
    tokenizer: Any = Tokenizer.from_str(text)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    weights = _read_weights(folder / "model.safetensors")
    if weights.ndim != 1 or not np.all(np.isfinite(weights)) or weights.min(initial=0) < 0:
        raise ValueError("its weights are no list of numbers from 0 on")
    if tokenizer.get_vocab_size() > len(weights):
        raise ValueError(f"{tokenizer.get_vocab_size()} words, but weights of {len(weights)}")
    return Words(tokenizer, weights)


def _read_weights(path: Path) -> NDArray[np.float32]:
    """Return the array ``weight`` of a safetensors file.

    The file is the length of the header in 8 bytes, the header in JSON, and the floats.
    """
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > LONGEST:
            raise ValueError(f"{path}: no file of safetensors")
        facts = json.loads(file.read(size))["weight"]
        if facts["dtype"] != "F32":
            raise ValueError(f"{path}: weight is {facts['dtype']}, not F32")
        first, end = facts["data_offsets"]
        if not 0 <= first <= end:
            raise ValueError(f"{path}: weight lies outside of the file's data")
        file.seek(first, 1)
        return np.frombuffer(file.read(end - first), "<f4").reshape(facts["shape"])
