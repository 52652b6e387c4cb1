// The start: everything is drawn, and drawn again when the reader chooses something.

function render() {
  table();
  draw();
  absent();
  pins();
  cell();
  remember();
}

byId("board").addEventListener("change", () => { chooseBoard(); render(); });
for (const control of linked()) {
  if (control.id !== "board" && !isTerm(control)) control.addEventListener(control.tagName === "SELECT" ? "change" : "input", render);
}
for (const kind of ["input", "change"]) byId("answer-terms").addEventListener(kind, rememberSoon);
for (const id of ["choices", "filters"]) byId(id).addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", () => location.reload());
listenToChart();
listenToCopies();
listenToPrint();
restore();
