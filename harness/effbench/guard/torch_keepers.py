"""The keepers of torch's state that all rows of the process share.

The state includes contexts that a plugin entered and did not leave: inference mode, autocast, a
device as a context.
"""

from __future__ import annotations

from typing import Any

from effbench.guard.keeper import Keeper, attribute, pair

_modes: list[Any] = []
"""The entered modes: inference mode ends while an object of the opposite mode lives."""


def _put_inference(torch: Any, was: bool) -> None:
    if torch.is_inference_mode_enabled() != was:
        mode = torch.inference_mode(was)
        mode.__enter__()
        _modes.append(mode)


def _take_autocast(torch: Any) -> dict[str, tuple[bool, Any]]:
    return {
        kind: (torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind))
        for kind in ("cpu", "cuda")
    }


def _put_autocast(torch: Any, was: dict[str, tuple[bool, Any]]) -> None:
    if _take_autocast(torch) != was:
        for kind, (enabled, dtype) in was.items():
            torch.set_autocast_enabled(kind, enabled)
            torch.set_autocast_dtype(kind, dtype)


def _put_contexts(torch: Any, was: int) -> None:
    """Leave contexts that change all functions of torch, such as a device as a context."""
    while torch._C._len_torch_function_stack() > was:
        torch._C._pop_torch_function_stack()


def _put_deterministic(torch: Any, was: tuple[bool, bool]) -> None:
    if torch.are_deterministic_algorithms_enabled() != was[0]:
        torch.use_deterministic_algorithms(was[0], warn_only=was[1])


def _put_device(torch: Any, was: Any) -> None:
    if torch.get_default_device() != was:
        torch.set_default_device(was if was.type != "cpu" else None)


def _flushes(torch: Any) -> bool:
    """Tell whether the processor treats the smallest (denormal) numbers as 0."""
    least = torch.tensor(5e-324, dtype=torch.float64, device="cpu")
    return bool((least * 1).item() == 0)


def _put_flushing(torch: Any, was: bool) -> None:
    if _flushes(torch) != was:
        torch.set_flush_denormal(was)


def of_torch() -> list[Keeper]:
    """Return the keepers of torch: settings that decide the results and speed of models."""
    return [
        pair("torch", "get_default_dtype", "set_default_dtype"),
        Keeper("torch", lambda torch: torch.get_default_device(), _put_device),
        Keeper("torch", lambda torch: torch._C._len_torch_function_stack(), _put_contexts),
        Keeper("torch", lambda torch: torch.is_inference_mode_enabled(), _put_inference),
        pair("torch", "is_grad_enabled", "set_grad_enabled"),
        Keeper("torch", _take_autocast, _put_autocast),
        pair("torch", "get_num_threads", "set_num_threads"),
        pair("torch", "get_float32_matmul_precision", "set_float32_matmul_precision"),
        Keeper(
            "torch",
            lambda torch: (
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
            ),
            _put_deterministic,
        ),
        Keeper(
            "torch",
            lambda torch: torch.get_rng_state(),
            lambda torch, was: torch.set_rng_state(was),
        ),
        Keeper("torch", _flushes, _put_flushing),
        attribute("torch.backends.mkldnn", "enabled"),
        attribute("torch.backends.cudnn", "benchmark"),
        attribute("torch.backends.cudnn", "deterministic"),
    ]
