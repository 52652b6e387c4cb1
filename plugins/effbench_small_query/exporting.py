"""Write a student and the encoder of its passages as one Sentence Transformers folder."""

from __future__ import annotations

import inspect
import json
import shutil
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Router

from effbench import EffbenchError
from effbench_small_query import RECURRENT
from effbench_small_query.recurrent import Recurrent
from effbench_transformer.exporting import write
from effbench_transformer.loading import loading
from effbench_transformer.tokens import length_limit

ABOUT = """\
Queries go through a small encoder ({cell}), passages through a large one: `encode_query` and
`encode_document` are two networks in one vector space."""
CODE = """\
Custom code: `recurrent.py` in this folder is a module that Sentence Transformers does not have,
and `trust_remote_code=True` runs it. Read it first. Neither effbench nor a plugin of it is
needed."""


def export(student: Path, folder: Path, passages: Path | None, int8: bool = False) -> None:
    """Write queries' and passages' side into ``folder``; ``student`` may hold the latter.

    Raises:
        EffbenchError: there is no passages' side, or ``int8``, which no folder can say.

    """
    if int8:
        raise EffbenchError(
            "export: int8: Sentence Transformers keeps no int8 (export a row without)"
        )
    passages = passages or student / "passages"
    if not passages.is_dir():
        raise EffbenchError(
            "export: nothing encodes its passages (say passages: ROW beside model)"
        )
    facts = json.loads((student / "small_query.json").read_text(encoding="utf-8"))
    large = _load(passages)
    router = Router.for_query_document(_query_modules(student, facts), list(large.children()))
    recurrent = facts["cell"] in RECURRENT
    write(
        folder,
        [router],
        query_prompt="",
        passage_prompt=large.prompts.get("document") or "",
        normalized=facts["normalize"] and large.similarity_fn_name == "cosine",
        about=ABOUT.format(cell=facts["cell"]),
        code=CODE if recurrent else None,
    )
    if recurrent:
        _bring_code(folder)


def _query_modules(student: Path, facts: dict[str, Any]) -> list[Any]:
    if facts["cell"] in RECURRENT:  # not through its modules.json, which would need trust
        return [Recurrent.load(str(student)), *[Normalize()] * facts["normalize"]]
    modules = list(_load(student).children())
    if facts["cell"] == "transformer":  # RoBERTa's positions end before the library thinks
        first = modules[0]
        first.max_seq_length = length_limit(first.tokenizer, first.model, None, "max_length")
    return modules


def _load(folder: Path) -> SentenceTransformer:
    with loading(str(folder), None):
        return SentenceTransformer(str(folder), device="cpu")


def _bring_code(folder: Path) -> None:
    """Put the module's source into the root, where the library looks for ``recurrent.NAME``."""
    shutil.copyfile(inspect.getfile(Recurrent), folder / "recurrent.py")
    config = folder / Router.config_file_name
    text = config.read_text(encoding="utf-8")
    config.write_text(
        text.replace(f'"{Recurrent.__module__}.', '"recurrent.'), encoding="utf-8"
    )
