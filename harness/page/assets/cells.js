// A tuner's searches, and each one's facts, trials and log: built when somebody asks for them.
function buildCells(searches) {
  const table = document.getElementById("searches-table");
  table.addEventListener("click", (event) => {
    const button = event.target.closest("button.more");
    if (button === null) return;
    const row = button.closest("tr");
    if (row.dataset.fold === undefined) toggle(row, button, () => detail(row.dataset.cell, searches));
    else toggle(row, button, () => foldOf(row, searches));
  });
}

function toggle(row, button, build) {
  const isOpen = row.opened !== undefined && row.opened !== null;
  button.setAttribute("aria-expanded", String(!isOpen));
  if (isOpen) {
    row.opened.remove();
    row.opened = null;
    return;
  }
  row.opened = make("tr", { className: "opened" }, make("td", { colSpan: row.cells.length }, build()));
  row.after(row.opened);
}

// A link to #cell-ID opens that search.
function openCell(id, searches) {
  const place = searches.folds.findIndex((fold) => fold.some((one) => one[0] === id));
  if (place < 0) return;
  const fold = document.querySelector(`#searches-table tr[data-fold="${place}"]`);
  if (!isFoldShown(fold, id, searches)) document.getElementById("filters").reset();
  fold.hidden = false;
  if (!fold.opened) toggle(fold, fold.querySelector("button.more"), () => foldOf(fold, searches));
  const row = [...fold.opened.querySelectorAll("tr[data-cell]")].find((one) => one.dataset.cell === id);
  const button = row.querySelector("button.more");
  if (!row.opened) toggle(row, button, () => detail(id, searches));
  row.hidden = false;
  row.scrollIntoView({ block: "center" });
  button.focus({ preventScroll: true });
}

function isFoldShown(fold, id, searches) {
  const status = searches.states[searches.folds[fold.dataset.fold].find((one) => one[0] === id)[1]];
  return !fold.hidden && (searches.wanted === "" || searches.wanted === `=${status}`);
}

function foldOf(row, searches) {
  const columns = searches.columns;
  const head = make("tr", {}, ...columns.map((text, place) => make("th", { scope: "col", className: place === 1 ? "" : "number", textContent: text })));
  const body = make("tbody", {}, ...searches.folds[row.dataset.fold].map((one) => searchRow(one, row, searches)));
  const table = make("table", { className: "searches" }, make("thead", {}, head), body);
  makeSortable(table);
  showStates(body, searches.wanted);
  return make("div", { className: "detail" }, framed(table, `Searches of ${row.dataset.tuner}`));
}

function searchRow([id, state, seed, ...numbers], { dataset }, { states, columns }) {
  const unseen = make("span", { className: "unseen", textContent: `, trials and log of seed ${seed} on ${dataset.dataset} with ${dataset.backbone}` });
  const button = make("button", { type: "button", className: "more" }, String(seed), unseen);
  button.setAttribute("aria-expanded", "false");
  const head = make("th", { scope: "row", className: "number" }, button);
  head.dataset.v = String(seed);
  const row = make("tr", {}, head, make("td", { textContent: states[state] }));
  Object.assign(row.dataset, { cell: id, status: states[state] });
  for (let place = 2; place < columns.length; place += 1) row.append(numberCell(numbers[place - 2] ?? null, place, columns.length));
  return row;
}

// Scores, costs, a share, and two counts.
function numberCell(value, place, count) {
  const shown = place < 4 ? score(value) : place === count - 3 ? percent(value) : place > count - 3 ? whole(value) : cost(value);
  const cell = make("td", { className: "number", textContent: shown });
  if (value !== null) cell.dataset.v = String(value);
  return cell;
}

function showStates(body, wanted) {
  for (const row of body.rows) {
    if (row.dataset.cell === undefined) continue;
    row.hidden = wanted !== "" && wanted !== `=${row.dataset.status}`;
    if (row.opened) row.opened.hidden = row.hidden;
  }
}

function detail(id, { details, texts }) {
  const cell = details[id];
  if (cell === undefined) {
    const text = `Details are left out to keep this page small; harness show ${id} has them all.`;
    return make("div", { className: "detail" }, make("p", { className: "say", textContent: text }));
  }
  const facts = make("dl", {}, ...cell.facts.map((number, place) => make(place % 2 === 0 ? "dt" : "dd", { textContent: texts[number] })));
  return make("div", { className: "detail" }, facts, ...trials(id, cell, texts), ...log(cell));
}

function trials(id, cell, texts) {
  if (cell.trials.length === 0) return [make("p", { textContent: "No trial is recorded." })];
  const parts = [framed(trialTable(cell, texts), `Trials of ${id}`)];
  if (cell.best !== null) parts.push(make("p", { className: "say", textContent: `Trial ${cell.best}, in bold, holds the best epoch.` }));
  if (cell.trials_left_out > 0) {
    const text = `${cell.trials_left_out} later trials are left out to keep this page small; harness show ${id} lists them all.`;
    parts.push(make("p", { className: "say", textContent: text }));
  }
  return parts;
}

function trialTable(cell, texts) {
  const head = make("tr", {}, ...cell.columns.map((number, place) => make("th", { scope: "col", className: isText(place) ? "" : "number", textContent: texts[number] })));
  const rows = cell.trials.map((trial) => {
    const row = make("tr", {}, ...trial.map((value, place) => make(place === 0 ? "th" : "td", { className: isText(place) ? "" : "number", textContent: trialText(value, place, texts) })));
    row.cells[0].scope = "row";
    row.className = trial[0] === cell.best ? "best" : "";
    return row;
  });
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  makeSortable(table);
  return table;
}

// Number; epochs and outcome; two scores; three costs; what the hyperparameters were.
function trialText(value, place, texts) {
  if (place === 0) return String(value);
  if (isText(place) || place > 7) return texts[value];
  return place < 5 ? score(value) : cost(value);
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
