"""The ready rows: the method on BERT, its backbone alone, and all-MiniLM-L6-v2 as features.

The options are those of suites/soft-prompt-beir.yaml, which has more baselines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from effbench_transformer.ready import MINILM, MINILM_NAME

BERT = {
    "model": "google-bert/bert-base-uncased",
    "revision": "86b5e0934494bd15c9632b12f734a8a67f723594",
}
MIXTURE = ("nq", "trivia", "webquestions", "curatedtrec")
"""The training files of DPR on which the base prompt is trained."""

BASE: Mapping[str, Any] = {
    "use": "prompt",
    "backbone": BERT["model"],
    "revision": BERT["revision"],
    "length": 40,
    "pooling": "mean",
    "normalize": True,
    "temperature": 0.05,
    "query_max_length": 64,
    "max_length": 192,
    "data": {"examples": [{"docpairs": {"use": "dpr", "name": name}} for name in MIXTURE]},
    "negatives": 1,
    "epochs": 40,
    "learning_rate": 0.001,
    "batch_size": 128,
    "bf16": True,
}
DOMAIN: Mapping[str, Any] = {
    "use": "prompt",
    "start": "soft-prompt-base",
    "temperature": 0.05,
    "data": {"examples": [{"training": "target", "first": 10_000}]},
    "epochs": 40,
    "learning_rate": 0.001,
    "batch_size": 32,
    "bf16": True,
}
TRANSFER: Mapping[str, Any] = {
    "use": "prompt-mix",
    "prompts": {
        "models": "soft-prompt-domain",
        "of": "others",
        "features": MINILM_NAME,
        "first": 100,
    },
    "similarity": "average",
    "top": 5,
    "temperature": 0.1,
}


PROMPTS = {
    "soft-prompt-base": "soft-prompt-base",
    "soft-prompt-own": "soft-prompt-domain",
    "soft-prompt-transfer": "soft-prompt-transfer",
}
"""Name of an encoder -> the model that is its prompt."""


def ready_rows() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Return the backbone alone, and with its base prompt, a domain's own, and a mixed one."""
    prompted = {
        name: {"use": "soft-prompt", "model": model, "max_length": 256}
        for name, model in PROMPTS.items()
    }
    backbone = {"use": "transformer", **BERT, "normalize": True, "max_length": 256}
    return {
        "models": {
            "soft-prompt-base": BASE,
            "soft-prompt-domain": DOMAIN,
            "soft-prompt-transfer": TRANSFER,
        },
        "encoders": {MINILM_NAME: MINILM, "bert-base-uncased": backbone, **prompted},
    }
