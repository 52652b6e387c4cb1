"""The run of a plan: its quality pass, its latency pass, and the records that they leave.

It may import `latency` and the rooms before it.
"""

from __future__ import annotations
