"""The run of a plan: the quality pass, the latency pass, and the records that they write.

It may import `latency` and the rooms before it.
"""

from __future__ import annotations
