// The interactive curves: which group, which cost, which score, and what the curves say at a chosen cost.

function buildCurves(data) {
  const state = { group: 0, axis: "wall_s", score: "val_score", isLog: true, isWhole: false, hasBands: mostTuners(data) <= 4, hasThin: false, hidden: new Set(), at: 1, isRead: false };
  const parts = Object.fromEntries(["controls", "chart", "cursor", "cursor-at", "curves-note", "drawn"].map((id) => [id, document.getElementById(id)]));
  const names = Object.keys(data.styles);
  if (data.groups.length === 0) {
    document.getElementById("curves").replaceChildren();
    return { filter: () => {} };
  }
  const control = buildControls(parts.controls, data, state, () => show());
  let chart = null;
  let shownTuner = "";

  function show() {
    const group = data.groups[state.group];
    control.follow(group);
    const series = seriesOf(group);
    fillLegend(group);
    const drawn = series.filter((one) => one.points.length > 0 || one.thin.length > 0);
    parts["curves-note"].textContent = whyMissing(group, series);
    parts.drawn.textContent = `Mean ${data.scores[state.score]} over ${data.axes[state.axis]}: ${groupName(group)}`;
    parts.cursor.disabled = drawn.length === 0;
    chart = drawn.length === 0 ? null : drawChart(parts.chart, drawn, options(group));
    if (chart === null) parts.chart.replaceChildren(make("p", { textContent: "There is nothing to draw: no search shown here has a score." }));
    else listen(chart);
    readAt();
  }

  function options(group) {
    const scoreLabel = data.scores[state.score];
    const target = state.score === "val_score" ? group.target : null;
    const label = `Mean ${scoreLabel} over ${data.axes[state.axis]}: ${groupName(group)}. The values stand in the table below.`;
    return { axisLabel: data.axes[state.axis], scoreLabel: `mean ${scoreLabel}`, isLog: state.isLog, isWhole: state.isWhole, hasBands: state.hasBands, target, label };
  }

  function seriesOf(group) {
    return group.tuners
      .filter((tuner) => !state.hidden.has(tuner.name) && (shownTuner === "" || tuner.name === shownTuner))
      .map((tuner) => ({
        name: tuner.name,
        index: names.indexOf(tuner.name),
        look: data.styles[tuner.name],
        points: tuner.bands[state.axis][state.score],
        thin: state.hasThin ? tuner.lines[state.axis][state.score] : [],
      }));
  }

  function whyMissing(group, series) {
    const unknown = Object.entries(group.unknown).map(([axis, reason]) => `No curve over ${data.axes[axis]}: ${reason}.`);
    const without = series.filter((one) => one.points.length === 0).map((one) => one.name);
    const none = without.length > 0 ? [`No curve for ${without.join(", ")}: no finished search has this score.`] : [];
    return [...unknown, ...none].join(" ");
  }

  function fillLegend(group) {
    const body = document.querySelector("#legend tbody");
    const focused = document.activeElement?.closest?.("#legend tr")?.dataset.name;
    body.replaceChildren(...group.tuners.filter((tuner) => shownTuner === "" || tuner.name === shownTuner).map((tuner) => legendRow(tuner)));
    if (focused !== undefined) [...body.rows].find((row) => row.dataset.name === focused)?.querySelector("input").focus();
  }

  function legendRow(tuner) {
    const box = make("input", { type: "checkbox", checked: !state.hidden.has(tuner.name) });
    box.addEventListener("change", () => {
      state.hidden[box.checked ? "delete" : "add"](tuner.name);
      show();
    });
    const index = names.indexOf(tuner.name);
    const head = make("th", { scope: "row" }, make("label", {}, box, swatch(tuner.name), tuner.name));
    const row = make("tr", {}, head, ...[0, 1, 2].map(() => make("td", { className: "number" })));
    row.dataset.name = tuner.name;
    for (const event of ["mouseenter", "focusin"]) row.addEventListener(event, () => choose(index));
    for (const event of ["mouseleave", "focusout"]) row.addEventListener(event, () => choose(null));
    return row;
  }

  function choose(index) {
    for (const group of parts.chart.querySelectorAll(".series")) {
      group.classList.toggle("chosen", index !== null && Number(group.dataset.index) === index);
      group.classList.toggle("others", index !== null && Number(group.dataset.index) !== index);
    }
  }

  function moveTo(at) {
    Object.assign(state, { at, isRead: true });
    readAt();
  }

  function readAt() {
    const at = chart === null ? null : costAt(chart, state.at);
    const text = at === null ? "" : `${reading(at, state.axis)} ${data.axes[state.axis]}`;
    parts["cursor-at"].textContent = text;
    parts.cursor.setAttribute("aria-valuetext", text);
    parts.cursor.value = Math.round(state.at * 1000);
    if (chart !== null && state.isRead) chart.showCursor(chart.x.at(at));
    for (const row of document.querySelectorAll("#legend tbody tr")) fillReadOut(row, at);
  }

  function fillReadOut(row, at) {
    const tuner = data.groups[state.group].tuners.find((one) => one.name === row.dataset.name);
    const point = at === null ? null : pointAt(tuner.bands[state.axis][state.score], at);
    const range = point === null || point[2] === null ? UNKNOWN : `${score(point[2])} to ${score(point[3])}`;
    const texts = [score(point === null ? null : point[1]), range, `${tuner.counts[state.axis][state.score]} of ${tuner.planned}`];
    texts.forEach((text, place) => (row.cells[place + 1].textContent = text));
  }

  function listen({ svg, box }) {
    svg.addEventListener("pointermove", (event) => {
      const frame = svg.getBoundingClientRect();
      const place = ((event.clientX - frame.left) / frame.width) * svg.viewBox.baseVal.width;
      moveTo(Math.min(1, Math.max(0, (place - box.left) / (box.right - box.left))));
    });
  }

  parts.cursor.addEventListener("input", () => moveTo(Number(parts.cursor.value) / 1000));
  let width = 0;
  new ResizeObserver(() => {
    if (parts.chart.clientWidth === width) return;
    width = parts.chart.clientWidth;
    show();
  }).observe(parts.chart);
  show();

  return {
    filter(wanted) {
      shownTuner = wanted.tuner ? wanted.tuner.slice(1) : "";
      const open = data.groups.map((group, place) => [group, place]).filter(([group]) => isWanted({ ...group, tuner: undefined }, wanted));
      control.offer(open.map(([, place]) => place));
      if (open.length > 0 && !open.some(([, place]) => place === state.group)) state.group = open[0][1];
      show();
    },
  };
}

// A hair more, so that the right edge is not rounded to before the last point.
function costAt({ x, box }, share) {
  return x.inverse(box.left + share * (box.right - box.left)) * (1 + 1e-9);
}

// Pages of many searches leave their curves out.
function hasLines(data) {
  return data.groups.some((group) => group.tuners.some((tuner) => Object.values(tuner.lines).some((of) => Object.values(of).some((found) => found.length > 0))));
}

function mostTuners(data) {
  return Math.max(...data.groups.map((group) => group.tuners.length));
}

function groupName(group) {
  return `${group.dataset}, ${group.backbone}, ${group.hyperparameters}`;
}

// As the table of tuners has it.
function swatch(name) {
  const row = [...document.querySelectorAll("#tuners-table tbody tr")].find((one) => one.dataset.tuner === name);
  return row.querySelector("svg").cloneNode(true);
}

function buildControls(form, data, state, show) {
  form.addEventListener("submit", (event) => event.preventDefault());
  const change = (values) => {
    Object.assign(state, values);
    show();
  };
  const [groups, field] = select("group", data.groups.map((group, place) => [String(place), groupName(group)]), () => change({ group: Number(groups.value) }));
  const axes = radios("cost", "axis", data.axes, state.axis, (axis) => change({ axis }));
  const scores = radios("score", "score", data.scores, state.score, (score) => change({ score }));
  const switches = make("fieldset", {}, make("legend", { textContent: "drawing" }), make("div", { className: "choices" },
    ...[["isLog", "logarithmic cost"], ["isWhole", `${data.score} from 0`], ["hasBands", "intervals"], ...(hasLines(data) ? [["hasThin", "each search"]] : [])].map(([name, text]) => {
      const box = make("input", { type: "checkbox", name, checked: state[name] });
      box.addEventListener("change", () => change({ [name]: box.checked }));
      return make("label", {}, box, text);
    })));
  if (data.groups.length > 1) form.append(field);
  form.append(axes, scores, switches);
  return {
    follow(group) {
      groups.value = String(state.group);
      for (const input of axes.querySelectorAll("input")) {
        input.disabled = input.value in group.unknown;
        input.nextSibling.textContent = data.axes[input.value] + (input.disabled ? " (unknown)" : "");
      }
      if (state.axis in group.unknown) state.axis = Object.keys(data.axes).find((axis) => !(axis in group.unknown));
      axes.querySelector(`input[value="${state.axis}"]`).checked = true;
    },
    offer(places) {
      for (const option of groups.options) option.hidden = option.disabled = !places.includes(Number(option.value));
    },
  };
}

function radios(legend, name, options, chosen, onChange) {
  const choices = Object.entries(options).map(([value, text]) => {
    const input = make("input", { type: "radio", name, value, checked: value === chosen });
    input.addEventListener("change", () => onChange(value));
    return make("label", {}, input, text);
  });
  return make("fieldset", {}, make("legend", { textContent: legend }), make("div", { className: "choices" }, ...choices));
}
