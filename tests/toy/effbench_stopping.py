"""Plugins that are at work when a signal comes."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

from effbench_toy import WordsEncoder

import effbench
from effbench.files import postponed

Deed = Literal[
    "nothing", "waits", "swallows", "is deaf", "cleans for ever", "starts children",
    "ends a fork", "keeps its work", "never asks",
]  # fmt: skip


@effbench.hookimpl
def effbench_encoders():
    return {"stopping": StoppingEncoder, "stopping-model": StoppingModel}


@effbench.hookimpl
def effbench_trainers():
    return {"stopping": StoppingTrainer}


def note(text):
    """Tell a test that this is where a signal may come."""
    with Path(os.environ["STOPPING_LOG"]).open("a") as log:
        log.write(f"{text}\n")


def wait():
    note("ready")
    time.sleep(600)


def swallow():
    """Do as trainers do that stop early when somebody presses Ctrl-C."""
    try:
        wait()
    except BaseException:
        note("swallowed")


def be_deaf():
    """Stay in C, which lets other threads run but hears no signal."""
    note("ready")
    lock = ctypes.create_string_buffer(256)
    libc = ctypes.CDLL(None)
    libc.pthread_mutex_init(lock, None)
    libc.pthread_mutex_lock(lock)
    libc.pthread_mutex_lock(lock)  # for ever: a signal does not wake it


def clean_for_ever():
    try:
        wait()
    finally:
        note("cleaning")
        time.sleep(600)


def start_children():
    """Leave a process, one that ignores SIGTERM, and one that a child has started."""
    ignore = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ignore!r}])"
    for script in ("import time; time.sleep(600)", ignore, nested):
        process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
        note(f"child {process.pid}")
    time.sleep(1)
    wait()


def end_a_fork():
    """End a forked child as pools do: it must die of it, and we must not."""
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    child.start()
    child.terminate()
    child.join(30)
    note(f"fork ended with {child.exitcode}")


def keep_work():
    with postponed() as asked:
        note("ready")
        while not asked():
            time.sleep(0.05)
        note("kept")


def never_ask():
    with postponed():
        wait()


DEEDS = {
    "nothing": lambda: None, "waits": wait, "swallows": swallow, "is deaf": be_deaf,
    "cleans for ever": clean_for_ever, "starts children": start_children,
    "ends a fork": end_a_fork, "keeps its work": keep_work, "never asks": never_ask,
}  # fmt: skip


class StoppingEncoder(WordsEncoder):
    """Hashed words; does something while it encodes the corpus."""

    def __init__(self, *, does: effbench.SpeedOnly[Deed] = "nothing") -> None:
        super().__init__()
        self.does = does

    def encode_corpus(self, docs):
        DEEDS[self.does]()
        return super().encode_corpus(docs)


class StoppingTrainer:
    """Makes steps, each of which is kept, and waits in the midst of them."""

    def __init__(self, *, steps: int = 4) -> None:
        self.steps = steps

    def train(self, output_dir, *, seed):
        begin = len(list(output_dir.glob("step-*")))
        effbench.tell_steps(begin, self.steps)
        note(f"training from {begin}")
        for step in range(begin, self.steps):
            (output_dir / f"step-{step}").touch()
            effbench.tell_steps(step + 1, self.steps)
            if step == 1 and begin == 0:
                wait()


class StoppingModel(WordsEncoder):
    """Hashed words; a model that was trained."""

    def __init__(self, model: effbench.TrainedModel) -> None:
        super().__init__()

    def export(self, folder, passages):
        (folder / "width.txt").write_text(str(self.width))
