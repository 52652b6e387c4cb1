"""Students: folders of Sentence Transformers, opened without code or pickles of theirs.

docs/formats.md describes the folder.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from effbench import EffbenchError
from effbench_training.finishing import MODEL_FILE

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

CONFIG = "config_sentence_transformers.json"
LIBRARY = "sentence_transformers"
SPARSE = "SparseEncoder"
"""The type that the library writes into `CONFIG` of a model that makes sparse vectors."""

SAVE = "(save it with SentenceTransformer.save)"


class Module(NamedTuple):
    """A module of a student: a step from texts to vectors."""

    type: str
    """The class with its Python module, such as ``sentence_transformers....Normalize``."""

    folder: Path

    @property
    def name(self) -> str:
        """The class."""
        return self.type.rpartition(".")[2]

    @property
    def package(self) -> str:
        """The package that brings the class."""
        return self.type.partition(".")[0]

    @property
    def config(self) -> dict[str, Any]:
        """Return the module's ``config.json``; empty if there is none.

        Raises:
            OSError, ValueError: the file is damaged.

        """
        return _read_object(self.folder / "config.json")


def modules_of(folder: Path) -> list[Module]:
    """Return the modules of a student in their order; no class is imported.

    Raises:
        EffbenchError: the folder holds no student, or none that may be opened.

    """
    try:
        listed = json.loads((folder / MODEL_FILE).read_text(encoding="utf-8"))
        modules = [Module(str(item["type"]), folder / str(item["path"])) for item in listed]
        problem = next(_problems(folder, modules), None)
    except FileNotFoundError:
        problem = f"it has no {MODEL_FILE} {SAVE}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:160]
        problem = f"a file of it is damaged: {type(error).__name__}: {reason} {SAVE}"
    if problem:
        raise EffbenchError(f"{folder}: no whole student: {problem}")
    return modules


def open_student(folder: Path) -> SentenceTransformer:
    """Return the model of a student's folder, on the CPU, to encode with or to train.

    Raises:
        EffbenchError: the folder holds no student, or none that may be opened.

    """
    from sentence_transformers import SentenceTransformer

    from effbench_transformer.loading import loading
    from effbench_transformer.soundness import whole_weights

    modules, place = modules_of(folder), str(folder)
    with loading(place, None), whole_weights(place):
        config = _read_object(folder / CONFIG)
        if config.get("model_type") == SPARSE:
            raise EffbenchError(
                f"{folder}: its vectors are sparse, and those of a student are dense here "
                "(use: sparse-query reads it)"
            )
        if {module.package for module in modules} == {LIBRARY}:
            return SentenceTransformer(
                place,
                device="cpu",
                local_files_only=True,
                model_kwargs={"use_safetensors": True},
            )
        # the library would want trust_remote_code for the modules of installed plugins
        known = ("prompts", "default_prompt_name", "similarity_fn_name")
        return SentenceTransformer(
            modules=[_loaded(module, folder) for module in modules],
            device="cpu",
            **{name: config[name] for name in known if name in config},
        )


def _problems(folder: Path, modules: list[Module]) -> Iterator[str]:
    """Yield why the modules may not be opened, and how to mend that."""
    if not modules:
        yield f"its {MODEL_FILE} names no module {SAVE}"
    plugins = {point.module.partition(".")[0] for point in entry_points(group="effbench")}
    for module in modules:
        if module.package not in {LIBRARY, *plugins}:
            yield (
                f"its module {module.type} is neither of Sentence Transformers nor of an "
                "installed plugin, and code of a folder is not run (install its plugin)"
            )
        if not module.folder.resolve().is_relative_to(folder.resolve()):
            yield f"its module {module.name} is outside of the folder {SAVE}"
        # only a Dense imports it: that of a GPT-2 is a word
        is_dense = module.package == LIBRARY and module.name == "Dense"
        activation = (
            module.config.get("activation_function", "torch.") if is_dense else "torch."
        )
        if not str(activation).startswith("torch."):
            yield f"its activation {activation} is not torch's (take a module of torch.nn)"
    for path in folder.rglob("pytorch_model*.bin"):
        if not any(path.parent.glob("*.safetensors")):  # the library would read the pickle
            yield f"{path.name} is a pickle, which is not read (save as safetensors)"


def _loaded(module: Module, folder: Path) -> Any:
    """Return a module with its weights, as the library loads it."""
    package, _, name = module.type.rpartition(".")
    made = getattr(importlib.import_module(package), name)
    return made.load(
        str(folder),
        subfolder=str(module.folder.relative_to(folder)),
        local_files_only=True,
        trust_remote_code=False,
    )


def _read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file; empty if there is no file."""
    if not path.exists():
        return {}
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} is no object")
    return value
