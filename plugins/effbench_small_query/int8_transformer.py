"""A transformer with int8 products, as a module of Sentence Transformers for an export."""

from __future__ import annotations

from typing import Any

import torch
from sentence_transformers.sentence_transformer.modules import Transformer
from torch import Tensor

from .int8 import quantize_linears  # relative, since an export copies both files as they are


class Int8Transformer(Transformer):  # type: ignore[misc]
    """A transformer that multiplies in int8, on a CPU only.

    Its files hold float32 weights; they become int8 when it is loaded. It reads text by text,
    since the texts of a batch would share one scale.
    """

    def __init__(self, *source: Any, **options: Any) -> None:
        super().__init__(*source, **options)
        quantize_linears(self.model.float())  # whatever dtype the other modules are loaded in

    def forward(self, features: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Add ``token_embeddings`` [b, t, width], with zeros where there is no token.

        Raises:
            ValueError: the texts are not on a CPU.

        """
        mask = features["attention_mask"].bool()
        if mask.device.type != "cpu":
            raise ValueError("int8 products are for a CPU (say device='cpu')")
        vectors = torch.zeros(*mask.shape, self.get_embedding_dimension())
        for row in range(len(mask)):
            if mask[row].any():  # no layer reads a text without tokens
                text = super().forward(_alone(features, mask, row), **options)
                vectors[row, mask[row]] = text[self.module_output_name][0]
        features[self.module_output_name] = vectors
        return features

    def save(self, *place: Any, **options: Any) -> None:
        """Raise `ValueError`: the float32 weights, which its files hold, are gone."""
        raise ValueError("int8 weights are not saved: copy the folder that they came from")


def _alone(features: dict[str, Any], mask: Tensor, row: int) -> dict[str, Any]:
    """Return the features of one text, without padding."""
    return {
        name: value[row : row + 1, mask[row]]
        if isinstance(value, torch.Tensor) and value.shape == mask.shape
        else value
        for name, value in features.items()
    }
