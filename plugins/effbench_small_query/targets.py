"""Training data of a student: the tokens of each text, and the vector it should get."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from effbench import EffbenchError, EncodedTexts, VectorSource
from effbench_small_query.recurrent import padded

log = logging.getLogger(__name__)

CHUNK = 16_384
"""Texts, or vectors, that are read at once."""


class Norms(NamedTuple):
    """The L2 norms of the target vectors, float32 [n]."""

    lengths: NDArray[np.float32]

    @property
    def normalized(self) -> bool:
        """Whether all norms but 0 are 1 to within 0.01; float16 moves them by up to 0.001."""
        usable = self.lengths[self.lengths > 0]
        return len(usable) > 0 and bool(np.all(np.abs(usable - 1) < 1e-2))


def norms_of(targets: EncodedTexts) -> Norms:
    """Return the norms of all target vectors.

    Raises:
        EffbenchError: there are no texts, or the numbers of texts and vectors differ.

    """
    refuse_no_texts("align", targets)
    texts, vectors, _ = targets
    chunks = [vectors[row : row + CHUNK] for row in range(0, len(texts), CHUNK)]
    return Norms(np.concatenate([np.linalg.norm(chunk, axis=1) for chunk in chunks]))


def refuse_no_texts(who: str, targets: EncodedTexts) -> None:
    """Refuse targets without texts, or with another number of vectors.

    Raises:
        EffbenchError: the message begins with ``who``, the name of the trainer.

    """
    texts, vectors, _ = targets
    if not len(texts):
        raise EffbenchError(f"{who}: targets: no texts (name a source that has some)")
    count = vectors.shape[0]  # arrays of scipy.sparse have no len
    if len(texts) != count:
        raise EffbenchError(
            f"{who}: targets: {len(texts)} texts, but {count} vectors (encode them anew)"
        )


class Targets(torch.utils.data.Dataset[tuple[NDArray[np.int32], NDArray[np.float32]]]):
    """Pairs of token ids int32 [t] and target float32 [d], for each text that has tokens.

    Raises:
        EffbenchError: no text has a token, or a target vector is zero or not finite.

    """

    def __init__(
        self,
        targets: EncodedTexts,
        norms: Norms,
        tokenizer: Tokenizer,
        special_tokens: bool,
        max_length: int,
    ) -> None:
        self._vectors: VectorSource = targets.vectors
        self._tokens: list[NDArray[np.int32]] = []
        self._rows: list[int] = []
        cutting = Tokenizer.from_str(tokenizer.to_str())
        cutting.enable_truncation(max_length)
        for first in range(0, len(targets.texts), CHUNK):
            texts = list(targets.texts[first : first + CHUNK])
            encodings = cutting.encode_batch(texts, add_special_tokens=special_tokens)
            for row, encoding in enumerate(encodings, first):
                if not all(encoding.special_tokens_mask):
                    self._tokens.append(np.array(encoding.ids, dtype=np.int32))
                    self._rows.append(row)
        self.dropped = len(targets.texts) - len(self._rows)
        if not self._rows:
            raise EffbenchError(
                f"align: targets: none of the {self.dropped} texts has a token "
                "(is it the right file, and the right base?)"
            )
        if self.dropped:
            log.warning("align: %d texts without tokens are left out", self.dropped)
        self._refuse_bad(targets.texts, norms)

    def _refuse_bad(self, texts: Sequence[str], norms: Norms) -> None:
        lengths = norms.lengths[self._rows]
        bad = np.flatnonzero(~np.isfinite(lengths) | (lengths == 0))
        if len(bad):
            raise EffbenchError(
                f"align: targets: {len(bad)} of {len(lengths)} vectors are zero or not finite, "
                f"the first that of {texts[self._rows[bad[0]]][:60]!r} (is the teacher broken?)"
            )

    @property
    def lengths(self) -> list[int]:
        """The number of tokens of each text; the loop makes batches of similar lengths."""
        return [len(tokens) for tokens in self._tokens]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, item: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        row = self._rows[item]
        return self._tokens[item], self._vectors[row : row + 1][0]


def collate(
    pairs: Sequence[tuple[NDArray[np.int32], NDArray[np.float32]]],
) -> dict[str, Tensor]:
    """Return ``input_ids`` and ``attention_mask`` int64 [b, t], ``targets`` float32 [b, d]."""
    vectors = np.stack([vector for _, vector in pairs])
    return {
        **padded([tokens.tolist() for tokens, _ in pairs]),
        "targets": torch.from_numpy(vectors.astype(np.float32)),
    }
