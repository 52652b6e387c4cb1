"use strict";
// The script of the page. All data come from the page itself; texts are never set as markup.
(function () {
  const byId = (id) => document.getElementById(id);
  const parsed = (id) => JSON.parse(byId(id).textContent);
  const boards = parsed("data").boards;
  const chosen = { sort: null, down: true, pins: [], cell: null };
  let board, columns, shown, drawing = Promise.resolve();

  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== null && value !== false) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  }

  // ---- what the reader chooses; a cell is null, a text, or [text, value, low, high] ------------

  const choice = (id) => byId(id).value;
  const chosenOf = (what, ...ids) => board.shared[what[ids.map(choice).join("\t")]] || [];
  const score = (id) => chosenOf(board.scores, "measure", "unit")[id] || null;
  const time = (id) => chosenOf(board.times, "span", "percent")[id] || null;
  const front = () => new Set(chosenOf(board.fronts, "index", "measure", "unit", "span", "percent"));
  const text = (cell) => (Array.isArray(cell) ? cell[0] : cell ?? "-");
  const value = (cell) => (Array.isArray(cell) ? cell[1] : cell || null);
  const name = (line) => (line.index ? `${line.row} (${line.index})` : line.row);
  const title = () => `${choice("measure")} on ${choice("unit") === "mean" ? "all datasets" : choice("unit")}`;
  const onAll = () => (board.units.includes("mean") ? ", all datasets" : "");

  function fill(id, options) {
    const select = byId(id), before = select.value;
    select.replaceChildren(...options.map(([v, text]) => make("option", { value: v }, text)));
    if (options.some(([v]) => v === before)) select.value = before;
    select.parentElement.hidden = options.length < 2;
  }

  function chooseBoard() {
    board = boards[+choice("board")];
    fill("measure", board.measures.map((m) => [m, m]));
    fill("unit", board.units.map((u) => [u, u === "mean" ? "mean of all" : u]));
    const indexes = [...new Set(board.lines.map((line) => line.index).filter(Boolean))];
    fill("index", [["", "all"], ...(indexes.length > 1 ? indexes.map((i) => [i, i]) : [])]);
    fill("span", board.spans.map((s) => [s, s]));
    chosen.pins = [];
    chosen.cell = null;
    chosen.sort = null;
    byId("machine").hidden = !board.fingerprint;
    byId("machine").querySelector("pre").textContent = JSON.stringify(board.fingerprint, null, 1);
    byId("baseline").textContent = board.baseline_said && `Baseline: ${board.baseline_said}`;
    byId("remarks").replaceChildren(...board.remarks.map((text) => make("li", {}, text)));
    render();
  }

  // ---- the chart -----------------------------------------------------------------------------

  const throughIndex = (line) => !choice("index") || !line.index || line.index === choice("index");

  function points() {
    const best = front();
    return board.lines.flatMap((line, id) => {
      if (!score(id) || !time(id) || !throughIndex(line)) return [];
      const [, y, y_low = y, y_high = y] = score(id), [, x, x_low = x, x_high = x] = time(id);
      return [{
        id, x, x_low, x_high, y, y_low, y_high, ...line.look,
        marked: !line.ranked, pinned: chosen.pins.includes(id), front: best.has(id), description: hint(id).join("; "),
      }];
    });
  }

  function whyAbsent(id) {
    if (!score(id)) return `no ${title()}`;
    return board.spans.length ? chosenOf(board.absent, "span", "percent")[id] : "no latency";
  }

  function absent(found) {
    const drawn = new Set(found.map((point) => point.id)), names = {};
    board.lines.forEach((line, id) => {
      if (drawn.has(id) || !throughIndex(line)) return;
      const why = whyAbsent(id);
      names[why] = [...(names[why] || []), name(line)];
    });
    byId("absent").replaceChildren(...Object.entries(names).map(([why, rows]) => make("li", {}, `${why}: ${rows.join(", ")}`)));
  }

  function hint(id) {
    const line = board.lines[id];
    return [
      name(line),
      `${choice("measure")} ${text(score(id))}`,
      `${choice("span")} ${choice("percent")} ${text(time(id))} ms`,
      line.sentence,
      ...Object.entries(line.flags).map(([flag, why]) => `${flag}: ${why}`),
    ].filter(Boolean);
  }

  function draw(found) {
    byId("chart-title").textContent =
      `${board.suite} on ${board.machine}: ${title()}, over ${choice("span") || "latency"} ${choice("percent")}`;
    byId("chart").hidden = !found.length;
    byId("curves").hidden = !found.some((point) => point.curve);
    if (!found.length) return;
    const spec = parsed("chart-spec");
    spec.data.values = found;
    spec.layer = spec.layer.filter((layer) => !layer.name || found.some((point) => point[layer.name]));
    spec.encoding.x.title = `${choice("span")} ${choice("percent")}, ms${onAll()}`;
    spec.encoding.y.title = choice("measure");
    const options = { mode: "vega-lite", renderer: "svg", actions: false, tooltip: false };
    drawing = drawing.then(() => vegaEmbed("#chart", spec, options)).then(({ view }) => {
      // a line is no row: its datum is that of its first point
      const of = (item) => (item && item.mark.marktype !== "line" && item.datum && item.datum.id !== undefined ? item.datum.id : null);
      view.addEventListener("mousemove", (event, item) => showHint(event, of(item)));
      view.addEventListener("mouseout", () => showHint(null, null));
      view.addEventListener("click", (event, item) => of(item) !== null && pin(of(item)));
    });
  }

  function showHint(event, id) {
    const place = byId("hint");
    place.hidden = id === null;
    if (id === null) return;
    place.replaceChildren(...hint(id).map((text) => make("div", {}, text)));
    place.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - place.offsetWidth - 8))}px`;
    place.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - place.offsetHeight - 8))}px`;
  }

  // ---- the table -----------------------------------------------------------------------------

  function columnsNow() {
    return board.columns.filter((column) => ["measure", "unit"].every((id) => [null, choice(id)].includes(column[id])))
      .map((column) => ({ ...column, cells: board.shared[column.cells] }));
  }

  function ordered() {
    const numbers = board.lines.map((_, id) => id);
    const column = columns.find((one) => one.title === chosen.sort);
    if (!column) return numbers;
    return numbers.sort((a, b) => {
      const one = value(column.cells[a]), other = value(column.cells[b]);
      if (one === null || other === null) return (one === null) - (other === null) || a - b;
      const way = typeof one === "string" ? one.localeCompare(other, undefined, { numeric: true }) : one - other;
      return (chosen.down ? -way : way) || a - b;
    });
  }

  function sortBy(column) {
    chosen.down = chosen.sort === column.title ? !chosen.down : column.first === "largest";
    chosen.sort = column.title;
    render();
    [...byId("rows").querySelectorAll("th button")].find((b) => b.textContent === column.title).focus();
  }

  function head() {
    const cells = columns.map((column) => make("th", {
      scope: "col", class: column.first === "text" ? "text" : null,
      "aria-sort": column.title !== chosen.sort ? "none" : chosen.down ? "descending" : "ascending",
    }, make("button", { type: "button", onclick: () => sortBy(column) }, column.title)));
    return make("tr", {}, make("th", { scope: "col", class: "text" }, "pin"), ...cells);
  }

  function row(id, onFront) {
    const line = board.lines[id], pinned = chosen.pins.includes(id);
    const box = make("input", { type: "checkbox", "aria-label": `pin ${name(line)}`, onchange: () => pin(id) });
    box.checked = pinned;
    const cells = columns.map((column) => {
      if (column.title === "row") {
        return make("td", { class: "text name" },
          make("button", { type: "button", class: "link", onclick: () => open(id) }, line.row));
      }
      if (column.title === "marks") {
        const marks = Object.entries(line.flags).map(([flag, why]) => make("div", { title: why }, flag));
        return make("td", { class: "text mark" }, ...marks);
      }
      if (column.first === "text") return make("td", { class: "text name" }, text(column.cells[id]));
      const [first, ...rest] = text(column.cells[id]).split(" ");
      return make("td", {}, first, rest.length ? make("small", {}, " " + rest.join(" ")) : null);
    });
    return make("tr", { class: [onFront ? "front" : "", pinned ? "pinned" : ""].join(" ").trim() || null,
      "data-row": line.row }, make("td", { class: "text" }, box), ...cells);
  }

  function table() {
    const onFront = front();
    const words = choice("find").toLowerCase().split(/\s+/).filter(Boolean);
    columns = columnsNow();
    shown = ordered().filter((id) => {
      const line = board.lines[id];
      const text = [line.row, line.index, line.trained_on, ...Object.keys(line.flags)].join(" ").toLowerCase();
      return throughIndex(line) && words.every((word) => text.includes(word)) &&
        (!byId("only-front").checked || onFront.has(id)) && (!byId("only-fair").checked || !Object.keys(line.flags).length);
    });
    byId("rows").tHead.replaceChildren(head());
    byId("rows").tBodies[0].replaceChildren(...shown.map((id) => row(id, onFront.has(id))));
    byId("count").textContent = `${shown.length} of ${board.lines.length} rows`;
  }

  // ---- the two pinned rows, and the cells of the open row ------------------------------------

  function pin(id) {
    const at = chosen.pins.indexOf(id);
    if (at >= 0) chosen.pins.splice(at, 1);
    else chosen.pins = [...chosen.pins.slice(-1), id];
    render();
  }

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

  function pins() {
    const lines = chosen.pins.map((id) => board.lines[id]);
    const place = byId("pins");
    if (!lines.length) return place.replaceChildren();
    const rows = columns.map((column) => make("tr", {}, make("th", { scope: "row", class: "text" }, column.title),
      ...chosen.pins.map((id) => make("td", { class: "text" }, text(column.cells[id])))));
    const said = lines.map((line) => make("p", {}, `${name(line)}: ${line.sentence}`));
    if (lines.length === 2) {
      const [a, b] = chosen.pins.map((id) => value(score(id)));
      said.push(make("p", {}, ratio()));
      if (a !== null && b !== null) said.push(make("p", {}, `${choice("measure")}: ${(a - b).toFixed(4)} apart.`));
      said.push(make("p", { class: "note" }, "With intervals and a test: ",
        make("code", {}, ["effbench", "compare", "--suite", board.suite, ...(choice("span") ? ["--span", choice("span")] : []),
          "--", lines[0].row, lines[1].row].map(quoted).join(" "))));
    }
    place.replaceChildren(make("h2", {}, lines.map(name).join(" and ")), ...said,
      make("div", { class: "scroll", tabindex: 0 }, make("table", {}, make("tbody", {}, ...rows))));
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
    return make("div", {}, make("h3", {}, title), make("div", { class: "scroll" }, make("table", {},
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
      const about = Object.fromEntries(Object.entries(one.about).map(([k, n]) => [k, board.shared[n]]));
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

  function render() {
    const found = points();
    draw(found);
    absent(found);
    table();
    pins();
    cell();
  }

  fill("board", boards.map((one, i) => [String(i), `${one.suite} on ${one.machine}`]));
  for (const id of ["measure", "unit", "index", "span", "percent"]) byId(id).addEventListener("change", render);
  byId("board").addEventListener("change", chooseBoard);
  for (const id of ["find", "only-front", "only-fair"]) byId(id).addEventListener("input", render);
  for (const id of ["choices", "filters"]) byId(id).addEventListener("submit", (event) => event.preventDefault());
  chooseBoard();
})();
