"""Export of a student: it and its passage encoder as one folder of Sentence Transformers."""

from __future__ import annotations

import inspect
import json
import shutil
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from safetensors.numpy import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Router
from torch import nn

from effbench import READER, EffbenchError
from effbench_small_query import RECURRENT, light
from effbench_small_query.int8_transformer import Int8Transformer
from effbench_small_query.kinds import Kind, kind_of
from effbench_small_query.light import FACTS, Static, Words
from effbench_small_query.recurrent import Recurrent
from effbench_training.students import LIBRARY, modules_of, open_student
from effbench_transformer.exporting import passages_of, write
from effbench_transformer.tokens import length_limit

ABOUT = """\
Queries go through a small encoder ({cell}), passages through a large one: `encode_query` and
`encode_document` are two networks in one vector space."""
NETWORK = {"other": "a network of Sentence Transformers"}
CODE = """\
Custom code: `{file}` in this folder is a module that Sentence Transformers does not have,
and `trust_remote_code=True` runs it. Read it first. Neither effbench nor a plugin of it is
needed."""
INT8_CODE = """

`int8.py` beside it has its layers: read that too. Queries are read in int8, text by text, on a
CPU only (`device="cpu"`). The files hold float32 weights, which become int8 when they are
loaded."""
LIGHT = """\
`reader.py` in this folder reads queries as the row does whose time is on the leaderboard. It
needs numpy and tokenizers, neither torch nor Sentence Transformers, and reads text by text:

```python
from reader import Encoder  # with this folder on sys.path, or reader.py copied to your code

queries = Encoder("this folder").encode(["a query"])  # float32 [1, d]
```

It reads `reader.json` and the folder `{student}`. No prompt is put before a query, and none is
cut; whether letters are lowered is said by the folder's `tokenizer.json`."""
INT8 = """

Its products are int8, as the row's are, but numpy takes as long for them as for float32: it is
slower than the row. Sentence Transformers loads the same weights as float32: its vectors of
queries are those of a row without `int8`, a little apart."""

FEW_BITS = """

It reads the table of words as {table}, from `{weights}`, and does not need
`model.safetensors`. Sentence Transformers reads float32 numbers of the same values."""
WEIGHTS = "reader.safetensors"
"""The light reader's file of weights, for a table of words in few bits."""


class OwnModule(NamedTuple):
    """A module that Sentence Transformers does not have; an export brings its code."""

    module: type[nn.Module]
    files: tuple[str, ...]
    """The names of its file and of those that it imports, which lie beside it."""

    about: str
    load: str
    """The further arguments with which the library loads it, after a comma."""


def export(
    student: Path,
    folder: Path,
    passages: Path | None,
    *,
    int8: bool = False,
    precompute: bool = False,
    table: Literal["int8", "int4"] | None = None,
) -> None:
    """Write the query encoder and the passage encoder into ``folder``.

    ``student`` is the folder of the query encoder. ``passages`` is the folder of the passage
    encoder; None if it is the folder ``passages`` in ``student``.

    Raises:
        EffbenchError: there is no passage encoder, or the student has code of its own.

    """
    kind = kind_of(student)
    own = _own_module(kind.cell, int8)
    query_side = _query_side(student, kind)
    query_modules: list[Any] = list(query_side.children())
    words = None if table is None else _few_bits(query_modules[0].embedding, table)
    docs = passages_of(refuse_no_passages(passages or student / "passages"))
    # the folder's name that a Router gives to its first module
    query_folder = f"query_0_{type(query_modules[0]).__name__}"
    has_reader = kind.cell in RECURRENT or kind.cell == "static"
    about_light = LIGHT.format(student=query_folder) + (INT8 if int8 else "")
    about_light += FEW_BITS.format(table=table, weights=WEIGHTS) if words else ""
    write(
        folder,
        [Router.for_query_document(query_modules, docs.modules)],
        query_prompt=query_side.prompts.get("query") or "",
        passage_prompt=docs.prompt,
        normalized=kind.normalize and docs.cosine,
        about=ABOUT.format(cell=NETWORK.get(kind.cell, kind.cell)),
        code=own.about if own else None,
        load=own.load if own else "",
        light=about_light if has_reader else None,
    )
    if own is not None:
        _copy_code(own, folder, query_folder)
    if has_reader:
        facts = {"student": query_folder, "cell": kind.cell, "normalize": kind.normalize}
        _copy_reader(folder, {**facts, "int8": int8, "precompute": precompute}, words)


def refuse_no_passages(folder: Path | None) -> Path:
    """Return the folder of a passage encoder.

    Raises:
        EffbenchError: there is none.

    """
    if folder is None or not folder.is_dir():
        raise EffbenchError(
            "export: nothing encodes its passages (say passages: ROW beside model)"
        )
    return folder


def _own_module(cell: str, int8: bool) -> OwnModule | None:
    """Return the module of ours that reads the queries, or None if the library's does."""
    trust = ", trust_remote_code=True"
    if cell in RECURRENT:
        return OwnModule(Recurrent, ("recurrent.py",), CODE.format(file="recurrent.py"), trust)
    if int8:
        files = ("int8_transformer.py", "int8.py")
        about = CODE.format(file=files[0]) + INT8_CODE
        return OwnModule(Int8Transformer, files, about, f'{trust}, device="cpu"')
    return None


def _query_side(student: Path, kind: Kind) -> SentenceTransformer:
    """Return the model that encodes queries."""
    foreign = [each.type for each in modules_of(student) if each.package != LIBRARY]
    if foreign and kind.cell not in RECURRENT:
        raise EffbenchError(
            f"export: the code of {foreign[0]} is not copied (deploy the trained folder beside "
            "the plugin that has it)"
        )
    model = open_student(student)
    if kind.cell == "transformer":  # RoBERTa has fewer positions than the library thinks
        first: Any = model[0]
        first.max_seq_length = length_limit(first.tokenizer, first.model, None, "max_length")
    return model


def _few_bits(embedding: Any, table: str) -> Words:
    """Return the words of an embedding in few bits; give it the numbers that they mean."""
    words = Words.of(embedding.weight.detach().numpy(), table)
    embedding.weight = nn.Parameter(torch.from_numpy(words.all()), False)
    return words


def _copy_reader(folder: Path, facts: dict[str, Any], words: Words | None) -> None:
    """Copy the light reader into ``folder``, and write ``facts`` for it.

    ``words`` is the student's table in few bits; it and the student's other weights make a
    file of weights then, which only the light reader reads.
    """
    shutil.copyfile(inspect.getfile(Static), folder / READER)
    student = folder / facts["student"]
    facts = {**facts, "weights": "model.safetensors", "width": None}
    if words is not None:
        weights = load_file(student / "model.safetensors")
        del weights[light.TABLE]
        weights |= {light.NUMBERS: words.numbers, light.SCALES: words.scales}
        save_file(weights, student / WEIGHTS)
        facts = {**facts, "weights": WEIGHTS, "width": words.shape[1]}
    (folder / FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")


def _copy_code(own: OwnModule, folder: Path, query_folder: str) -> None:
    """Copy the files of a module into ``folder``, and let the library find it there."""
    source = Path(inspect.getfile(own.module))
    for name in own.files:
        shutil.copyfile(source.with_name(name), folder / name)
    config = folder / Router.config_file_name
    router = json.loads(config.read_text(encoding="utf-8"))
    ours, copied = (
        f"{name}.{own.module.__name__}" for name in (own.module.__module__, source.stem)
    )
    for name, given in router["types"].items():
        if name == query_folder or given == ours:
            router["types"][name] = copied
    config.write_text(json.dumps(router, indent=4), encoding="utf-8")
