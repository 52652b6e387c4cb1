"""The plugin of OAG-QA: forum questions, and the papers that answer them, in 87 topics."""

from __future__ import annotations

import effbench
from effbench_oag_qa.dataset import OagQa


@effbench.hookimpl
def effbench_datasets() -> dict[str, type[OagQa]]:
    """Offer ``oag-qa``."""
    return {"oag-qa": OagQa}
