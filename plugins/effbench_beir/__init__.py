"""The plugin of BEIR: datasets from your own folder or zip, or from BEIR's host."""

from __future__ import annotations

from collections.abc import Mapping

import effbench
from effbench_beir.download import Beir
from effbench_beir.folder import Folder


@effbench.hookimpl
def effbench_datasets() -> Mapping[str, type[Folder] | type[Beir]]:
    """Offer ``folder`` and ``beir``."""
    return {"folder": Folder, "beir": Beir}
