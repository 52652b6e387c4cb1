// Names the row to ship: by the rule of effbench.board.choice, in the words of
// effbench.board.headline, and with the cores of effbench.board.demand. A test holds both to the
// same sentences, so a change here belongs there too. Texts of single rows come from there.
(() => {
  const NAMED = 3, HOURS = 730, ROUNDING = 1e-9;

  // ---- the rule ------------------------------------------------------------------------------

  const isUnsure = (row) => row.marks.some(([word]) => word === "unstable");
  const byScore = (row) => [-row.score, row.ms ? row.ms[0] : Infinity];
  const byTime = (row) => byScore(row).reverse();
  const before = (key) => (a, b) => key(a)[0] - key(b)[0] || key(a)[1] - key(b)[1] || 0;
  const barring = (row, terms) => row.marks.filter(([word]) => !terms.allowed.has(word)).map(([, label]) => label);
  const within = (row, terms) => terms.budget === null || (row.ms && row.ms[0] <= terms.budget);
  const keeps = (row, terms) => terms.keep === null || (row.kept && row.kept[0] >= terms.keep);
  const mayExceed = (row, terms) => terms.budget !== null && (row.ms[2] === null || row.ms[2] > terms.budget);
  const mayKeepLess = (row, terms) => terms.keep !== null && (row.kept[1] === null || row.kept[1] < terms.keep);
  const isFastest = (terms) => terms.budget === null && terms.keep !== null;

  function tied(row, other) {
    if (!row.beaten_by || !other.beaten_by) return false;
    return !row.beaten_by.includes(other.number) && !other.beaten_by.includes(row.number);
  }

  function choose(answer, terms) {
    const rows = answer.rows.map((row, number) => ({ number, ...row, ...row[terms.percent] }));
    const candidates = rows.filter((row) => row.score !== undefined && !barring(row, terms).length &&
      (terms.budget === null || row.ms));
    const wanted = before(isFastest(terms) ? byTime : byScore);
    const fitting = candidates.filter((row) => within(row, terms) && keeps(row, terms)).sort(wanted);
    const [taken, second] = fitting.filter((row) => row.ms);
    const faster = taken ? candidates.filter((row) => row.ms && row.ms[0] < taken.ms[0] && tied(row, taken)) : [];
    return { answer, terms, rows, candidates, fitting, taken, second, faster: faster.sort(before(byTime)) };
  }

  function nearest({ candidates, terms }) {
    const timed = candidates.filter((row) => row.ms), rows = timed.length ? timed : candidates;
    const both = terms.budget !== null && terms.keep !== null;
    const first = (some, key) => [...some].sort(before(key))[0];
    const keeping = first(rows.filter((row) => both && keeps(row, terms)), byTime);
    const inside = first(rows.filter((row) => both && within(row, terms)), byScore);
    const parts = [];
    if (keeping) parts.push(`the fastest that keeps it is ${keeping.brief}`);
    if (inside) parts.push(`the best within it is ${inside.brief}`);
    return parts.length ? parts : [`the nearest is ${first(rows, isFastest(terms) ? byScore : byTime).brief}`];
  }

  // ---- the words -----------------------------------------------------------------------------

  const numberText = (value) => String(Number(value.toPrecision(6)));
  const orMore = (keep) => `${numberText(100 * keep)}% or more`;

  function headline(found, demand) {
    const { rows, candidates, fitting, terms, taken } = found;
    if (taken) {
      return [`${isUnsure(taken) ? "Provisionally ship" : "Ship"} ${taken.name}: ${taken.merits}`, fasterSaid(found),
        nextSaid(found), ...(demand ? [`for ${numberText(demand.rate)} queries/s: ${needSaid(taken.service, demand)}`] : [])].join("; ");
    }
    if (!candidates.length) return `No row can be shipped: ${whyNone(rows, terms).join("; ")}`;
    if (terms.keep !== null && candidates.every((row) => !row.kept)) {
      return "No row can be shipped: there is no baseline whose quality a row could keep";
    }
    if (fitting.length) {
      const best = `the best of them is ${fitting[0].brief}`;
      const keeping = terms.keep === null ? "" : ` keeping ${orMore(terms.keep)}`;
      return `No latency tells which row to ship (${fitting.length} of ${candidates.length} rows${keeping}); ${best}`;
    }
    return `No row ${asked(terms)}; ${nearest(found).join(", ")}`;
  }

  function fasterSaid({ faster }) {
    if (!faster.length) return "nothing faster is as good";
    const more = faster.length > NAMED ? ` and ${faster.length - NAMED} more` : "";
    return `faster and as good within noise: ${faster.slice(0, NAMED).map((row) => row.brief).join(", ")}${more}`;
  }

  function nextSaid({ taken, second, faster }) {
    if (!second) return "no other row fits";
    if (faster.slice(0, NAMED).includes(second)) return `next best ${second.name}`;
    return `next best ${second.brief}${tied(second, taken) ? ", as good within noise" : ""}`;
  }

  function whyNone(rows, terms) {
    const counts = new Map();
    for (const row of rows) {
      const why = row.unplaced || [...new Set(barring(row, terms))].join("; ");
      if (why) counts.set(why, (counts.get(why) || 0) + 1);
    }
    return [...counts].map(([why, count]) => `${why} (${count} of ${rows.length})`);
  }

  function asked(terms) {
    const parts = [];
    if (terms.budget !== null) parts.push(`is within ${numberText(terms.budget)} ms (end to end ${terms.percent})`);
    if (terms.keep !== null) parts.push(`keeps ${orMore(terms.keep)}`);
    return parts.join(" and ");
  }

  function certainty({ taken, fitting, terms }) {
    if (!taken) return fitting.length ? "not sure: no row has a latency, which would tell the fastest" : "";
    const doubts = isUnsure(taken) ? [taken.doubt] : [];
    if (mayExceed(taken, terms)) doubts.push("its latency may lie above the budget");
    if (mayKeepLess(taken, terms)) doubts.push("it may keep less than that (more judged queries would tell)");
    if (doubts.length) return `${isUnsure(taken) ? "" : "likely, "}not sure: ${doubts.join("; ")}`;
    return terms.budget === null && terms.keep === null ? "" : "sure: its whole 95 % intervals are within what was asked";
  }

  function rivalSaid({ answer, terms }) {
    if (terms.allowed.has("unstable")) return "";
    const { taken } = choose(answer, { ...terms, allowed: new Set([...terms.allowed, "unstable"]) });
    if (!taken || !isUnsure(taken)) return "";
    return `were its latency sure, ship ${taken.name}: ${taken.merits} (not sure: ${taken.doubt})`;
  }

  // ---- cores and cost ------------------------------------------------------------------------

  function need([seconds, threads, loads], demand) {
    const load = loads.filter(([share]) => share <= demand.utilisation).pop();
    const rate = load ? load[1] : demand.utilisation / seconds;
    const cores = Math.max(1, Math.ceil(demand.rate / rate - ROUNDING)) * threads;
    const cost = demand.price === null ? null : money(cores * demand.price * HOURS);
    return { cores, cost, source: load ? load[2] : `closed loop, ${numberText(demand.utilisation * 100)}% busy` };
  }

  const money = (value) => (Math.floor(value * 100 + 0.5) / 100).toFixed(2);

  function needSaid(service, demand) {
    if (typeof service === "string") return service;
    const { cores, cost } = need(service, demand);
    return `${cores} core${cores === 1 ? "" : "s"}${cost === null ? "" : `, ${cost} a month`}`;
  }

  // ---- the controls --------------------------------------------------------------------------

  const control = (name) => byId(`answer-${name}`);
  const suite = () => boards[+byId("board").value].suite;
  const shown = () => boards.filter((board) => board.suite === suite());
  const NEED_TIMES = ["budget", "percent", "rate", "price", "busy"];
  let budgets = [null];

  function scaleBudget() {
    // round numbers from below the fastest row to above the slowest one, and then no limit
    const percent = control("percent").value, before = budgets[+control("budget").value] ?? null;
    const times = shown().flatMap((board) => board.answer.rows.map((row) => row[percent]?.ms?.[0]).filter(Boolean));
    const round = [];
    for (let power = -5; power <= 6; power++) for (const part of [1, 1.5, 2, 3, 4, 5, 6, 8]) round.push(Number(`${part}e${power}`));
    const low = Math.max(...round.filter((value) => value <= Math.min(...times)));
    const high = Math.min(...round.filter((value) => value >= Math.max(...times)));
    for (const name of NEED_TIMES) control(name).parentElement.hidden = !times.length;
    budgets = [...round.filter((value) => times.length && value >= low && value <= high), null];
    control("budget").places = budgets.map((value) => (value === null ? "no limit" : `${numberText(value)} ms`));
    control("budget").max = budgets.length - 1;
    const at = budgets.findIndex((value) => before !== null && value >= before);
    control("budget").value = at < 0 ? budgets.length - 1 : at;
  }

  function offerMarks() {
    const known = Object.assign({}, ...shown().map((board) => board.answer.asked)), on = allowed();
    const boxes = Object.entries(known).map(([word, kind]) => {
      const box = make("input", { type: "checkbox", value: word, id: `answer-allow-${word}`, "data-linked": "" });
      box.checked = on.has(word);
      return make("label", {}, box, ` ${kind}`);
    });
    control("allow").replaceChildren(control("allow").querySelector("legend"), ...boxes);
    control("allow").hidden = !boxes.length;
  }

  const allowed = () => new Set([...control("allow").querySelectorAll("input:checked")].map((box) => box.value));
  const positive = (name) => (control(name).validity.valid && Number(control(name).value) || null);

  function termsNow() {
    const keep = Number(control("keep").value);
    return { budget: budgets[+control("budget").value], keep: keep ? keep / 100 : null, percent: control("percent").value, allowed: allowed() };
  }

  function demandNow() {
    const rate = positive("rate"), busy = positive("busy") ?? 50;
    return rate === null ? null : { rate, price: positive("price"), utilisation: busy / 100 };
  }

  function needs(board, demand) {
    const heads = [["row", "text"], ["cores", ""], ["cost a month", ""], ["counted from", "text"]];
    const lines = board.answer.rows.map(({ name, service }) => {
      const known = typeof service === "string" ? { cores: "-", cost: null, source: service } : need(service, demand);
      return make("tr", {}, make("th", { scope: "row", class: "text" }, name), make("td", {}, String(known.cores)),
        make("td", {}, known.cost ?? "-"), make("td", { class: "text" }, known.source));
    });
    return make("table", {}, make("caption", {}, `${board.suite} on ${board.machine}`),
      make("thead", {}, make("tr", {}, ...heads.map(([head, kind]) => make("th", { scope: "col", class: kind }, head)))), make("tbody", {}, ...lines));
  }

  function say() {
    const terms = termsNow(), demand = demandNow(), several = shown().length > 1;
    const texts = { budget: control("budget").places[control("budget").value],
      keep: terms.keep === null ? "any" : `${numberText(100 * terms.keep)}%` };
    for (const [name, text] of Object.entries(texts)) {
      control(`${name}-said`).textContent = text;
      control(name).setAttribute("aria-valuetext", text);
    }
    control("said").replaceChildren(...shown().flatMap((board) => {
      const found = choose(board.answer, terms), place = several ? `On ${board.machine}: ` : "";
      const notes = [certainty(found), rivalSaid(found)].filter(Boolean);
      return [make("p", { class: "said" }, `${place}${headline(found, demand)}`), ...notes.map((note) => make("p", { class: "note" }, note))];
    }));
    control("needs").hidden = !demand;
    if (demand) control("needs").querySelector("div").replaceChildren(...shown().map((board) => needs(board, demand)));
  }

  function begin() {
    byId("answer-title").textContent = `Which row to ship: ${suite()}`;
    const baselines = new Set(shown().map(({ baseline, answer }) => answer.rows[baseline]?.name).filter(Boolean));
    control("baseline").textContent = [...baselines].map((name) => `Kept and faster: beside ${name}, the baseline.`).join(" ");
    scaleBudget();
    offerMarks();
    say();
  }

  control("percent").addEventListener("change", scaleBudget);
  control("terms").addEventListener("input", say);
  control("terms").addEventListener("change", say);
  control("terms").addEventListener("submit", (event) => event.preventDefault());
  byId("board").addEventListener("change", begin);
  begin();
})();
