"""The kind of a student, by the files of its folder: it decides which code reads queries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, NamedTuple

from effbench import EffbenchError
from effbench_training.students import Module, modules_of

RECURRENT_MODULE = "effbench_small_query.recurrent.Recurrent"
POOLINGS = ("mean", "cls", "max")


class Kind(NamedTuple):
    """What our own readers of queries must know of a student."""

    cell: str
    """``static``, ``gru``, ``lstm`` or ``transformer``; ``other`` for any other network."""

    normalize: bool
    """Whether its vectors are normalised."""

    pooling: str
    """How a transformer pools; "" for the other kinds."""

    dense: Path | None
    """The folder of the linear layer that ends a transformer; None if there is none."""


class Options(NamedTuple):
    """How a student is read; `effbench_small_query.small_query` explains the options."""

    device: str = "auto"
    int8: bool = False
    precompute: bool = False
    table: Literal["int8", "int4"] | None = None


def refuse_int8_unless_cpu(device: str) -> None:
    """Raise `EffbenchError` for a type of device without int8 kernels: any but ``cpu``."""
    if device != "cpu":
        raise EffbenchError(f"small-query: int8: not on {device} (say device: cpu)")


OTHER = Kind("other", False, "", None)


def kind_of(folder: Path) -> Kind:
    """Return the kind of the student in a folder.

    Raises:
        EffbenchError: the folder holds no student.
        OSError, ValueError, KeyError: a file of its modules is missing or damaged.

    """
    modules = modules_of(folder)
    normalize = modules[-1].name == "Normalize"
    inner = modules[: len(modules) - normalize]
    names = [module.name for module in inner]
    first = inner[0] if inner else modules[0]
    if first.folder != folder or _has_prompt(folder):
        return OTHER
    if first.type == RECURRENT_MODULE and len(inner) == 1:
        return Kind(_read(folder / "recurrent.json")["cell"], normalize, "", None)
    if names == ["StaticEmbedding"]:
        return Kind("static", normalize, "", None)
    if names in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Dense"]):
        pooling, *dense = inner[1:]
        mode = pooling.config.get("pooling_mode")
        if mode in POOLINGS and _reads_plainly(folder) and all(map(_is_linear, dense)):
            return Kind("transformer", normalize, mode, dense[0].folder if dense else None)
    return OTHER


def _has_prompt(folder: Path) -> bool:
    """Tell whether the library puts a text before each query."""
    path = folder / "config_sentence_transformers.json"
    config = _read(path) if path.exists() else {}
    return bool(config.get("default_prompt_name") or config.get("prompts", {}).get("query"))


def _reads_plainly(folder: Path) -> bool:
    """Tell whether the library's transformer gives the last states of texts, as they are."""
    path = folder / "sentence_bert_config.json"
    config = _read(path) if path.exists() else {}
    usual = {
        "transformer_task": "feature-extraction",
        "module_output_name": "token_embeddings",
        "do_lower_case": False,
        "max_seq_length": None,
        "query_length": None,
    }
    return all(config.get(name, value) == value for name, value in usual.items())


def _is_linear(dense: Module) -> bool:
    config = dense.config
    return str(config["activation_function"]).endswith(".Identity") and config["bias"] is True


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))
