// The table: which columns and rows it has, and their order.

const NAMES = ["rank", "row", "index"]; // these columns stay in view when the table scrolls
let columns = [], shown = [];

const fits = (column) => ["measure", "unit"].every((id) => [null, choice(id)].includes(column[id]));
const allColumns = () => board.columns.filter(fits);

function standard() {
  const memory = ["memory MB", "index MB"].find(columnOf);
  return new Set([...NAMES, choice("measure"), `mean ${choice("measure")}`, "kept", `${choice("span")} ${choice("percent")} ms`,
    `speed-up ${choice("span")}`, memory, "marks"]);
}

function columnsNow() {
  const first = standard();
  const on = ({ title }) => title === "row" || chosen.more.has(title) || (first.has(title) && !chosen.less.has(title));
  return allColumns().filter(on).map((column) => ({ ...column, cells: board.shared[column.cells] }));
}

function chooser() {
  const first = standard(), on = new Set(columns.map((column) => column.title));
  const boxes = allColumns().filter(({ title }) => title !== "row").map(({ title }) => {
    const box = make("input", { type: "checkbox", onchange: () => {
      chosen.more.delete(title);
      chosen.less.delete(title);
      if (box.checked !== first.has(title)) (box.checked ? chosen.more : chosen.less).add(title);
      render();
    } });
    box.checked = on.has(title);
    return make("label", {}, box, ` ${title}`);
  });
  const place = byId("columns").querySelector("div");
  if (!place.contains(document.activeElement)) place.replaceChildren(...boxes);
}

function ordered() {
  const numbers = board.lines.map((_, id) => id);
  const column = chosen.sort && allColumns().find((one) => one.title === chosen.sort);
  if (!column) return numbers;
  const values = board.shared[column.cells].map(value), ways = new Intl.Collator(undefined, { numeric: true });
  return numbers.sort((a, b) => {
    const one = values[a], other = values[b];
    if (one === null || other === null) return (one === null) - (other === null) || a - b;
    const way = typeof one === "string" ? ways.compare(one, other) : one - other;
    return (chosen.down ? -way : way) || a - b;
  });
}

function sortBy(column) {
  chosen.down = chosen.sort === column.title ? !chosen.down : column.first === "largest";
  chosen.sort = column.title;
  const body = byId("rows").tBodies[0], rows = new Map(shown.map((id, at) => [id, body.rows[at]]));
  shown = ordered().filter((id) => rows.has(id));
  byId("rows").tHead.replaceChildren(head());
  body.replaceChildren(...shown.map((id) => rows.get(id)));
  remember();
  if (choice("view") === "heat map") draw();
  [...byId("rows").querySelectorAll("th button")].find((one) => one.textContent === column.title).focus();
}

const kindOf = (column) => [NAMES.includes(column.title) ? column.title : "", column.first === "text" ? "text" : ""].join(" ").trim() || null;

function head() {
  return make("tr", {}, ...columns.map((column) => make("th", {
    scope: "col", class: kindOf(column),
    "aria-sort": column.title !== chosen.sort ? "none" : chosen.down ? "descending" : "ascending",
  }, make("button", { type: "button", onclick: () => sortBy(column) }, column.title))));
}

function figure(cell) {
  const [first, ...rest] = text(cell).split(" ");
  return [first, rest.length ? make("small", {}, " " + rest.join(" ")) : null];
}

function cellOf(column, id) {
  const line = board.lines[id];
  if (column.title === "row") {
    const box = make("input", { type: "checkbox", "aria-label": `pin ${name(line)}`, onchange: () => pin(id) });
    box.checked = chosen.pins.includes(id);
    return make("th", { scope: "row", class: "row text" }, make("div", {}, box,
      make("button", { type: "button", class: "link", onclick: () => open(id) }, line.row)));
  }
  if (column.title === "marks") {
    return make("td", { class: "text mark" }, ...Object.entries(line.flags).map(([flag, why]) => make("div", { title: why }, flag)));
  }
  return make("td", { class: kindOf(column) }, ...(column.first === "text" ? [text(column.cells[id])] : figure(column.cells[id])));
}

function row(id, onFront) {
  const kinds = [onFront ? "front" : "", chosen.pins.includes(id) ? "pinned" : ""].join(" ").trim() || null;
  return make("tr", { class: kinds, "data-row": board.lines[id].row }, ...columns.map((column) => cellOf(column, id)));
}

// The columns of names stay in view, so each is as wide as its names, and both are 22 rem at most.
function makeRoom() {
  const widest = (what) => 0.55 * Math.max(0, ...board.lines.map((line) => line[what].length));
  const index = Math.min(10.5, Math.max(4, 1.2 + widest("index"))), row = Math.min(22.5 - index, Math.max(7, 2.8 + widest("row")));
  byId("rows").style.setProperty("--index-room", `${index}rem`);
  byId("rows").style.setProperty("--row-room", `${row}rem`);
}

function table() {
  const onFront = front(), words = choice("find").toLowerCase().split(/\s+/).filter(Boolean);
  columns = columnsNow();
  shown = ordered().filter((id) => {
    const line = board.lines[id];
    const about = [line.row, line.index, line.trained_on, ...Object.keys(line.flags)].join(" ").toLowerCase();
    return throughIndex(line) && words.every((word) => about.includes(word)) &&
      (!ticked("only-front") || onFront.has(id)) && (!ticked("only-fair") || !Object.keys(line.flags).length);
  });
  makeRoom();
  byId("rows").tHead.replaceChildren(head());
  byId("rows").tBodies[0].replaceChildren(...shown.map((id) => row(id, onFront.has(id))));
  byId("count").textContent = `${shown.length} of ${board.lines.length} rows`;
  chooser();
}

// ---- print: all columns, in as many tables as needed ---------------------------------------------

const IN_PRINT = 6; // the columns of a printed table beside the names

function printed() {
  const all = allColumns().map((column) => ({ ...column, cells: board.shared[column.cells] }));
  const names = all.filter(({ title }) => NAMES.includes(title)), others = all.filter((column) => !names.includes(column));
  const line = (kind, cells) => make("tr", {}, ...cells.map((cell) => make(kind, { class: cell.kind }, ...cell.parts)));
  const tables = [];
  for (let at = 0; at < others.length; at += IN_PRINT) {
    const some = [...names, ...others.slice(at, at + IN_PRINT)];
    tables.push(make("table", {}, make("thead", {}, line("th", some.map((one) => ({ kind: kindOf(one), parts: [one.title] })))),
      make("tbody", {}, ...shown.map((id) => line("td", some.map((one) => ({ kind: kindOf(one),
        parts: one.first === "text" ? [text(one.cells[id])] : figure(one.cells[id]) })))))));
  }
  byId("print").replaceChildren(...tables);
}

function listenToPrint() {
  addEventListener("beforeprint", printed);
  addEventListener("afterprint", () => byId("print").replaceChildren());
}
