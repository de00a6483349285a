// SPDX-License-Identifier: Apache-2.0
// The data of the page as objects.

const OUTCOMES = {
  1: {key: "good", word: "as expected", order: 3},
  2: {key: "bad", word: "unexpected", order: 0},
  3: {key: "skip", word: "skipped", order: 2},
};
const NOT_RUN = {key: "stop", word: "not run", order: 1};

const DATA = JSON.parse(document.getElementById("data").textContent);

function timelineOf(timeline) {
  if (!timeline || timeline.at.length < 2) return null;
  const ns = (values) => values.map((value) => value * 1e3);
  return {...timeline, at: ns(timeline.at), cpu: ns(timeline.cpu)};
}

const JOBS = DATA.rows.map((row, index) => {
  const [name, outcome, verdict, end, why, policy, cpu, wall, memory] = row;
  const ran = verdict !== 0;
  const word = ran ? DATA.verdicts[verdict] || `VERDICT ${verdict}` : "";
  return {
    index, name, why, end, ran, memory,
    outcome: OUTCOMES[outcome] || NOT_RUN,
    verdict: word,
    policy: DATA.policies[policy] || "",
    cpu: cpu === null ? null : cpu * 1e3,
    wall: wall === null ? null : wall * 1e3,
    detail: DATA.details[index] || null,
    timeline: timelineOf(DATA.timelines[index]),
    searched: `${name}\n${word} ${end}\n${DATA.policies[policy] || ""}\n${why}`.toLowerCase(),
  };
});

// The limit that a field of the usage is measured against.
const LIMIT_OF = {
  memory_peak_bytes: "memory", pids_peak: "processes", output_bytes: "output",
  swap_peak_bytes: "swap", stdout_bytes: "stdout_size", stderr_bytes: "stderr_size",
};

// [{name, unit, value, limit, lower}], those with a limit first.
function usageOf(detail) {
  const limits = new Map();
  for (const [name, , value] of DATA.limits[detail.limits] || []) {
    if (typeof value === "number") limits.set(name, value);
  }
  const lower = new Set(detail.lower || []);
  const usage = (detail.usage || []).map(([field, value]) => {
    const [name, unit] = DATA.usage[field];
    const limit = limits.get(LIMIT_OF[name] || name);
    return {name, unit, value, limit: limit === undefined ? null : limit, lower: lower.has(name)};
  });
  return {
    limited: usage.filter((each) => each.limit !== null),
    further: usage.filter((each) => each.limit === null),
  };
}

function sum(jobs, key) {
  return jobs.reduce((total, job) => total + (job[key] || 0), 0);
}

function sumOf(values) {
  return values.reduce((all, each) => all + each, 0);
}

// The value below which `part` of the sorted values lie.
function quantile(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length - 1e-9) - 1)] ??
    sorted[0];
}
