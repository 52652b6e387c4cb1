"""From a suite file to a plan: every mistake is found, and the cost told, before any work.

It may import `steps` and the rooms before it.

How data flows: `reader` turns a file's text into a `suite.Suite`, plain data with the place of
each line, and notes what is wrong with it (`located.Mistakes`). The `planner` opens the suite's
datasets and makes a `scope.Scope` of each: what the suite means for it. A scope looks up offers
and resolves options into rows; a value that names rows or data becomes, by `references`, an
input made of steps, for which the scope is asked again. The rows' combinations are the cells of
a `cells.Plan`. Nothing is read but what datasets need to say their keys, and nothing is made:
a run pulls the steps.
"""

from __future__ import annotations
