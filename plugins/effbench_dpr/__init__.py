"""The plugin of DPR: datasets from files in the format of its retriever's training data."""

from __future__ import annotations

from collections.abc import Mapping

import effbench
from effbench_dpr.dataset import Dpr


@effbench.hookimpl
def effbench_datasets() -> Mapping[str, type[Dpr]]:
    """Offer ``dpr``."""
    return {"dpr": Dpr}
