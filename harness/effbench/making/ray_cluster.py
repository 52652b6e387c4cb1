"""The cluster of Ray: joining it or starting one on this machine, its nodes, leaving it."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from effbench.api.errors import EffbenchError
from effbench.making.environment import cores
from effbench.making.spots import Node
from effbench.text.raised import message_of

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before the import: no call home
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else each start warns

import ray
from ray._private import worker as ray_worker
from ray.exceptions import RayError

# the log of each node that dies would go to the terminal: what a death means, we say
ray_worker.print_to_stdstream = lambda *_lines, **_options: None

AUTO = "auto"
"""The address for a cluster on this machine: a running one, or else a new one."""

CURRENT = Path("/tmp/ray/ray_current_cluster")  # noqa: S108 - Ray's place
"""The file in which ``ray start`` keeps the address."""

REACH_SECONDS = 10.0

SETTINGS = b"\0\0\0\4\0\0\0\0\0"
"""The frame with which both sides of gRPC, which is HTTP/2, begin."""

HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SETTINGS

OBJECTS = 100_000_000
"""Bytes for Ray's own objects in a cluster that we start: steps go through files."""


class Cluster:
    """A cluster of Ray; one that was started here ends when it is left."""

    def __init__(self, address: str) -> None:
        self._address, self._joined = address, False
        self._turn = threading.Lock()

    def join(self) -> None:
        """Join the cluster, unless that has been done.

        Raises:
            EffbenchError: nobody answers at the address, or other versions run there.

        """
        with self._turn:
            if not self._joined:
                self._join()
                self._joined = True

    def leave(self) -> None:
        """Leave the cluster; end it if it was started here."""
        with self._turn:
            if self._joined:
                ray.shutdown()
                self._joined = False

    def nodes(self) -> list[Node]:
        """Return the living nodes."""
        return [
            Node(
                node["NodeID"],
                node["NodeName"],
                node["Resources"].get("CPU", 0.0),
                int(node["Resources"].get("GPU", 0)),
            )
            for node in ray.nodes()  # type: ignore[no-untyped-call]
            if node["Alive"]
        ]

    def _join(self) -> None:
        address = self._found()
        options = (
            {"address": address}
            if address
            else {
                "address": "local",
                "num_cpus": cores(),
                "object_store_memory": OBJECTS,
                "include_dashboard": False,
            }
        )
        with _our_signals(), _one_line(f"--ray {address or ''}".strip()):
            ray.init(
                **options,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                ignore_reinit_error=True,
            )

    def _found(self) -> str | None:
        """Return the address of a cluster that answers; None to start one."""
        if self._address != AUTO:
            _reach(self._address)
            return self._address
        if named := os.environ.get("RAY_ADDRESS"):
            _reach(named)
            return named
        with suppress(OSError, EffbenchError):
            current = CURRENT.read_text().strip()
            _reach(current)
            return current
        return None


def _reach(address: str) -> None:
    """Raise `EffbenchError` unless a server of gRPC answers: Ray itself would wait for ever."""
    host, _, port = address.rpartition(":")
    hint = "(write HOST:PORT as `ray start --head` has shown it)"
    try:
        place = host.strip("[]"), int(port)
        with socket.create_connection(place, REACH_SECONDS) as link:
            link.sendall(HELLO)
            answer = link.recv(len(SETTINGS))
    except (OSError, ValueError, OverflowError) as error:
        raise EffbenchError(f"--ray {address}: nobody answers: {error} {hint}") from error
    if answer[3:4] != SETTINGS[3:4]:
        raise EffbenchError(f"--ray {address}: what answers there is not Ray {hint}")


@contextmanager
def _one_line(what: str) -> Iterator[None]:
    """Turn an error of Ray, which may have many lines, into one line."""
    try:
        yield
    except (RayError, RuntimeError, OSError, ValueError, AssertionError) as error:
        said = " ".join(message_of(error).split())
        raise EffbenchError(
            f"{what}: {said} (this command must run on a node of the cluster, with the same "
            "versions of Python and Ray)"
        ) from error


@contextmanager
def _our_signals() -> Iterator[None]:
    """Put back the handlers of signals that Ray replaces."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        with suppress(ValueError):  # not in the main thread, where Ray replaces none
            signal.signal(signal.SIGTERM, before)
