// SPDX-License-Identifier: Apache-2.0
// Elements and words. Everything that a job has said becomes a text node here and nothing else:
// no other part of the page makes elements.

const SVG = "http://www.w3.org/2000/svg";

// make("td", {class: "n"}, "text", child, ...); null children are left out. Attributes that begin
// with "on" are functions.
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

function make(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

// A bar of `part` of 1. The width is set by script: the page admits no style attributes.
function bar(part, kind) {
  const inner = make("span", {class: `fill ${kind || ""}`});
  inner.style.width = `${(100 * Math.max(0, Math.min(1, part))).toFixed(2)}%`;
  return make("span", {class: "bar", "aria-hidden": "true"}, inner);
}

// A table with a head; `numbers` are the columns that are aligned to the right.
function table(head, rows, numbers = [], attributes = {}) {
  const kind = (column) => (numbers.includes(column) ? "n" : null);
  return make("div", {class: "scroll"}, make("table", attributes,
    make("thead", null, make("tr", null,
      head.map((text, at) => make("th", {scope: "col", class: kind(at)}, text)))),
    make("tbody", null, rows.map((row) => make("tr", null,
      row.map((cell, at) => make("td", {class: kind(at)}, cell)))))));
}

// Text of a job. What is short stays in one line.
function data(words, tag = "span") {
  return make(tag, {class: words.length > 32 ? "data" : "data short"}, words);
}

// --- words ------------------------------------------------------------------------------------

function grouped(number) {
  return String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, ",");
}

// Three digits that count.
function digits(value) {
  if (value === 0) return "0";
  if (value >= 99.95) return grouped(value);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

function time(ns) {
  if (ns === 0) return "0 s";
  if (ns < 1e3) return `${Math.round(ns)} ns`;
  if (ns < 1e6) return `${digits(ns / 1e3)} µs`;
  if (ns < 1e9) return `${digits(ns / 1e6)} ms`;
  if (ns < 120e9) return `${digits(ns / 1e9)} s`;
  const minutes = Math.floor(ns / 60e9);
  if (minutes < 120) return `${minutes} min ${Math.round((ns - minutes * 60e9) / 1e9)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  while (count >= 1024 && at + 1 < units.length) {
    count /= 1024;
    at += 1;
  }
  return at === 0 ? `${grouped(count)} B` : `${digits(count)} ${units[at]}`;
}

function amount(value, unit) {
  if (typeof value !== "number") return String(value);
  if (unit === "ns") return time(value);
  return unit === "bytes" ? bytes(value) : grouped(value);
}

function counted(number, one, many) {
  return `${grouped(number)} ${number === 1 ? one : many || `${one}s`}`;
}

const LABELS = {
  cpu_time: "CPU time", user_time: "in user mode", system_time: "in the kernel",
  wall_time: "wall time", memory_peak_bytes: "memory, peak", pids_peak: "processes, peak",
  output_bytes: "output", supervisor_peak_rss_bytes: "supervisor's own memory",
};

// "io_read_bytes" is shown as "io read".
function label(name) {
  return LABELS[name] || name.replace(/_(bytes|ns)$/, "").replace(/[_.]/g, " ");
}

// Bytes as they stand in evidence ("67108864") are hard to read: MiB below them.
function observed(words) {
  const number = /^\d{7,15}$/.test(words) ? Number(words) : 0;
  return [data(words),
          number >= 1 << 20 ? make("span", {class: "below"}, bytes(number)) : null];
}
