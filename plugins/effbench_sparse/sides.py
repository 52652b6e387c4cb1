"""The two sides of a model: how it reads queries, and how it reads docs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from sentence_transformers import SparseEncoder
from sentence_transformers.base.modules import Router
from sentence_transformers.sparse_encoder.modules import (
    SparseAutoEncoder,
    SparseStaticEmbedding,
)
from sentence_transformers.util import load_file_path

from effbench import EffbenchError
from effbench_sentence_transformers.loading import cut, load, transformers_of
from effbench_sparse.network import Network
from effbench_sparse.table import Table
from effbench_transformer.soundness import refuse_foreign_words, rust_vocabulary
from effbench_transformer.tokens import length_limit

if TYPE_CHECKING:
    from effbench import SparseVectors

QUERY, DOCUMENT = "query", "document"
PROMPTS = {QUERY: ("query",), DOCUMENT: ("document", "passage", "corpus")}
"""The task of a side -> the names of its prompts, the first that is stored counts."""

Words: TypeAlias = Callable[[Sequence[int]], list[str]]


class Side(Protocol):
    """Reads the texts of queries, or those of docs."""

    @property
    def parameters(self) -> int:
        """The number of weights that a text uses."""

    @property
    def bytes_read(self) -> Callable[[int], int] | None:
        """From the number of tokens of a text to the bytes of weights that it reads."""

    def __call__(self, texts: Sequence[str]) -> SparseVectors:
        """Return the vectors of texts, float32 [n, words], with sorted words."""

    def stages(self) -> Mapping[str, Callable[[Any], Any]]:
        """Return the stages of a call by name, in order."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""


def open_sides(
    name: str,
    source: tuple[str | None, str, str, bool],
    limits: tuple[int | None, int | None],
    batch_size: int,
) -> tuple[Side, Side, Words]:
    """Open a model; return its sides of queries and docs, and what its words are called.

    ``source`` is the revision, the type of the weights, the device, and whether code of the
    model is trusted. ``limits`` are the largest numbers of tokens of queries and docs.

    Raises:
        EffbenchError: the model cannot be loaded, or does not allow the limits.

    """
    model = load(name, *source, kind=SparseEncoder)
    _refuse_made_up(name, source[0], model)
    prompts = {task: _prompt(model, names) for task, names in PROMPTS.items()}
    query_limit, limit = limits
    if transformers_of(model):
        cut(model, limit, (prompts[QUERY], prompts[DOCUMENT]))
        _cut_queries(model, query_limit, prompts[QUERY])
    sides = [
        _side(name, model, task, prompts[task], most, batch_size)
        for task, most in ((QUERY, query_limit or limit), (DOCUMENT, limit))
    ]
    return sides[0], sides[1], _words_of(model)


def _refuse_made_up(name: str, revision: str | None, model: Any) -> None:
    """Refuse a dense model: the library puts a random layer behind it."""
    if any(isinstance(module, SparseAutoEncoder) for module in model.modules()):
        path = load_file_path(name, "modules.json", revision=revision)
        if path is None or SparseAutoEncoder.__name__ not in Path(path).read_text("utf-8"):
            raise EffbenchError(
                f"model {name!r}: it makes dense vectors (use: sentence-transformers for it)"
            )


def _side(
    name: str, model: Any, task: str, prompt: str, limit: int | None, batch_size: int
) -> Side:
    modules = _route(model, task)
    if len(modules) == 1 and isinstance(modules[0], SparseStaticEmbedding):
        (table,) = modules
        vocabulary = rust_vocabulary(table.tokenizer.backend_tokenizer)
        refuse_foreign_words(name, vocabulary, table.num_dimensions)
        return Table(table.tokenizer, table.weight, prompt, limit)
    return Network(name, model, modules, task, prompt, batch_size)


def _route(model: Any, task: str) -> list[Any]:
    """Return the modules that a task uses, in order."""
    modules: list[Any] = []
    for module in model:
        if isinstance(module, Router):
            route = task if task in module.sub_modules else module.default_route
            modules += module.sub_modules[route]
        else:
            modules.append(module)
    return modules


def _cut_queries(model: Any, wanted: int | None, prompt: str) -> None:
    for module in transformers_of(_route(model, QUERY)):
        if wanted is not None:
            network = module.model.base_model
            module.query_length = length_limit(
                module.tokenizer, network, wanted, "query_max_length", prefix=prompt
            )


def _prompt(model: Any, names: Sequence[str]) -> str:
    stored = (model.prompts.get(name) for name in names)
    return next((text for text in stored if text), "")


def _words_of(model: Any) -> Words:
    """Return a function from numbers of words to their texts, as the tokenizer spells them."""
    modules = [*_route(model, DOCUMENT), *_route(model, QUERY)]
    if any(isinstance(module, SparseAutoEncoder) for module in modules):
        return lambda numbers: [f"#{number}" for number in numbers]  # they are no words
    tokenizer = next(module.tokenizer for module in modules if hasattr(module, "tokenizer"))
    return lambda numbers: [
        str(tokenizer.convert_ids_to_tokens(int(number))) for number in numbers
    ]
