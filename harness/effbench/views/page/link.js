// The link: what the reader has chosen, after the # of the page's address.

// Sliders come last: other controls decide what their places mean. The link has the text of a
// place, where it has one: other records give the slider other places.
const linked = () => [...document.querySelectorAll("[data-linked]")].sort((a, b) => (a.type === "range") - (b.type === "range"));
const isTerm = (control) => control.closest("#answer");
const labelOf = (control) => (control.type === "checkbox" ? String(control.checked)
  : control.tagName === "SELECT" ? control.selectedOptions[0]?.textContent ?? "" : control.places?.[control.value] ?? control.value);
const usual = (control) => (control.type === "checkbox" ? String(control.defaultChecked)
  : control.tagName === "SELECT" ? control.querySelector("[selected]")?.textContent ?? control.options[0]?.textContent ?? ""
    : control.places?.at(-1) ?? control.getAttribute("value") ?? "");

function remember() {
  const link = new URLSearchParams();
  for (const control of linked()) if (labelOf(control) !== usual(control)) link.set(control.id, labelOf(control));
  if (chosen.sort) link.set("sort", chosen.sort);
  if (chosen.sort && !chosen.down) link.set("down", "false");
  for (const id of chosen.pins) link.append("pin", name(board.lines[id]));
  for (const kind of ["more", "less"]) for (const title of chosen[kind]) link.append(kind, title);
  history.replaceState(null, "", `#${link}`);
}

let waiting;

function rememberSoon() { // a slider says more than a browser lets a page remember
  clearTimeout(waiting);
  waiting = setTimeout(remember, 250);
}

function set(control, label) {
  if (control.type === "checkbox") control.checked = label === "true";
  else if (control.places) setPlace(control, label);
  else if (control.tagName !== "SELECT") control.value = label;
  else {
    const option = [...control.options].find((one) => one.textContent === label);
    if (option) control.value = option.value;
  }
}

function setPlace(control, label) { // a text without a place gets the next higher one
  const at = control.places.findIndex((place) => place === label || parseFloat(place) >= parseFloat(label));
  control.value = at < 0 ? control.max : at;
}

function restore() {
  const link = new URLSearchParams(location.hash.slice(1));
  if (link.has("board")) {
    set(byId("board"), link.get("board"));
    byId("board").dispatchEvent(new Event("change"));
  } else chooseBoard();
  for (const control of linked()) {
    if (!link.has(control.id) || control.id === "board") continue;
    set(control, link.get(control.id));
    if (isTerm(control)) control.dispatchEvent(new Event("change", { bubbles: true }));
  }
  chosen.sort = link.get("sort");
  chosen.down = link.get("down") !== "false";
  const names = board.lines.map(name);
  chosen.pins = link.getAll("pin").map((one) => names.indexOf(one)).filter((id) => id >= 0).slice(0, 2);
  for (const kind of ["more", "less"]) chosen[kind] = new Set(link.getAll(kind));
  render();
}
