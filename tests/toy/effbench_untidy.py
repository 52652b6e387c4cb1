"""Rows that leave the process otherwise than they found it, and print."""

from __future__ import annotations

import atexit
import ctypes
import gc
import io
import locale
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
import weakref

import effbench_toy

import effbench

if "UNTIDY_PRINTS" in os.environ:
    print("untidy is loaded")  # noqa: T201


@effbench.hookimpl
def effbench_encoders():
    return {"untidy": UntidyEncoder, "fat": FatEncoder}


@effbench.hookimpl
def effbench_datasets():
    return {"untidy": UntidyDataset}


@effbench.hookimpl
def effbench_indexes():
    return {"fat": FatIndex}


def _environ():
    os.environ["OMP_NUM_THREADS"] = "77"
    os.environ["UNTIDY"] = "1"
    os.environ.pop("PATH", None)


def _path():
    sys.path[:] = [tempfile.gettempdir(), *(one for one in sys.path if "toy" not in one)]


def _torch(change):
    import torch

    change(torch)


def _numpy(change):
    import numpy

    change(numpy)


def _streams():
    sys.stdout = sys.stderr = io.StringIO()


def _alarm():
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 1000)


def _decimal():
    import decimal

    decimal.getcontext().prec = 2


SEED = 987_654_321  # which no test before it has set
MESS = {
    "folder": lambda: os.chdir(tempfile.gettempdir()),
    "gone folder": lambda: gone_folder(),
    "umask": lambda: os.umask(0o777),
    "environment": _environ,
    "path": _path,
    "locale": lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8"),
    "random": lambda: random.seed(SEED),
    "numpy seed": lambda: _numpy(lambda np: np.random.seed(SEED)),
    "numpy errors": lambda: _numpy(lambda np: np.seterr(all="raise")),
    "numpy printing": lambda: _numpy(lambda np: np.set_printoptions(precision=1)),
    "torch dtype": lambda: _torch(lambda torch: torch.set_default_dtype(torch.float64)),
    "torch device": lambda: _torch(lambda torch: torch.set_default_device("meta")),
    "torch grad": lambda: _torch(lambda torch: torch.set_grad_enabled(False)),
    "torch threads": lambda: _torch(lambda torch: torch.set_num_threads(3)),
    "torch seed": lambda: _torch(lambda torch: torch.manual_seed(SEED)),
    "torch deterministic": lambda: _torch(lambda t: t.use_deterministic_algorithms(True)),
    "signals": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    "alarm": _alarm,
    "warnings": lambda: warnings.simplefilter("always"),
    "logging": lambda: (logging.basicConfig(level=1, force=True), logging.disable(50)),
    "recursion": lambda: sys.setrecursionlimit(500),
    "sockets": lambda: socket.setdefaulttimeout(0.001),
    "gc": lambda: (gc.disable(), gc.set_threshold(1)),
    "trace": lambda: sys.settrace(lambda *_: None),
    "hooks": lambda: setattr(sys, "excepthook", print),
    "streams": _streams,
    "decimal": _decimal,
}


def gone_folder():
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    os.rmdir(folder)  # noqa: PTH106


class UntidyEncoder(effbench_toy.WordsEncoder):
    """Hashed words, and a mess."""

    def __init__(self, *, mess: str = "", end: str = "") -> None:
        super().__init__()
        self.mess, self.end = mess, end
        if mess == "early":
            for make in MESS.values():
                make()

    def encode_corpus(self, docs):
        vectors = super().encode_corpus(docs)
        for name, make in MESS.items():
            if self.mess == name or (self.mess == "all" and name != "gone folder"):
                make()
        self.say()
        self.leave()
        return vectors

    def say(self):
        if self.mess == "prints":
            print("one\ntwo")  # noqa: T201
            print("begun", end="")  # noqa: T201
            sys.stdout.write("")
        if self.mess == "says":
            torch = sys.modules["torch"]
            dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
            device, strict = (
                torch.get_default_device(),
                torch.are_deterministic_algorithms_enabled(),
            )
            print(dtype, grad, device, strict)  # noqa: T201
        if self.mess == "prints below":
            os.write(1, b"from descriptor 1\n")
            subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
            libc = ctypes.CDLL(None)
            libc.puts(b"from C")
            sys.stdout.buffer.write(b"from the buffer\n")
            sys.__stdout__.write("from the first stdout\n")

    def leave(self):
        if self.end == "thread":
            threading.Thread(target=time.sleep, args=(600,), name="sleeper").start()
        if self.end == "printing thread":
            threading.Thread(target=keep_printing, daemon=True, name="printer").start()
        if self.end == "atexit":
            atexit.register(time.sleep, 600)
        if self.end == "printing atexit":
            atexit.register(print, "at the end")
        if self.end == "raising thread":
            thread = threading.Thread(target=lambda: 1 / 0, name="divider")
            thread.start()
            thread.join()


def keep_printing():
    while True:
        print("from a thread")  # noqa: T201
        time.sleep(0.001)


class UntidyDataset(effbench_toy.ToyDataset):
    """Toys whose docs change the process between one and the next."""

    def __init__(self) -> None:
        super().__init__(name="untidy")

    def docs(self):
        for doc in super().docs():
            yield doc
            for name, make in MESS.items():
                if name not in ("streams", "gone folder"):
                    make()


ALIVE = weakref.WeakSet()
"""The fat rows that are in memory."""


class FatEncoder(effbench_toy.WordsEncoder):
    """Fails, or says how many fat rows are in memory."""

    def __init__(self, *, fails: str = "") -> None:
        super().__init__()
        self.fails = fails
        effbench_toy.note(f"{len(ALIVE)} fat rows are in memory")
        ALIVE.add(self)
        self.me = self  # only the collector frees it
        if fails == "init":
            raise MemoryError("too fat")

    def encode_corpus(self, docs):
        if self.fails == "corpus":
            raise MemoryError("too fat")
        return super().encode_corpus(docs)


class FatIndex(effbench_toy.PlainIndex):
    """The same for an index."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.fails = fails
        effbench_toy.note(f"{len(ALIVE)} fat rows are in memory")
        ALIVE.add(self)

    def build(self, vectors):
        super().build(vectors)
        if self.fails:
            raise MemoryError("too fat")
