"""The heat map and the chart of queries, in headless Chromium."""

from __future__ import annotations

from made_browser import needs_browser

pytestmark = needs_browser

DOTS = "document.querySelectorAll('#chart .dots_marks path')"


def test_a_heat_map_has_the_rows_of_the_table_and_all_datasets(small_query) -> None:
    small_query.choose("find", "tuned")
    small_query.choose("view", "heat map")
    small_query.until(f"{DOTS}.length === 6")
    labels = small_query.js(f"return [...{DOTS}].map(dot => dot.ariaLabel)")
    assert labels[0] == (
        "static-tuned (exact); nDCG@10 on scifact/test: 0.7480 [0.7080, 0.7876]"
    )
    assert {label.split("; ")[1].split(":")[0] for label in labels} == {
        "nDCG@10 on scifact/test",
        "nDCG@10 on nfcorpus/test",
    }
    bold = "[...document.querySelectorAll('#chart text[font-weight=bold]')]"
    best = small_query.js(f"return {bold}.map(text => text.textContent)")
    assert {"0.748", "0.315"} <= {*best}, "the best of these rows on each dataset"


def test_two_pinned_rows_are_compared_query_by_query(small_query) -> None:
    small_query.choose("view", "queries")
    small_query.until("document.getElementById('no-chart').textContent.startsWith('Pin two')")
    for row in ("bm25", "gru-int8"):
        small_query.click("#rows tbody input", small_query.rows().index(row))
    small_query.until(f"{DOTS}.length === 623")
    assert small_query.text("about-queries").startswith(
        "Of 623 queries gru-int8 (exact) is better on 170, bm25 on 188; they are equal on 265."
    )
    small_query.choose("unit", "scifact/test")
    small_query.until(f"{DOTS}.length === 300")
