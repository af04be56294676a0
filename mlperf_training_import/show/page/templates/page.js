
"use strict";

/* The embedded results; each row becomes an object with the keys of `data.keys`. Missing values are null. */
const data = JSON.parse(document.getElementById("data").textContent);
const results = data.rows.map((row, number) => {
  const result = Object.fromEntries(data.keys.map((key, column) => [key, row[column]]));
  result.number = number;
  result.effort = result.minutes > 0 && result.accelerators > 0 ? result.minutes * result.accelerators : null;
  result.words = data.keys.map((key) => result[key] ?? "").join(" ").toLowerCase();
  return result;
});
const withEnergy = results.some((result) => result.energy !== null);
const rankOfRound = new Map(data.rounds.map((round, rank) => [round, rank]));

const EVERYTHING = "";
const ROWS_AT_ONCE = 100;
const MOST_IN_TOOLTIP = 3;
const SHAPES = ["circle", "rectRot", "triangle", "rect"];
/* Dark to bright; each colour scheme leaves out the end that its background would swallow. */
const RAMP = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];

const COLUMNS = [
  {key: "round", title: "Round", kind: "short"},
  {key: "submitter", title: "Submitter", kind: "medium"},
  {key: "system", title: "System", kind: "wide"},
  {key: "minutes", title: "Minutes", kind: "number"},
  {key: "accelerators", title: "Accelerators", kind: "number"},
  {key: "accelerator", title: "Accelerator", kind: "wide"},
  {key: "effort", title: "Accelerator-minutes", kind: "number"},
  {key: "energy", title: "Energy, kWh", kind: "number", hidden: !withEnergy},
  {key: "logs", title: "Links", kind: "links"},
  {key: "benchmark", title: "Benchmark", kind: "short"},
  {key: "task", title: "Task", kind: "medium"},
  {key: "division", title: "Division", kind: "short"},
  {key: "availability", title: "Availability", kind: "medium"},
  {key: "framework", title: "Framework", kind: "wide"},
  {key: "notes", title: "Notes", kind: "wide"},
].filter((column) => !column.hidden);

const state = {
  task: data.start.task, division: data.start.division, rounds: new Set(data.rounds),
  words: [], sort: "minutes", descending: false, limit: ROWS_AT_ONCE,
};
const charts = {};
const darkScheme = window.matchMedia("(prefers-color-scheme: dark)");
const collator = new Intl.Collator("en", {numeric: true});
const byId = (id) => document.getElementById(id);

function make(tag, text, classes) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (classes) element.className = classes;
  return element;
}

function format(value) {
  if (typeof value !== "number") return value ?? "";
  if (Number.isInteger(value)) return value.toLocaleString("en");
  const digits = Math.abs(value) >= 100 ? 1 : Math.abs(value) >= 1 ? 2 : 4;
  return value.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
}

function colourOf(round) {
  const [from, to] = darkScheme.matches ? [0.4, 1] : [0, 0.7];
  const share = data.rounds.length > 1 ? rankOfRound.get(round) / (data.rounds.length - 1) : 0.5;
  const place = (from + (to - from) * share) * (RAMP.length - 1);
  const start = Math.min(Math.floor(place), RAMP.length - 2);
  const mixed = RAMP[start].map((value, i) => Math.round(value + (RAMP[start + 1][i] - value) * (place - start)));
  return `rgb(${mixed.join(" ")})`;
}

const shapeOf = (round) => SHAPES[rankOfRound.get(round) % SHAPES.length];

/* What is chosen above the charts. */
function isChosen(result) {
  return (state.task === EVERYTHING || result.task === state.task)
    && (state.division === EVERYTHING || result.division === state.division)
    && state.rounds.has(result.round);
}

function compare(one, other) {
  const [a, b] = [one, other].map((result) => (state.sort === "round" ? rankOfRound.get(result.round) : result[state.sort]));
  if (a === null || b === null) return (a === null) - (b === null) || one.number - other.number;
  const order = typeof a === "number" ? a - b : collator.compare(a, b);
  return (state.descending ? -order : order) || one.number - other.number;
}

/* Charts */

function axis(title, ink, line, extra) {
  return {
    title: {display: true, text: title, color: ink}, grid: {color: line}, border: {color: line},
    ticks: {color: ink, maxRotation: 0, autoSkipPadding: 8, ...extra.ticks}, ...extra.scale,
  };
}

/* Round numbers between two others, as sparse as they can be with at least three of them; else the two themselves. */
function roundNumbers(low, high) {
  const decades = [];
  for (let e = Math.floor(Math.log10(low)); 10 ** e <= high; e += 1) decades.push(10 ** e);
  const choices = [[1], [1, 2, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9]].map((leading) => decades
    .flatMap((decade) => leading.map((digit) => digit * decade)).filter((value) => value >= low && value <= high));
  return choices.find((values) => values.length >= 3) ?? [low, high];
}

function logAxis(title, ink, line, values) {
  const [low, high] = [Math.min(...values) / 1.25, Math.max(...values) * 1.25];
  const scale = {type: "logarithmic", min: low, max: high, afterBuildTicks: (built) => {
    built.ticks = roundNumbers(low, high).map((value) => ({value}));
  }};
  const callback = (value) => value.toLocaleString("en", {maximumSignificantDigits: 3});
  return axis(title, ink, line, {scale, ticks: {callback}});
}

function roundAxis(ink, line, rounds) {
  const scale = {type: "linear", min: -0.6, max: rounds.length - 0.4, afterBuildTicks: (built) => {
    built.ticks = rounds.map((_, value) => ({value}));
  }};
  return axis("round", ink, line, {scale, ticks: {callback: (value) => rounds[value] ?? ""}});
}

/* Points beside each other instead of on top of each other; the same ones at each start. */
const spread = (number) => (((number * 0.618034) % 1) - 0.5) * 0.6;

function linesOf(result) {
  const accelerators = result.accelerators === null ? "accelerators not given" : `${format(result.accelerators)} accelerators`;
  return [
    `round ${result.round}, ${result.task}, ${result.division}`,
    [accelerators, result.accelerator].filter(Boolean).join(", "),
    `${format(result.minutes)} minutes`,
    ...(result.effort === null ? [] : [`${format(result.effort)} accelerator-minutes`]),
    ...(result.energy === null ? [] : [`${format(result.energy)} kWh`]),
  ];
}

function draw(id, shown, x, y, scales, line) {
  const rounds = data.rounds.filter((round) => shown.some((result) => result.round === round));
  const radius = shown.length > 600 ? 3 : 4.5;
  const datasets = rounds.map((round) => ({
    label: round, backgroundColor: colourOf(round), borderColor: colourOf(round), pointStyle: shapeOf(round),
    pointRadius: radius, pointHoverRadius: radius + 3,
    data: shown.filter((result) => result.round === round).map((result) => ({x: x(result), y: y(result), result})),
  }));
  if (line) datasets.push(line);
  charts[id]?.destroy();
  charts[id] = new Chart(byId(id), {
    type: "scatter", data: {datasets},
    options: {
      animation: false, maintainAspectRatio: false, scales,
      onClick: (_, items) => items.length && items[0].element.$context.raw.result && choose(items[0].element.$context.raw.result),
      plugins: {legend: {display: false}, tooltip: {
        filter: (item, index) => item.raw.result && index < MOST_IN_TOOLTIP, displayColors: false,
        callbacks: {
          label: (item) => [`${item.raw.result.submitter}: ${item.raw.result.system}`, ...linesOf(item.raw.result)],
          title: () => "",
        },
      }},
      interaction: {mode: "nearest", intersect: true},
    },
  });
}

function say(id, shown, left, why) {
  byId(id).setAttribute("aria-label", `${shown} results as points; the table below has the same numbers`);
  byId(`${id}-note`).textContent = shown === 0 ? "Nothing to draw for this choice." : left > 0 ? `${left} not drawn: ${why}.` : "";
}

function drawCharts(chosen) {
  const style = getComputedStyle(document.documentElement);
  const [ink, line] = ["--ink", "--line"].map((name) => style.getPropertyValue(name).trim());
  const known = chosen.filter((result) => result.effort !== null);
  const times = known.map((result) => result.minutes);
  draw("time", known, (result) => result.accelerators, (result) => result.minutes, known.length ? {
    x: logAxis("accelerators", ink, line, known.map((result) => result.accelerators)), y: logAxis("minutes", ink, line, times),
  } : {});
  const why = "without accelerators, or their number is not given; see the table";
  say("time", known.length, chosen.length - known.length, why);

  const rounds = data.rounds.filter((round) => state.rounds.has(round) && known.some((result) => result.round === round));
  const best = rounds.map((round, x) => ({x, y: Math.min(...known.filter((r) => r.round === round).map((r) => r.effort))}));
  draw("effort", known, (result) => rounds.indexOf(result.round) + spread(result.number), (result) => result.effort, known.length ? {
    x: roundAxis(ink, line, rounds), y: logAxis("accelerator-minutes", ink, line, known.map((result) => result.effort)),
  } : {}, {type: "line", data: best, borderColor: ink, borderWidth: 1.5, pointRadius: 0, pointHitRadius: 0});
  say("effort", known.length, chosen.length - known.length, why);
  if (known.length) byId("effort-note").prepend("The line joins the lowest of each round. ");

  byId("energy-chart").hidden = !withEnergy;
  if (!withEnergy) return;
  const measured = chosen.filter((result) => result.energy > 0 && result.minutes > 0);
  draw("energy", measured, (result) => result.minutes, (result) => result.energy, measured.length ? {
    x: logAxis("minutes", ink, line, measured.map((result) => result.minutes)),
    y: logAxis("kWh", ink, line, measured.map((result) => result.energy)),
  } : {});
  say("energy", measured.length, chosen.length - measured.length, "without a measured energy");
}

/* The result that was clicked in a chart */

function linkTo(address, text, result) {
  const link = make("a", text);
  link.href = address;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  link.setAttribute("aria-label", `${text} of ${result.submitter}, ${result.system}, ${result.benchmark}, round ${result.round}`);
  return link;
}

function linksOf(result) {
  const links = [];
  if (result.logs) links.push(linkTo(result.logs, "logs", result));
  if (result.details) links.push(linkTo(result.details, "system", result));
  return links.flatMap((link, i) => (i ? [", ", link] : [link]));
}

function choose(result) {
  byId("chosen-title").textContent = `${result.submitter}: ${result.system}`;
  const facts = COLUMNS.flatMap((column) => {
    const fact = make("dd");
    fact.append(...(column.kind === "links" ? linksOf(result) : [format(result[column.key])]));
    return fact.textContent === "" ? [] : [make("dt", column.title), fact];
  });
  byId("chosen-facts").replaceChildren(...facts);
  byId("chosen").hidden = false;
  byId("chosen").focus();
}

/* The table */

function rowOf(result) {
  const row = make("tr");
  for (const column of COLUMNS) {
    const cell = make("td", undefined, column.kind);
    cell.append(...(column.kind === "links" ? linksOf(result) : [format(result[column.key])]));
    row.append(cell);
  }
  return row;
}

function fillTable(chosen) {
  const found = chosen.filter((result) => state.words.every((word) => result.words.includes(word))).sort(compare);
  byId("rows").replaceChildren(...found.slice(0, state.limit).map(rowOf));
  const left = found.length - state.limit;
  byId("count").textContent = `${format(found.length)} of ${format(results.length)} results`
    + (left > 0 ? `, the first ${format(state.limit)} are shown` : "");
  byId("more").hidden = left <= 0;
  byId("more").textContent = `Show ${format(Math.min(left, ROWS_AT_ONCE))} more`;
  for (const head of byId("heads").children) {
    if (!head.dataset.key) continue;
    const order = state.descending ? "descending" : "ascending";
    head.setAttribute("aria-sort", head.dataset.key === state.sort ? order : "none");
  }
}

function makeHeads() {
  byId("heads").replaceChildren(...COLUMNS.map((column) => {
    const head = make("th", undefined, column.kind === "number" ? "number" : "");
    head.scope = "col";
    if (column.kind === "links") {
      head.textContent = column.title;
      return head;
    }
    head.classList.add("sortable");
    head.dataset.key = column.key;
    const button = make("button", column.title);
    button.type = "button";
    button.addEventListener("click", () => {
      state.descending = state.sort === column.key && !state.descending;
      state.sort = column.key;
      fillTable(results.filter(isChosen));
    });
    head.append(button);
    return head;
  }));
}

/* Choices */

function fillSelect(id, values, every, chosen) {
  const options = [...values.map((value) => [value, value]), [EVERYTHING, every]];
  byId(id).replaceChildren(...options.map(([value, text]) => new Option(text, value, value === chosen, value === chosen)));
  byId(id).addEventListener("change", (event) => {
    state[id] = event.target.value;
    state.limit = ROWS_AT_ONCE;
    show();
  });
}

function makeRounds() {
  byId("rounds").replaceChildren(...data.rounds.map((round) => {
    const label = make("label");
    const box = make("input");
    box.type = "checkbox";
    box.value = round;
    box.addEventListener("change", () => {
      if (box.checked) state.rounds.add(round);
      else state.rounds.delete(round);
      show();
    });
    label.append(box, make("span", undefined, `shape ${shapeOf(round)}`), make("span", round));
    return label;
  }));
}

function chooseRounds(rounds) {
  state.rounds = new Set(rounds);
  show();
}

function show() {
  const chosen = results.filter(isChosen);
  for (const label of byId("rounds").children) {
    const box = label.querySelector("input");
    box.checked = state.rounds.has(box.value);
    label.querySelector(".shape").style.setProperty("--colour", colourOf(box.value));
  }
  byId("chosen").hidden = true;
  drawCharts(chosen);
  fillTable(chosen);
}

byId("summary").textContent = `${format(results.length)} results of ${data.rounds.length === 1 ? "round" : "rounds"} `
  + data.rounds.join(", ");
fillSelect("task", data.tasks, "all tasks", state.task);
fillSelect("division", data.divisions, "all divisions", state.division);
makeRounds();
makeHeads();
byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("every-round").addEventListener("click", () => chooseRounds(data.rounds));
byId("last-round").addEventListener("click", () => chooseRounds(
  data.rounds.filter((round) => results.some((r) => r.round === round && (state.task === EVERYTHING || r.task === state.task)))
    .slice(-1)));
byId("unchoose").addEventListener("click", () => { byId("chosen").hidden = true; });
byId("words").addEventListener("input", (event) => {
  state.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  state.limit = ROWS_AT_ONCE;
  fillTable(results.filter(isChosen));
});
byId("more").addEventListener("click", () => {
  const first = state.limit;
  state.limit += ROWS_AT_ONCE;
  fillTable(results.filter(isChosen));
  byId("rows").children[first]?.querySelector("a")?.focus();
});
darkScheme.addEventListener("change", show);
show();
