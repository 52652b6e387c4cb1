"""Changes of the process that a plugin may leave behind, and what a witness sees of them."""

from __future__ import annotations

import atexit
import gc
import inspect
import io
import locale
import logging
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from effbench_sixty.hostile import Deed

ENTERED: list[Any] = []
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1)


def witnessed() -> dict[str, Any]:
    """Return what an honest plugin may see of its process, and rely on."""
    os.umask(mask := os.umask(0))
    return {
        "folder": os.getcwd(),  # noqa: PTH109
        "umask": mask,
        "environment": sorted(os.environ.items()),
        "locale": locale.setlocale(locale.LC_ALL),
        "torch": (
            torch.get_default_dtype(),
            torch.get_default_device(),
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(),
            torch.is_inference_mode_enabled(),
            torch.is_autocast_enabled("cpu"),
            torch.backends.mkldnn.enabled,
            float(torch.tensor(5e-324, dtype=torch.float64) * 1),
        ),
        "numpy": (sorted(np.geterr().items()), str(np.get_printoptions())),
        "seeds": (
            hash(random.getstate()),
            zlib.crc32(np.random.get_state()[1].tobytes()),  # noqa: NPY002
            zlib.crc32(torch.get_rng_state().numpy().tobytes()),
        ),
        "warnings": [str(line[:3]) for line in warnings.filters],
        "signals": [_named(signal.getsignal(number)) for number in SIGNALS],
        "recursion": sys.getrecursionlimit(),
        "logging": (logging.root.manager.disable, logging.root.level),
        "garbage": gc.isenabled(),
        "path": sys.path,
        "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "socket": socket.getdefaulttimeout(),
        "turns": sys.getswitchinterval(),
        "places": (sys.executable, tempfile.gettempdir(), len(sys.meta_path) > 2),
        "digits": sys.get_int_max_str_digits(),
    }


def _named(handler: Any) -> str:
    """Return what tells a handler from others, in all processes: a method shows an address."""
    return getattr(handler, "__qualname__", str(handler))


def doing(call: Callable[[], Any]) -> Deed:
    """Return the deed of doing something beside the honest answer."""

    def deed(_: Any, honest: Any) -> Any:
        call()
        return honest

    return deed


def entering(make: Callable[[], Any]) -> Deed:
    """Return the deed of entering a context that is never left."""

    def enter() -> None:
        ENTERED.append(make())
        ENTERED[-1].__enter__()

    return doing(enter)


def deleted(call: Callable[[], Any]) -> Deed:
    """Return the deed of leaving an object that does something when it is deleted."""

    class Deleted:
        def __del__(self) -> None:
            call()

    def deed(plugin: Any, honest: Any) -> Any:
        plugin.itself, plugin.deleted = plugin, Deleted()
        return honest

    return deed


def shallow() -> None:
    sys.setrecursionlimit(len(inspect.stack()) + 20)


def few_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))


def fails_at_exit() -> None:
    def fail() -> None:
        raise ValueError("at the exit")

    atexit.register(fail)


def aborting_child() -> None:
    code = "import os, resource as r; r.setrlimit(r.RLIMIT_CORE, (0, 0)); os.abort()"
    subprocess.run([sys.executable, "-S", "-c", code], check=False)


def thread_that_raises() -> None:
    def fail() -> None:
        raise ValueError("in a thread")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


def thread_that_exits() -> None:
    thread = threading.Thread(target=sys.exit, args=(0,))
    thread.start()
    thread.join()


def stays() -> None:
    threading.Thread(target=time.sleep, args=(3600,)).start()


def seeds() -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)


STATES: dict[str, Deed] = {
    "goes to another folder": doing(lambda: os.chdir("/")),
    "umask": doing(lambda: os.umask(0o777)),
    "no environment": doing(os.environ.clear),
    "a variable": doing(lambda: os.environ.update(RANK="1", WORLD_SIZE="2", HF_HOME="/x")),
    "locale": doing(lambda: locale.setlocale(locale.LC_ALL, "C")),
    "torch's dtype": doing(lambda: torch.set_default_dtype(torch.float64)),
    "torch's device": doing(lambda: torch.set_default_device("meta")),
    "torch's threads": doing(lambda: torch.set_num_threads(3)),
    "torch's gradients": doing(lambda: torch.set_grad_enabled(False)),
    "torch's determinism": doing(lambda: torch.use_deterministic_algorithms(True)),
    "numpy's errors": doing(lambda: np.seterr(all="raise")),
    "numpy's printing": doing(lambda: np.set_printoptions(precision=1)),
    "seeds": doing(seeds),
    "warnings are errors": doing(lambda: warnings.simplefilter("error")),
    "warns": doing(lambda: warnings.warn("\x1b[2Jold", UserWarning, stacklevel=1)),
    "signals ignored": doing(lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)),
    "children ignored": doing(lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)),
    "little recursion": doing(shallow),
    "no logging": doing(lambda: logging.disable(logging.CRITICAL)),
    "no garbage collection": doing(gc.disable),
    "no sys.path": doing(sys.path.clear),
    "few files": doing(few_files),
    "impatient sockets": doing(lambda: socket.setdefaulttimeout(1e-3)),
    "quick turns": doing(lambda: sys.setswitchinterval(1.0)),
    "another environment": doing(lambda: setattr(os, "environ", {})),
    "no finders": doing(lambda: (sys.meta_path.clear(), sys.path_hooks.clear())),
    "no executable": doing(lambda: setattr(sys, "executable", "")),
    "no temporary folder": doing(lambda: setattr(tempfile, "tempdir", "/nowhere")),
    "few digits": doing(lambda: sys.set_int_max_str_digits(640)),
    "a virtual timer": doing(lambda: signal.setitimer(signal.ITIMER_VIRTUAL, 0.05)),
    "a profiler's timer": doing(lambda: signal.setitimer(signal.ITIMER_PROF, 0.05)),
    "autocast entered": entering(lambda: torch.autocast("cpu", dtype=torch.bfloat16)),
    "inference entered": entering(lambda: torch.inference_mode()),
    "a device entered": entering(lambda: torch.device("meta")),
    "no oneDNN": doing(lambda: setattr(torch.backends.mkldnn, "enabled", False)),
    "the smallest numbers": doing(lambda: torch.set_flush_denormal(True)),
}
"""Changes that are seen in `witnessed`."""

OUTPUTS: dict[str, Deed] = {
    "prints": doing(lambda: print("noise")),  # noqa: T201
    "prints control characters": doing(lambda: print("\x1b[2Jnoise\x07")),  # noqa: T201
    "prints without an end": doing(lambda: sys.stdout.write("noise")),
    "prints much": doing(lambda: print("noise " * 200_000)),  # noqa: T201
}
"""Output that belongs on stderr, under its row's name."""

UNNAMED: dict[str, Deed] = {
    "writes to fd 1": doing(lambda: os.write(1, b"noise\n")),
    "writes bytes that are no text": doing(lambda: os.write(1, b"noise \xff\xfe\n")),
    "a child prints": doing(lambda: subprocess.run(["echo", "noise"], check=True)),
}
"""Output past Python, which belongs on stderr too, though nobody knows whose it is."""

STREAMS: dict[str, Deed] = {
    "stdout replaced": doing(lambda: setattr(sys, "stdout", io.StringIO())),
    "stdout closed": doing(lambda: sys.stdout.close()),
    "stdout is None": doing(lambda: setattr(sys, "stdout", None)),
    "stderr replaced": doing(lambda: setattr(sys, "stderr", io.StringIO())),
    "stderr closed": doing(lambda: sys.stderr.close()),
    "fd 1 closed": doing(lambda: os.close(1)),
    "fd 0 closed": doing(lambda: os.close(0)),
}
"""What plugins do to the streams of all."""

ENDS: dict[str, Deed] = {
    "a thread that stays": doing(stays),
    "a thread that raises": doing(thread_that_raises),
    "a thread that exits": doing(thread_that_exits),
    "fails at the exit": doing(fails_at_exit),
    "a child that aborts": doing(aborting_child),
    "raises when deleted": deleted(lambda: 1 / 0),
    "exits when deleted": deleted(lambda: sys.exit(0)),
    "goes away when deleted": deleted(lambda: os.chdir("/")),
    "clears the environment when deleted": deleted(os.environ.clear),
    "float64 when deleted": deleted(lambda: torch.set_default_dtype(torch.float64)),
    "raises while garbage is collected": doing(lambda: gc.callbacks.append(lambda: None)),
    "an interrupt at the exit": doing(
        lambda: atexit.register(os.kill, os.getpid(), signal.SIGINT)
    ),
    "another excepthook": doing(lambda: setattr(sys, "excepthook", None)),
}
"""What is seen, if at all, when the program ends."""
