"""The commands of ``effbench``, and the console that shows their progress.

It may import every room.
"""

from __future__ import annotations
