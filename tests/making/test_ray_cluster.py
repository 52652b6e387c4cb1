"""Addresses at which no cluster of Ray answers: one line each, at once."""

from __future__ import annotations

import socket
import sys
import threading

import pytest

pytest.importorskip("ray", reason="a cluster needs ray: effbench[ray]")

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
retrievers: {scan: {use: scan}}
latency: false
"""


@pytest.fixture
def server():
    """Start a server that answers each connection with some bytes; return its address."""
    listening = []

    def start(answer: bytes) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)

        def serve() -> None:
            with server.accept()[0] as link:
                link.recv(1000)
                link.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{server.getsockname()[1]}"

    yield start
    for server in listening:
        server.close()


def test_an_address_where_nobody_answers(run, server) -> None:
    silent = server(b"")
    closed = silent.replace("127.0.0.1", "127.0.0.2")  # nobody listens there
    for address, said in (
        (closed, "nobody answers: [Errno "),
        (silent, "what answers there is not Ray "),
        (server(b"HTTP/1.0 400 Bad Request\r\n\r\n"), "what answers there is not Ray "),
    ):
        found = run(SUITE, "--ray", address)
        assert found.exit_code == 2
        assert found.stderr.startswith(f"Error: --ray {address}: {said}")
        assert found.stderr.endswith("(write HOST:PORT as `ray start --head` has shown it)\n")
        assert found.stderr.count("\n") == 1


@pytest.mark.parametrize("address", ["suite.yaml", "ray://10.0.0.1:10001", ":6379", "host:"])
def test_what_is_no_address(run, address) -> None:
    found = run(SUITE, "--ray", address)
    assert found.exit_code == 2
    assert f"--ray: {address!r} is no address" in found.stderr


def test_the_address_of_the_environment_counts(run, server, monkeypatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", server(b"?"))
    assert "what answers there is not Ray" in run(SUITE, "--ray").stderr


def test_a_finished_run_needs_no_cluster(run, server, monkeypatch) -> None:
    assert run(SUITE).exit_code == 0
    monkeypatch.setenv("RAY_ADDRESS", server(b"?"))
    again = run(SUITE, "--ray")
    assert again.exit_code == 0, again.output
    assert "1 finished already" in again.stderr


def test_without_ray_it_is_said_how_to_get_it(run, monkeypatch) -> None:
    for name in [name for name in sys.modules if name.startswith("effbench.making.ray_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ray", None)
    found = run(SUITE, "--ray")
    assert found.exit_code == 2
    assert found.stderr.startswith("Error: --ray: ")
    assert found.stderr.endswith('(pip install "effbench[ray]")\n')
