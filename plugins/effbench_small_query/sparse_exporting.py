"""Export of a sparse student: it and its passage encoder as one `SparseEncoder`."""

from __future__ import annotations

import inspect
import json
import shutil
from pathlib import Path

from sentence_transformers import SparseEncoder, __version__
from sentence_transformers.base.modules import Router

from effbench import READER
from effbench_small_query import light_sparse
from effbench_small_query.exporting import refuse_no_passages
from effbench_training.sides import save_side
from effbench_transformer.loading import loading

QUERY_FOLDER = "query_0_SparseStaticEmbedding"
"""The name that a Router gives to the folder of its first module."""

README = """\
# A sparse encoder exported by effbench

Queries are read without a network: each word has a weight. Passages go through a network:
`encode_query` and `encode_document` give weights of the same words.

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

`reader.py` in this folder reads queries as the row does whose time is on the leaderboard. It
needs numpy and tokenizers, neither torch nor Sentence Transformers:

```python
from reader import Encoder  # with this folder on sys.path, or reader.py copied to your code

queries = Encoder("this folder").encode(["a query"])  # a dict of word numbers and weights each
```

It reads `reader.json` and the folder `{student}`. No prompt is put before a query, and none is
cut.
"""


def export(student: Path, folder: Path, passages: Path | None) -> None:
    """Write the student and the passage encoder, a `SparseEncoder`, into ``folder``.

    Raises:
        EffbenchError: there is no passage encoder, or it cannot be loaded.

    """
    source = refuse_no_passages(passages)
    queries, docs = _load(student), _load(source)
    model = SparseEncoder(
        modules=[Router.for_query_document(list(queries), _document_modules(docs))],
        prompts={"query": "", "document": docs.prompts.get("document") or ""},
        device="cpu",
    )
    save_side(model, folder)
    shutil.copyfile(inspect.getfile(light_sparse), folder / READER)
    facts = json.dumps({"student": QUERY_FOLDER}, indent=1)
    (folder / light_sparse.FACTS).write_text(facts, encoding="utf-8")
    readme = README.format(version=__version__, student=QUERY_FOLDER)
    (folder / "README.md").write_text(readme, encoding="utf-8")


def _load(folder: Path) -> SparseEncoder:
    with loading(str(folder), None):
        return SparseEncoder(str(folder), device="cpu")


def _document_modules(docs: SparseEncoder) -> list[object]:
    """Return the modules that read docs; a Router's route for docs stands for the Router."""
    modules: list[object] = []
    for module in docs:
        if isinstance(module, Router):
            routes = module.sub_modules
            modules += routes["document" if "document" in routes else module.default_route]
        else:
            modules.append(module)
    return modules
