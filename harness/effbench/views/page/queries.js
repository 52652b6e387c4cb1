// The chart of queries: the values of two pinned rows, query by query.

function withoutValues(id) {
  return `The page has no values of single queries of ${name(board.lines[id])}: it has those of the baseline, of the front and of as ` +
    `many further rows as have room. Instead: ${compareCommand(...chosen.pins)}`;
}

function queriesDrawn(room) {
  const { values } = board, [a, b] = chosen.pins;
  if (chosen.pins.length < 2) return "Pin two rows: click their points in another chart, or tick their boxes in the table.";
  const lacking = chosen.pins.find((id) => !values.lines[id]);
  if (lacking !== undefined) return withoutValues(lacking);
  const datasets = values.queries[choice("unit")] ? [choice("unit")] : Object.keys(values.queries);
  const rows = datasets.flatMap((dataset) => values.queries[dataset].flatMap((query, at) => {
    const [x, y] = [a, b].map((id) => values.lines[id][dataset]?.[at]);
    if (typeof x !== "number" || typeof y !== "number") return [];
    const says = [(board.texts[dataset] || {})[query], query, `${name(board.lines[a])}: ${x / 1000}`,
      `${name(board.lines[b])}: ${y / 1000}`].filter(Boolean);
    return [{ x: x / 1000, y: y / 1000, dataset, says, description: says.join("; ") }];
  }));
  if (!rows.length) return "The two rows have no query in common.";
  const side = Math.min(460, room - LEFT), above = rows.filter((row) => row.y > row.x).length;
  const below = rows.filter((row) => row.y < row.x).length;
  const says = `Of ${rows.length} queries ${name(board.lines[b])} is better on ${above}, ${name(board.lines[a])} on ${below}; ` +
    `they are equal on ${rows.length - above - below}. Points above the line: ${name(board.lines[b])} is better.`;
  const signals = { x_title: name(board.lines[a]), y_title: name(board.lines[b]) };
  return { chart: "queries", rows, signals, size: { width: side, height: side }, says };
}
