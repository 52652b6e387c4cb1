"""The plugin of ``table``: docs, and judgments or clicks, in CSV, TSV or JSONL files."""

from __future__ import annotations

from collections.abc import Mapping

import effbench
from effbench_table.dataset import Table


@effbench.hookimpl
def effbench_datasets() -> Mapping[str, type[Table]]:
    """Offer ``table``."""
    return {"table": Table}
