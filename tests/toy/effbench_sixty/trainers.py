"""Hostile trainers."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path
from typing import Any

from effbench_toy import TableTrainer

import effbench
from effbench_sixty.hostile import ERRORS, Hostile, Table
from effbench_sixty.states import ENDS, OUTPUTS, STATES, UNNAMED


def about(text: bytes | str) -> Any:
    """Return the deed of saying this in about.json."""

    def deed(_: Any, folder: Path) -> None:
        data = text.encode() if isinstance(text, str) else text
        (folder / effbench.ABOUT).write_bytes(data)

    return deed


def empties(_: Any, folder: Path) -> None:
    """Leave an empty folder."""
    for path in folder.iterdir():
        path.unlink()


def leaves(name: str, data: bytes = b"x") -> Any:
    """Return the deed of leaving a file of this name beside the model."""

    def deed(_: Any, folder: Path) -> None:
        path = Path(os.fsdecode(os.fsencode(folder / name)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    return deed


def links(target: str, name: str = "link") -> Any:
    """Return the deed of leaving a link."""
    return lambda _, folder: (folder / name).symlink_to(target)


def pipe(_: Any, folder: Path) -> None:
    os.mkfifo(folder / "pipe")


def about_is_a_folder(_: Any, folder: Path) -> None:
    (folder / effbench.ABOUT).mkdir()


def about_is_a_pipe(_: Any, folder: Path) -> None:
    os.mkfifo(folder / effbench.ABOUT)


def deletes(parent: int, below: str = "") -> Any:
    """Return the deed of deleting a folder so far above its own, or one below that."""

    def deed(_: Any, folder: Path) -> None:
        shutil.rmtree([folder, *folder.parents][parent] / below)

    return deed


def is_a_file(_: Any, folder: Path) -> None:
    """Put a file in place of the folder."""
    shutil.rmtree(folder)
    folder.write_bytes(b"model")


def is_a_link(_: Any, folder: Path) -> None:
    """Put a link to another folder in place of the folder."""
    elsewhere = folder.parents[2] / "elsewhere"
    shutil.move(folder, elsewhere)
    folder.symlink_to(elsewhere)


def manifest(_: Any, folder: Path) -> None:
    """Write the file that says that the step is finished."""
    (folder.parent / "manifest.json").write_text('{"seconds": 0}')


FAILS: Table = {
    "init": {name: ERRORS[name] for name in ("Exception", "SystemExit", "BaseException")},
    "train": {
        **{n: ERRORS[n] for n in ("Exception", "GeneratorExit", "MemoryError", "newlines")},
        "an error of a file": ERRORS["an error of a file"],
        "leaves nothing": empties,
        "deletes its folder": deletes(0),
        "deletes its step": deletes(1),
        "a file in place of the folder": is_a_file,
        "about.json: 1e999": about('{"loss": 1e999}'),
        "about.json: NaN": about('{"loss": NaN}'),
        "about.json: no JSON": about("loss: 3"),
        "about.json: a list": about("[1]"),
        "about.json: deep": about('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"),
        "about.json: no UTF-8": about(b'{"a": "\xff"}'),
        "about.json: half a character": about('{"a": "\\ud83d"}'),
        "about.json: digits": about('{"a": ' + "9" * 10_000 + "}"),
        "about.json: four megabytes": about('{"a": "' + "x" * 2**22 + '"}'),
        "about.json: remarks": about('{"remarks": [1]}'),
    },
}
STANDS: Table = {
    "train": {
        "a pickle": leaves("model.pkl", pickle.dumps({"table": 1})),
        "a folder of folders": leaves("a/" * 40 + "b"),
        "about.json: empty": about("{}"),
        "about.json: half a megabyte": about('{"a": "' + "x" * 2**19 + '"}'),
        "about.json: control characters": about('{"remarks": ["\\u001b[2Jgone"]}'),
        "seeds": STATES["seeds"],
        "torch's determinism": STATES["torch's determinism"],
        "torch's gradients": STATES["torch's gradients"],
        "prints": OUTPUTS["prints"],
        "writes to fd 1": UNNAMED["writes to fd 1"],
        "a thread that stays": ENDS["a thread that stays"],
    },
}
EITHER: Table = {
    "train": {
        "a pipe": pipe,
        "a link out of the folder": links("/etc/passwd"),
        "a link to itself": links("link"),
        "a link to endless zeros": links("/dev/zero"),
        "a link in place of the folder": is_a_link,
        "about.json: a folder": about_is_a_folder,
        "about.json: a pipe": about_is_a_pipe,
        "its own manifest.json": leaves("manifest.json", b"{}"),
        "the step's manifest.json": manifest,
        "a name with a newline": leaves("a\nb"),
        "a name that is no text": leaves("a\udcff"),
        "about.json: our own names": about('{"folder": 7, "name": null}'),
        "deletes what queries came to": deletes(3, "queries"),
        "deletes what it learns from": deletes(3, "texts"),
    },
}
PLANS: Table = {"check": {"no text": ERRORS["no text"]}}


class SixtyTrainer(Hostile, TableTrainer):
    """Learns a table of words, and does something hostile."""

    tables = (FAILS, STANDS, EITHER, PLANS)

    def __init__(self, targets: effbench.EncodedTexts, *, does: str) -> None:
        self.does = does
        super().__init__(targets)
        self.at("init")

    def train(self, output_dir, *, seed):
        super().train(output_dir, seed=seed)
        self.at("train", output_dir)
