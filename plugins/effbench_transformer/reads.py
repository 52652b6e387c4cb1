"""The weights of a network, and the bytes of them that a text reads."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch


class Reads(NamedTuple):
    """The bytes of weights that a text reads."""

    once: int
    """The bytes that a text of any length reads."""

    word: int
    """The bytes of a row of the word embeddings; each token reads one."""

    position: int
    """The bytes of a row of the position embeddings; each token reads one. 0 without them."""

    def of(self, tokens: int) -> int:
        """Return the bytes that a text of ``tokens`` tokens reads."""
        return tokens and self.once + tokens * (self.word + self.position)


def weights_in(network: torch.nn.Module) -> int:
    """Return how many weights make token vectors: all but the pooler's, which is not used."""
    weights = network.named_parameters()
    return sum(weight.numel() for name, weight in weights if "pooler." not in name)


def reads_in(network: Any) -> Reads:
    """Return the bytes that a text reads; `pack_linears` has not changed the network yet."""
    words = network.get_input_embeddings().weight
    once = position = 0
    for name, weight in network.named_parameters():
        if weight is words or "pooler." in name:
            continue
        if name.endswith(("position_embeddings.weight", "wpe.weight")):  # GPT-2's is wpe
            position += weight[0].nbytes
        elif name.endswith("token_type_embeddings.weight"):
            once += weight[0].nbytes  # all tokens have the same type
        else:
            once += weight.nbytes
    return Reads(once, words[0].nbytes, position)
