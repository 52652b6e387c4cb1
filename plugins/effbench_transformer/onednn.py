"""Linear layers that use oneDNN: on CPUs of AMD, they are twice as fast as with MKL.

PyTorch multiplies float32 matrices on x86 with MKL. On CPUs of AMD, MKL uses AVX2 at most,
but oneDNN uses AVX-512; PyTorch has oneDNN too, for lower precisions. With torch 2.13, one
thread of an AMD EPYC and weights of 384 x 1536, MKL reaches 102 GFLOP/s for 256 tokens and
oneDNN 242; for 8 tokens, MKL reaches 62 and oneDNN 151. The order of summation differs, which
changes vectors by about 1e-7.
"""

from __future__ import annotations

import platform

import torch


class PackedLinear(torch.nn.Module):
    """A `torch.nn.Linear` for inference, with its weight in the layout of oneDNN."""

    def __init__(self, linear: torch.nn.Linear) -> None:
        super().__init__()
        self._packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach())
        self.bias = linear.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``x @ weight.T + bias``."""
        y: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            x, self._packed, self.bias, "none", [], ""
        )
        return y

    def gelu(self, x: torch.Tensor) -> torch.Tensor:
        """Return the exact GELU of ``x @ weight.T + bias``."""
        y: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            x, self._packed, self.bias, "gelu", [], "none"
        )
        return y


def pack_linears(network: torch.nn.Module) -> None:
    """Replace the float32 linear layers of ``network`` if this machine has oneDNN."""
    if not _available():
        return
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) is torch.nn.Linear and layer.weight.dtype == torch.float32:
                setattr(parent, name, PackedLinear(layer))


def _available() -> bool:
    # An operator of torch.compile, not a public interface: other versions may not have it.
    x86 = platform.machine() in ("x86_64", "AMD64")
    return x86 and hasattr(torch.ops.mkldnn, "_linear_pointwise")
