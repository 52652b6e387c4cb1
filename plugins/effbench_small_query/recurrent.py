"""The network of recurrent students, as a module of Sentence Transformers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from sentence_transformers.sentence_transformer.modules import InputModule
from tokenizers import Tokenizer
from torch import Tensor, nn

CELLS = {"gru": nn.GRU, "lstm": nn.LSTM}


class Recurrent(InputModule):  # type: ignore[misc]
    """A GRU or LSTM that reads the tokens of a text, without special tokens.

    The ``head`` turns the last state [hidden] into the vector [output]: ``feed_forward`` layers
    of BERT's shape, and a linear layer if ``output`` is not ``hidden``. The vector of a text
    without tokens is zeros.
    """

    config_file_name = "recurrent.json"
    config_keys = ("cell", "vocabulary", "width", "hidden", "layers", "feed_forward", "output")

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        cell: str,
        vocabulary: int,
        width: int,
        hidden: int,
        layers: int,
        feed_forward: int,
        output: int,
    ) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.cell, self.vocabulary, self.width, self.hidden = cell, vocabulary, width, hidden
        self.layers, self.feed_forward, self.output = layers, feed_forward, output
        self.embedding = nn.Embedding(vocabulary, width)
        self.rnn = CELLS[cell](width, hidden, layers, batch_first=True)
        self.head = nn.Sequential(*[FeedForward(hidden) for _ in range(feed_forward)])
        if output != hidden:
            self.head.append(nn.Linear(hidden, output))

    def preprocess(
        self, inputs: Sequence[str], prompt: str | None = None, **others: Any
    ) -> dict[str, Tensor]:
        """Return padded ``input_ids`` and ``attention_mask``, both int64 [b, t]."""
        texts = [(prompt or "") + text for text in inputs]
        encodings = self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return padded([encoding.ids for encoding in encodings])

    def forward(self, features: dict[str, Tensor], **others: Any) -> dict[str, Tensor]:
        """Add ``sentence_embedding`` [b, output]."""
        lengths = features["attention_mask"].sum(1)
        last = self._last(self.embedding(features["input_ids"]), lengths.clamp(min=1))
        vectors = self.head(last)
        features["sentence_embedding"] = vectors.masked_fill((lengths == 0)[:, None], 0)
        return features

    def _last(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Return the state of the last layer after the last token of each text, [b, hidden].

        ``words`` is [b, t, width], ``lengths`` [b]. On a CPU, packed sequences make the forward
        pass two to three times faster, but the backward pass slow: the gradient of each token's
        slice of the packed gates has the size of all the gates. So training does not pack.
        """
        if self.training:
            states: Tensor = self.rnn(words)[0]
            return states[torch.arange(len(lengths), device=words.device), lengths - 1]
        packed = nn.utils.rnn.pack_padded_sequence(
            words, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        last = self.rnn(packed)[1]
        top: Tensor = (last[0] if self.cell == "lstm" else last)[-1]
        return top

    def get_embedding_dimension(self) -> int:
        """Return the width of the vectors."""
        return self.output

    def save(self, output_path: str, *args: Any, **others: Any) -> None:
        """Write the shape (recurrent.json), the tokenizer and the weights (safetensors)."""
        self.save_config(output_path)
        self.save_torch_weights(output_path)
        self.tokenizer.save(str(Path(output_path) / "tokenizer.json"))

    @classmethod
    def load(cls, model_name_or_path: str, **source: Any) -> Recurrent:
        """Return the module that ``save`` wrote, from a folder or from the hub."""
        names = ("subfolder", "token", "cache_folder", "revision", "local_files_only")
        hub = {name: source[name] for name in names if name in source}
        tokenizer = cls.load_file_path(model_name_or_path, filename="tokenizer.json", **hub)
        module = cls(
            Tokenizer.from_file(tokenizer), **cls.load_config(model_name_or_path, **hub)
        )
        cls.load_torch_weights(model_name_or_path, model=module, **hub)
        return module


class FeedForward(nn.Module):
    """BERT's intermediate and output layers: widen four times, GELU, narrow, add, normalise."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.intermediate = nn.Linear(width, 4 * width)
        self.output = nn.Linear(4 * width, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of ``x``'s shape."""
        y: Tensor = self.norm(x + self.output(nn.functional.gelu(self.intermediate(x))))
        return y


def padded(texts: Sequence[Sequence[int]]) -> dict[str, Tensor]:
    """Return ``input_ids`` and ``attention_mask``, int64 [b, t] with t at least 1.

    ``texts`` are lists of token ids. The padding stands at the right and has the id 0.
    """
    longest = max([1, *map(len, texts)])
    ids = torch.zeros(len(texts), longest, dtype=torch.long)
    mask = torch.zeros(len(texts), longest, dtype=torch.long)
    for row, tokens in enumerate(texts):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
    return {"input_ids": ids, "attention_mask": mask}
