"""Training data of a student: the tokens of each text, and the vector it should get."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from effbench import EffbenchError, EncodedTexts, VectorSource

log = logging.getLogger(__name__)

CHUNK = 16_384
"""Texts, or vectors, that are read at once."""

GROUP = 6_400
"""Texts that are sorted by length, so that batches of them have similar lengths."""


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
    starts = range(0, len(targets.texts), CHUNK)
    chunks = (targets.vectors[start : start + CHUNK] for start in starts)
    return Norms(np.concatenate([np.linalg.norm(chunk, axis=1) for chunk in chunks]))


def refuse_no_texts(who: str, targets: EncodedTexts) -> None:
    """Refuse targets without texts, or with another number of vectors.

    Raises:
        EffbenchError: the message begins with ``who``, the name of the trainer.

    """
    texts = len(targets.texts)
    if not texts:
        raise EffbenchError(f"{who}: targets: no texts (name a source that has some)")
    count = targets.vectors.shape[0]  # arrays of scipy.sparse have no len
    if texts != count:
        raise EffbenchError(
            f"{who}: targets: {texts} texts, but {count} vectors (encode them anew)"
        )


class Targets(torch.utils.data.Dataset[tuple[NDArray[np.int32], NDArray[np.float32]]]):
    """Pairs of token ids int32 [t] and target float32 [d], for each text that has tokens.

    The memory holds the tokens of all texts in one array; vectors are read when they are asked
    for. Where texts have weights, the order of an epoch has each text as often as they say.

    Raises:
        EffbenchError: no text has a token, a target vector is zero or not finite, or the
            weights leave no text in an epoch.

    """

    order: Callable[[int], list[int]]
    """The items of an epoch in their order; only where texts have weights."""

    def __init__(
        self,
        targets: EncodedTexts,
        norms: Norms,
        tokenizer: Tokenizer,
        special_tokens: bool,
        max_length: int,
        seed: int = 0,
    ) -> None:
        self._vectors: VectorSource = targets.vectors
        tokens, ends, rows = array("i"), array("q", [0]), array("q")
        cutting = Tokenizer.from_str(tokenizer.to_str())
        cutting.enable_truncation(max_length)
        for first in range(0, len(targets.texts), CHUNK):
            texts = list(targets.texts[first : first + CHUNK])
            encodings = cutting.encode_batch_fast(texts, add_special_tokens=special_tokens)
            for row, encoding in enumerate(encodings, first):
                if not all(encoding.special_tokens_mask):
                    tokens.extend(encoding.ids)
                    ends.append(len(tokens))
                    rows.append(row)
        self.dropped = len(targets.texts) - len(rows)
        if not rows:
            raise EffbenchError(
                f"align: targets: none of the {self.dropped} texts has a token "
                "(is it the right file, and the right base?)"
            )
        self._tokens = np.frombuffer(tokens, dtype=np.int32)
        self._ends = np.frombuffer(ends, dtype=np.int64)
        self._rows = np.frombuffer(rows, dtype=np.int64)
        if self.dropped:
            log.warning("align: %d texts without tokens are left out", self.dropped)
        self._refuse_bad(targets.texts, norms)
        if targets.weights is not None:
            weights = np.asarray(targets.weights)[self._rows]
            self.order = partial(self._order, weights, seed)
            self.order(0)  # it may raise

    def _refuse_bad(self, texts: Sequence[str], norms: Norms) -> None:
        lengths = norms.lengths[self._rows]
        bad = np.flatnonzero(~np.isfinite(lengths) | (lengths == 0))
        if len(bad):
            raise EffbenchError(
                f"align: targets: {len(bad)} of {len(lengths)} vectors are zero or not finite, "
                f"the first that of {texts[self._rows[bad[0]]][:60]!r} (is the teacher broken?)"
            )

    def _order(self, weights: NDArray[np.float32], seed: int, epoch: int) -> list[int]:
        """Return a random order of the items, in groups of which each is sorted by length."""
        draw = np.random.default_rng([seed, epoch])
        items = draw.permutation(_by_weight(weights, draw))
        if not len(items):
            raise EffbenchError(
                "align: targets: the weights leave no text in an epoch (raise them)"
            )
        lengths = np.diff(self._ends)[items]
        for first in range(0, len(items), GROUP):
            group = slice(first, first + GROUP)
            items[group] = items[group][np.argsort(-lengths[group], kind="stable")]
        order: list[int] = items.tolist()
        return order

    @property
    def lengths(self) -> list[int]:
        """The number of tokens of each text; the loop makes batches of similar lengths."""
        lengths: list[int] = np.diff(self._ends).tolist()
        return lengths

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, item: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        row = int(self._rows[item])
        tokens = self._tokens[self._ends[item] : self._ends[item + 1]]
        return tokens, self._vectors[row : row + 1][0]


def _by_weight(weights: NDArray[np.float32], draw: np.random.Generator) -> NDArray[np.int64]:
    """Return the numbers of items, each as often as its weight says.

    Of the n items of a weight W, round(W * n) are returned: each as often as the whole part of
    W says, and drawn items once more.
    """
    parts = []
    for weight in np.unique(weights):
        items = np.flatnonzero(weights == weight)
        times = int(weight)
        more = round(float(weight) * len(items)) - times * len(items)
        parts += [np.repeat(items, times), draw.choice(items, more, replace=False)]
    return np.concatenate(parts)


def collate(
    pairs: Sequence[tuple[NDArray[np.int32], NDArray[np.float32]]],
) -> dict[str, Tensor]:
    """Return ``input_ids`` and ``attention_mask`` int64 [b, t], ``targets`` float32 [b, d]."""
    tokens, vectors = zip(*pairs, strict=True)
    lengths = np.array([len(ids) for ids in tokens])
    mask = np.arange(lengths.max()) < lengths[:, None]
    padded = np.zeros(mask.shape, dtype=np.int64)
    padded[mask] = np.concatenate(tokens)
    return {
        "input_ids": torch.from_numpy(padded),
        "attention_mask": torch.from_numpy(mask.astype(np.int64)),
        "targets": torch.from_numpy(np.stack(vectors).astype(np.float32)),
    }
