/* One result, or those on one spot, beside the chart: figures, runs, findings, links, how to cite it, and every key. */

import {byId, make, makeFigures} from "./dom.js";
import {format, formatFigure, formatShare} from "./format.js";
import {cite, dateOf} from "./cite.js";
import {textOf, unitOf} from "./data.js";
import {groupBy} from "./compare.js";
import {curvesOf} from "./curves.js";
import {draw, roundTicks} from "./marks.js";
import {linksOf} from "./table.js";
import {capital, measure} from "./views.js";

const {dotX, ruleX, tickX} = libraries;

/* {show(result), list(results), hide()}; `open` is called with a result that was chosen from a list, `close` by the button. */
export function createPanel(data, {open, close}) {
  const frame = byId("panel");
  const byUid = new Map(data.results.map((result) => [result.uid, result]));
  const repeats = groupBy(data.results, (result) => result.repeat_of);

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
    byId("stage").classList.toggle("with-panel", isOpen);
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
          ` ${result.round}, ${formatFigure(result.score)} ${measure(result.edition)}`,
        ),
      ),
    );

  /* The sections of a result, in their order; one without content is left out. */
  const sections = [
    ["", factsOf],
    ["Runs", runsOf],
    ["Learning curves", (result) => (result.has_curves ? curvesOf(data, result) : null)],
    [
      "The same runs, handed in again",
      (result) => {
        const original = byUid.get(result.repeat_of) ?? result;
        const others = [original, ...(repeats.get(original.uid) ?? [])].filter((other) => other !== result);
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

  return {
    show(result) {
      setOpen(true); // it has a width from now on
      const parts = sections
        .map(([title, content]) => [title, content(result)])
        .filter(([, content]) => content)
        .map(([title, content]) => make("section", {}, title ? make("h3", {}, title) : null, content));
      place(`${result.submitter}: ${result.system}`, ...parts, keysOf(data, result));
    },
    list(results) {
      setOpen(true);
      place(`${results.length} results on this spot`, listOf(results));
    },
    hide() {
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
    ["Rank", result.rank === null ? "" : `${format(result.rank)} of its round, benchmark and division`],
    [
      "Accelerators",
      result.accelerators === null ? "" : `${format(result.accelerators)}${result.variant ? ` × ${result.variant}` : ""}`,
    ],
    ["Availability", result.availability],
    ["Processor", result.processor],
    ["Framework", result.framework],
    ["Spread of runs", result.spread === null ? "" : `${formatShare(result.spread)}, derived`],
    ["Accelerator-minutes", result.accelerator_minutes === null ? "" : `${format(result.accelerator_minutes)}, derived`],
    ["Energy", result.energy === null ? "" : `${formatFigure(result.energy)} kWh`],
    ["Batch size", format(result.batch_size)],
    ["To the target", result.progress === null ? "" : `${format(result.progress)} ${result.progress_unit}`],
    ["Convergence", result.verdict],
    ["To know", result.remarks],
  ].filter(([, value]) => value);
  return make(
    "dl",
    {},
    facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]),
  );
}

function runsOf(result) {
  if (!result.runs.length) return null;
  const runs = result.runs.map((minutes) => ({minutes}));
  const compares = result.range.length > 0; // a throughput is no time, whatever its runs take
  const factor = result.factor === 1 ? "" : `, which the review multiplied by ${format(result.factor)}`;
  const chart = draw(
    `${runs.length} runs, from ${formatFigure(result.runs[0])} to ${formatFigure(result.runs.at(-1))} minutes`,
    {
      width: Math.max(260, byId("panel").clientWidth - 34 || 340),
      height: 74,
      marginLeft: 14,
      marginRight: 14,
      marginTop: 8,
      marginBottom: 30,
      x: {scale: {nice: true, inset: 6}, label: null, ticks: roundTicks([...result.runs, ...(compares ? [result.score] : [])])},
      marks: [
        ruleX(compares ? [result.score] : [], {stroke: "var(--ink)", strokeWidth: 1.5}),
        runs.length > 60
          ? tickX(runs, {x: "minutes", stroke: "var(--series-0)"})
          : dotX(runs, {x: "minutes", r: 5, fill: "var(--series-0)", fillOpacity: 0.55, stroke: "var(--series-0)"}),
      ],
    },
  );
  chart.setAttribute("role", "img");
  return make(
    "div",
    {},
    chart,
    make(
      "p",
      {class: "note"},
      `${runs.length} runs in minutes${compares ? `; the line is the score${factor}` : ""}. ${result.runs.map(formatFigure).join(", ")}.`,
    ),
  );
}

function citationOf(result) {
  const sentence = cite(result, dateOf(new Date()));
  const said = make("span", {role: "status"});
  const copy = () =>
    navigator.clipboard.writeText(sentence).then(
      () => {
        said.textContent = " copied";
      },
      () => {
        said.textContent = " mark the text to copy it";
      },
    );
  return make("div", {}, make("p", {class: "cite"}, sentence), make("button", {type: "button", click: copy}, "Copy"), said);
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
