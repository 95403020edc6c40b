// The curves as SVG, by hand: a few dozen lines that fit into one offline file, where a library would bring hundreds of
// kilobytes and ways of its own.
const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { top: 12, right: 6, bottom: 44, left: 48 };
const STRIP_STEP = 12;

function draw(tag, attributes, parent) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (parent) parent.append(element);
  return element;
}

function write(text, attributes, parent) {
  draw("text", attributes, parent).textContent = text;
}

// Draw ``series`` ({name, index, look, points, thin}) and return the scale of costs and a way to show the reading line.
function drawChart(host, series, { axisLabel, scoreLabel, isLog, isWhole, hasBands, target, label }) {
  const width = Math.max(280, host.clientWidth);
  const height = Math.round(Math.min(440, Math.max(260, width * 0.5)));
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  // Beside the plot stands a strip with the final mean and interval of each tuner.
  const strip = Math.min(width / 4, series.length * STRIP_STEP + 6);
  const box = { left: MARGIN.left, right: width - MARGIN.right - strip, top: MARGIN.top, bottom: height - MARGIN.bottom };
  const y = scoreScale(series, isWhole, target, box);
  const x = costScale(series, isLog, y.inverse(box.bottom), box);
  drawAxes(svg, x, y, box, axisLabel, scoreLabel);
  const clip = draw("clipPath", { id: "plot-area" }, draw("defs", {}, svg));
  draw("rect", { x: box.left, y: box.top, width: box.right - box.left + 6, height: box.bottom - box.top }, clip);
  const plot = draw("g", { "clip-path": "url(#plot-area)", class: hasBands ? "with-bands" : "" }, svg);
  if (target !== null) drawTarget(svg, plot, y.at(target), box, target);
  series.forEach((one, place) => drawSeries(plot, one, x, y, box, (place + 0.5) / series.length));
  const step = strip / (series.length + 0.5);
  series.forEach((one, place) => drawFinal(svg, one, y, box.right + (place + 1) * step));
  if (strip > 60) write("at the end", { x: box.right + strip / 2 + 4, y: box.bottom + 18, "text-anchor": "middle" }, svg);
  // Unasked for, at the right edge, the line would look like somebody's interval.
  const line = draw("line", { class: "cursor", hidden: "", y1: box.top, y2: box.bottom }, svg);
  host.replaceChildren(svg);
  return { x, svg, box, showCursor: (place) => showCursor(line, place) };
}

function showCursor(line, place) {
  for (const name of ["x1", "x2"]) line.setAttribute(name, place);
  line.removeAttribute("hidden");
}

// A logarithmic scale begins where the first curve enters the plot from below.
function costScale(series, isLog, lowest, box) {
  const points = series.flatMap((one) => [...one.points, ...one.thin.flat()]);
  const high = Math.max(...points.map(([cost]) => cost));
  if (!isLog) return linearScale(0, high, box.left, box.right);
  const seen = points.filter(([cost, score]) => cost > 0 && score >= lowest).map(([cost]) => cost);
  return logScale(0.9 * Math.min(...seen, high), high, box.left, box.right);
}

// From below the worst final interval to the best, unless everything is asked for: early scores are far below.
function scoreScale(series, isWhole, target, box) {
  const all = series.flatMap(({ points, thin }) => [...points, ...(isWhole ? thin.flat() : [])]);
  const ends = isWhole ? all : series.flatMap(({ points }) => points.slice(-1));
  const values = (points, place) => points.map((point) => point[place] ?? point[1]);
  const high = Math.min(1, Math.max(...values(ends, 3), ...values(all, 1), target ?? 0));
  const low = Math.max(0, Math.min(...values(ends, 2), target ?? 1));
  const room = Math.max(0.005, (high - low) * 0.08);
  return linearScale(isWhole ? 0 : Math.max(0, low - 2 * room), Math.min(1, high + room), box.bottom, box.top);
}

function drawAxes(svg, x, y, box, axisLabel, scoreLabel) {
  for (const tick of y.ticks(5)) {
    const place = y.at(tick.value);
    draw("line", { class: "grid", x1: box.left, x2: box.right, y1: place, y2: place }, svg);
    write(tick.text, { x: box.left - 6, y: place + 4, "text-anchor": "end" }, svg);
  }
  for (const tick of x.ticks((box.right - box.left) / 80)) {
    const place = x.at(tick.value);
    draw("line", { class: "axis", x1: place, x2: place, y1: box.bottom, y2: box.bottom + 5 }, svg);
    write(tick.text, { x: place, y: box.bottom + 18, "text-anchor": "middle" }, svg);
  }
  draw("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }, svg);
  write(axisLabel, { x: box.right, y: box.bottom + 36, "text-anchor": "end" }, svg);
  const middle = (box.top + box.bottom) / 2;
  write(scoreLabel, { x: 12, y: middle, "text-anchor": "middle", transform: `rotate(-90 12 ${middle})` }, svg);
}

function drawTarget(svg, plot, place, box, target) {
  draw("line", { class: "target", x1: box.left, x2: box.right, y1: place, y2: place }, plot);
  write(`target ${score(target)}`, { x: box.left + 6, y: place - 5 }, svg);
}

function drawSeries(plot, { index, look, points, thin }, x, y, box, offset) {
  const group = draw("g", { class: `tuner-${index} series`, "data-index": index }, plot);
  for (const one of thin) draw("path", { class: "thin", d: joined(corners(one, x, y, 1)) }, group);
  if (points.length === 0) return;
  if (points.some((point) => point[2] !== null)) draw("path", { class: "band", d: bandPath(points, x, y) }, group);
  const dash = look.dash.map((part) => part * 2.2).join(" ");
  draw("path", { class: "line", d: joined(corners(points, x, y, 1)), ...(dash && { "stroke-dasharray": dash }) }, group);
  const [from, to] = [x.at(points[0][0]), x.at(points.at(-1)[0])];
  for (const share of [(1 + offset) / 4, (2 + offset) / 4, 1]) {
    const place = from + share * (to - from);
    drawMarker(group, look.marker, place, y.at(pointAt(points, x.inverse(place) * (1 + 1e-9))[1]), 4.5);
  }
}

function drawFinal(svg, { index, look, points }, y, across) {
  if (points.length === 0) return;
  const group = draw("g", { class: `tuner-${index} series`, "data-index": index }, svg);
  const [, middle, low, high] = points.at(-1);
  const ends = [y.at(Math.max(low ?? middle, 0)), y.at(Math.min(high ?? middle, 1))];
  draw("line", { class: "whisker", x1: across, x2: across, y1: ends[0], y2: ends[1] }, group);
  drawMarker(group, look.marker, across, y.at(middle), 4.5);
}

// The corners of a step function: each value is held until the next takes over.
function corners(points, x, y, column) {
  return points.flatMap((point, place) => {
    const [across, up] = [x.at(point[0]), y.at(point[column] ?? point[1])];
    const held = place === 0 ? [] : [[across, y.at(points[place - 1][column] ?? points[place - 1][1])]];
    return [...held, [across, up]];
  });
}

function joined(places) {
  return `M${places.map(([across, up]) => `${across.toFixed(1)} ${up.toFixed(1)}`).join("L")}`;
}

function bandPath(points, x, y) {
  return `${joined([...corners(points, x, y, 3), ...corners(points, x, y, 2).reverse()])}Z`;
}

// matplotlib's marker letters, as corners on a circle: how many, turned by how much, and how deep the stars' notches are.
const CORNERS = {
  s: [4, 45, 1], D: [4, 0, 1], d: [4, 0, 1], h: [6, 0, 1], H: [6, 30, 1], 8: [8, 22.5, 1], p: [5, 0, 1],
  "^": [3, 0, 1], v: [3, 180, 1], "<": [3, 270, 1], ">": [3, 90, 1],
  P: [4, 0, 0.45], X: [4, 45, 0.45], "*": [5, 0, 0.45],
};

function drawMarker(group, marker, across, up, size) {
  if (!(marker in CORNERS)) {
    draw("circle", { class: "mark", cx: across, cy: up, r: size * 0.9 }, group);
    return;
  }
  const [count, turn, notch] = CORNERS[marker];
  const sides = notch < 1 ? 2 * count : count;
  const tips = Array.from({ length: sides }, (_, number) => {
    const angle = ((turn + (360 * number) / sides) * Math.PI) / 180;
    const radius = size * 1.2 * (number % 2 === 1 && notch < 1 ? notch : 1);
    const narrow = marker === "d" ? 0.6 : 1;
    return `${(across + radius * narrow * Math.sin(angle)).toFixed(1)},${(up - radius * Math.cos(angle)).toFixed(1)}`;
  });
  draw("polygon", { class: "mark", points: tips.join(" ") }, group);
}
