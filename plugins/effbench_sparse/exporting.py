"""Export of a sparse encoder as a folder that `SparseEncoder` loads without changes."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sentence_transformers import SparseEncoder, __version__
from sentence_transformers.base.modules import Router

from effbench import EffbenchError
from effbench_sparse.sides import (
    DOCUMENT,
    PROMPTS,
    QUERY,
    Source,
    open_model,
    prompt_of,
    table_of,
)
from effbench_training.sides import save_side
from effbench_transformer.exporting import NO_READER, refuse_own_code, route
from effbench_transformer.loading import loading

README = """\
# A sparse encoder exported by effbench

{about} `encode_query` and `encode_document` give weights of the same words.

```python
from sentence_transformers import SparseEncoder

model = SparseEncoder("this folder")
queries = model.encode_query(["a query"])
passages = model.encode_document(["title text"])
scores = model.similarity(queries, passages)
```

A passage is its title, a space and its text, without white space around. Scores are inner
products. Written by Sentence Transformers {version}: load it with that version or a later one.
No custom code: neither effbench nor a plugin of it is needed, nor `trust_remote_code`.

{light}
"""


class Part(NamedTuple):
    """What reads the texts of one task."""

    modules: Sequence[Any]
    prompt: str
    words: int | None
    """The most words of a vector, those with the largest weights; None keeps all."""


def export(
    source: Source, words: tuple[int | None, int | None], folder: Path, passages: Path | None
) -> None:
    """Write the model of a row into ``folder``; ``words`` are kept of queries and of docs.

    ``passages`` is the folder of the `SparseEncoder` that reads the docs; None if the model
    itself reads them.

    Raises:
        EffbenchError: the library has no equivalent of an option, or a model cannot be loaded.

    """
    refuse_own_code(source.trusted)
    model = open_model(source)
    queries, docs = (
        _part(source, model, task, count) for task, count in zip(PROMPTS, words, strict=True)
    )
    if passages is not None:
        docs = docs_of(passages)
    write(folder, queries, docs, about="It has the prompts and limits of an encoder row.")


def docs_of(folder: Path) -> Part:
    """Return what reads the docs in the folder of a `SparseEncoder`.

    Raises:
        EffbenchError: the folder cannot be loaded.

    """
    with loading(str(folder), None):
        model = SparseEncoder(str(folder), device="cpu")
    return Part(route(model, DOCUMENT), prompt_of(model, DOCUMENT), model.max_active_dims)


def write(
    folder: Path, queries: Part, docs: Part, *, about: str, light: str = NO_READER
) -> None:
    """Write a model of two parts, and a README, into ``folder``.

    These are paragraphs of the README: ``about`` describes the model, and ``light`` a faster
    way to read queries.

    Raises:
        EffbenchError: the parts keep different numbers of words.

    """
    if queries.words != docs.words:
        raise EffbenchError(
            f"export: queries keep {_all(queries.words)} words and docs {_all(docs.words)}, "
            "where Sentence Transformers keeps one number (export rows with the same "
            "query_words and doc_words, or without them)"
        )
    alike = list(queries.modules) == list(docs.modules)  # modules are equal to themselves only
    model = SparseEncoder(
        modules=list(queries.modules)
        if alike
        else [Router.for_query_document(list(queries.modules), list(docs.modules))],
        prompts={QUERY: queries.prompt, DOCUMENT: docs.prompt},
        max_active_dims=queries.words,
        similarity_fn_name="dot",
        device="cpu",
    )
    save_side(model, folder)
    readme = README.format(about=about, version=__version__, light=light)
    (folder / "README.md").write_text(readme, encoding="utf-8")


def _part(source: Source, model: Any, task: str, count: int | None) -> Part:
    modules, limit = route(model, task), source.limit_of(task)
    table = table_of(modules)
    if table is not None and limit is not None:
        modules = [copy.deepcopy(table)]  # docs may have another limit
        tokenizer = modules[0].tokenizer
        tokenizer.model_max_length = min(limit, tokenizer.model_max_length)
    kept = [most for most in (count, model.max_active_dims) if most is not None]
    return Part(modules, prompt_of(model, task), min(kept, default=None))


def _all(words: int | None) -> str:
    return "all" if words is None else f"{words:,}"
