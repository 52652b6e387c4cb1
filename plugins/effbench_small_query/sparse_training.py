"""Training of a sparse student: a weight for each word, from a sparse teacher's vectors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sentence_transformers import SparseEncoder
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding
from transformers import AutoTokenizer
from transformers.tokenization_utils_base import VERY_LARGE_INTEGER

from effbench import ABOUT, EffbenchError, tell_steps
from effbench_small_query import AlignSparse
from effbench_small_query.targets import CHUNK, refuse_no_texts
from effbench_training.sides import save_side
from effbench_transformer.loading import loading
from effbench_transformer.soundness import refuse_foreign_words, rust_vocabulary

WHO = "align-sparse"

FEW = 0.2
"""A smaller `Fit.weighed` gets a remark. A SPLADE of BERT-tiny had 0.70 on the titles and
sentences of NFCorpus; the words of a foreign tokenizer get a weight only by chance."""

README = """\
# A sparse query encoder trained by effbench

A weight for each word of `{base}`, trained on {texts} texts to give the query vectors of the
row `{encoder}`. It encodes queries only; passages are encoded by that row.

```python
SparseEncoder("this folder").encode_query("a query")
```
"""


class Fit(NamedTuple):
    """What the weights were learnt from: facts for about.json."""

    words: int
    """The number of words that texts contain; the others have the mean weight of these."""

    weighed: float
    """The share of the texts' words, 0 to 1, that the teacher gave a weight."""

    on_text_words: float
    """The share of the teacher's weights, 0 to 1, that lies on words of the text itself.

    The remaining weights are on words that the teacher added: the student has none of these.
    """

    def remarks(self) -> list[str]:
        """Return a remark for the leaderboard if the teacher seems to read other words."""
        if self.weighed >= FEW:
            return []
        return [
            f"its teacher gave a weight to {self.weighed:.0%} of the words of its texts, where "
            f"{FEW:.0%} or more is usual (is base the teacher's own model?)"
        ]


def train(options: AlignSparse, output_dir: Path) -> None:
    """Fit the weights, and write the student into ``output_dir``.

    Raises:
        EffbenchError: the base has no fast tokenizer, or not the teacher's words; there are no
            texts, the teacher gave no word of them a weight, or the texts have weights.

    """
    refuse_no_texts(WHO, options.targets)
    if options.targets.weights is not None:
        raise EffbenchError(f"{WHO}: targets: it takes no weight of sources (leave them out)")
    tokenizer = _tokenizer(options)
    weights, fit = _fit(options, tokenizer)
    tokenizer.model_max_length = VERY_LARGE_INTEGER  # no query is cut
    table = SparseStaticEmbedding(tokenizer, torch.from_numpy(weights))
    texts = len(options.targets.texts)
    facts = {"texts": texts, **fit._asdict(), "remarks": fit.remarks()}
    (output_dir / ABOUT).write_text(json.dumps(facts, indent=1), encoding="utf-8")
    readme = README.format(
        base=Path(options.base).name, texts=texts, encoder=options.targets.encoder
    )
    (output_dir / "README.md").write_text(readme, encoding="utf-8")
    save_side(SparseEncoder(modules=[table], device="cpu"), output_dir)


def _tokenizer(options: AlignSparse) -> Any:
    base, width = options.base, options.targets.vectors.shape[1]
    source = {"revision": options.revision or "main", "trust_remote_code": False}
    with loading(base, options.revision):
        tokenizer = AutoTokenizer.from_pretrained(base, **source)
    if not tokenizer.is_fast:
        raise EffbenchError(f"{WHO}: base {base!r} has no fast tokenizer (take one that has)")
    refuse_foreign_words(base, rust_vocabulary(tokenizer.backend_tokenizer), None)
    if len(tokenizer) != width:
        raise EffbenchError(
            f"{WHO}: the vectors of {options.targets.encoder!r} have {width:,} words, the "
            f"tokenizer of base {base!r} has {len(tokenizer):,} (name the teacher's own model)"
        )
    return tokenizer


def _fit(options: AlignSparse, tokenizer: Any) -> tuple[NDArray[np.float32], Fit]:
    """Return the weight of each word, nearest to the teacher's by the sum of squares."""
    width = options.targets.vectors.shape[1]
    counts, weighed, sums = np.zeros((3, width))
    mass = 0.0
    for present, vectors in _chunks(options, tokenizer):
        on_words = present.multiply(vectors)
        counts += present.sum(axis=0)
        sums += on_words.sum(axis=0)
        weighed += (on_words > 0).sum(axis=0)
        mass += float(vectors.sum())
    known = counts > 0
    if not sums.any():
        raise EffbenchError(
            f"{WHO}: targets: no word of the texts has a weight in the vectors of "
            f"{options.targets.encoder!r} (is base the teacher's own model?)"
        )
    weights = np.divide(sums, counts, where=known, out=np.zeros(width))
    weights[~known] = weights[known].mean()
    weights[tokenizer.all_special_ids] = 0
    fit = Fit(
        int(known.sum()),
        round(float(weighed.sum() / counts.sum()), 4),
        round(float(sums.sum()) / mass, 4),
    )
    return weights.astype(np.float32), fit


def _chunks(options: AlignSparse, tokenizer: Any) -> Iterator[tuple[csr_array, csr_array]]:
    """Yield which words some texts have, 1.0 or absent, and their vectors; [n, words] each."""
    texts, vectors = options.targets.texts, options.targets.vectors
    firsts = range(0, len(texts), CHUNK)
    for done, first in enumerate(firsts):
        tell_steps(done, len(firsts))
        chunk = list(texts[first : first + CHUNK])
        read = tokenizer(
            chunk, add_special_tokens=False, return_attention_mask=False, verbose=False
        )
        yield (
            _present(read["input_ids"], tokenizer.all_special_ids, vectors.shape[1]),
            csr_array(vectors[first : first + CHUNK], dtype=np.float64),
        )
    tell_steps(len(firsts), len(firsts))


def _present(tokens: Sequence[list[int]], special: Sequence[int], width: int) -> csr_array:
    rows = [sorted(set(ids).difference(special)) for ids in tokens]
    starts = np.cumsum([0, *map(len, rows)])
    words = np.fromiter(chain.from_iterable(rows), np.int64, int(starts[-1]))
    return csr_array((np.ones(len(words)), words, starts), shape=(len(rows), width))
