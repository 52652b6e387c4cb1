"""The making of steps by worker processes, so that a plugin that dies takes no other row along.

It may import `cache` and the rooms before it. How it works: the main process plans, holds the
locks of steps, and writes all records. A `team.Team` gives each step to a hand, which is a
device with worker processes (`hand.Hand`). A worker plans the suite again (`maker.Maker`), and
makes the step by its key. `ahead` starts the steps of later cells while a device is idle.
"""

from __future__ import annotations
