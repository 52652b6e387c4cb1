"""The export of an encoder as a folder that Sentence Transformers loads without changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from sentence_transformers import SentenceTransformer, __version__
from sentence_transformers.base.modules import Router
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

from effbench import EffbenchError
from effbench_transformer import DEFAULT_TEMPLATE, Recipe
from effbench_transformer.loading import loading, quiet
from effbench_transformer.soundness import ensure_padding, rows_of

README = """\
# An encoder exported by effbench

{about}

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("this folder"{load})
queries = model.encode_query(["a query"])
passages = model.encode_document(["title text"])
scores = queries @ passages.T
```

A passage is its title, a space and its text, without white space around. Scores are {scores}.
Written by Sentence Transformers {version}: load it with that version or a later one.

{code}

## How fast it is

Through Sentence Transformers a query takes longer than effbench's leaderboard says. There
effbench's own way from the text to the vector is timed. The library goes through all modules
and parameters at each call, those of passages too, to set them to inference and to find their
device; then it sorts, pads and moves a batch. Small encoders feel that most.

{light}
"""
NO_CODE = (
    "No custom code: neither effbench nor a plugin of it is needed, nor `trust_remote_code`."
)
NO_READER = (
    "No lighter reader comes with it: it needs torch and transformers, whoever calls them."
)


class Passages(NamedTuple):
    """What reads the passages of another encoder's queries."""

    modules: list[Any]
    prompt: str
    cosine: bool
    """Whether the encoder's scores are cosines."""


def export(recipe: Recipe, folder: Path, passages: Path | None) -> None:
    """Load the weights of ``recipe`` again, and write its encoder into ``folder``.

    ``passages`` is the exported folder of the row that reads the passages, or None.

    Raises:
        EffbenchError: Sentence Transformers has no equivalent of an option.

    """
    refuse_own_code(recipe.trusted)
    if passages is None and recipe.passage_template != DEFAULT_TEMPLATE:
        raise EffbenchError(
            "export: passage_template: Sentence Transformers knows no titles "
            "(export a row without it, and fill it in before encode_document)"
        )
    local = Path(recipe.model).is_dir()
    which = "A transformer" if local else f"The transformer `{recipe.model}`"
    write_with(
        passages,
        folder,
        _modules(recipe),
        query_prompt=recipe.query_prefix,
        passage_prompt=recipe.passage_prefix,
        normalized=recipe.normalize,
        about=f"{which}, its token vectors pooled ({recipe.pooling}).",
    )


def passages_of(folder: Path) -> Passages:
    """Return what reads the passages in an exported folder.

    Raises:
        EffbenchError: the folder cannot be loaded.

    """
    with loading(str(folder), None):
        model = SentenceTransformer(str(folder), device="cpu")
    prompt = model.prompts.get("document") or ""
    return Passages(route(model, "document"), prompt, model.similarity_fn_name == "cosine")


def route(model: Any, task: str) -> list[Any]:
    """Return the modules that a task uses, in order; a Router's route stands for the Router."""
    modules: list[Any] = []
    for module in model:
        if isinstance(module, Router):
            name = task if task in module.sub_modules else module.default_route
            modules += module.sub_modules[name]
        else:
            modules.append(module)
    return modules


def write_with(
    passages: Path | None,
    folder: Path,
    modules: Sequence[Any],
    *,
    query_prompt: str,
    passage_prompt: str,
    normalized: bool,
    about: str,
    device: str = "cpu",
) -> None:
    """Write like `write`; if ``passages`` is an exported folder, its encoder reads passages.

    Raises:
        EffbenchError: the folder ``passages`` cannot be loaded.

    """
    if passages is not None:
        docs = passages_of(passages)
        modules = [Router.for_query_document(route(modules, "query"), docs.modules)]
        passage_prompt, normalized = docs.prompt, normalized and docs.cosine
        about += " Passages are read by the encoder of another row."
    write(
        folder,
        modules,
        query_prompt=query_prompt,
        passage_prompt=passage_prompt,
        normalized=normalized,
        about=about,
        device=device,
    )


def write(
    folder: Path,
    modules: Sequence[Any],
    *,
    query_prompt: str,
    passage_prompt: str,
    normalized: bool,
    about: str,
    code: str | None = None,
    load: str = "",
    light: str | None = None,
    device: str = "cpu",
) -> None:
    """Write ``modules`` of Sentence Transformers and a README into ``folder``.

    These are paragraphs of the README: ``about`` describes the model, ``code`` the code that
    the folder contains, and ``light`` a faster way to read queries. ``load`` are the further
    arguments with which the README loads the folder, after a comma.
    """
    model = SentenceTransformer(
        modules=list(modules),
        prompts={"query": query_prompt, "document": passage_prompt},
        similarity_fn_name="cosine" if normalized else "dot",
        device=device,
    )
    with quiet():
        model.save(str(folder), create_model_card=False, safe_serialization=True)
    readme = README.format(
        about=about,
        load=load,
        scores="cosines" if normalized else "inner products",
        version=__version__,
        code=code or NO_CODE,
        light=light or NO_READER,
    )
    (folder / "README.md").write_text(readme, encoding="utf-8")


def refuse_own_code(trusted: bool) -> None:
    """Raise `EffbenchError` if a model is trusted to run code: an export does not copy it."""
    if trusted:
        raise EffbenchError(
            "export: trust_remote_code: code that a model brings is not copied "
            "(deploy it under its own name)"
        )


def _modules(recipe: Recipe) -> list[Any]:
    source = {"revision": recipe.revision} if recipe.revision else {}
    same = recipe.query_max_length == recipe.max_length
    with loading(recipe.model, recipe.revision):
        transformer = Transformer(
            recipe.model,
            config_kwargs=source,
            model_kwargs={
                "torch_dtype": getattr(torch, recipe.dtype),
                "use_safetensors": True,
                **source,
            },
            processor_kwargs={
                "model_max_length": recipe.max_length,
                "padding_side": "right",
                **source,
            },
            query_length=None if same else recipe.query_max_length,
            # only text: if a tokenizer has a chat template, the library would fill it in
            modality_config={
                "text": {"method": "forward", "method_output_name": "last_hidden_state"}
            },
            module_output_name="token_embeddings",
        )
    ensure_padding(transformer.tokenizer, rows_of(transformer.model))
    width = transformer.get_embedding_dimension()
    return [transformer, Pooling(width, recipe.pooling), *[Normalize()] * recipe.normalize]
