/* One result, or those on one spot, beside the chart: figures, runs, findings, links, how to cite it, and every key. */

import {byId, copyButton, make, makeFigures, termOf} from "./dom.js";
import {capital, count, format, formatFigure, formatShare, sayMachine} from "./format.js";
import {bibtex, cite, dateOf} from "./cite.js";
import {textOf, unitOf} from "./data.js";
import {curvesOf} from "./curves.js";
import {draw, roundTicks} from "./marks.js";
import {linksOf} from "./table.js";
import {ended, measure, sayScore} from "./parts.js";
import {MOST_COMPARED} from "./sidebyside.js";

const {dotX, ruleX, tickX} = libraries;

/*
 * {show(result, state), list(results), hide()}; `open` is called with a result that was chosen from a list, `close` by the
 * button, `change` with what else was chosen here.
 */
export function createPanel(data, {open, close, change}) {
  const frame = byId("panel");
  const byUid = new Map(data.results.map((result) => [result.uid, result]));
  let shown = null;

  function place(title, ...parts) {
    frame.replaceChildren(
      make(
        "div",
        {class: "panel-head"},
        make("h2", {id: "panel-title", tabindex: "-1"}, title),
        make("button", {type: "button", "aria-label": "Close", click: close}, "×"),
      ),
      ...parts.filter(Boolean),
    );
    byId("panel-title").focus({preventScroll: true});
  }

  function setOpen(isOpen) {
    frame.hidden = !isOpen;
    document.body.classList.toggle("with-panel", isOpen);
  }

  /* A list of results as buttons. */
  const listOf = (results) =>
    make(
      "ul",
      {},
      results.map((result) =>
        make(
          "li",
          {},
          make(
            "button",
            {type: "button", class: "link", click: () => open(result)},
            `${result.submitter}: ${result.system}`,
          ),
          ` ${result.round}, ${sayScore(result)}`,
        ),
      ),
    );

  /* The sections of a result, in their order; one without content is left out. */
  const sections = [
    ["", factsOf],
    ["", actionsOf],
    ["Runs", runsOf],
    ["Learning curves", (result) => (result.has_curves ? curvesOf(data, result) : null)],
    [
      "The same runs, handed in again",
      (result) => {
        const others = result.same_runs.map((uid) => byUid.get(uid));
        return others.length ? listOf(others) : null;
      },
    ],
    [
      "Findings",
      (result) => {
        const found = data.findings[result.identity] ?? [];
        return found.length
          ? make(
              "ul",
              {},
              found.map(({code, what, advice}) =>
                make("li", {}, make("strong", {}, code), `: ${what}. ${capital(advice)}.`),
              ),
            )
          : null;
      },
    ],
    [
      "Links",
      (result) =>
        linksOf(result).length
          ? make(
              "p",
              {},
              linksOf(result).flatMap((link, place) => (place ? [", ", link] : [link])),
            )
          : null,
    ],
    ["To cite it", citationOf],
  ];

  /* What can be done with a result: it is what others are set against, or stands beside up to three others. */
  function actionsOf(result, state) {
    const isIn = state.compare.includes(result.uid);
    const others = state.compare.filter((uid) => uid !== result.uid);
    const isFull = !isIn && others.length >= MOST_COMPARED;
    return make(
      "p",
      {class: "actions"},
      make(
        "button",
        {type: "button", disabled: isFull, click: () => change({compare: isIn ? others : [...others, result.uid]})},
        isIn ? "Do not compare" : "Compare",
      ),
      state.compare.length
        ? make(
            "button",
            {type: "button", click: () => change({view: "compare", result: ""})},
            `Side by side (${state.compare.length})`,
          )
        : null,
      make("button", {type: "button", click: () => change({pin: result.uid})}, "Set others against it"),
    );
  }

  return {
    show(result, state) {
      const wanted = `${result.uid} ${state.compare.join(" ")}`;
      if (shown === wanted) return; // it keeps the focus, and what is open in it
      const focused =
        frame.contains(document.activeElement) && shown?.startsWith(result.uid) ? document.activeElement : null;
      shown = wanted;
      setOpen(true); // it has a width from now on
      const parts = sections
        .map(([title, content]) => [title, content(result, state)])
        .filter(([, content]) => content)
        .map(([title, content]) => make("section", {}, title ? make("h3", {}, title) : null, content));
      place(`${result.submitter}: ${result.system}`, ...parts, keysOf(data, result));
      if (focused) frame.querySelector(".actions button").focus();
    },
    list(results) {
      shown = null;
      setOpen(true);
      place(`${results.length} results on this spot`, listOf(results));
    },
    hide() {
      shown = null;
      setOpen(false);
      frame.replaceChildren();
    },
    find: (uid) => byUid.get(uid) ?? null,
  };
}

function factsOf(result) {
  const unit = measure(result.edition);
  const facts = [
    ["Benchmark", result.edition.title],
    ["Round", `${result.round}, ${result.division}${result.is_published ? "" : ", unverified: not from a published round"}`],
    [capital(unit), formatFigure(result.score)],
    ["How it was scored", result.how_scored],
    ["Rank at its size", result.rank_at_size ? `${result.rank_at_size} in its round, derived` : ""],
    [capital(`${result.size_unit}s`), result.size === null ? "" : sayMachine(result)],
    ["Nodes", format(result.nodes)],
    ["Availability", result.category],
    ["Processor", result.processor],
    ["Framework", result.framework],
    ["Spread of runs", result.spread === null ? "" : `${formatShare(result.spread)}, derived`],
    ["Accelerator-minutes", result.accelerator_minutes === null ? "" : `${format(result.accelerator_minutes)}, derived`],
    ["Energy", result.energy === null ? "" : `${formatFigure(result.energy)} kWh`],
    ["Batch size", format(result.batch_size)],
    ["To the target", result.progress === null ? "" : `${format(result.progress)} ${result.progress_unit}`],
    ["Convergence", result.verdict ? `${result.verdict}: ${result.verdict_said}` : ""],
    ["To know", result.remarks.join("; ")],
    ["Result ID", "not in the repository"],
    ["Not verified", result.is_listed ? "" : "MLCommons' table of the round does not have this result"],
  ].filter(([, value]) => value);
  return make(
    "dl",
    {},
    facts.flatMap(([name, value]) => [make("dt", {}, termOf(name)), make("dd", {}, value)]),
  );
}

/* The runs on the scale of the score. Those of a throughput have no place on it, and are only listed. */
function runsOf(result) {
  if (!result.runs.length) return null;
  const [fastest, slowest] = [result.runs[0], result.runs.at(-1)].map(formatFigure);
  if (!result.comparable_runs.length)
    return make(
      "p",
      {class: "note"},
      ended(
        `${count(result.runs.length, "run")} of ${fastest} to ${slowest} minutes each, side by side: no run has a figure in ${measure(result.edition)}`,
      ),
    );
  const runs = result.comparable_runs.map((minutes) => ({minutes}));
  const ticks = roundTicks([...result.comparable_runs, result.score]);
  const chart = draw(`${runs.length} runs, from ${fastest} to ${slowest} minutes`, {
    width: Math.max(260, byId("panel").clientWidth - 34 || 340),
    height: 74,
    marginLeft: 14,
    marginRight: 14,
    marginTop: 8,
    marginBottom: 30,
    x: {scale: {domain: [ticks[0], ticks.at(-1)], inset: 6}, label: null, ticks},
    marks: [
      ruleX([result.score], {stroke: "var(--ink)", strokeWidth: 1.5}),
      runs.length > 60
        ? tickX(runs, {x: "minutes", stroke: "var(--series-0)"})
        : dotX(runs, {x: "minutes", r: 5, fill: "var(--series-0)", fillOpacity: 0.55, stroke: "var(--series-0)"}),
    ],
  });
  chart.setAttribute("role", "img");
  const factor =
    result.factor === 1 ? "" : ` The runs are drawn times the factor of the review, as the score is; logged are:`;
  return make(
    "div",
    {},
    chart,
    make(
      "p",
      {class: "note"},
      `${count(runs.length, "run")} in minutes; the line is the score.${factor} ${result.runs.map(formatFigure).join(", ")}.`,
    ),
  );
}

function citationOf(result) {
  const today = dateOf(new Date());
  const sentence = cite(result, today);
  return make(
    "div",
    {},
    make("p", {class: "cite"}, sentence),
    copyButton("Copy", sentence),
    " ",
    copyButton("Copy BibTeX", bibtex(result, today)),
  );
}

function keysOf(data, result) {
  const entry = data.entryOf(result);
  const rows = Object.entries(entry).map(([key, value]) => [
    make("code", {title: textOf(data, key) || null}, key),
    `${typeof value === "object" ? JSON.stringify(value) : value} ${unitOf(data, key, entry)}`.trim(),
  ]);
  return make(
    "details",
    {},
    make("summary", {}, `Every key (${rows.length})`),
    makeFigures("Keys of the entry", [{title: "Key"}, {title: "Value"}], rows),
  );
}
