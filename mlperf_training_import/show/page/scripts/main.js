/* Puts the parts together: what is chosen goes in, charts, table and result come out. */

import {byId, copyButton, make, meaningOf, narrow, replaceChildren, termOf} from "./dom.js";
import {count, format, formatFigure, formatTimes, sayMachine} from "./format.js";
import {Unreadable, load, textOf} from "./data.js";
import {createState} from "./state.js";
import {ANY, FACETS, describeFilters, select} from "./filters.js";
import {hasFigure, timesAsFast} from "./compare.js";
import {makePalette} from "./colours.js";
import {makeLegend, makeTip, makeWalkable} from "./marks.js";
import {sayScore} from "./parts.js";
import {OVERVIEWS, VIEWS} from "./views.js";
import {spreadOf} from "./overview.js";
import {columnsOf, createTable, makeColumns, sort, withUnits} from "./table.js";
import {createPanel} from "./panel.js";
import {showTitles} from "./titles.js";
import {closeMenus, createControls} from "./controls.js";
import {ALL, ANOTHER, chipSizes, createChoice, currentEditions} from "./choice.js";
import {TRADEMARK} from "./cite.js";
import {save, toCsv, toJson, toPng, toSvg} from "./export.js";

const MADE_OF = ["models_trained", "minutes_to_train_all"];
const PAPER = 680; // pixels that fit between the margins of A4

function start(data) {
  const drawn = {};
  let opened = {};
  let focusPoint = () => {};
  const state = createState(show);
  const change = (changes, how) => state.change(changes, how);
  closeMenus(); // before what else listens to Escape
  const panel = createPanel(data, {open: (result) => openResults([result], byId("panel")), close, change});
  const choice = createChoice(data, change);
  const updateControls = createControls(data, change);
  const palette = makePalette(data);
  const columns = makeColumns(data.columns);
  const table = createTable(byId("scroll"), {
    declared: columns,
    open: (result, from) => openResults([result], from),
    meaningOf: ({key, title}) => textOf(data, data.key_of_field[key]) || meaningOf(title),
    resort: (key) =>
      change({sort: key, descending: (resolve(state.get()).sort || "score") === key && !state.get().descending}),
  });
  const sizes = new Set(data.results.map(FACETS.size));
  const divisions = [...new Set(data.results.map((result) => result.division))].sort();
  const first = currentEditions(data)[0];

  /* The state with what the address leaves open filled in, and without what the data does not have. */
  function resolve(chosen) {
    const wanted = chosen.benchmark || first.id;
    const edition = data.editions.find(({id}) => id === wanted);
    const views = edition ? VIEWS : OVERVIEWS;
    const here = edition
      ? divisions.filter((name) => data.results.some((result) => result.edition === edition && result.division === name))
      : divisions;
    const division =
      chosen.division === ALL && !edition
        ? ""
        : here.includes(chosen.division)
          ? chosen.division
          : here.includes("closed")
            ? "closed"
            : here[0];
    const view = Object.hasOwn(views, chosen.view) ? chosen.view : Object.keys(views)[0];
    const size = sizes.has(chosen.size) ? chosen.size : ANY;
    const chips = edition
      ? chipSizes(data.results.filter((result) => result.edition === edition && result.division === division))
      : {sizes: [], first: ""};
    return {
      ...chosen,
      benchmark: edition ? edition.id : "",
      division,
      view,
      // the first screen is about one size, and so is its table
      size: size === ANY && view === "answer" ? chips.first : size,
      chips: {...chips, edition, division, divisions: edition ? here : divisions},
    };
  }

  function show(chosen) {
    const now = resolve(chosen);
    const {counts, ...selected} = select(data.results, now);
    const {shown, repeats} = selected;
    const view = viewOf(now);
    updateControls(now, counts);
    byId("chosen-filters").textContent = `Division: ${now.division || "all"}. ${describeFilters(now)}`;
    byId("filter-summary").textContent = `Filters: ${describeFilters(now) || "none"}`;
    choice.show(now.chips, now);
    showFacts(now, shown);
    showTabs(now);
    showChart(now, selected);
    const listed = view.lists ? shown.filter(view.lists) : shown;
    const rows = sort(columns, listed, now);
    table.show(rows, now, extraColumns(now));
    Object.assign(drawn, {now, selected, rows});
    byId("count").textContent =
      `${count(listed.length, "result")} of ${format(data.results.length)}` +
      (repeats.length
        ? `; ${count(repeats.length, "result")} with runs that were handed in again ${repeats.length === 1 ? "is" : "are"} hidden`
        : "");
    showColumns(now, rows);
    const result = panel.find(now.result);
    if (result) panel.show(result, now);
    else panel.hide();
  }

  const viewOf = ({benchmark, view}) => (benchmark ? VIEWS : OVERVIEWS)[view];

  /* Columns that what is shown is about: those of the view, and what a score is made of where it is no time. */
  const extraColumns = (now) => [...(viewOf(now).columns ?? []), ...(now.chips.edition?.says_unit ? MADE_OF : [])];

  function showFacts(now, shown) {
    const {edition} = now.chips;
    document.title = `${edition ? edition.title : "MLPerf results"}, ${now.division || "all divisions"}`;
    const facts = edition
      ? [
          ["Edition", make("span", {id: "edition"}, edition.title)],
          ["Measures", edition.meaning],
          ["Runs", edition.runs && format(edition.runs)],
          ["Rounds here", edition.rounds.join(", ")],
          ["Median spread of runs", spreadOf(shown)],
          ["Not comparable with", siblings(edition)],
        ]
      : [
          ["Benchmarks", format(data.editions.length)],
          ["Rounds", data.rounds.join(", ")],
        ];
    replaceChildren(
      byId("facts"),
      facts
        .filter(([, value]) => value?.length !== 0 && value)
        .map(([name, value]) => make("div", {}, make("dt", {}, termOf(name)), make("dd", {}, value))),
    );
  }

  /* Buttons to the other editions of a benchmark. */
  function siblings(edition) {
    const others = data.editions.filter(
      (other) => other !== edition && other.benchmarks.some((name) => edition.benchmarks.includes(name)),
    );
    return others.map(({id, title}) =>
      make(
        "button",
        {type: "button", class: "link", title, click: () => change({...ANOTHER, benchmark: id, size: ""})},
        differenceOf(title, edition.title),
      ),
    );
  }

  function showTabs(now) {
    const views = now.benchmark ? VIEWS : OVERVIEWS;
    const within = data.results.filter((result) => !now.benchmark || result.edition.id === now.benchmark);
    replaceChildren(
      byId("views"),
      Object.entries(views).map(([key, {name, needs}]) =>
        make(
          "button",
          {
            type: "button",
            role: "tab",
            "aria-selected": String(key === now.view),
            "aria-controls": "view",
            tabindex: key === now.view ? "0" : "-1",
            "data-view": key,
            disabled: needs && !within.some(needs),
            click: () => change({view: key}),
          },
          key === "compare" && now.compare.length ? `${name} (${now.compare.length})` : name,
        ),
      ),
    );
    if (narrow.matches) showChosenTab();
  }

  /* On a phone the tabs are one line, wider than the screen. */
  function showChosenTab() {
    const [frame, tab] = [byId("views"), byId("views").querySelector("[aria-selected=true]")];
    frame.scrollLeft = tab.offsetLeft - frame.offsetLeft - (frame.clientWidth - tab.offsetWidth) / 2;
  }

  /* Also where only the room of the chart has changed. */
  function showChart(now, {shown, repeats}, paper) {
    const frame = byId("chart");
    const width = paper ?? Math.max(300, frame.clientWidth);
    drawn.width = frame.clientWidth;
    const {edition} = now.chips;
    const view = viewOf(now).show({
      ...{data, findings: data.findings},
      results: shown,
      repeats,
      state: now,
      width,
      edition,
      palette,
      change,
      open: openResults,
    });
    const {
      title,
      chart,
      body,
      lead,
      drawn: charted = [],
      figures,
      controls = [],
      hint = "",
      notes = [],
      left: [missing, why] = [0, ""],
    } = view;
    const legend = chart && view.legend.length ? makeLegend(view.legend, width) : null;
    byId("chart-title").textContent = title;
    replaceChildren(byId("chart-controls"), controls);
    const lines = [...notes, missing > 0 ? `${format(missing)} not drawn: ${why}.` : ""].filter(Boolean);
    const [said = "", ...more] = chart || body || figures ? lines : [view.empty ?? "Nothing to draw for this choice."];
    byId("notes").replaceChildren(
      make("p", {}, make("span", {class: "hint"}, hint), said),
      ...more.map((text) => make("p", {}, text)),
    );
    const focused = frame.contains(document.activeElement) ? document.activeElement.dataset : {};
    frame.replaceChildren(...[legend, chart, body, lead].filter(Boolean));
    focusPoint = chart ? makeWalkable(chart, describe, openResults, makeTip(frame, describe)) : () => {};
    if (focused.uid) focusPoint(focused.uid);
    if (focused.bar) [...frame.querySelectorAll("[data-bar]")].find(({dataset}) => dataset.bar === focused.bar)?.focus();
    replaceChildren(byId("figures"), figures ? [figures] : []);
    byId("take-chart").hidden = !chart;
    drawn.charted = [...new Map(charted.map((result) => [result.uid, result])).values()];
    byId("take-chart").picture = chart && {
      title,
      subtitle: `${edition ? edition.title : "All benchmarks"}, ${now.division || "all divisions"}`,
      notes: [describeFilters(now), ...lines],
      legend,
      chart,
      source: sourceOf(shown),
    };
  }

  function describe(result) {
    const of = panel.find(state.get().pin);
    const isOther =
      of && of.uid !== result.uid && hasFigure(result) && of.edition === result.edition && of.division === result.division;
    return [
      `${result.submitter}: ${result.system}`,
      `round ${result.round}, ${result.category}`,
      sayMachine(result),
      sayScore(result),
      ...(result.how_scored ? [`multiplied by the review: ${result.how_scored}`] : []),
      ...(result.signs ? [`to know: ${result.signs}`] : []),
      ...(result.energy === null ? [] : [`${formatFigure(result.energy)} kWh`]),
      ...(isOther ? [`${formatTimes(timesAsFast(result, of))} times as fast as ${of.system}`] : []),
    ];
  }

  function sourceOf(shown) {
    const rounds = data.sources.filter(({round}) => shown.some((result) => result.round === round));
    return `Source: ${rounds.map(({round, git_url, git_commit}) => `${git_url ?? `round ${round}`}${git_commit ? ` at ${git_commit.slice(0, 12)}` : ""}`).join("; ")}. Retrieved`;
  }

  /* One result goes into the address; several are listed first. */
  function openResults(results, from) {
    if (!byId("panel").contains(from)) opened = {element: from, isPoint: byId("chart").contains(from), uid: results[0].uid};
    if (results.length > 1) panel.list(results);
    else change({result: results[0].uid});
  }

  function close() {
    if (state.get().result) change({result: ""});
    else panel.hide();
    const row = [...byId("scroll").querySelectorAll("button")].find((button) => button.dataset.uid === opened.uid);
    if (opened.isPoint) focusPoint(opened.uid);
    else if (opened.element?.isConnected) opened.element.focus();
    else (row ?? byId("scroll")).focus();
  }

  /* On paper all rows are there, and the chart is as wide as the paper. */
  function printing(isPrinting) {
    table.showAll(isPrinting);
    byId("sources").parentElement.open = isPrinting;
    showChart(drawn.now, drawn.selected, isPrinting ? PAPER : undefined);
  }

  function showColumns(now, rows) {
    const shown = withUnits(columnsOf(columns, now, extraColumns(now)), rows);
    const shownKeys = shown.map(({key}) => key);
    byId("sort").replaceChildren(
      ...shown
        .filter(({links}) => !links)
        .map(({key, title}) => make("option", {value: key, selected: key === (now.sort || "score")}, title)),
    );
    byId("direction").textContent = now.descending ? "descending" : "ascending";
    replaceChildren(
      byId("columns"),
      withUnits(columns, rows).map(({key, title}) =>
        make(
          "label",
          {},
          make("input", {
            type: "checkbox",
            checked: shownKeys.includes(key),
            "data-key": key,
            change: (event) => {
              const wanted = event.target.checked ? [...shownKeys, key] : shownKeys.filter((other) => other !== key);
              change({columns: columns.map((column) => column.key).filter((one) => wanted.includes(one))});
            },
          }),
          make("span", {}, title),
        ),
      ),
    );
  }

  function listen() {
    byId("sort").addEventListener("change", (event) => change({sort: event.target.value, descending: false}));
    byId("direction").addEventListener("click", () => change({descending: !state.get().descending}));
    byId("views").addEventListener("keydown", (event) => {
      const tabs = [...byId("views").querySelectorAll("button:not([disabled])")];
      const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
      if (!step) return;
      change({view: tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length].dataset.view});
      byId("views").querySelector("[aria-selected=true]").focus();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !byId("panel").hidden) close();
    });
    const entries = () => drawn.rows.map(data.entryOf);
    byId("csv").addEventListener("click", () => save("mlperf-results.csv", toCsv(entries()), "text/csv"));
    byId("json").addEventListener("click", () => save("mlperf-results.json", toJson(entries()), "application/json"));
    byId("chart-csv").addEventListener("click", () =>
      save("mlperf-chart.csv", toCsv(drawn.charted.map(data.entryOf)), "text/csv"),
    );
    byId("take-chart").prepend(copyButton("Copy link", () => location.href));
    byId("svg").addEventListener("click", () =>
      save("mlperf-chart.svg", toSvg(byId("take-chart").picture), "image/svg+xml"),
    );
    byId("png").addEventListener("click", async () =>
      save("mlperf-chart.png", await toPng(toSvg(byId("take-chart").picture)), "image/png"),
    );
    new ResizeObserver(() => {
      if (drawn.width !== byId("chart").clientWidth) showChart(drawn.now, drawn.selected);
    }).observe(byId("chart"));
    window.matchMedia("print").addEventListener("change", ({matches}) => printing(matches));
    window.addEventListener("beforeprint", () => printing(true));
    window.addEventListener("afterprint", () => printing(false));
  }

  showTitles();
  byId("filter-bar").open = !narrow.matches;
  listen();
  byId("trademark").textContent = TRADEMARK;
  byId("summary").textContent = choice.number;
  byId("sources").replaceChildren(
    ...data.sources.map(({round, git_url, git_commit}) =>
      make("li", {}, `${round}: ${git_url ?? "no address"}${git_commit ? ` at ${git_commit}` : ""}`),
    ),
  );
  show(state.get());
}

/* A title without what another one begins with too: model, data set, target. */
function differenceOf(title, other) {
  const [own, its] = [title, other].map((text) => text.split(/, | (?=\()/));
  return title.slice(title.indexOf(own.find((part, place) => part !== its[place]) ?? title));
}

load(byId("data")).then(
  (data) => {
    start(data);
    performance.mark("drawn");
  },
  (error) => {
    byId("trouble").textContent =
      error instanceof Unreadable ? error.message : `The results cannot be read: ${error.message}. Write the page again.`;
    byId("trouble").hidden = false;
    document.body.classList.add("in-trouble");
  },
);
