"""Ready rows: models of the hub, with the revisions that mteb names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OPENSEARCH = "opensearch-project/opensearch-neural-sparse-encoding"

ROWS: Mapping[str, Mapping[str, Any]] = {
    "opensearch-v2-distill": {
        "use": "sparse",
        "model": f"{_OPENSEARCH}-v2-distill",
        "revision": "269e6638b2c4f648996691f6d751495285d8f330",
        "max_length": 512,
    },
    "opensearch-doc-v3-distill": {
        "use": "sparse",
        "model": f"{_OPENSEARCH}-doc-v3-distill",
        "revision": "babf71f3c48695e2e53a978208e8aba48335e3c0",
        "max_length": 512,
    },
}
"""The first reads queries with a network; the second looks up a weight for each word.

SPLADE v3 is none of them: the hub gives it only to users who have accepted its licence.
"""
