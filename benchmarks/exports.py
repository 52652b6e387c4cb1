"""Compare the vectors of exported rows, which are loaded without effbench, with the rows' own.

    python benchmarks/exports.py SUITE ROW [ROW:OPTION=VALUE ...] --beir FOLDER [--split test]
        --data FOLDER --cache FOLDER

The rows of SUITE are run on one dataset and exported; ``gru:int8=true`` stands for the row
``gru`` with one more option. Models that the cache lacks are trained. A process that cannot
import effbench loads each export, through Sentence Transformers and, where the export has one,
through the light reader. It encodes the queries of the split and the first 300 docs. They are
compared with the row's own vectors in the cache, which were searched. A figure is the largest
difference of two numbers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from effbench_beir import Folder

PASSAGES = 300
WITHOUT_EFFBENCH = """\
import json, sys
from pathlib import Path

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("effbench"):
            raise ImportError(name)

sys.meta_path.insert(0, Absent())
import numpy as np
from sentence_transformers import SentenceTransformer

place = Path(sys.argv[1])
texts = json.loads((place / "texts.json").read_text())
for folder in sorted((place / "exports").iterdir()):
    model = SentenceTransformer(str(folder), device="cpu", trust_remote_code=True)
    found = {
        "queries": model.encode_query(texts["queries"]),
        "passages": model.encode_document(texts["passages"]),
    }
    if (folder / "reader.py").exists():
        sys.path.insert(0, str(folder))
        import reader

        found["reader"] = reader.Encoder(folder).encode(texts["queries"])
        del sys.path[0], sys.modules["reader"]
    np.savez(place / folder.name, **found)
"""


def main() -> None:
    """Print a line for each row."""
    options = parse()
    try:
        suite = suite_of(options)
    except (OSError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    with TemporaryDirectory() as folder:
        print("| row | queries, Sentence Transformers | queries, light reader | passages |")
        print("| --- | ---: | ---: | ---: |")
        for row, wanted, found in compared(options, suite, Path(folder)):
            apart = [
                f"{np.abs(found[name] - vectors).max():.0e}" if name in found else "-"
                for name, vectors in wanted.items()
            ]
            print(f"| {row} | {' | '.join(apart)} |")


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", type=Path)
    parser.add_argument("rows", nargs="+", metavar="ROW[:OPTION=VALUE]")
    parser.add_argument("--beir", type=Path, required=True, help="a dataset in BEIR's layout")
    parser.add_argument("--split", default="test")
    parser.add_argument("--data", required=True)
    parser.add_argument("--cache", type=Path, required=True)
    return parser.parse_args()


def compared(
    options: argparse.Namespace, suite: dict[str, Any], place: Path
) -> list[tuple[str, Any, Any]]:
    """Return for each row its own vectors and those of its export, by their names."""
    (place / "suite.yaml").write_text(yaml.safe_dump(suite, sort_keys=False))
    dataset = f"{options.beir.name}/{options.split}"
    at = [place / "suite.yaml", "--data", options.data, "--cache", options.cache]
    at += ["--results", place / "results"]
    names = [name_of(row) for row in options.rows]
    chosen = [option for name in names for option in ("--only", name)]
    effbench("run", *at, *chosen)
    for name in names:
        effbench("export", *at[:1], name, place / "exports" / name, *at[1:])
    steps = json.loads(effbench("plan", *at, "--steps", "--json"))["steps"]
    folders = {step["label"]: options.cache / step["kind"] / step["key"] for step in steps}
    wanted = {}
    for name in names:
        queries = read(folders[f"encode {name} queries of {dataset}"])
        passages = suite["encoders"][name].get("passages", name)
        docs = read(folders[f"encode {passages} corpus of {dataset}"])[:PASSAGES]
        wanted[name] = {"queries": queries, "reader": queries, "passages": docs}
    texts = texts_of(Folder(path=options.beir, split=options.split))
    (place / "texts.json").write_text(json.dumps(texts))
    subprocess.run([sys.executable, "-c", WITHOUT_EFFBENCH, place], check=True)
    return [
        (row, wanted[name], np.load(place / f"{name}.npz"))
        for row, name in zip(options.rows, names, strict=True)
    ]


def suite_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the suite with the rows of ``options``, one dataset, and no latency.

    Raises:
        ValueError: the suite has no such row of encoders, or an option has no value.

    """
    suite = yaml.safe_load(options.suite.read_text())
    suite["latency"] = False
    suite["datasets"] = [
        {"use": "folder", "path": str(options.beir.resolve()), "split": options.split}
    ]
    given = suite.pop("encoders", {})
    rows = suite["encoders"] = {}
    for row in options.rows:
        name, _, option = row.partition(":")
        key, has_value, value = option.partition("=")
        passages = given.get(name, {}).get("passages", name)
        for each in (name, passages):
            if each not in given:
                known = ", ".join(given)
                raise ValueError(f"{options.suite}: no row {each!r} in encoders ({known})")
        if option and not has_value:
            raise ValueError(f"{row}: an option without a value (say {name}:{key}=VALUE)")
        more = {key: yaml.safe_load(value)} if key else {}
        rows[name_of(row)] = {**given[name], **more}
        rows.setdefault(passages, given[passages])
    return suite


def name_of(row: str) -> str:
    """Return the name that a row has in the copy of the suite: ``gru-int8-true``."""
    return row.translate(str.maketrans(":=", "--"))


def effbench(*arguments: Any) -> str:
    """Run a command of effbench; return what it prints to stdout."""
    command = [Path(sys.executable).with_name("effbench"), *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:  # effbench has said why, on stderr
        sys.exit(f"Error: effbench {arguments[0]} failed, as said above")
    return done.stdout


def read(folder: Path) -> NDArray[np.float32]:
    """Return the vectors of a step, float32 [n, d], in the order of the dataset."""
    return np.concatenate([np.load(file) for file in sorted(folder.glob("*.npy"))])


def texts_of(dataset: Folder) -> dict[str, list[str]]:
    """Return the texts of the judged queries and of the first docs."""
    docs = [doc.default_text() for doc, _ in zip(dataset.docs(), range(PASSAGES), strict=False)]
    return {"queries": [query.text for query in dataset.queries()], "passages": docs}


if __name__ == "__main__":
    main()
