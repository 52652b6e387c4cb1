// The charts: of rows, a heat map, and of queries (queries.js).

const AXES = {
  latency: { x: time, y: score, slower: 1, step: "step-after", scale: 1,
    titles: () => [`${choice("span")} ${choice("percent")}, ms`, choice("measure")] },
  "speed-up": { x: speedup, y: kept, slower: -1, step: "step-before", scale: 100,
    titles: () => [`speed-up ${choice("span")}`, `kept of the baseline's ${choice("measure")}, %`] },
};
const PANEL = 380, LEFT = 75; // the least width of a panel, and the room left of it, in pixels
let view = null, drawing = Promise.resolve();

const axes = () => AXES[choice("view")] || AXES.latency;
const onAll = () => (board.units.includes("mean") ? ", all datasets" : "");
const said = (unit) => (unit === "mean" ? "all datasets" : unit);

// The rule of `effbench.views.page.chart.front`: no row is faster and at least as good.
function front(unit = choice("unit")) {
  const { x, y, slower } = axes(), best = [];
  const places = board.lines.flatMap((line, id) => (line.ranked && throughIndex(line) && x(id) && y(id, unit)
    ? [{ id, x: slower * value(x(id)), y: value(y(id, unit)) }] : []));
  places.sort((a, b) => a.x - b.x || b.y - a.y || a.id - b.id);
  for (const place of places) {
    const last = best[best.length - 1];
    if (!last || place.y > last.y || (place.y === last.y && place.x === last.x)) best.push(place);
  }
  return new Set(best.map((place) => place.id));
}

function points(unit, panel) {
  const best = front(unit), { x: xOf, y: yOf, step, scale } = axes(), bars = ticked("intervals");
  return board.lines.flatMap((line, id) => {
    if (!xOf(id) || !yOf(id, unit) || !throughIndex(line)) return [];
    const [, x, x_low = x, x_high = x] = xOf(id);
    const [y, y_low = y, y_high = y] = yOf(id, unit).slice(1).map((one) => one * scale);
    const says = hint(id, unit);
    return [{
      id, panel, step, ...line.look, x, y, marked: !line.ranked, pinned: chosen.pins.includes(id), front: best.has(id),
      ...(bars ? { x_low, x_high, y_low, y_high } : { x_low: x, x_high: x, y_low: y, y_high: y }),
      says, description: says.join("; "),
    }];
  });
}

function hint(id, unit = choice("unit")) {
  const line = board.lines[id];
  return [
    name(line),
    `${choice("measure")} ${text(score(id, unit))}`,
    kept(id, unit) && `kept ${text(kept(id, unit))}`,
    `${choice("span")} ${choice("percent")} ${text(time(id))} ms`,
    speedup(id) && `speed-up ${text(speedup(id))}`,
    line.sentence,
    ...Object.entries(line.flags).map(([flag, why]) => `${flag}: ${why}`),
  ].filter(Boolean);
}

function absent() {
  if (!AXES[choice("view")]) return byId("absent").replaceChildren();
  const names = {}, { x, y } = axes();
  board.lines.forEach((line, id) => {
    if (!throughIndex(line) || (x(id) && y(id))) return;
    const why = !score(id) ? `no ${choice("measure")} on ${said(choice("unit"))}`
      : !board.spans.length ? "no latency"
        : chosenOf(board.absent, choice("span"), choice("percent"))[id] || `no ${x(id) ? "share of a baseline" : "speed-up"}`;
    names[why] = [...(names[why] || []), name(line)];
  });
  byId("absent").replaceChildren(...Object.entries(names).map(([why, rows]) => make("li", {}, `${why}: ${rows.join(", ")}`)));
}

// ---- what each view draws: {chart, rows, signals, columns, size}, or a text that says why not ---

function rowsDrawn(room) {
  const units = board.units.filter((unit) => unit !== "mean");
  const panels = ticked("by-dataset") && units.length > 1 ? units : null;
  const rows = panels ? panels.flatMap((unit) => points(unit, unit)) : points(choice("unit"), "");
  if (!rows.length) return "No row has both figures.";
  const columns = panels ? Math.max(1, Math.min(panels.length, Math.floor(room / PANEL))) : 1;
  const [x_title, y_title] = axes().titles();
  const signals = {
    room, methods: board.methods, indexes: board.indexes, x_title: x_title + onAll(), y_title,
    child_width: room / columns - LEFT, child_height: panels ? 240 : 380,
  };
  return { chart: "rows", rows, signals, columns };
}

function heatDrawn(room) {
  const units = board.units.filter((unit) => unit !== "mean");
  const rows = units.flatMap((unit) => {
    const known = shown.filter((id) => score(id, unit)), figures = known.map((id) => value(score(id, unit)));
    const low = Math.min(...figures), high = Math.max(...figures);
    return known.map((id, at) => {
      const says = [name(board.lines[id]), `${choice("measure")} on ${unit}: ${text(score(id, unit))}`];
      return {
        id, says, description: says.join("; "), name: name(board.lines[id]), dataset: unit,
        share: high > low ? (figures[at] - low) / (high - low) : 1, text: figures[at].toFixed(3),
      };
    });
  });
  return rows.length ? { chart: "heat map", rows, size: { width: room } } : "No row has a score.";
}

function chartTitle() {
  const place = `${board.suite} on ${board.machine}`, each = ticked("by-dataset") && board.units.length > 1;
  const what = `${choice("measure")} on ${each ? "each dataset" : said(choice("unit"))}`;
  if (choice("view") === "heat map") return `${place}: ${choice("measure")} of each row on each dataset`;
  if (choice("view") === "queries") return `${place}: ${board.values.measure} of each query, by two rows`;
  const over = choice("view") === "latency" ? `${choice("span") || "latency"} ${choice("percent")}` : `speed-up ${choice("span")}`;
  return `${place}: ${choice("view") === "latency" ? what : `share kept of ${what}`}, over ${over}`;
}

function draw() {
  const room = byId("chart").parentElement.clientWidth - 12; // the chart itself may be hidden
  const drawn = { "heat map": heatDrawn, queries: queriesDrawn }[choice("view")] || rowsDrawn;
  const found = drawn(room), none = typeof found === "string";
  byId("chart-title").textContent = chartTitle();
  for (const [id, on] of [["chart", !none], ["downloads", !none], ["no-chart", none], ["about-chart", !none], ["about-rows", AXES[choice("view")] && !none],
    ["about-heat", choice("view") === "heat map"], ["curves", !none && found.rows.some((point) => point.curve)]]) byId(id).hidden = !on;
  byId("no-chart").textContent = none ? found : "";
  byId("about-queries").textContent = (!none && found.says) || "";
  if (!none) drawing = drawing.then(() => show(found));
}

async function show({ chart, rows, signals = {}, columns, size }) {
  const spec = structuredClone(charts[chart]), focused = document.activeElement?.__data__?.datum?.id;
  spec.data.find((data) => data.name === "rows").values = rows;
  if (columns) spec.layout.columns = columns;
  Object.assign(spec, size);
  for (const signal of spec.signals || []) if (signal.name in signals) signal.value = signals[signal.name];
  ({ view } = await vegaEmbed("#chart", spec, { mode: "vega", renderer: "svg", actions: false, tooltip: false, logLevel: 1 }));
  const dots = dotsDrawn();
  dots.forEach((dot, at) => {
    const { id } = dot.__data__.datum;
    dot.setAttribute("tabindex", at ? -1 : 0);
    if (id === undefined) return;
    dot.setAttribute("role", "button");
    dot.removeAttribute("aria-roledescription");
    dot.setAttribute("aria-pressed", chosen.pins.includes(id));
    if (id === focused) focusOn(dot);
  });
}

// ---- hovering, focus and keys --------------------------------------------------------------------

const dotsDrawn = () => [...byId("chart").querySelectorAll(".dots_marks path")];
const dotOf = (event) => (event.target.closest?.(".dots_marks path") ? event.target : null);

function focusOn(dot) {
  for (const one of dotsDrawn()) one.setAttribute("tabindex", one === dot ? 0 : -1);
  dot.focus();
}

function showHint(dot, x, y) {
  const place = byId("hint");
  place.hidden = !dot;
  if (!dot) return;
  place.replaceChildren(...dot.__data__.datum.says.map((one) => make("div", {}, one)));
  place.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - place.offsetWidth - 8))}px`;
  place.style.top = `${Math.max(4, Math.min(y + 14, innerHeight - place.offsetHeight - 8))}px`;
}

function onKey(event) {
  const dot = dotOf(event), dots = dotsDrawn(), step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!dot) return;
  if (event.key === "Escape") return showHint(null);
  if (step) focusOn(dots[(dots.indexOf(dot) + step + dots.length) % dots.length]);
  else if (event.key === "Enter" || event.key === " ") pinDot(dot);
  else return;
  event.preventDefault();
}

function pinDot(dot) {
  if (dot && dot.__data__.datum.id !== undefined) pin(dot.__data__.datum.id);
}

function listenToChart() {
  const place = byId("chart");
  place.addEventListener("mousemove", (event) => showHint(dotOf(event), event.clientX, event.clientY));
  place.addEventListener("mouseleave", () => showHint(null));
  place.addEventListener("click", (event) => pinDot(dotOf(event)));
  place.addEventListener("keydown", onKey);
  place.addEventListener("focusout", () => showHint(null));
  place.addEventListener("focusin", (event) => {
    const dot = dotOf(event), box = event.target.getBoundingClientRect();
    showHint(dot, box.right, box.bottom);
  });
  for (const form of ["svg", "png"]) byId(form).addEventListener("click", () => download(form));
  let waiting, width = innerWidth;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    if (innerWidth !== width) waiting = setTimeout(() => { width = innerWidth; draw(); }, 150);
  });
}

// ---- downloads -------------------------------------------------------------------------------------

async function download(form) {
  await drawing;
  view.background("white");
  const blob = form === "svg" ? new Blob([await view.toSVG()], { type: "image/svg+xml" })
    : await view.toCanvas(2).then((canvas) => new Promise((done) => canvas.toBlob(done)));
  view.background(null);
  const link = make("a", { href: URL.createObjectURL(blob), download: `${byId("chart-title").textContent.replace(/[^\w@.-]+/g, "-")}.${form}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
