// A search's facts, trials and log, built when somebody asks for them.
function buildCells(cells) {
  const table = document.getElementById("searches-table");
  table.addEventListener("click", (event) => {
    const button = event.target.closest("button.more");
    if (button !== null) toggle(button.closest("tr"), button, cells);
  });
  const follow = () => openNamed(table, cells);
  window.addEventListener("hashchange", follow);
  follow();
}

// A link to #cell-ID opens that search.
function openNamed(table, cells) {
  if (!location.hash.startsWith("#cell-")) return;
  const id = decodeURIComponent(location.hash.slice("#cell-".length));
  const row = [...table.tBodies[0].rows].find((one) => one.dataset.cell === id);
  if (row === undefined) return;
  const button = row.querySelector("button.more");
  if (row.hidden) document.getElementById("filters").reset();
  if (!row.opened) toggle(row, button, cells);
  row.hidden = false;
  row.scrollIntoView({ block: "center" });
  button.focus({ preventScroll: true });
}

function toggle(row, button, cells) {
  const isOpen = row.opened !== undefined && row.opened !== null;
  button.setAttribute("aria-expanded", String(!isOpen));
  if (isOpen) {
    row.opened.remove();
    row.opened = null;
    return;
  }
  const inner = make("td", { colSpan: row.cells.length }, detail(row.dataset.cell, cells[row.dataset.cell]));
  row.opened = make("tr", { className: "opened" }, inner);
  row.after(row.opened);
}

function detail(id, cell) {
  const facts = make("dl", {}, ...cell.facts.flatMap(([term, text]) => [make("dt", { textContent: term }), make("dd", { textContent: text })]));
  return make("div", { className: "detail" }, facts, ...trials(id, cell), ...log(cell));
}

function trials(id, cell) {
  if (cell.trials.length === 0) return [make("p", { textContent: "No trial is recorded." })];
  const parts = [framed(trialTable(cell), `Trials of ${id}`)];
  if (cell.best !== null) parts.push(make("p", { className: "say", textContent: `Trial ${cell.best}, in bold, holds the best epoch.` }));
  if (cell.trials_left_out > 0) {
    const text = `${cell.trials_left_out} later trials are left out to keep this page small; harness show ${id} lists them all.`;
    parts.push(make("p", { className: "say", textContent: text }));
  }
  return parts;
}

function trialTable(cell) {
  const head = make("tr", {}, ...cell.columns.map((text, place) => make("th", { scope: "col", className: isText(place) ? "" : "number", textContent: text })));
  const rows = cell.trials.map((texts) => {
    const row = make("tr", {}, ...texts.map((text, place) => make(place === 0 ? "th" : "td", { className: isText(place) ? "" : "number", textContent: text })));
    row.cells[0].scope = "row";
    row.className = texts[0] === String(cell.best) ? "best" : "";
    return row;
  });
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  makeSortable(table);
  return table;
}

// Epochs and outcome.
function isText(place) {
  return place === 1 || place === 2;
}

function framed(table, label) {
  const frame = make("div", { className: "frame", tabIndex: 0 }, table);
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", label);
  return frame;
}

function log(cell) {
  if (cell.log === null) return [make("p", { textContent: "There is no log." })];
  const cut = cell.log_left_out_bytes > 0 ? ` (its last lines; ${cell.log_left_out_bytes} bytes before them are left out)` : "";
  const text = make("pre", { tabIndex: 0, textContent: cell.log === "" ? "(empty)" : cell.log });
  const fold = make("details", {}, make("summary", { textContent: `Log${cut}` }), text);
  // What a search ended with stands last.
  fold.addEventListener("toggle", () => (text.scrollTop = text.scrollHeight));
  return [fold];
}
