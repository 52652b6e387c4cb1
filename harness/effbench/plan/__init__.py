"""Plans: a suite file becomes cells and their steps; mistakes are found before any work.

It may import `steps` and the rooms before it.

How data flows: `reader` turns the text of a file into a `suite.Suite`, which is plain data with
the place of each entry, and notes its mistakes (`located.Mistakes`). The `planner` opens the
datasets of the suite, and makes a `scope.Scope` for each: what the suite means for it.
A scope looks up offers and resolves options into rows. If a value names rows or data,
`references` asks the scope for them, and makes an input of their steps. The combinations of the
rows are the cells of a `cells.Plan`. Only files that decide keys are read, and nothing is made:
a run makes the steps.
"""

from __future__ import annotations
