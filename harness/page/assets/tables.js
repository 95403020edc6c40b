// Sorting by buttons in the heads, and filters over all tables at once. Names that filters know rows by:
const NAMES = { dataset: "data set", backbone: "backbone", hyperparameters: "hyperparameters", tuner: "tuner" };
const collator = new Intl.Collator("en", { numeric: true });

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// The tuner's colour, dash and marker before its name, as the curves have them: several tuners share a colour.
function addSwatches(styles) {
  const names = Object.keys(styles);
  for (const row of document.querySelectorAll("#tuners-table tbody tr")) {
    row.cells[0].prepend(swatch(names.indexOf(row.dataset.tuner), styles[row.dataset.tuner]));
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

function buildFilters(onChange) {
  const form = document.getElementById("filters");
  const lists = {};
  const fields = [...Object.entries(NAMES), ["status", "state of a search"]].reverse();
  for (const [name, label] of fields) {
    const found = choices(name);
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
  function apply() {
    const wanted = Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.value]));
    filterRows(wanted, said);
    onChange(wanted);
  }
  apply();
}

// The table of tuners has no states. Nothing else is offered that it lacks, as retrainings' name is: it would be empty.
function choices(name) {
  const rows = document.querySelectorAll(`#${name === "status" ? "searches" : "tuners"}-table tbody tr`);
  return [...new Set([...rows].map((row) => row.dataset[name]))];
}

function filterRows(wanted, said) {
  for (const row of document.querySelectorAll("tbody tr[data-tuner]")) {
    row.hidden = !isWanted(row.dataset, wanted);
    if (row.opened) row.opened.hidden = row.hidden;
  }
  for (const group of document.querySelectorAll("#summary .groups > section, #answer .forest")) {
    group.hidden = !isWanted(group.dataset, wanted);
  }
  document.getElementById("summary-note").hidden = !wanted.tuner;
  const counts = [["tuners", "tuner", "rows of tuners"], ["searches", "role=search", "searches"], ["searches", "role=learning_rate", "retrainings"]];
  const [tuners, ...cells] = counts.map(([table, data, noun]) => shown(`#${table}-table tr[data-${data}]`, noun)).filter((text) => text !== "");
  said.textContent = `${[tuners, cells.join(" and ")].join(", ")} shown`;
}

// How many of the rows are shown; nothing where there is none.
function shown(selector, noun) {
  const rows = [...document.querySelectorAll(selector)];
  return rows.length === 0 ? "" : `${rows.filter((row) => !row.hidden).length} of ${rows.length} ${noun}`;
}

function isWanted(data, wanted) {
  return Object.entries(wanted).every(([name, value]) => value === "" || data[name] === undefined || value === `=${data[name]}`);
}
