"""Compare ``effbench evaluate`` with a second implementation, on random inputs.

    python benchmarks/evaluate_oracle.py [--inputs 10000] [--seed 1]

The second implementation, in this file, has its own reader and its own formulas; only the
command that is tried is effbench's. The inputs have ties, scores that differ only as 64-bit
floats, 1e300 and 1e-300, negative and huge grades, unjudged docs, queries without hits,
repeated judgments, both layouts of judgments, lines in any order, gzip, CRLF, byte order marks
and blank lines. The program compares every value of every query.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from click.testing import CliRunner

from effbench.cli.commands import main as effbench

Grades = Mapping[str, int]
TOLERANCE = 1e-9
QUERY_IDS = ("1", "01", "q-1", "p-1", "q1", "Q1", "zażółć", "質問", "0", "-7", "a:b", "10")
DOC_IDS = (*(f"d{i}" for i in range(14)), "D1", "07", "7", "ö", "z", "😀", "é", '"q"')
GRADES = (0, 0, 0, 1, 1, 1, 2, 3, 4, -1, -2, -1_000_000, 1_000_000)
SCORES = (
    *("1", "1.0", "2", "-1", "0", "-0.0", "1e300", "1e-300", "-1e300", "-1e-300", "2E300"),
    *("0.1", "0.10000000000000001", "16777216", "16777217", "1.00000001", "1.00000002", "+3"),
)


def discount(rank: int) -> float:
    """Return the number that divides the gain at a rank; the first rank is 1."""
    return math.log2(rank + 1)


def ndcg(hits: Sequence[str], grades: Grades, k: int) -> float:
    """Return nDCG of Järvelin and Kekäläinen; gains are grades, or 0 for grades below 0."""
    ideal = sorted((max(0, grade) for grade in grades.values()), reverse=True)[:k]
    best = math.fsum(gain / discount(rank) for rank, gain in enumerate(ideal, 1))
    gains = (max(0, grades.get(doc, 0)) for doc in hits[:k])
    total = math.fsum(gain / discount(rank) for rank, gain in enumerate(gains, 1))
    return total / best if best else 0.0


def reciprocal_rank(hits: Sequence[str], grades: Grades, k: int, rel: int = 1) -> float:
    """Return 1 divided by the rank of the first relevant hit."""
    ranks = (rank for rank, doc in enumerate(hits[:k], 1) if grades.get(doc, 0) >= rel)
    return 1 / next(ranks, math.inf)


def relevant(hits: Sequence[str], grades: Grades, k: int, rel: int = 1) -> int:
    """Return how many of the first k hits are relevant."""
    return sum(grades.get(doc, 0) >= rel for doc in hits[:k])


def recall(hits: Sequence[str], grades: Grades, k: int, rel: int = 1) -> float:
    """Return the share of the relevant docs that are among the hits."""
    wanted = sum(grade >= rel for grade in grades.values())
    return relevant(hits, grades, k, rel) / wanted if wanted else 0.0


def precision(hits: Sequence[str], grades: Grades, k: int, rel: int = 1) -> float:
    """Return the number of relevant hits divided by k, also if there are fewer than k hits."""
    return relevant(hits, grades, k, rel) / k


def success(hits: Sequence[str], grades: Grades, k: int, rel: int = 1) -> float:
    """Return 1 if any hit is relevant, else 0."""
    return float(relevant(hits, grades, k, rel) > 0)


FORMULAS: Mapping[str, Callable[[Sequence[str], Grades], float]] = {
    **{f"nDCG@{k}": partial(ndcg, k=k) for k in (1, 3, 10)},
    **{f"RR@{k}": partial(reciprocal_rank, k=k) for k in (2, 10)},
    **{f"R@{k}": partial(recall, k=k) for k in (1, 5, 100)},
    **{f"P@{k}": partial(precision, k=k) for k in (1, 5, 30)},
    **{f"Success@{k}": partial(success, k=k) for k in (1, 5)},
    "nDCG": partial(ndcg, k=10**9),
    "RR": partial(reciprocal_rank, k=10**9),
    "P(rel=2)@5": partial(precision, k=5, rel=2),
    "R(rel=2)@5": partial(recall, k=5, rel=2),
    "RR(rel=3)@10": partial(reciprocal_rank, k=10, rel=3),
    "Success(rel=2)@5": partial(success, k=5, rel=2),
}


def made_up(draw: random.Random) -> tuple[bytes, bytes]:
    """Return a file of judgments and a run file."""
    queries = draw.sample(QUERY_IDS, draw.randint(1, 6))
    judged = [q for q in queries if draw.random() < 0.85] or queries[:1]
    asked = [q for q in queries if draw.random() < 0.85] or queries[:1]
    qrels, run = [], []
    for query in judged:
        for doc in draw.sample(DOC_IDS, draw.randint(1, 9)):
            row = (query, doc, str(draw.choice(GRADES)))
            qrels += [row] * (2 if draw.random() < 0.05 else 1)
    few = draw.sample(SCORES, draw.randint(1, len(SCORES)))  # fewer scores make more ties
    for query in asked:
        for doc in draw.sample(DOC_IDS, draw.randint(1, len(DOC_IDS))):
            plain = repr(draw.uniform(-9, 9))
            score = draw.choice(few) if draw.random() < 0.7 else plain
            run.append((query, "Q0", doc, str(draw.randint(0, 99)), score, "tag"))
    draw.shuffle(qrels)
    draw.shuffle(run)
    beir = draw.random() < 0.4
    head = [("query-id", "corpus-id", "score")] if beir else []
    rows = qrels if beir else [(q, "0", doc, grade) for q, doc, grade in qrels]
    return written([*head, *rows], draw, tabs=beir), written(run, draw, tabs=False)


def written(rows: Sequence[Sequence[str]], draw: random.Random, *, tabs: bool) -> bytes:
    """Return rows as the bytes of a file, in a random layout that occurs in practice."""
    between = "\t" if tabs else draw.choice([" ", "\t", "  ", " \t"])
    end = draw.choice(["\n", "\n", "\r\n"])
    lines = [between.join(row) for row in rows]
    if draw.random() < 0.2:
        lines.insert(draw.randint(1, len(lines)), "")
    text = end.join(lines) + (end if draw.random() < 0.9 else "")
    mark = b"\xef\xbb\xbf" if draw.random() < 0.3 else b""
    content = mark + text.encode()
    return gzip.compress(content, 1, mtime=0) if draw.random() < 0.3 else content


def rows_of(content: bytes) -> list[list[str]]:
    """Return the columns of each line of a file."""
    plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    return [line.split() for line in plain.decode("utf-8-sig").split("\n") if line.strip()]


def expected(qrels: bytes, run: bytes) -> dict[str, dict[str, float]] | None:
    """Return measure -> query -> value, or None if no judged query has a hit."""
    grades: dict[str, dict[str, int]] = {}
    for row in rows_of(qrels):
        if row[0] != "query-id":
            grades.setdefault(row[0], {})[row[-2]] = int(row[-1])
    scored: dict[str, list[tuple[float, str]]] = {}
    for query, _, doc, _, score, _ in rows_of(run):
        scored.setdefault(query, []).append((float(score), doc))
    if not grades.keys() & scored.keys():
        return None
    hits = {
        query: [doc for _, doc in sorted(pairs, reverse=True)]
        for query, pairs in scored.items()
    }
    return {
        name: {query: formula(hits.get(query, []), judged) for query, judged in grades.items()}
        for name, formula in FORMULAS.items()
    }


def difference(qrels: bytes, run: bytes, folder: Path) -> float:
    """Return the largest difference of any value; infinity if the queries differ."""
    packed = {True: ".gz", False: ""}
    paths = []
    for name, content in (("qrels", qrels), ("run", run)):
        path = folder / f"{name}{packed[content[:2] == bytes([0x1F, 0x8B])]}"
        path.write_bytes(content)
        paths.append(str(path))
    options = [word for name in FORMULAS for word in ("-m", name)]
    result = CliRunner().invoke(
        effbench, ["evaluate", *paths, *options, "--per-query", "--json"]
    )
    wanted = expected(qrels, run)
    if wanted is None:
        return (
            0.0
            if result.exit_code == 2 and "none of the queries" in result.stderr
            else math.inf
        )
    if result.exit_code:
        return math.inf
    return distance(json.loads(result.stdout), wanted)


def distance(
    printed: Mapping[str, Mapping], wanted: Mapping[str, Mapping[str, float]]
) -> float:
    """Return the largest difference between the printed and the expected values."""
    if printed["per_query"].keys() != wanted.keys():
        return math.inf
    most = 0.0
    for name, by_query in wanted.items():
        values = printed["per_query"][name]
        if values.keys() != by_query.keys():
            return math.inf
        mean = math.fsum(by_query.values()) / len(by_query)
        parts = [abs(values[query] - value) for query, value in by_query.items()]
        most = max(most, abs(printed["mean"][name] - mean), *parts)
    return most


def compare(inputs: int, seed: int) -> tuple[float, list[int], int]:
    """Return the largest difference, the inputs that differ, and the number of values."""
    worst, wrong, values = 0.0, [], 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(inputs):
            qrels, run = made_up(random.Random(f"{seed}-{number}"))
            largest = difference(qrels, run, Path(folder))
            values += sum(map(len, (expected(qrels, run) or {}).values()))
            worst = max(worst, largest)
            if largest > TOLERANCE:
                wrong.append(number)
    return worst, wrong, values


def main() -> None:
    """Compare, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    start = time.monotonic()
    worst, wrong, values = compare(options.inputs, options.seed)
    print(
        f"{options.inputs} inputs, {len(FORMULAS)} measures, {values} values of queries: "
        f"largest difference {worst:.2g}, {len(wrong)} inputs above {TOLERANCE:g} "
        f"({time.monotonic() - start:.0f} s)"
    )
    if wrong:
        print(f"first of them: {wrong[:10]} of seed {options.seed}")
        sys.exit(1)


if __name__ == "__main__":
    main()
