// The data of the page and what the reader has chosen. Texts are never set as markup.

const byId = (id) => document.getElementById(id);
const parsed = (id) => JSON.parse(byId(id).textContent);
const boards = parsed("data").boards, charts = parsed("charts");
const chosen = { sort: null, down: true, pins: [], cell: null, more: new Set(), less: new Set() };
const VIEWS = [["latency", "quality over latency", true], ["speed-up", "share kept over speed-up", true],
  ["heat map", "rows and datasets"], ["queries", "queries of two pinned rows"]]; // with true: needs a latency
let board;

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const choice = (id) => byId(id).value;
const ticked = (id) => byId(id).checked;

// ---- figures of a line: null, a text, or [text, value, low, high] ----------------------------

const text = (cell) => (Array.isArray(cell) ? cell[0] : cell ?? "-");
const value = (cell) => (Array.isArray(cell) ? cell[1] : cell || null);
const chosenOf = (what, ...names) => board.shared[what[names.join("\t")]] || [];
const score = (id, unit = choice("unit")) => chosenOf(board.scores, choice("measure"), unit)[id] || null;
const time = (id) => chosenOf(board.times, choice("span"), choice("percent"))[id] || null;
const columnOf = (title) => board.columns.find((column) => column.title === title);

function kept(id, unit = choice("unit")) {
  if (id === board.baseline) return score(id, unit) && ["100%", 1];
  return chosenOf(board.kept, choice("measure"), unit)[id] || null;
}

function speedup(id) {
  const column = columnOf(`speed-up ${choice("span")}`);
  return column ? board.shared[column.cells][id] : null;
}

const name = (line) => (line.index ? `${line.row} (${line.index})` : line.row);
const throughIndex = (line) => !choice("index") || !line.index || line.index === choice("index");

// ---- what the reader can choose ----------------------------------------------------------------

function fill(id, options) {
  const select = byId(id), before = select.value;
  select.replaceChildren(...options.map(([v, said]) => make("option", { value: v }, said)));
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
  fill("view", VIEWS.filter(([, , timed]) => !timed || board.spans.length));
  byId("percent").parentElement.hidden = !board.spans.length;
  Object.assign(chosen, { sort: null, down: true, pins: [], cell: null, more: new Set(), less: new Set() });
  byId("machine").hidden = !board.fingerprint;
  byId("machine").querySelector("pre").textContent = JSON.stringify(board.fingerprint, null, 1);
  byId("baseline").textContent = board.baseline_said && `Baseline: ${board.baseline_said}`;
  byId("remarks").replaceChildren(...board.remarks.map((said) => make("li", {}, said)));
  byId("remarks").hidden = !board.remarks.length;
}

function pin(id) {
  const at = chosen.pins.indexOf(id);
  if (at >= 0) chosen.pins.splice(at, 1);
  else chosen.pins = [...chosen.pins.slice(-1), id];
  render();
}

// The page opens with the first board that has a latency.
fill("board", boards.map((one, i) => [String(i), `${one.suite} on ${one.machine}`]));
byId("board").options[Math.max(0, boards.findIndex((one) => one.spans.length))]?.setAttribute("selected", "");
