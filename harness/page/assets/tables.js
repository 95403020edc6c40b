// Sorting by buttons in the heads, and filters over all tables at once. Names that filters know rows by:
const NAMES = { dataset: "data set", backbone: "backbone", hyperparameters: "hyperparameters", tuner: "tuner" };
const collator = new Intl.Collator("en", { numeric: true });

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// The columns that most readers leave aside.
function addColumnButtons() {
  for (const button of document.querySelectorAll("button.columns")) {
    const table = document.getElementById(button.getAttribute("aria-controls"));
    button.addEventListener("click", () => {
      const isFew = table.classList.toggle("few");
      button.setAttribute("aria-expanded", String(!isFew));
      button.textContent = isFew ? "more columns" : "fewer columns";
    });
  }
}

function makeSortable(table) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const label = head.textContent;
    if (label === "") return;
    const button = make("button", { type: "button", textContent: label });
    button.addEventListener("click", () => sortBy(table, body, original, head, column));
    head.replaceChildren(button);
  });
}

// Ascending, then descending, then the order of the matrix again.
function sortBy(table, body, original, head, column) {
  const next = { ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
  const direction = next === undefined ? "ascending" : next;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  const rows = [...original];
  if (direction !== null) {
    head.setAttribute("aria-sort", direction);
    rows.sort(comparison(column, head, direction === "ascending" ? 1 : -1));
  }
  body.append(...rows.flatMap((row) => (row.opened ? [row, row.opened] : [row])));
}

// Unknown stands last whichever way is sorted; equals keep the order of the matrix.
function comparison(column, head, sign) {
  const label = head.textContent;
  if (!head.classList.contains("number")) {
    return (one, other) => sign * collator.compare(one.cells[column].textContent, other.cells[column].textContent);
  }
  return (one, other) => {
    const [a, b] = [one, other].map((row) => sortKey(row.cells[column], label));
    if (a === null || b === null) return (a === null) - (b === null);
    return a === b ? 0 : sign * (a < b ? -1 : 1);
  };
}

function select(label, options, onChange) {
  const list = make("select");
  for (const [value, text] of options) list.append(make("option", { value, textContent: text }));
  list.addEventListener("change", onChange);
  return [list, make("label", { className: "field" }, label, list)];
}

function buildFilters(searches, onChange) {
  const form = document.getElementById("filters");
  const lists = {};
  const fields = [...Object.entries(NAMES), ["status", "state of a search"]].reverse();
  for (const [name, label] of fields) {
    const found = name === "status" ? states(searches) : choices(name);
    if (found.length < 2) continue;
    const options = [["", "all"], ...found.map((value) => [`=${value}`, value])];
    const [list, field] = select(label, options, () => apply());
    list.name = name;
    lists[name] = list;
    form.prepend(field);
  }
  const clear = make("button", { type: "reset", className: "plain", textContent: "Show all" });
  const said = make("output");
  form.append(clear, said);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  form.hidden = Object.keys(lists).length === 0;
  apply();
  return {
    // Choose by name what there is a choice of, and nothing else.
    choose(wanted) {
      for (const [name, list] of Object.entries(lists)) list.value = wanted[name] === undefined ? "" : `=${wanted[name]}`;
      apply();
    },
  };
  function apply() {
    const wanted = Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.value]));
    filterRows(wanted, searches, said);
    onChange(wanted);
  }
}

// Nothing is offered that the table of tuners lacks, as retrainings' name is: it would be empty.
function choices(name) {
  return [...new Set([...document.querySelectorAll("#tuners-table tbody tr")].map((row) => row.dataset[name]))];
}

function states({ folds, states: names }) {
  const found = new Set(folds.flat().map((one) => names[one[1]]));
  return names.filter((name) => found.has(name));
}

function filterRows(wanted, searches, said) {
  searches.wanted = wanted.status ?? "";
  for (const row of document.querySelectorAll("tbody tr[data-tuner]")) {
    row.hidden = !isWanted(row.dataset, wanted) || (row.dataset.fold !== undefined && countIn(row, searches) === 0);
    if (row.opened) row.opened.hidden = row.hidden;
  }
  for (const body of document.querySelectorAll("table.searches tbody")) showStates(body, searches.wanted);
  for (const group of document.querySelectorAll("#summary .groups > section, #answer .forest")) {
    group.hidden = !isWanted(group.dataset, wanted);
  }
  document.getElementById("summary-note").hidden = !wanted.tuner;
  const tuners = shown(document.querySelectorAll("#tuners-table tr[data-tuner]"), () => 1, "rows of tuners");
  const cells = [["search", "searches"], ["learning_rate", "retrainings"]].map(([role, noun]) => shownCells(role, noun, searches));
  said.textContent = `${[tuners, cells.filter((text) => text !== "").join(" and ")].filter((text) => text !== "").join(", ")} shown`;
}

// How many of a fold's searches have the wanted state.
function countIn(row, { folds, states: names, wanted }) {
  return folds[row.dataset.fold].filter((one) => wanted === "" || wanted === `=${names[one[1]]}`).length;
}

function shownCells(role, noun, searches) {
  const rows = document.querySelectorAll(`#searches-table tr[data-role="${role}"]`);
  return shown(rows, (row) => countIn(row, searches), noun, (row) => searches.folds[row.dataset.fold].length);
}

// How many of what the rows hold is shown; nothing where there is none.
function shown(rows, count, noun, inAll = count) {
  const sum = (found, of) => found.reduce((before, row) => before + of(row), 0);
  const all = [...rows];
  return all.length === 0 ? "" : `${sum(all.filter((row) => !row.hidden), count)} of ${sum(all, inAll)} ${noun}`;
}

function isWanted(data, wanted) {
  return Object.entries(wanted).every(([name, value]) => value === "" || data[name] === undefined || value === `=${data[name]}`);
}

// Links to a group, a tuner or a search: #group-DATA/BACKBONE/HYPERPARAMETERS, #tuner-NAME, #cell-ID.
function followLinks(filters, searches) {
  const follow = () => {
    const [, kind, name] = location.hash.match(/^#(group|tuner|cell)-(.+)$/) ?? [];
    if (kind === undefined) return;
    if (kind === "cell") return void openCell(decodeURIComponent(name), searches);
    if (kind === "tuner") filters.choose({ tuner: decodeURIComponent(name) });
    else filters.choose(Object.fromEntries(name.split("/").map((part, place) => [Object.keys(NAMES)[place], decodeURIComponent(part)])));
    document.getElementById(kind === "tuner" ? "curves" : "answer").scrollIntoView();
  };
  window.addEventListener("hashchange", follow);
  follow();
}
