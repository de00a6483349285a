// SPDX-License-Identifier: Apache-2.0
// Everything that is known of one job, below its row.

const STEPS = 12;

const STATES = {
  ENFORCED_VERIFIED: ["read back", "good"],
  ENFORCED_PROBED: ["tried by a twin", "good"],
  ENFORCED_UNREADABLE: ["applied, not readable", "quiet"],
  UNAVAILABLE: ["not available", "warn"],
  LAYER_OFF: ["off", "quiet"],
};

function section(title, ...children) {
  return make("section", {class: "part"}, make("h4", null, title), children);
}

function evidencePart(detail) {
  if (!detail.evidence) return null;
  const rows = detail.evidence.map(([name, seen, limit, source]) =>
    [data(name, "code"), observed(seen), limit ? observed(limit) : "–", source]);
  return section("Evidence", table(["Fact", "Observed", "Limit", "Known from"], rows, [],
                                   {class: "evidence"}));
}

function usagePart(detail) {
  if (!detail.usage) return null;
  const {limited, further} = usageOf(detail);
  const value = (each) => (each.lower ? "≥ " : "") + amount(each.value, each.unit);
  const rows = limited.map((each) => {
    const part = each.limit > 0 ? each.value / each.limit : 0;
    const kind = part >= 1 ? "over" : part >= 0.8 ? "near" : "";
    return [label(each.name), value(each), amount(each.limit, each.unit),
      make("span", {class: "share"}, bar(part, kind),
        make("span", null, each.limit > 0 ? `${digits(100 * part)} %` : ""))];
  });
  const parts = [];
  if (rows.length) {
    parts.push(table(["Resource", "Used", "Limit", "Share of the limit"], rows, [1, 2],
                     {class: "usage"}));
  }
  if (further.length) {
    parts.push(make("dl", {class: "facts"}, further.map((each) =>
      make("div", null, make("dt", null, label(each.name)), make("dd", null, value(each))))));
  }
  if (detail.lower) {
    parts.push(make("p", {class: "note"}, "≥: on this host only a lower bound is known."));
  }
  if (detail.unknown) {
    parts.push(make("p", {class: "note"},
      `This host says nothing of: ${detail.unknown.map(label).join(", ")}.`));
  }
  return section("Usage", parts);
}

function layersPart(detail) {
  const layers = DATA.layers[detail.layers];
  if (!layers) return null;
  const rows = layers.map(([layer, state, confirmed, words]) => {
    const [word, kind] = STATES[state] || [state, "quiet"];
    return [data(layer, "code"), make("span", {class: `tag ${kind}`, title: state}, word),
      confirmed || "–", words];
  });
  return section("Layers", table(["Layer", "State", "Confirmed by", "Remark"], rows, [],
                                 {class: "layers"}));
}

// The ones that took longest, in their order; a hundred that took none are one line.
function stepsPart(detail) {
  if (!detail.steps) return null;
  const [names, times] = [DATA.steps[detail.steps[0]], detail.steps[1]];
  const total = sumOf(times);
  const slowest = times.map((_, at) => at).sort((one, other) => times[other] - times[one])
    .slice(0, STEPS).sort((one, other) => one - other);
  const most = Math.max(...times, 1);
  const rows = slowest.map((at) =>
    [data(names[at], "code"), time(times[at]), bar(times[at] / most)]);
  if (names.length > slowest.length) {
    const rest = total - sumOf(slowest.map((at) => times[at]));
    rows.push([`${grouped(names.length - slowest.length)} others`, time(rest), ""]);
  }
  return section(`Set-up: ${counted(names.length, "step")}, ${time(total)}`,
    table(["Step", "Time", ""], rows, [1], {class: "steps"}));
}

function timelinePart(timeline, detail) {
  if (!timeline) {
    return detail.no_timeline
      ? section("Course", make("p", {class: "note"}, detail.no_timeline)) : null;
  }
  const limits = Object.fromEntries((DATA.limits[detail.limits] || [])
    .map(([name, , value]) => [name, value]));
  const samples = make("details", null, make("summary", null, "As a table"));
  samples.addEventListener("toggle", () => {
    if (!samples.open || samples.childElementCount > 1) return;
    samples.append(table(["At", "CPU so far", "Memory", "Processes"],
      timeline.at.map((at, index) => [time(at), time(timeline.cpu[index]),
        bytes(timeline.memory[index]), grouped(timeline.pids[index])]), [0, 1, 2, 3]));
  });
  const words = [`${counted(timeline.of, "sample")}, one each ${time(timeline.every)}`];
  if (timeline.of > timeline.at.length) words.push(`${timeline.at.length} of them are drawn`);
  return make("section", {class: "part wide"}, make("h4", null, "Course"),
    timelinePlots(timeline, limits), make("p", {class: "note"}, `${words.join("; ")}.`), samples);
}

function listPart(title, texts) {
  return texts ? section(title, make("ul", {class: "data"},
    texts.map((each) => make("li", null, each)))) : null;
}

function callsPart(detail) {
  if (!detail.calls) return null;
  return section("Calls that were refused", table(["Call", "Arguments", "Architecture", "Times"],
    detail.calls.map(([call, argument, architecture, times]) => [data(call, "code"),
      data(argument || "any others"), architecture, grouped(times)]),
    [3]));
}

function filesPart(detail) {
  if (!detail.files) return null;
  return section("Files", table(["", "Path", "Where to, or why not", "Size"], detail.files.map(
    ([what, path, words, size]) => [what, data(path),
      data(words || "–"), bytes(size)]), [3]));
}

function factsPart(detail) {
  if (!detail.facts) return null;
  return section("Further facts", table(["Field", "Value"],
    detail.facts.map(([name, unit, value]) => [data(name, "code"),
      data(amount(value, unit))])));
}

function violationPart(detail) {
  const violation = detail.violation;
  if (!violation) return null;
  return section("The call that ended it",
    make("p", {class: "data"}, violation.words),
    make("p", {class: "note"}, `${violation.architecture}; decided by ${violation.by || "–"}`),
    violation.allow ? [make("p", {class: "note"}, "A policy that extends this one lets it pass:"),
      make("pre", {class: "data"}, violation.allow.join("\n"))] : null,
    (violation.notes || []).map((each) => make("p", {class: "note"}, each)));
}

function denialsPart(detail) {
  if (!detail.denials) return null;
  return section("What was denied",
    table(["Layer", "Operation", "Object", "Access", "By", "Times"], detail.denials.map(
      ([layer, operation, object, requested, process, times]) => [layer, operation, data(object),
        data(requested || "–", "code"), data(process), grouped(times)]), [5]),
    detail.denials.map(([, , object, , , , by, allow, notes]) => (!by && !allow && !notes ? null :
      [make("p", {class: "note"}, data(object), ` decided by ${by || "–"}`,
        notes ? `; ${notes}` : ""),
      allow ? [make("p", {class: "note"}, "A policy that extends this one allows it:"),
        make("pre", {class: "data"}, allow)] : null])),
    (detail.denials_unknown || []).map((each) =>
      make("p", {class: "note"}, `Not known: ${each}`)));
}

function streamsPart(detail) {
  if (!detail.streams) return null;
  return section("Streams", table(["From", "To", "Bytes", ""], detail.streams.map(
    ([from, to, count, cut]) => [data(from, "code"), data(to, "code"),
      grouped(count), cut ? "the reader was gone first" : ""]), [2]));
}

function sandboxParts(detail) {
  return (detail.sandboxes || []).map(([name, verdict, end, after, inner]) =>
    make("section", {class: "part wide sandbox"},
      make("h3", null, data(name, "code"), make("span", {class: "word"}, `${verdict} ${end}`),
        make("span", {class: "note"}, `ended after ${time(after)}`)),
      partsOf(inner, null), cutNote(inner)));
}

function cutNote(detail) {
  return detail.cut ? make("p", {class: "note"}, `Not shown: ${detail.cut.join(", ")}.`) : null;
}

// What needs the whole width, before and behind what stands in columns.
function partsOf(detail, timeline) {
  const columns = [usagePart(detail), evidencePart(detail), violationPart(detail),
    denialsPart(detail), listPart("Errors", detail.errors), callsPart(detail),
    listPart("Grants beyond the policy", detail.widened),
    listPart("Optional sources that do not exist", detail.skipped), streamsPart(detail),
    filesPart(detail), factsPart(detail), stepsPart(detail)]
    .filter((part) => part);
  return [timelinePart(timeline, detail),
    columns.length ? make("div", {class: "parts"}, columns) : null, layersPart(detail),
    ...sandboxParts(detail)]
    .filter((part) => part);
}

function detailOf(job) {
  const box = make("div", {class: "detail"});
  if (!job.detail) {
    box.append(make("p", {class: "note"}, job.ran
      ? "The details of this job were left out to keep the page small; the report (--report) and " +
        "the journal have them."
      : "This job was not run."));
    return box;
  }
  const detail = job.detail;
  // The row has a short one already.
  if (detail.why) box.append(make("p", {class: `why ${job.outcome.key}`}, detail.why));
  if (detail.setup_only) {
    box.append(make("p", {class: "note"}, "The job's own program never ran."));
  }
  if (detail.tainted) {
    box.append(make("p", {class: "why skip"},
      `Something else than the job made its times longer: ${detail.tainted.join("; ")}`));
  }
  const parts = partsOf(detail, job.timeline);
  box.append(...parts);
  if (!parts.length) box.append(make("p", {class: "note"}, "The report of this job is empty."));
  box.append(cutNote(detail) || "");
  return box;
}
