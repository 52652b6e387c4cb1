"""The ready rows: three students of all-MiniLM-L6-v2, aligned on MS MARCO's queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from effbench_transformer.ready import MINILM, MINILM_NAME

STUDENTS: Mapping[str, Mapping[str, Any]] = {
    "small-query-static": {"cell": "static", "epochs": 4, "learning_rate": 0.003},
    "small-query-gru": {
        "cell": "gru",
        "start": "vectors",
        "epochs": 2,
        "learning_rate": 0.002,
    },
    "small-query-2-layers": {
        "cell": "transformer",
        "layers": 2,
        "start": "skipping",
        "epochs": 1,
        "learning_rate": 0.0005,
    },
}
"""Name of a student -> its own options: those of suites/recipe.yaml."""

ALIGNED = {
    "use": "align",
    "base": MINILM["model"],
    "revision": MINILM["revision"],
    "embeddings": "free",
    "warmup_steps": 200,
    "batch_size": 128,
    "max_length": 40,
    "targets": {"encoder": MINILM_NAME, "texts": [{"queries": "msmarco-passage/train"}]},
}
"""The options that all students share. They see no text of a collection that is searched."""


def ready_rows() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Return the teacher and the students, with the models that they are."""
    return {
        "models": {name: {**ALIGNED, **options} for name, options in STUDENTS.items()},
        "encoders": {
            MINILM_NAME: MINILM,
            **{
                name: {"use": "small-query", "model": name, "passages": MINILM_NAME}
                for name in STUDENTS
            },
        },
    }
