"""Workers: a plugin that harms its process fails alone, and changes no number of a row."""

from __future__ import annotations

import json

import pytest

from altered import altered
from made_plugins import HEAD

SOURCE = """
import math, signal, time

def exits(): os._exit(7)
def raises(): raise ValueError("out of luck")
def killed(): os.kill(os.getpid(), signal.SIGKILL)
def aborts(): os.abort()
def hangs(): time.sleep(600)
def leaks(): globals()["kept"] = bytearray(b"x" * 2**30); time.sleep(600)
def moves(): os.chdir("/"); os.environ["OMP_NUM_THREADS"] = "9"
def patches(): math.fsum = lambda values: 41.0; __import__("numpy").dot = None
def interrupted(): os.kill(os.getpid(), signal.SIGTERM)
def floods(): print("noise\\n" * 5000, file=sys.stderr)
def forks():
    kept = bytearray(b"x" * 3 * 10**8)
    children = [os.fork() or (time.sleep(2.5), os._exit(0)) for _ in range(4)]
    for child in children: os.waitpid(child, 0)

class Harm(WordsEncoder):
    def __init__(self, *, how: str): super().__init__(); self.how = how
    def encode_corpus(self, docs):
        globals()[self.how]()
        return super().encode_corpus(docs)

@effbench.hookimpl
def effbench_encoders(): return {"harm": Harm}
"""

SUITE = """\
suite: harmed
datasets: [{use: toy}]
measures: [nDCG@10, R@5]
encoders:
HARM
  words: {use: words}
indexes:
  plain: {use: plain}
latency: false
"""


@pytest.fixture
def harmed(mine, run, records):
    """Run a suite whose first row does harm; return the result, its record and the other."""
    mine(SOURCE)

    def start(how: str, *options: str):
        text = altered(
            SUITE, "HARM", f"  harm: {{use: harm, how: {how}}}" if how else "  # none"
        )
        result = run(text, *options)
        found = records()
        return result, found.get("toy--harm--plain", {}), found["toy--words--plain"]

    return start


def quality(record: dict) -> str:
    return json.dumps([record["scores"], record["per_query"], record["queries"]])


@pytest.mark.parametrize(
    ("how", "options", "said"),
    [
        ("raises", (), "encoder 'harm' (plugin mine): ValueError: out of luck"),
        ("exits", (), "ended with exit code 7 (a plugin must raise an error instead)"),
        ("killed", (), "was killed by signal 9 (was there too little memory?)"),
        ("aborts", (), "was killed by signal 6 (SIGABRT; with PYTHONFAULTHANDLER=1 the run"),
        ("interrupted", (), "was interrupted by signal 15"),
        ("hangs", ("--patience", "4s"), "--patience gives it longer"),
        (
            "leaks",
            ("--memory", "800MB"),
            " of memory, more than 800 MB (it was ended; ",
        ),
    ],
)
def test_a_worker_that_dies_fails_its_cell_alone(harmed, how, options, said) -> None:
    result, harm, words = harmed(how, *options)
    assert result.exit_code == 1, result.output
    assert harm["status"] == "failed"
    assert said in harm["error"]
    if how != "raises":
        assert harm["error"].startswith("encode harm corpus of toy: its worker process ")
    assert words["status"] == "done"
    assert "Interrupted" not in result.output  # the run goes on


def test_memory_that_forks_share_counts_once(harmed) -> None:
    result, harm, _ = harmed("forks", "--memory", "1GB")
    assert harm["status"] == "done", result.output


TOLD = """
from effbench_toy import ToyDataset
class Told(PlainIndex):
    def __init__(self): super().__init__()
    def search(self, queries, k):
        with open(os.environ["TOLD"], "w") as file: file.write(str(os.getpid()))
        return super().search(queries, k)
class Mine(ToyDataset):
    def __init__(self): super().__init__()

@effbench.hookimpl
def effbench_indexes(): return {"told": Told}
@effbench.hookimpl
def effbench_datasets(): return {"mine": Mine}
@effbench.hookimpl
def effbench_encoders(): return {"mine": WordsEncoder}
"""

KILLER = """
class Killer(WordsEncoder):
    def __init__(self): super().__init__()
    def encode_queries(self, queries):
        os.kill(int(open(os.environ["TOLD"]).read()), 9)
        return super().encode_queries(queries)

@effbench.hookimpl
def effbench_encoders(): return {"killer": Killer}
"""


def test_a_worker_that_died_while_idle_fails_no_later_step(
    mine, run, installed, tmp_path, monkeypatch
) -> None:
    mine(TOLD)
    installed("killer", HEAD + KILLER)
    monkeypatch.setenv("EFFBENCH_PLUGINS", "toy,mine,killer")
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    text = altered(SUITE, "HARM", "  first: {use: mine}\n  second: {use: killer}")
    text = altered(altered(text, "{use: toy}", "{use: mine}"), "{use: plain}", "{use: told}")
    result = run(text)
    assert result.exit_code == 0, result.output


OTHER = """
there = "EFFBENCH_WORKER" in os.environ
class Other(WordsEncoder):
    def __init__(self, *, n: int = int(there)): super().__init__()

@effbench.hookimpl
def effbench_encoders(): return {"other": Other}
"""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("", "is made of has changed since the run began (run the suite again)"),
        ("if there: raise ValueError('cut')", "nothing installed offers 'other'"),
    ],
)
def test_a_plugin_that_changed_since_the_run_began_is_told_in_a_line(
    mine, run, change, said
) -> None:
    mine(OTHER + change)
    result = run(altered(SUITE, "HARM", "  other: {use: other}"))
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output


def test_numbers_beside_a_harmful_row_are_those_without_it(harmed, tmp_path) -> None:
    alone = quality(harmed("")[2])
    for how in ("moves", "patches", "floods"):
        result, harm, words = harmed(how, "--cache", str(tmp_path / how))
        assert harm["status"] == "done", how
        assert quality(words) == alone, how
        assert quality(harm) == alone, how
    assert "1,000 lines of output; the rest is left out" in result.output
    assert result.output.count("noise") == 999
