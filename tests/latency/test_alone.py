"""A machine that tells nothing of itself, or nonsense, is measured all the same."""

from __future__ import annotations

import os
import tempfile

import psutil
import pytest
from filelock import FileLock

from effbench.latency.alone import exclusive
from effbench.latency.gate import Load
from effbench.latency.workers import worker_cpus
from effbench.machine import fingerprint, linux
from effbench.work.progress import Silent


@pytest.mark.parametrize("place", [".", "effbench-latency.lock/file"])
def test_without_a_lock_a_session_goes_on(tmp_path, monkeypatch, place: str) -> None:
    (tmp_path / "effbench-latency.lock").mkdir()
    (tmp_path / "effbench-latency.lock" / "file").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / place))
    said = []

    class Watcher(Silent):
        def note(self, message: str) -> None:
            said.append(message)

    with exclusive(Watcher()):
        (line,) = said
    assert line.startswith("latency: no lock (")


def test_a_system_that_does_not_tell_is_no_reason_to_fail(monkeypatch) -> None:
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    for name in ("virtual_memory", "cpu_times", "cpu_count", "users", "Process"):
        monkeypatch.setattr(psutil, name, refuse)
    monkeypatch.setattr(os, "sched_getaffinity", refuse, raising=False)
    monkeypatch.setattr(os, "getloadavg", refuse, raising=False)
    known = fingerprint.fingerprint(1, worker_cpus(1))
    assert fingerprint.warnings(known, fingerprint.state()) is not None
    assert Load(lambda: [os.getpid()]).busy_cores() == 0.0
    assert linux.free_bytes() > 0
    assert worker_cpus(1) is None


GARBLED = {
    "proc/stat": "cpu one two\ncpu0 \n", "proc/loadavg": "a b c 1/2",
    "proc/cpuinfo": "\xff: \n: :",
    "proc/meminfo": "", "proc/self/cgroup": "0::/x\n\x00", "proc/cmdline": "mitigations=",
    "sys/fs/cgroup/x/cpu.max": "100 none", "sys/fs/cgroup/x/memory.max": "9" * 5000,
    "sys/devices/system/cpu/online": "0-99999999999", "etc/os-release": "PRETTY_NAME=\"",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "fast",
    "proc/driver/nvidia/gpus/0/information": "Model:",
}  # fmt: skip


def test_a_garbled_system_is_no_reason_to_fail(tmp_path) -> None:
    for name, text in GARBLED.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("latin-1"))
    known = fingerprint.fingerprint(1, None, tmp_path)
    assert fingerprint.digest(known)
    state = fingerprint.state(tmp_path)
    assert fingerprint.warnings(known, state) is not None


def test_sessions_wait_for_each_other(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    other = FileLock(tmp_path / "effbench-latency.lock")
    said = []

    class Watcher(Silent):
        def note(self, message: str) -> None:
            said.append(message)
            other.release()

    other.acquire()
    with exclusive(Watcher()):
        assert said == ["latency: another session measures on this machine, waiting"]
        assert not other.is_locked
