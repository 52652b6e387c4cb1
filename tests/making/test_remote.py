"""A worker on a node: its news reach the driver, and so does how it dies."""

from __future__ import annotations

import os
import sys
import time

import pytest

from effbench.making.messages import Begun, Counted, Made, Order, Over, Source
from effbench.making.remote import Remote, Settings, installed
from effbench.offers import plugins
from effbench.plan import planner
from effbench.work.step import key_of

SUITE = """\
suite: remote
datasets: [{use: toy}]
measures: [nDCG@10]
encoders:
  words: {use: words}
indexes:
  plain: {use: plain}
latency: false
"""


@pytest.fixture
def remote(suite, tmp_path):
    """Start a worker as an actor does; the test ends it."""
    started = []

    def start(text: str = SUITE, patience: float = 60.0) -> Remote:
        source = Source(
            path=str(suite(SUITE)),
            text=text,
            data=str(tmp_path),
            cache=str(tmp_path / "cache"),
            verbose=False,
        )
        started.append(Remote(source, "cpu", 1, patience, None, Settings.here()))
        return started[-1]

    yield start
    for worker in started:
        worker.end(soft=False)


def news_of(worker: Remote):
    """Return all events of an order, and its answer."""
    events, deadline = [], time.monotonic() + 60
    while time.monotonic() < deadline:
        news = worker.news()
        events += news.events
        if news.made is not None or news.died:
            return events, news
    raise AssertionError("no answer")


def test_an_order_is_made_and_its_news_come(remote, suite, tmp_path) -> None:
    worker = remote()
    assert worker.plan() == ""
    assert worker.look(__file__)[1:] == (installed(), True)
    assert worker.look(str(tmp_path / "none"))[2] is False
    plan = planner.make(suite(SUITE), plugins.load(), tmp_path / "digests", tmp_path)
    (data,) = [step for step in plan.steps().values() if step.kind == "data"]
    folder = tmp_path / "cache" / "data" / key_of(data)
    folder.mkdir(parents=True)
    worker.begin(frozenset(), Order(key_of(data), []))
    events, news = news_of(worker)
    assert news.made == Made()
    assert (folder / "manifest.json").exists()
    assert {type(event) for event in events} <= {Begun, Counted, Over}
    worker.begin(frozenset(), Order("0" * 32, []))
    _, news = news_of(worker)
    assert news.died.startswith("failed: what step 000")


def test_a_node_that_cannot_plan_says_why(remote) -> None:
    assert "nowhere" in remote(SUITE.replace("use: words", "use: nowhere")).plan()


def test_a_node_takes_over_settings_and_places_of_imports(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HF_HOME", "here")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path), str(tmp_path / "none")])
    settings = Settings.here()
    monkeypatch.delenv("HF_HOME")
    monkeypatch.setattr(sys, "path", sys.path[:-2])
    assert "SLURM_JOB_ID" not in settings.environ
    settings.take()
    assert os.environ["HF_HOME"] == "here"
    assert sys.path[-1] == str(tmp_path)
