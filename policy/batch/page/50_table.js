// SPDX-License-Identifier: Apache-2.0
// The table of jobs: filters, order, pages. Only the rows of one page are in the document, so that
// the number of jobs does not matter.

const PAGE = 100;
const PRINTED = 1000;

const COLUMNS = [
  {title: "Result", key: "outcome", sort: (job) => job.outcome.order, kind: "result"},
  {title: "Job", key: "name", sort: (job) => job.name, kind: "name"},
  {title: "Verdict", key: "verdict", sort: (job) => `${job.verdict} ${job.end}`, kind: "verdict"},
  {title: "CPU", key: "cpu", sort: (job) => job.cpu, kind: "n"},
  {title: "Wall", key: "wall", sort: (job) => job.wall, kind: "n"},
  {title: "Memory", key: "memory", sort: (job) => job.memory, kind: "n extra"},
  {title: "Policy", key: "policy", sort: (job) => job.policy, kind: "policy extra"},
];

const view = {
  text: "", verdict: "", unexpected: false, order: null, down: false, page: 0, size: PAGE,
  open: new Set(), jobs: JOBS,
};

function compare(one, other) {
  if (one === other) return 0;
  if (one === null) return -1;
  if (other === null) return 1;
  return one < other ? -1 : 1;
}

function chosenJobs() {
  const words = view.text.toLowerCase().split(/\s+/).filter((word) => word);
  const jobs = JOBS.filter((job) =>
    (!view.unexpected || job.outcome.key === "bad") &&
    (!view.verdict || (job.verdict || job.outcome.word) === view.verdict) &&
    words.every((word) => job.searched.includes(word)));
  if (view.order === null) return jobs;
  const {sort} = COLUMNS[view.order];
  const sign = view.down ? -1 : 1;
  return jobs.sort((one, other) => sign * compare(sort(one), sort(other)) ||
    one.index - other.index);
}

// --- rows ---------------------------------------------------------------------------------------

function cellsOf(job) {
  const end = job.end ? [" ", make("span", {class: "end"}, job.end)] : [];
  const open = view.open.has(job);
  return [
    make("span", {class: `tag ${job.outcome.key}`}, job.outcome.word),
    [make("button", {type: "button", class: "job", "aria-expanded": open ? "true" : "false",
                     onclick: () => toggle(job)}, job.name),
     job.why ? make("span", {class: "reason"}, job.why) : null],
    [make("span", {class: "word"}, job.verdict || "–"), end],
    job.cpu === null ? "–" : time(job.cpu),
    job.wall === null ? "–" : time(job.wall),
    job.memory === null ? "–" : bytes(job.memory),
    job.policy || "–",
  ];
}

function rowOf(job) {
  const cells = cellsOf(job);
  return make("tr", {class: `row ${job.outcome.key}`, "data-job": job.index,
                     onclick: (event) => {
                       const chosen = String(window.getSelection());
                       if (!event.target.closest("button") && !chosen) toggle(job);
                     }},
    COLUMNS.map((column, at) => make("td", {class: column.kind}, cells[at])));
}

function detailRow(job) {
  return make("tr", {class: "detail-row", "data-detail": job.index},
    make("td", {colspan: COLUMNS.length}, detailOf(job)));
}

function toggle(job) {
  if (view.open.has(job)) view.open.delete(job);
  else view.open.add(job);
  const row = page.body.querySelector(`tr[data-job="${job.index}"]`);
  if (!row) return;
  row.querySelector("button.job").setAttribute("aria-expanded", String(view.open.has(job)));
  if (view.open.has(job)) row.after(detailRow(job));
  else page.body.querySelector(`tr[data-detail="${job.index}"]`).remove();
}

// Shows one job, whatever is filtered at the moment.
function reveal(job) {
  Object.assign(view, {text: "", verdict: "", unexpected: false, order: null});
  view.open.add(job);
  view.page = Math.floor(job.index / view.size);
  show();
  const row = page.body.querySelector(`tr[data-job="${job.index}"]`);
  row.scrollIntoView({block: "start"});
  row.querySelector("button.job").focus({preventScroll: true});
}

// --- the whole ----------------------------------------------------------------------------------

const page = {};

function headCell(column, at) {
  const button = make("button", {type: "button", onclick: () => {
    // Up, down, and back to the order of the list.
    if (view.order !== at) Object.assign(view, {order: at, down: false});
    else if (!view.down) view.down = true;
    else Object.assign(view, {order: null, down: false});
    show(0);
  }}, column.title, make("span", {class: "arrow", "aria-hidden": "true"}));
  return make("th", {scope: "col", class: column.kind}, button);
}

function controls() {
  const words = [...new Set(JOBS.map((job) => job.verdict || job.outcome.word))].sort();
  page.text = make("input", {type: "search", id: "find", placeholder: "name, verdict, policy …",
    autocomplete: "off", spellcheck: "false",
    oninput: () => { view.text = page.text.value; show(0); }});
  page.verdict = make("select", {id: "verdict",
    onchange: () => { view.verdict = page.verdict.value; show(0); }},
    make("option", {value: ""}, "all verdicts"),
    words.map((word) => make("option", {value: word}, word)));
  page.unexpected = make("input", {type: "checkbox", id: "unexpected",
    onchange: () => { view.unexpected = page.unexpected.checked; show(0); }});
  page.count = make("p", {class: "count", role: "status", "aria-live": "polite"});
  return make("div", {class: "controls"},
    make("label", {for: "find"}, "Find"), page.text,
    make("label", {for: "verdict", class: "hidden"}, "Verdict"), page.verdict,
    make("label", {class: "check"}, page.unexpected, "only unexpected"), page.count);
}

function clearFilters() {
  Object.assign(view, {text: "", verdict: "", unexpected: false});
  show(0);
  page.text.focus();
}

function pager() {
  const turn = (by) => () => { show(view.page + by); page.table.scrollIntoView({block: "start"}); };
  page.back = make("button", {type: "button", onclick: turn(-1)}, "Previous");
  page.next = make("button", {type: "button", onclick: turn(1)}, "Next");
  page.range = make("span", {class: "range"});
  page.pager = make("nav", {class: "pager", "aria-label": "Pages of the table"}, page.back,
                    page.range, page.next);
  return page.pager;
}

function jobsTable() {
  page.head = COLUMNS.map(headCell);
  page.body = make("tbody");
  page.table = make("table", {class: "jobs"}, make("caption", {class: "hidden"}, "Jobs"),
    make("thead", null, make("tr", null, page.head)), page.body);
  return make("section", {class: "list", "aria-labelledby": "jobs-title"},
    make("h2", {id: "jobs-title"}, "Jobs"), controls(), page.table, pager());
}

// Draws what `view` says; `number` is the page to turn to.
function show(number = view.page) {
  view.jobs = chosenJobs();
  const pages = Math.max(1, Math.ceil(view.jobs.length / view.size));
  view.page = Math.max(0, Math.min(pages - 1, number));
  const first = view.page * view.size;
  const shown = view.jobs.slice(first, first + view.size);
  page.body.replaceChildren(...shown.flatMap((job) =>
    view.open.has(job) ? [rowOf(job), detailRow(job)] : [rowOf(job)]));
  if (!shown.length) {
    page.body.append(make("tr", {class: "none"}, make("td", {colspan: COLUMNS.length},
      JOBS.length ? ["No job matches. ", make("button", {type: "button", class: "plain",
        onclick: clearFilters}, "Show all")] : "There is no job.")));
  }
  page.head.forEach((cell, at) => {
    if (view.order === at) cell.setAttribute("aria-sort", view.down ? "descending" : "ascending");
    else cell.removeAttribute("aria-sort");
  });
  page.count.textContent = view.jobs.length === JOBS.length ? counted(JOBS.length, "job")
    : `${grouped(view.jobs.length)} of ${counted(JOBS.length, "job")}`;
  page.text.value = view.text;
  page.verdict.value = view.verdict;
  page.unexpected.checked = view.unexpected;
  page.pager.hidden = pages === 1;
  page.back.disabled = view.page === 0;
  page.next.disabled = view.page === pages - 1;
  page.range.textContent =
    `${grouped(first + 1)} to ${grouped(first + shown.length)} of ${grouped(view.jobs.length)}`;
}

// "/" finds, arrows go from job to job, Escape shows all again.
function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const typing = event.target.matches("input[type=search], select");
  if (event.key === "/" && !typing) {
    event.preventDefault();
    page.text.focus();
  } else if (event.key === "Escape" && event.target === page.text) {
    clearFilters();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") &&
             event.target.matches("button.job, #find")) {
    const buttons = [...page.body.querySelectorAll("button.job")];
    const at = buttons.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1);
    event.preventDefault();
    (buttons[at] || page.text).focus();
  }
}
