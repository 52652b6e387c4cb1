"""Linear layers with int8 weights, in torch: one scale per output, inputs quantised on call.

This module needs torch only, since an export of an int8 transformer holds a copy of it.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn


class Int8Linear(nn.Module):
    """A linear layer with int8 weights, for inference: it reads about a quarter of the bytes.

    ``weight`` is float32 [n, width], ``bias`` float32 [n].
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        scales = weight.detach().abs().amax(1).clamp(min=1e-12) / 127
        zeros = torch.zeros(len(scales), dtype=torch.long)
        with warnings.catch_warnings():  # torch warns that its quantised tensors will move
            warnings.simplefilter("ignore")
            weights = torch.quantize_per_channel(weight.detach(), scales, zeros, 0, torch.qint8)
        self._packed = torch.ops.quantized.linear_prepack(weights, bias)
        self.bytes = bytes_of(weight, True) + (0 if bias is None else bias.nbytes)

    def forward(self, x: Tensor) -> Tensor:
        """Return about ``x @ weight.T + bias``, float32 [b, n] for ``x`` [b, width]."""
        # inputs have 7 bits (True): with 8 bits, sums overflow on CPUs without VNNI
        y: Tensor = torch.ops.quantized.linear_dynamic.default(x, self._packed, True)
        return y


def quantize_linears(network: nn.Module) -> None:
    """Replace all linear layers inside ``network`` by int8 layers."""
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) is nn.Linear:
                setattr(parent, name, Int8Linear(layer.weight, layer.bias))


def bytes_of(weight: Tensor, int8: bool) -> int:
    """Return the bytes of a weight; an int8 matrix has one float32 scale per output."""
    return weight.numel() + 4 * len(weight) if int8 and weight.ndim == 2 else weight.nbytes


def bytes_in(network: nn.Module) -> int:
    """Return the bytes of the int8 layers of ``network``."""
    return sum(layer.bytes for layer in network.modules() if isinstance(layer, Int8Linear))
