/* Puts the parts together: what is chosen goes in, charts, table and result come out. */

import {byId, make, narrow, replaceChildren} from "./dom.js";
import {count, format, formatFigure, formatTimes} from "./format.js";
import {load, textOf} from "./data.js";
import {createState} from "./state.js";
import {ANY, FACETS, describeFilters, select} from "./filters.js";
import {hasFigure, timesAsFast} from "./compare.js";
import {makeLegend, makeTip, makeWalkable} from "./marks.js";
import {VIEWS, measure} from "./views.js";
import {showEnergies, showOverview, spreadOf} from "./overview.js";
import {columnsOf, createTable, makeColumns, sort} from "./table.js";
import {createPanel} from "./panel.js";
import {createControls} from "./controls.js";
import {TRADEMARK} from "./cite.js";
import {save, toCsv, toJson, toPng, toSvg} from "./export.js";

const ALL = "all";
const PAPER = 680; // pixels that fit between the margins of A4
const OVERVIEWS = {
  overview: {name: "Over the rounds", show: showOverview},
  energy: {name: "Energy", show: showEnergies, needs: VIEWS.energy.needs},
};

function start(data) {
  const drawn = {};
  let opened = {};
  let focusPoint = () => {};
  const state = createState(show);
  const change = (changes, how) => state.change(changes, how);
  const panel = createPanel(data, {open: (result) => openResults([result], byId("panel")), close});
  const updateControls = createControls(data, change);
  const columns = makeColumns(data.columns);
  const table = createTable(byId("scroll"), {
    declared: columns,
    open: (result, from) => openResults([result], from),
    meaningOf: (field) => textOf(data, data.key_of_field[field]),
    resort: (key) =>
      change({sort: key, descending: (resolve(state.get()).sort || "score") === key && !state.get().descending}),
  });
  const sizes = new Set(data.results.map(FACETS.size));
  const divisions = [...new Set(data.results.map((result) => result.division))].sort();

  /* The state with what the address leaves open filled in, and without what the data does not have. */
  function resolve(chosen) {
    const edition = data.editions.find(({id}) => id === chosen.benchmark);
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
    return {
      ...chosen,
      benchmark: edition ? edition.id : "",
      division,
      size: sizes.has(chosen.size) ? chosen.size : ANY,
      view: Object.hasOwn(views, chosen.view) ? chosen.view : Object.keys(views)[0],
    };
  }

  function show(chosen) {
    const now = resolve(chosen);
    const {counts, ...selected} = select(data.results, now);
    const {shown, repeats} = selected;
    updateControls(now, counts);
    byId("chosen-filters").textContent = `Division: ${now.division || "all"}. ${describeFilters(now)}`;
    byId("filter-summary").textContent = `Filters: ${describeFilters(now) || "none"}`;
    showChoice(now);
    showTitle(now, shown);
    showTabs(now);
    showChart(now, selected);
    const rows = sort(columns, shown, now);
    table.show(rows, now);
    Object.assign(drawn, {now, selected, rows});
    byId("count").textContent =
      `${count(shown.length, "result")} of ${format(data.results.length)}` +
      (repeats.length
        ? `; ${count(repeats.length, "result")} with runs that were handed in again ${repeats.length === 1 ? "is" : "are"} hidden`
        : "");
    showColumns(now);
    const result = panel.find(now.result);
    if (result) panel.show(result);
    else panel.hide();
  }

  function showChoice({benchmark, division}) {
    byId("benchmark").value = benchmark;
    const options = [...divisions, ...(benchmark ? [] : [ALL])].map((name) =>
      make("option", {value: name}, name === ALL ? "all divisions" : name),
    );
    byId("division").replaceChildren(...options);
    byId("division").value = division || ALL;
  }

  function showTitle(now, shown) {
    const edition = data.editions.find(({id}) => id === now.benchmark);
    byId("title").textContent = edition ? edition.title : "All benchmarks";
    document.title = `${edition ? edition.title : "MLPerf results"}, ${now.division || "all divisions"}`;
    const facts = edition
      ? [
          ["Data set", edition.dataset],
          ["Target", edition.target],
          ["Runs", edition.runs && format(edition.runs)],
          ["Rounds here", edition.rounds.join(", ")],
          ["Median spread of runs", spreadOf(shown)],
          ["Called", edition.benchmarks.join(", ")],
          ["Not comparable with", siblings(edition)],
        ]
      : [
          ["Benchmarks", format(data.editions.length)],
          ["Rounds", data.rounds.join(", ")],
        ];
    byId("facts").replaceChildren(
      ...facts
        .filter(([, value]) => value?.length !== 0 && value)
        .map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))),
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
        {type: "button", class: "link", click: () => change({benchmark: id, family: "", pin: "", result: ""})},
        title,
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
          name,
        ),
      ),
    );
  }

  /* Also where only the room of the chart has changed. */
  function showChart(now, {shown, repeats}, paper) {
    const frame = byId("chart");
    const width = paper ?? Math.max(300, frame.clientWidth);
    drawn.width = frame.clientWidth;
    const edition = data.editions.find(({id}) => id === now.benchmark);
    const view = (edition ? VIEWS : OVERVIEWS)[now.view].show({
      results: shown,
      repeats,
      state: now,
      width,
      edition,
      change,
      open: openResults,
    });
    const {
      title,
      chart,
      body,
      drawn: points = [],
      figures,
      controls = [],
      notes = [],
      left: [missing, why] = [0, ""],
    } = view;
    const legend = chart && view.legend.length ? makeLegend(view.legend, width) : null;
    byId("chart-title").textContent = title;
    replaceChildren(byId("chart-controls"), controls);
    const lines = [...notes, missing > 0 ? `${format(missing)} not drawn: ${why}.` : ""].filter(Boolean);
    byId("notes").replaceChildren(
      ...(chart || body || figures ? lines : [view.empty ?? "Nothing to draw for this choice."]).map((text) =>
        make("p", {}, text),
      ),
    );
    const focused = frame.contains(document.activeElement) ? document.activeElement.dataset.uid : null;
    frame.replaceChildren(...[legend, chart, body].filter(Boolean));
    focusPoint = chart ? makeWalkable(chart, points, describe, openResults, makeTip(frame, describe)) : () => {};
    if (focused) focusPoint(focused);
    replaceChildren(byId("figures"), figures ? [figures] : []);
    byId("take-chart").hidden = !chart;
    byId("take-chart").picture = chart && {
      title,
      subtitle: `${edition.title}, ${now.division}`,
      notes: [describeFilters(now), ...lines],
      legend,
      chart,
      source: sourceOf(shown),
    };
  }

  function describe(result) {
    const of = panel.find(state.get().pin);
    const isOther =
      of && of !== result && hasFigure(result) && of.edition === result.edition && of.division === result.division;
    return [
      `${result.submitter}: ${result.system}`,
      `round ${result.round}, ${result.availability || "availability not given"}`,
      result.accelerators === null
        ? "accelerators not given"
        : `${format(result.accelerators)} × ${result.variant || "accelerator"}`,
      `${formatFigure(result.score)} ${measure(result.edition)}`,
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
    if (opened.isPoint) focusPoint(opened.uid);
    else if (opened.element?.isConnected) opened.element.focus();
    else byId("scroll").focus();
  }

  /* On paper all rows are there, and the chart is as wide as the paper. */
  function printing(isPrinting) {
    table.showAll(isPrinting);
    byId("sources").parentElement.open = isPrinting;
    showChart(drawn.now, drawn.selected, isPrinting ? PAPER : undefined);
  }

  function showColumns(now) {
    const shownKeys = columnsOf(columns, now).map(({key}) => key);
    replaceChildren(
      byId("columns"),
      columns.map(({key, title}) =>
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
    byId("choice").addEventListener("submit", (event) => event.preventDefault());
    byId("benchmark").addEventListener("change", (event) =>
      change({benchmark: event.target.value, family: "", pin: "", result: ""}),
    );
    byId("division").addEventListener("change", (event) =>
      change({division: event.target.value, family: "", pin: "", result: ""}),
    );
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

  function fillBenchmarks() {
    const option = ({id, title}) => make("option", {value: id}, title);
    const suites = [...new Set(data.editions.map(({suite_title}) => suite_title))];
    byId("benchmark").append(
      make("option", {value: ""}, "All benchmarks"),
      ...suites.map((suite) =>
        make(
          "optgroup",
          {label: suite},
          data.editions.filter((edition) => edition.suite_title === suite).map(option),
        ),
      ),
    );
  }

  byId("filter-bar").open = !narrow.matches;
  fillBenchmarks();
  listen();
  byId("trademark").textContent = TRADEMARK;
  byId("summary").textContent =
    `${count(data.results.length, "result")} of ${data.rounds.length === 1 ? "round" : "rounds"} ${data.rounds.join(", ")}`;
  byId("sources").replaceChildren(
    ...data.sources.map(({round, git_url, git_commit}) =>
      make("li", {}, `${round}: ${git_url ?? "no address"}${git_commit ? ` at ${git_commit}` : ""}`),
    ),
  );
  show(state.get());
}

load(byId("data")).then((data) => {
  start(data);
  performance.mark("drawn");
});
