"""What each step does: data, encodings, indexes, searches, trainings; and the measures.

It may import `work` and the rooms before it.
"""

from __future__ import annotations
