"""The two sides of a model: how it reads queries, and how it reads docs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from sentence_transformers import SparseEncoder
from sentence_transformers.sparse_encoder.modules import (
    SparseAutoEncoder,
    SparseStaticEmbedding,
)
from sentence_transformers.util import load_file_path

from effbench import EffbenchError
from effbench_sentence_transformers.loading import cut, load, transformers_of
from effbench_sparse.network import Network
from effbench_sparse.table import Table
from effbench_transformer.exporting import route
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


class Source(NamedTuple):
    """Which model is read, and how."""

    name: str
    revision: str | None
    dtype: str
    device: str
    trusted: bool
    """Whether code that the model brings is run."""

    query_limit: int | None
    """The most tokens of a query; None: as of a doc."""

    limit: int | None
    """The most tokens of a doc; None: the model's own limit."""

    def limit_of(self, task: str) -> int | None:
        """Return the most tokens of a text of this task."""
        return (self.query_limit if task == QUERY else None) or self.limit


def open_sides(source: Source, batch_size: int) -> tuple[Side, Side, Words]:
    """Open a model; return its sides of queries and docs, and what its words are called.

    Raises:
        EffbenchError: the model cannot be loaded, or does not allow the limits.

    """
    model = open_model(source)
    queries, docs = (_side(source, model, task, batch_size) for task in PROMPTS)
    return queries, docs, _words_of(model)


def open_model(source: Source) -> Any:
    """Return a `SparseEncoder` whose transformers cut texts at the limits.

    Raises:
        EffbenchError: the model cannot be loaded, has another similarity than inner products,
            or does not allow the limits.

    """
    name, revision, dtype, device, trusted, query_limit, limit = source
    model = load(name, revision, dtype, device, trusted, kind=SparseEncoder)
    _refuse_made_up(name, revision, model)
    if model.similarity_fn_name != "dot":
        raise EffbenchError(
            f"model {name!r}: its similarity is {model.similarity_fn_name}, scores here are "
            "inner products (save it with similarity_fn_name: dot to take it all the same)"
        )
    if transformers_of(model):
        cut(model, limit, (prompt_of(model, QUERY), prompt_of(model, DOCUMENT)))
        if query_limit is not None:
            _cut_queries(model, query_limit)
    return model


def prompt_of(model: Any, task: str) -> str:
    """Return the text that the model puts before each text of a task."""
    stored = (model.prompts.get(name) for name in PROMPTS[task])
    return next((text for text in stored if text), "")


def table_of(modules: Sequence[Any]) -> Any:
    """Return the table of a side without a network, or None if the side has one."""
    alone = len(modules) == 1 and isinstance(modules[0], SparseStaticEmbedding)
    return modules[0] if alone else None


def _refuse_made_up(name: str, revision: str | None, model: Any) -> None:
    """Refuse a dense model: the library puts a random layer behind it."""
    if any(isinstance(module, SparseAutoEncoder) for module in model.modules()):
        path = load_file_path(name, "modules.json", revision=revision)
        if path is None or SparseAutoEncoder.__name__ not in Path(path).read_text("utf-8"):
            raise EffbenchError(
                f"model {name!r}: it makes dense vectors (use: sentence-transformers for it)"
            )


def _side(source: Source, model: Any, task: str, batch_size: int) -> Side:
    modules, prompt = route(model, task), prompt_of(model, task)
    table = table_of(modules)
    if table is None:
        return Network(source.name, model, modules, task, prompt, batch_size)
    vocabulary = rust_vocabulary(table.tokenizer.backend_tokenizer)
    refuse_foreign_words(source.name, vocabulary, table.num_dimensions)
    limit = source.limit_of(task)
    return Table(table.tokenizer, table.weight, prompt, limit, model.max_active_dims)


def _cut_queries(model: Any, wanted: int) -> None:
    prompt = prompt_of(model, QUERY)
    for module in transformers_of(route(model, QUERY)):
        network = module.model.base_model
        module.query_length = length_limit(
            module.tokenizer, network, wanted, "query_max_length", prefix=prompt
        )


def _words_of(model: Any) -> Words:
    """Return a function from numbers of words to their texts, as the tokenizer spells them."""
    modules = [*route(model, DOCUMENT), *route(model, QUERY)]
    if any(isinstance(module, SparseAutoEncoder) for module in modules):
        return lambda numbers: [f"#{number}" for number in numbers]  # they are no words
    tokenizer = next(module.tokenizer for module in modules if hasattr(module, "tokenizer"))
    return lambda numbers: [
        str(tokenizer.convert_ids_to_tokens(int(number))) for number in numbers
    ]
