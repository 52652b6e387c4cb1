"""Options of all plugins: numbers out of range are found when a suite is planned."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

for module in ("accelerate", "bm25s", "faiss", "sentence_transformers"):
    pytest.importorskip(module, reason="needs all plugins' packages")

TRAIN = {"use": "toy", "name": "train"}
DATA = {"examples": [{"judgments": TRAIN}]}
OTHERS = {
    "models": "prompt",
    "of": [{"use": "toy", "name": "b", "docs": 20}],
    "features": "words",
}
SUITE: dict[str, Any] = {
    "suite": "bounds",
    "datasets": [{"use": "toy"}],
    "measures": ["nDCG@10"],
    "models": {
        "mined": {
            "use": "mine",
            "hits": {"dataset": TRAIN, "row": "words", "index": "plain", "depth": 20},
        },
        "student": {
            "use": "align",
            "base": "some/model",
            "cell": "gru",
            "targets": {"texts": [{"queries": {"use": "toy"}}], "encoder": "words"},
        },
        "tuned": {"use": "contrastive", "base": "some/model", "data": DATA},
        "prompt": {"use": "prompt", "backbone": "some/model", "data": DATA},
        "domain": {"use": "prompt-domain", "start": "prompt", "data": DATA},
        "mix": {"use": "prompt-mix", "prompts": OTHERS},
    },
    "encoders": {
        "words": {"use": "words"},
        "prompted": {"use": "soft-prompt", "model": "prompt"},
        "pooled": {"use": "transformer", "model": "some/model"},
        "given": {"use": "sentence-transformers", "model": "some/model"},
    },
    "retrievers": {"bm25": {"use": "bm25"}},
    "indexes": {
        "plain": {"use": "plain"},
        "exact": {"use": "exact"},
        "flat": {"use": "faiss", "factory": "Flat"},
    },
    "latency": False,
}

OF_LOOPS = {
    "epochs": (0, 1, "1 or more"),
    "learning_rate": (0, 0.001, "more than 0"),
    "batch_size": (0, 1, "1 or more"),
    "checkpoint_steps": (0, 1, "1 or more"),
    "max_length": (0, 1, "1 or more"),
}
OF_CONTRASTS = {
    **OF_LOOPS,
    "query_max_length": (0, 1, "1 or more"),
    "negatives": (-1, 0, "0 or more"),
    "temperature": (0, 0.01, "more than 0"),
    "warmup_ratio": (0.51, 0.5, "0 to 0.5"),
}
OF_ENCODERS = {
    "max_length": (0, 1, "1 or more"),
    "query_max_length": (0, 1, "1 or more"),
    "batch_tokens": (0, 1, "1 or more"),
}
BOUNDS: dict[tuple[str, str], dict[str, tuple[float, float, str]]] = {
    ("models", "mined"): {
        "negatives": (0, 1, "1 or more"),
        "first_rank": (0, 1, "1 or more"),
    },
    ("models", "student"): {
        **OF_LOOPS,
        "layers": (0, 1, "1 or more"),
        "hidden": (0, 1, "1 or more"),
        "feed_forward": (-1, 0, "0 or more"),
        "warmup_steps": (-1, 0, "0 or more"),
    },
    ("models", "tuned"): {
        **OF_CONTRASTS,
        "query_learning_rate": (-1, 1, "more than 0"),
        "cached": (0, 1, "1 or more"),
    },
    ("models", "prompt"): {**OF_CONTRASTS, "length": (0, 1, "1 or more")},
    ("models", "domain"): {
        "held_out": (0, 1, "1 or more"),
        "clusters": (0, 1, "1 or more"),
    },
    ("models", "mix"): {
        "top": (0, 1, "1 or more"),
        "temperature": (-0.1, 1, "more than 0"),
    },
    ("encoders", "prompted"): OF_ENCODERS,
    ("encoders", "pooled"): OF_ENCODERS,
    ("encoders", "given"): {
        "max_length": (0, 1, "1 or more"),
        "batch_size": (0, 1, "1 or more"),
    },
    ("retrievers", "bm25"): {"k1": (-1, 0, "0 or more"), "b": (1.5, 1, "0 to 1")},
    ("indexes", "exact"): {
        "block": (0, 1, "1 or more"),
        "memory": (-0.5, 0, "0 or more"),
    },
    ("indexes", "flat"): {
        "train_sample": (0, 1, "1 or more"),
        "build_threads": (0, 1, "1 or more"),
        "seed": (-1, 2**31 - 1, "0 to 2,147,483,647"),
    },
}
"""Section and row -> option -> a number out of its range, one at its end, and the range."""


def planned(effbench, suite, which: int):
    """Plan the suite with each option at the number in place ``which`` of its entry."""
    given = copy.deepcopy(SUITE)
    for (section, row), options in BOUNDS.items():
        given[section][row] |= {option: entry[which] for option, entry in options.items()}
    return effbench("plan", suite(json.dumps(given, indent=1)))


def test_numbers_at_the_end_of_their_range_are_taken(effbench, suite) -> None:
    found = planned(effbench, suite, 1)
    assert found.exit_code == 0, found.output


def test_every_number_out_of_its_range_is_a_line(effbench, suite) -> None:
    found = planned(effbench, suite, 0)
    assert found.exit_code == 2
    lines = re.findall(r"suite\.yaml:\d+: (.* is out of range .*)", found.stderr)
    assert sorted(lines) == sorted(
        f"{section}.{row}.{option}: {entry[0]} is out of range (take {entry[2]})"
        for (section, row), options in BOUNDS.items()
        for option, entry in options.items()
    )


def test_a_search_option_out_of_its_range_is_a_line(effbench, suite) -> None:
    given = copy.deepcopy(SUITE)
    given["indexes"]["flat"]["search"] = {"nprobe": [1, 0], "k_factor_rf": [0.5, 1]}
    found = effbench("plan", suite(json.dumps(given, indent=1)))
    for option, value in (("nprobe", 0), ("k_factor_rf", 0.5)):
        place = f"indexes.flat.search.{option}"
        assert f"{place}: {value} is out of range (take 1 or more)" in found.stderr
