// Numbers as the Markdown tables write them: three significant digits, a dash for unknown.
const UNKNOWN = "—";

function cost(value) {
  if (value === null) return UNKNOWN;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e6) {
    return value.toExponential(2).replace(/e([+-])(\d)$/, "e$10$2");
  }
  return value.toFixed(Math.max(0, 2 - Math.floor(Math.log10(size))));
}

// A cost on an axis where curves are read: the last whole epoch before it, or three digits of what is measured.
function reading(value, axis) {
  return axis === "epochs" ? String(Math.floor(value)) : cost(value);
}

function score(value) {
  return value === null ? UNKNOWN : value.toFixed(3);
}

// What a table's cell is sorted by: its number, infinite where never reached, null where unknown.
function sortKey(cell, label) {
  if (cell.dataset.v !== undefined) return cell.dataset.v === "inf" ? Infinity : Number(cell.dataset.v);
  const text = cell.textContent.trim().replace(/^< /, "").replace("\u2212", "-");
  // Whoever never reached the target was not faster than anyone.
  if (text.startsWith("never")) return label === "speed-up" ? 0 : Infinity;
  if (text.startsWith("∞")) return Infinity;
  const number = parseFloat(text);
  return Number.isNaN(number) ? null : number;
}

// A difference with its sign; what is rounded to nothing has none.
function signed(value) {
  const text = Math.abs(value).toFixed(3);
  if (Number(text) === 0) return text;
  return `${value < 0 ? "\u2212" : "+"}${text}`;
}

function chance(share) {
  if (share === null) return UNKNOWN;
  return share < 0.005 ? "< 1 %" : `${(100 * share).toFixed(0)} %`;
}

function percent(share) {
  return share === null ? UNKNOWN : `${(100 * share).toFixed(1)} %`;
}

function whole(value) {
  return value === null ? UNKNOWN : String(value);
}
