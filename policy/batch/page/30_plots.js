// SPDX-License-Identifier: Apache-2.0
// Plots: distributions of times, and the course of one job. Each is an SVG that is drawn for the
// width that it has.

// `paint(svg, width)` is called again when the width changes.
function plot(height, name, paint) {
  const svg = draw("svg", {class: "plot", height, role: "img", "aria-label": name});
  const host = make("div", {class: "plot-host"}, svg);
  let width = 0;
  const redraw = () => {
    const now = Math.floor(host.clientWidth);
    if (now === width || now < 40) return;
    width = now;
    svg.replaceChildren();
    svg.setAttribute("width", width);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    paint(svg, width);
  };
  new ResizeObserver(redraw).observe(host);
  return host;
}

function text(x, y, words, anchor, kind) {
  return draw("text", {x, y, "text-anchor": anchor || "start", class: kind || "tick"}, words);
}

function line(x1, y1, x2, y2, kind) {
  return draw("line", {x1, y1, x2, y2, class: kind});
}

const STROKES = 400;
const LETTER = 7;  // no letter of a label is wider

// --- distributions ------------------------------------------------------------------------------

// Bins of equal width on a logarithmic scale: times of jobs differ by orders of magnitude.
function binsOf(values, count) {
  const positive = values.filter((value) => value > 0);
  let [low, high] = positive.length ? minMax(positive).map(Math.log10) : [6, 9];
  if (high - low < 0.6) {
    const middle = (low + high) / 2;
    [low, high] = [middle - 0.3, middle + 0.3];
  }
  const at = (value) => (value <= 0 ? 0 : (Math.log10(value) - low) / (high - low));
  const bin = (value) => Math.max(0, Math.min(count - 1, Math.floor(at(value) * count)));
  return {low, high, at, bin};
}

// Of many values: a spread would be too long a list of arguments.
function minMax(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return values.length ? [low, high] : [];
}

// Times that are round on a logarithmic axis, as few as fit.
function timeTicks(low, high, most) {
  for (const steps of [[1, 2, 5], [1, 3], [1]]) {
    const ticks = [];
    for (let power = Math.floor(low); power <= Math.ceil(high); power += 1) {
      for (const step of steps) {
        const value = step * 10 ** power;
        const place = Math.log10(value);
        if (place >= low - 1e-9 && place <= high + 1e-9) ticks.push(value);
      }
    }
    if (ticks.length <= most || steps.length === 1) {
      const every = Math.ceil(ticks.length / most);
      return ticks.filter((_, at) => at % every === 0);
    }
  }
  return [];
}

function shortTime(ns) {
  for (const [size, unit] of [[60e9, "min"], [1e9, "s"], [1e6, "ms"], [1e3, "µs"]]) {
    if (ns >= size) return `${Number((ns / size).toPrecision(2))} ${unit}`;
  }
  return `${ns} ns`;
}

function histogram(jobs, key, name) {
  const measured = jobs.filter((job) => job[key] !== null);
  const height = 168;
  return plot(height, `Distribution of ${name} over ${counted(measured.length, "job")}`,
    (svg, width) => {
      const count = Math.max(12, Math.min(36, Math.floor(width / 12)));
      const scale = binsOf(measured.map((job) => job[key]), count);
      const bins = Array.from({length: count}, () => ({good: 0, bad: 0}));
      for (const job of measured) {
        bins[scale.bin(job[key])][job.outcome.key === "bad" ? "bad" : "good"] += 1;
      }
      const most = bins.reduce((top, each) => Math.max(top, each.good + each.bad), 1);
      const [left, right, top, floor] = [1, width - 1, 16, 126];
      const step = (right - left) / count;
      const size = (number) => (number / most) * (floor - top);
      bins.forEach((each, at) => {
        const x = left + at * step;
        const low = size(each.good);
        const words = `${shortTime(10 ** (scale.low + (scale.high - scale.low) * at / count))} ` +
          `and more: ${counted(each.good + each.bad, "job")}, ${grouped(each.bad)} unexpected`;
        const mark = (kind, y, high) => svg.append(draw("rect",
          {x: x + 0.5, y, width: step - 1, height: high, class: `mark ${kind}`},
          draw("title", null, words)));
        if (each.good) mark("good", floor - low, low);
        if (each.bad) mark("bad", floor - low - size(each.bad), size(each.bad));
      });
      svg.append(text(left, 10, `${counted(most, "job")} in the tallest bar`));
      svg.append(line(left, floor + 0.5, right, floor + 0.5, "axis"));
      strip(svg, measured, key, (value) => left + scale.at(value) * (right - left), floor);
      let free = left;  // where no label stands yet
      for (const value of timeTicks(scale.low, scale.high, Math.floor(width / 58))) {
        const x = left + scale.at(value) * (right - left);
        const words = shortTime(value);
        const wide = LETTER * words.length;
        const from = Math.max(left, Math.min(right - wide, x - wide / 2));
        svg.append(line(x, floor + 15, x, floor + 19, "axis"));
        if (from < free) continue;
        svg.append(text(from + wide / 2, floor + 32, words, "middle"));
        free = from + wide + LETTER;
      }
    });
}

// One short line per job, in one path per outcome. Of many there would be no gap between them.
function strip(svg, jobs, key, place, floor) {
  for (const kind of ["good", "bad"]) {
    const path = jobs.filter((job) => (job.outcome.key === "bad") === (kind === "bad"))
      .map((job) => `M${place(job[key]).toFixed(1)} ${floor + 4}v9`);
    if (path.length && path.length <= STROKES) {
      svg.append(draw("path", {d: path.join(""), class: `strip ${kind}`}));
    }
  }
}

// --- the course of one job ----------------------------------------------------------------------

// A round number at or above `value`.
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= value * 0.999);
}

function roundBytes(value) {
  const power = 2 ** Math.floor(Math.log2(Math.max(1, value)));
  return [1, 1.25, 1.5, 2].map((step) => step * power).find((step) => step >= value * 0.999);
}

// `points` are [ns, value] in order; `limit` is a dashed line when it is near enough to be seen.
function course(points, {name, kind, top, show, limit, stepped}) {
  const height = 124;
  return plot(height, name, (svg, width) => {
    const end = Math.max(points[points.length - 1][0], 1);
    const [left, right, high, floor] = [1, width - 1, 16, height - 20];
    const x = (ns) => left + (ns / end) * (right - left);
    const y = (value) => floor - Math.min(1, value / top) * (floor - high);
    let path = "";
    let before = null;
    for (const [ns, value] of points) {
      const [px, py] = [x(ns).toFixed(1), y(value).toFixed(1)];
      if (before === null) path = `M${px} ${py}`;
      else path += stepped ? `V${py}H${px}` : `L${px} ${py}`;
      before = value;
    }
    svg.append(line(left, high, right, high, "grid"));
    svg.append(line(left, (high + floor) / 2, right, (high + floor) / 2, "grid"));
    svg.append(draw("path", {d: `${path}V${floor}H${x(points[0][0]).toFixed(1)}Z`,
                             class: `area ${kind}`}));
    svg.append(draw("path", {d: path, class: `course ${kind}`}));
    if (limit !== null && limit !== undefined && limit <= top) {
      svg.append(line(left, y(limit), right, y(limit), "limit"));
      const low = y(limit) < high + 14;
      svg.append(text(right, y(limit) + (low ? 12 : -4), `limit ${show(limit)}`, "end",
                      "tick limit-word"));
    }
    svg.append(text(left, high - 5, show(top)));
    svg.append(line(left, floor + 0.5, right, floor + 0.5, "axis"));
    svg.append(text(left, height - 5, "0"));
    svg.append(text((left + right) / 2, height - 5, time(end / 2), "middle"));
    svg.append(text(right, height - 5, time(end), "end"));
  });
}

// Processors in use between each sample and the one before it. What was used before the first
// belongs to no time, and of two samples in a hurry the kernel's clocks are too coarse.
function coresOf(timeline) {
  const points = [];
  let [at, cpu] = [timeline.at[0], timeline.cpu[0]];
  timeline.at.forEach((now, index) => {
    if (now - at <= timeline.every / 2) return;
    points.push([now, Math.max(0, timeline.cpu[index] - cpu) / (now - at)]);
    [at, cpu] = [now, timeline.cpu[index]];
  });
  if (!points.length) return [];
  const last = points[points.length - 1][1];
  return [[0, points[0][1]], ...points, [timeline.at[timeline.at.length - 1], last]];
}

function timelinePlots(timeline, limits) {
  const cores = coresOf(timeline);
  const along = (values) => timeline.at.map((at, index) => [at, values[index]]);
  const plots = [];
  if (cores.length) {
    const top = roundUp(Math.max(1, minMax(cores.map(([, value]) => value))[1]));
    plots.push(make("figure", null, make("figcaption", null, "Processors in use"),
      course(cores, {name: "Processors in use over time", kind: "cpu", top, stepped: true,
                     show: (value) => String(Number(value.toFixed(2))), limit: null})));
  }
  const memory = along(timeline.memory);
  const peak = minMax(timeline.memory)[1] || 1;
  const limit = typeof limits.memory === "number" && limits.memory <= 3 * peak
    ? limits.memory : null;
  plots.push(make("figure", null, make("figcaption", null, "Memory"),
    course(memory, {name: "Memory over time", kind: "memory", show: bytes, limit,
                    top: roundBytes(Math.max(peak, limit || 0) * 1.02)})));
  const most = minMax(timeline.pids || [])[1] || 0;
  if (most > 1) {
    plots.push(make("figure", null, make("figcaption", null, "Processes and threads"),
      course(along(timeline.pids), {name: "Processes over time", kind: "pids", stepped: true,
                                    top: roundUp(most), show: grouped, limit: null})));
  }
  return make("div", {class: "courses"}, plots);
}
