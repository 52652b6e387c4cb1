// The table as text: Markdown and LaTeX, as `effbench.views.render` writes them.

const LATEX = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}" };
const oneLine = (said) => said.split(/\s+/).join(" ").trim();
const inMarkdown = (said) => oneLine(said).replace(/[\\|<>*_`[\]&~]/g, "\\$&");

function inLatex(said) {
  const plain = oneLine(said).replace(/[\\~^<>|&%$#_{}]/g, (one) => LATEX[one] || `\\${one}`);
  return /^[[*]/.test(plain) ? `{}${plain}` : plain; // else an option of the \\ of the line before
}

const texts = (column) => shown.map((id) => text(column.cells[id]));
const isText = (column) => column.first === "text";

function asMarkdown() {
  const cells = columns.map((column) => texts(column).map((one) => (isText(column) ? inMarkdown(one) : one)));
  const line = (parts) => `| ${parts.join(" | ")} |`;
  return [line(columns.map((column) => inMarkdown(column.title))), line(columns.map((column) => (isText(column) ? "---" : "---:"))),
    ...shown.map((_, at) => line(cells.map((column) => column[at])))].join("\n") + "\n";
}

function asLatex() {
  const line = (parts) => `${parts.map(inLatex).join(" & ")} \\\\`, cells = columns.map(texts);
  return ["% \\usepackage{booktabs}", "\\begin{table*}[t]", "\\centering\\footnotesize\\setlength{\\tabcolsep}{3pt}", `\\caption{${inLatex(`${board.suite} on ${board.machine}`)}}`,
    `\\begin{tabular}{${columns.map((column) => (isText(column) ? "l" : "r")).join("")}}`, "\\toprule",
    line(columns.map((column) => column.title)), "\\midrule", ...shown.map((_, at) => line(cells.map((column) => column[at]))),
    "\\bottomrule", "\\end{tabular}", "\\end{table*}"].join("\n") + "\n";
}

async function copy(said) {
  const place = byId("copied");
  place.hidden = false;
  place.value = said;
  place.select();
  const done = await navigator.clipboard?.writeText(said).then(() => true, () => false);
  byId("copy-state").textContent = done ? "Copied." : "Press Ctrl+C to copy.";
}

function listenToCopies() {
  byId("markdown").addEventListener("click", () => copy(asMarkdown()));
  byId("latex").addEventListener("click", () => copy(asLatex()));
  byId("copy-link").addEventListener("click", () => copy(location.href));
}
