// The two pinned rows, and the cells of the open row.

function ratio() {
  const span = `${choice("span")} ${choice("percent")}`, lines = chosen.pins.map((id) => board.lines[id]);
  const [a, b] = chosen.pins.map((id) => value(time(id)));
  const without = lines.filter((_, at) => [a, b][at] === null);
  const flagged = lines.filter((line) => Object.keys(line.flags).some((flag) => flag.startsWith("latency ")));
  if (without.length) return `Their speeds cannot be compared: ${without.map((line) => `${name(line)} has no ${span || "latency"}`).join("; ")}.`;
  if (flagged.length) return `Their speeds are not compared: the latency of ${flagged.map(name).join(" and ")} is marked.`;
  const times = (a / b).toLocaleString("en", { maximumSignificantDigits: 3 });
  return `${name(lines[0])} takes ${times} times the ${span} of ${name(lines[1])}.`;
}

function quoted(word) { // quotes a word for a shell
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

function compareCommand(a, b) {
  const { row: one } = board.lines[a], { row: other } = board.lines[b], span = choice("span") ? ["--span", choice("span")] : [];
  return ["effbench", "compare", "--suite", board.suite, ...span, "--", one, other].map(quoted).join(" ");
}

function pins() {
  const lines = chosen.pins.map((id) => board.lines[id]);
  const place = byId("pins");
  if (!lines.length) return place.replaceChildren();
  const rows = allColumns().map((column) => make("tr", {}, make("th", { scope: "row", class: "text" }, column.title),
    ...chosen.pins.map((id) => make("td", { class: "text" }, text(board.shared[column.cells][id])))));
  const said = lines.map((line) => make("p", {}, `${name(line)}: ${line.sentence}`));
  if (lines.length === 2) {
    const [a, b] = chosen.pins.map((id) => value(score(id)));
    said.push(make("p", {}, ratio()));
    if (a !== null && b !== null) said.push(make("p", {}, `${choice("measure")}: ${(a - b).toFixed(4)} apart.`));
    said.push(make("p", { class: "note" }, "With intervals and a test: ", make("code", {}, compareCommand(...chosen.pins))));
  }
  place.replaceChildren(make("h2", {}, lines.map(name).join(" and ")), ...said,
    make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Figures of the pinned rows" }, make("table", {}, make("tbody", {}, ...rows))));
}

function open(id) {
  chosen.cell = id;
  cell();
  byId("cell").scrollIntoView({ block: "nearest" });
}

function pairs(facts) {
  const entries = Object.entries(facts).filter(([, v]) => v !== null && v !== undefined && v !== "");
  return make("dl", {}, ...entries.flatMap(([k, v]) =>
    [make("dt", {}, k), make("dd", {}, typeof v === "object" ? JSON.stringify(v) : String(v))]));
}

function extremes(title, rows, dataset) {
  if (!rows.length) return null;
  const texts = board.texts[dataset] || {};
  const lines = rows.map(([query, own, other]) => make("tr", {},
    make("td", { class: "query" }, texts[query] ? `${texts[query]} ` : "", make("small", {}, query)),
    make("td", {}, own.toFixed(4)), make("td", {}, other.toFixed(4))));
  return make("div", {}, make("h3", {}, title), make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title }, make("table", {},
    make("thead", {}, make("tr", {}, ...["query", "this row", "baseline"].map((t, i) =>
      make("th", { scope: "col", class: i ? null : "text" }, t)))),
    make("tbody", {}, ...lines))));
}

function cell() {
  const place = byId("cell");
  if (chosen.cell === null) return place.replaceChildren();
  const line = board.lines[chosen.cell];
  const parts = Object.entries(line.cells).flatMap(([dataset, id]) => {
    const one = board.cells[id];
    const about = Object.fromEntries(board.about.map((k, at) => [k, board.shared[one.about[at]]]));
    return [make("details", { open: Object.keys(line.cells).length === 1 }, make("summary", {}, dataset), pairs({
      cell: id, ...one.scores, created: about.created, key: one.key,
      plugin: `${about.row.use} of ${about.row.plugin} (${about.row.distribution})`, options: about.row.options,
      "searches the passages of": about.passages, index: about.index && about.index.options,
      search: about.search, queries: about.queries, costs: about.costs, versions: about.versions,
    }), extremes("Largest wins over the baseline", one.wins, dataset),
    extremes("Largest losses", one.losses, dataset))];
  });
  place.replaceChildren(make("h2", {}, name(line)), make("p", {}, line.sentence),
    ...Object.entries(line.flags).map(([flag, why]) => make("p", { class: "mark" }, `${flag}: ${why}`)),
    ...line.remarks.map((text) => make("p", { class: "mark" }, text)), ...parts);
}

