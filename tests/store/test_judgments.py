"""Judgments: one for a doc, and each an integer."""

from __future__ import annotations

import pytest

from effbench.api.errors import EffbenchError
from effbench.steps.data import judgments_of
from made_judged import row


@pytest.mark.parametrize("relevance", [1, 1.0, "1"])
def test_relevances_of_plugins_are_integers(relevance) -> None:
    import numpy as np

    own = [relevance, np.int32(relevance), np.float32(relevance)]
    qrels = [("q", f"d{i}", one) for i, one in enumerate(own)]
    found = list(judgments_of(row(qrels=qrels)))
    assert [type(qrel.relevance) for qrel in found] == [int] * 3
    assert {qrel.relevance for qrel in found} == {1}


@pytest.mark.parametrize(
    "relevance", [0.9, float("nan"), float("inf"), 1e30, True, None, "1.0", "one", 10**400]
)
def test_other_relevances_of_plugins_are_refused(relevance) -> None:
    with pytest.raises(EffbenchError, match=r"^dataset 'given' \(plugin given\): relevance"):
        list(judgments_of(row(qrels=[("q", "d", relevance)])))


def test_an_equal_judgment_is_kept_once_and_another_refused() -> None:
    assert len(list(judgments_of(row(qrels=[("q", "d", 1), ("q", "d", 1.0)])))) == 1
    for values in ((0, 1), (1, 0)):
        with pytest.raises(EffbenchError, match="has two judgments"):
            list(judgments_of(row(qrels=[("q", "d", value) for value in values])))
