"""docs/record.schema.json holds for what runs write and for what we publish."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from folders import ROOT

SCHEMA = Draft202012Validator(json.loads((ROOT / "docs" / "record.schema.json").read_text()))
PUBLISHED = sorted((ROOT / "results" / "published").glob("*/*/*--*.json"))

SUITE = """\
suite: toys
datasets: [{use: toy}, {use: toy, name: gone, broken: offline}]
measures: [nDCG@10]
encoders:
  words: {use: words}
  typed: {use: typed, passages: words, words: 1}
retrievers: {scan: {use: scan}}
indexes: {plain: {use: plain}}
latency: false
"""


def test_the_schema_is_that_of_the_types() -> None:
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    assert (ROOT / "docs" / "record.schema.json").read_text() == generate["schema"]()


def test_what_is_published_is_as_the_schema_says() -> None:
    assert PUBLISHED
    for path in PUBLISHED:
        SCHEMA.validate(json.loads(path.read_text()))


def test_what_a_run_writes_is_as_the_schema_says(effbench, suite, tmp_path: Path) -> None:
    effbench("run", suite(SUITE), "--results", tmp_path)
    records = [json.loads(path.read_text()) for path in tmp_path.glob("*/toys/*--*.json")]
    assert {record["status"] for record in records} == {"done", "failed"}
    for record in records:
        SCHEMA.validate(record)
    texts = json.loads(next(tmp_path.glob("*/toys/queries/toy.json")).read_text())
    done = next(record for record in records if record["status"] == "done")
    assert texts.keys() >= done["per_query"]["nDCG@10"].keys()


def test_the_schema_is_not_true_of_anything() -> None:
    record = json.loads(PUBLISHED[0].read_text())
    for wrong in ({"schema": 3}, {"scores": "good"}, {"status": "perhaps"}):
        with pytest.raises(ValidationError):
            SCHEMA.validate(record | wrong)
    for lost in ("per_query", "created"):
        with pytest.raises(ValidationError):
            SCHEMA.validate({name: value for name, value in record.items() if name != lost})
