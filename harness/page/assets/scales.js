// From costs and scores to places in a drawing, and where to put ticks.
function linearScale(low, high, from, to) {
  const span = high - low || 1;
  return {
    at: (value) => from + ((value - low) / span) * (to - from),
    inverse: (place) => low + ((place - from) / (to - from)) * span,
    ticks: (count) => linearTicks(low, high, count),
  };
}

function logScale(low, high, from, to) {
  const [a, b] = [Math.log(low), Math.log(high > low ? high : low * 10)];
  return {
    at: (value) => from + ((Math.log(Math.max(value, low)) - a) / (b - a)) * (to - from),
    inverse: (place) => Math.exp(a + ((place - from) / (to - from)) * (b - a)),
    ticks: (count) => logTicks(low, high, count),
  };
}

function linearTicks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const ticks = [];
  for (let number = Math.ceil(low / step); number * step <= high + step * 1e-9; number += 1) {
    ticks.push({ value: number * step, text: tickText(number * step, step) });
  }
  return ticks;
}

function tickText(value, step) {
  if (step < 1e-4 || step >= 1e6) return value === 0 ? "0" : Number(value.toPrecision(6)).toExponential();
  return value.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

function logTicks(low, high, count) {
  const wide = Math.log10(high / low) > count / 2;
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power += 1) {
    for (const factor of wide ? [1] : [1, 2, 5]) {
      const value = factor * 10 ** power;
      if (value >= low && value <= high) ticks.push({ value, text: String(Number(value.toPrecision(1))) });
    }
  }
  return ticks;
}

// The last point of a step function at or before a cost; null before its first.
function pointAt(points, cost) {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] <= cost) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? null : points[low - 1];
}
