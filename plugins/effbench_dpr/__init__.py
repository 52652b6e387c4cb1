"""The retriever training files of DPR: your own, or those that DPR's host has."""

from __future__ import annotations

from collections.abc import Mapping

import effbench
from effbench_dpr.dataset import Dpr


@effbench.hookimpl
def effbench_datasets() -> Mapping[str, type[Dpr]]:
    """Offer ``dpr``."""
    return {"dpr": Dpr}
