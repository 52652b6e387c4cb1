"""Results that travel: packs that other machines measure, and checks of results.

A pack holds what a latency session opens. Other machines measure it without data and training,
and the results that they send are verified. It may import `export` and the rooms before it.
"""

from __future__ import annotations
