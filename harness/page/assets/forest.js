// The slider that asks how tuners stood once each search had spent so much. What a row holds stands in forest.py.
function buildBudget(forest) {
  const form = document.getElementById("budget");
  const tables = [...document.querySelectorAll(".forest-table")];
  const axes = Object.entries(forest.axes).filter(([, axis]) => axis.costs.length > 1);
  if (tables.length === 0 || axes.length === 0) return;
  const whole = tables.map((table) => [...table.querySelectorAll("tr[data-name] .told")].map((one) => one.textContent));
  const state = { axis: axes[0][0], at: forest.axes[axes[0][0]].costs.length - 1 };
  const slider = make("input", { type: "range", min: 0, id: "budget-at" });
  const said = make("output");
  said.setAttribute("for", "budget-at");
  const kinds = radios("budget of a search in", "budget-axis", Object.fromEntries(axes.map(([name, axis]) => [name, axis.label])), state.axis, (axis) => {
    Object.assign(state, { axis, at: forest.axes[axis].costs.length - 1 });
    show();
  });
  slider.addEventListener("input", () => {
    state.at = Number(slider.value);
    show();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.append(kinds, make("label", { className: "field wide" }, "who stands where by then", slider), said);
  form.hidden = false;
  show();

  function show() {
    const axis = forest.axes[state.axis];
    const last = axis.costs.length - 1;
    Object.assign(slider, { max: last, value: state.at });
    const text = state.at === last ? "whole searches" : `after ${cost(axis.costs[state.at])} ${axis.label}`;
    slider.setAttribute("aria-valuetext", text);
    said.textContent = `${text}${likely(axis)}`;
    tables.forEach((table, place) => fillForest(table, axis, axis.rows[place][state.at], { forest, whole: state.at === last ? whole[place] : null }));
  }

  // Of the first table: all groups together, where there are several.
  function likely(axis) {
    const found = Object.entries(axis.rows[0][state.at]).filter(([, row]) => row[3] !== null).sort((one, other) => other[1][3] - one[1][3]);
    return found.length === 0 ? "" : `: may be best: ${found.slice(0, 3).map(([name, row]) => `${name} ${chance(row[3])}`).join(", ")}`;
  }
}

function fillForest(table, axis, rows, { forest, whole }) {
  table.querySelector("th.cost").textContent = axis.label;
  const most = Math.max(...Object.values(rows).map((row) => row[4] ?? 0)) || 1;
  [...table.querySelectorAll("tr[data-name]")].forEach((line, place) => {
    const row = rows[line.dataset.name];
    const [gain, low, high, best, spent, isEarly] = row ?? [null, null, null, null, null, 0];
    const at = (value) => `${Math.min(100, Math.max(0, (100 * (value - forest.low)) / (forest.high - forest.low))).toFixed(2)}%`;
    const isYardstick = line.dataset.name === forest.yardstick;
    const whisker = line.querySelector(".whisker");
    whisker.setAttribute("visibility", low === null ? "hidden" : "visible");
    if (low !== null) for (const [name, value] of [["x1", low], ["x2", high]]) whisker.setAttribute(name, at(value));
    const dot = line.querySelector(".dot");
    dot.setAttribute("x", at(gain ?? 0));
    dot.setAttribute("visibility", gain === null && !(isYardstick && isEarly === 0 && row) ? "hidden" : "visible");
    const [told, price] = line.querySelectorAll(".told");
    told.textContent = whole !== null ? whole[2 * place] : gainText(row, isYardstick);
    line.querySelector(".chance").textContent = chance(best);
    price.textContent = cost(spent);
    line.querySelector(".bar rect").setAttribute("width", `${((100 * (spent ?? 0)) / most).toFixed(1)}%`);
  });
}

function gainText(row, isYardstick) {
  if (row === undefined) return "no search to compare";
  const [gain, low, high, , , isEarly] = row;
  if (isEarly === 1) return "no model yet";
  if (isYardstick) return "compared with";
  if (gain === null) return "nothing to compare with yet";
  return low === null ? signed(gain) : `${signed(gain)} [${signed(low)}, ${signed(high)}]`;
}
