"""Linear layers with int8 weights, a scale per output; inputs are quantised as they come."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from effbench import EffbenchError


class Int8Linear(nn.Module):
    """A `torch.nn.Linear` for inference with int8 weights; about four times less to read."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        scales = weight.detach().abs().amax(1).clamp(min=1e-12) / 127
        zeros = torch.zeros(len(scales), dtype=torch.long)
        with warnings.catch_warnings():  # torch announces another home for quantised tensors
            warnings.simplefilter("ignore")
            weights = torch.quantize_per_channel(weight.detach(), scales, zeros, 0, torch.qint8)
        self._packed = torch.ops.quantized.linear_prepack(weights, bias)
        self.bytes = bytes_of(weight, True) + (0 if bias is None else bias.nbytes)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x @ weight.T + bias``, about."""
        # inputs of 7 bits: with 8, CPUs without VNNI overflow
        y: Tensor = torch.ops.quantized.linear_dynamic(x, self._packed, True)
        return y


def quantize_linears(network: nn.Module) -> None:
    """Replace the linear layers of ``network``."""
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) is nn.Linear:
                setattr(parent, name, Int8Linear(layer.weight, layer.bias))


def bytes_of(weight: Tensor, int8: bool) -> int:
    """Return the bytes that a weight takes; a matrix of int8 has a float scale an output."""
    return weight.numel() + 4 * len(weight) if int8 and weight.ndim == 2 else weight.nbytes


def bytes_in(network: nn.Module) -> int:
    """Return the bytes of the int8 layers of ``network``."""
    return sum(part.bytes for part in network.modules() if isinstance(part, Int8Linear))


def refuse_unless_cpu(device: torch.device) -> None:
    """Raise `EffbenchError` where there are no int8 kernels."""
    if device.type != "cpu":
        raise EffbenchError(f"small-query: int8: not on {device} (say device: cpu)")
