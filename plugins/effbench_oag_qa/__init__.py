"""OAG-QA: questions of forums, the papers that answer them, a corpus for each of 87 topics."""

from __future__ import annotations

import effbench
from effbench_oag_qa.dataset import OagQa


@effbench.hookimpl
def effbench_datasets() -> dict[str, type[OagQa]]:
    """Offer ``oag-qa``."""
    return {"oag-qa": OagQa}
