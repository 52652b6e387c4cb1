"""Export of a sparse student: it and its passage encoder as one `SparseEncoder`."""

from __future__ import annotations

import inspect
import json
import shutil
from pathlib import Path

from sentence_transformers import SparseEncoder
from transformers.tokenization_utils_base import VERY_LARGE_INTEGER

from effbench import READER
from effbench_small_query import light_sparse
from effbench_small_query.exporting import refuse_no_passages
from effbench_sparse.exporting import Part, docs_of, write
from effbench_transformer.loading import loading

QUERY_FOLDER = "query_0_SparseStaticEmbedding"
"""The name that a Router gives to the folder of its first module."""

ABOUT = """\
Queries are read without a network: each word has a weight. Passages go through a network."""

LIGHT = """\
`reader.py` in this folder reads queries as the row does whose time is on the leaderboard. It
needs numpy and tokenizers, neither torch nor Sentence Transformers:

```python
from reader import Encoder  # with this folder on sys.path, or reader.py copied to your code

queries = Encoder("this folder").encode(["a query"])  # a dict of word numbers and weights each
```

It reads `reader.json` and the folder `{student}`. No prompt is put before a query, and none is
cut."""


def export(student: Path, folder: Path, passages: Path | None) -> None:
    """Write the student and the passage encoder, a `SparseEncoder`, into ``folder``.

    Raises:
        EffbenchError: there is no passage encoder, or it cannot be loaded, or it keeps only
            some words of a vector.

    """
    docs = docs_of(refuse_no_passages(passages))
    with loading(str(student), None):
        queries = SparseEncoder(str(student), device="cpu")
    for table in queries:
        table.tokenizer.model_max_length = VERY_LARGE_INTEGER  # the row cuts no query
    light = LIGHT.format(student=QUERY_FOLDER)
    write(folder, Part(list(queries), "", None), docs, about=ABOUT, light=light)
    shutil.copyfile(inspect.getfile(light_sparse), folder / READER)
    facts = json.dumps({"student": QUERY_FOLDER}, indent=1)
    (folder / light_sparse.FACTS).write_text(facts, encoding="utf-8")
