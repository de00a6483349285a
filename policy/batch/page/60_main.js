// SPDX-License-Identifier: Apache-2.0
// The page from top to bottom.

function header() {
  const hosts = DATA.hosts.map(([version, kernel]) =>
    `cordon ${version}${kernel ? ` on Linux ${kernel}` : ""}`);
  const facts = hosts.slice(0, 3);
  if (hosts.length > 3) facts.push(`${hosts.length - 3} more hosts`);
  if (DATA.digest) facts.push(`jobs ${DATA.digest.slice(0, 12)}`);
  return make("header", null, make("h1", null, DATA.title),
    make("p", {class: "origin"}, facts.map((each) => make("span", null, each))));
}

function outcomeBar() {
  const shares = [["good", DATA.good], ["bad", DATA.bad], ["skip", DATA.skipped],
                  ["stop", DATA.not_run]];
  return make("div", {class: "outcomes", "aria-hidden": "true"}, shares
    .filter(([, count]) => count > 0).map(([kind, count]) => {
      const part = make("span", {class: `fill ${kind}`});
      part.style.flexGrow = String(count);
      return part;
    }));
}

function tile(title, value, kind) {
  return make("div", {class: `tile ${kind || ""}`}, make("dt", null, title),
              make("dd", null, value));
}

function summary() {
  const slowest = JOBS.reduce((most, job) =>
    (job.wall !== null && (most === null || job.wall > most.wall) ? job : most), null);
  const good = DATA.jobs > 0 && DATA.good === DATA.jobs;
  let words = `${grouped(DATA.good)} of ${counted(DATA.jobs, "job")} ended as expected`;
  if (DATA.jobs === 0) words = "No jobs";
  else if (good) words = `${DATA.jobs === 1 ? "The only" : "All"} ${words.replace(/^.* of /, "")}`;
  return make("section", {class: "summary", "aria-label": "Summary"},
    make("p", {class: "headline"}, words), outcomeBar(),
    make("dl", {class: "tiles"},
      tile("As expected", grouped(DATA.good), "good"),
      tile("Unexpected", grouped(DATA.bad), DATA.bad ? "bad" : "zero"),
      tile("Skipped", grouped(DATA.skipped), DATA.skipped ? "skip" : "zero"),
      tile("Not run", grouped(DATA.not_run), DATA.not_run ? "stop" : "zero"),
      tile("CPU, all jobs", time(sum(JOBS, "cpu"))),
      tile("Wall, all jobs", time(sum(JOBS, "wall"))),
      slowest ? tile("Slowest", [time(slowest.wall), make("button",
        {type: "button", class: "plain", onclick: () => reveal(slowest)}, slowest.name)],
        "slowest") : null));
}

function verdicts() {
  const counts = new Map();
  for (const job of JOBS) {
    const word = job.verdict || job.outcome.word;
    const count = counts.get(word) || {good: 0, bad: 0, kind: job.ran ? "good" : job.outcome.key};
    count[job.outcome.key === "bad" ? "bad" : "good"] += 1;
    counts.set(word, count);
  }
  const rows = [...counts].sort((one, other) =>
    other[1].good + other[1].bad - one[1].good - one[1].bad);
  const most = rows.length ? rows[0][1].good + rows[0][1].bad : 1;
  const list = make("ul", {class: "verdicts"}, rows.map(([word, {good, bad, kind}]) =>
    make("li", null, make("button", {type: "button", title: `Show only ${word}`, onclick: () => {
      Object.assign(view, {text: "", unexpected: false,
                           verdict: view.verdict === word ? "" : word});
      show(0);
      page.table.scrollIntoView({block: "nearest"});
    }},
    make("span", {class: "word"}, word),
    make("span", {class: "count"}, grouped(good + bad),
      bad ? make("span", {class: "of-bad"}, ` · ${grouped(bad)} unexpected`) : null),
    stacked(good / most, kind, bad / most)))));
  return make("section", {class: "panel"}, make("h2", null, "Verdicts"),
    rows.length ? list : make("p", {class: "note"}, "There is no job."));
}

function stacked(good, kind, bad) {
  const box = bar(good, kind);
  const second = bar(bad, "bad").firstChild;
  box.append(second);
  return box;
}

function times(key, title, name) {
  const values = JOBS.map((job) => job[key]).filter((value) => value !== null)
    .sort((one, other) => one - other);
  if (!values.length) {
    return make("section", {class: "panel"}, make("h2", null, title),
      make("p", {class: "note"}, "No job has been measured."));
  }
  const marks = [["least", 0], ["median", 0.5], ["90 %", 0.9], ["99 %", 0.99], ["most", 1]];
  return make("section", {class: "panel"}, make("h2", null, title), histogram(JOBS, key, name),
    table(marks.map(([word]) => word),
          [marks.map(([, part]) => time(part === 0 ? values[0] : quantile(values, part)))],
          [0, 1, 2, 3, 4], {class: "quantiles"}));
}

function footer() {
  const parts = [];
  if (DATA.trimmed.length) {
    parts.push(make("p", {class: "trimmed"}, "To keep this page small, it leaves out ",
      DATA.trimmed.map((each) => each.replace(/\d+/g, grouped)).join(" and "),
      ". Jobs that were not as expected come first, then the slowest; the report (--report) and " +
      "the journal hold everything."));
  }
  parts.push(make("p", {class: "keys"}, "Keys: ", make("kbd", null, "/"), " find, ",
    make("kbd", null, "↑"), " ", make("kbd", null, "↓"), " from job to job, ",
    make("kbd", null, "Enter"), " details, ", make("kbd", null, "Esc"), " clears the search."));
  return make("footer", null, parts);
}

// "#job=NAME" names a job in a link.
function followLink() {
  const found = /^#job=(.*)$/.exec(window.location.hash);
  if (!found) return;
  let name = null;
  try {
    name = decodeURIComponent(found[1]);
  } catch {
    return;  // not a link of ours
  }
  const job = JOBS.find((each) => each.name === name);
  if (job) reveal(job);
}

document.getElementById("report").append(header(), summary(),
  make("div", {class: "panels"}, verdicts(), times("cpu", "CPU time", "CPU time"),
       times("wall", "Wall time", "wall time")),
  jobsTable(), footer());
show();
followLink();
document.addEventListener("keydown", onKey);
window.addEventListener("hashchange", followLink);
window.addEventListener("beforeprint", () => { view.size = PRINTED; show(0); });
window.addEventListener("afterprint", () => { view.size = PAGE; show(0); });
