/* Up to four results side by side: what differs first, and their runs on one axis where they may be compared. */

import {make, makeFigures} from "./dom.js";
import {count, formatShare, formatTimes} from "./format.js";
import {groupOf, timesAsFast} from "./compare.js";
import {BESIDE_NAMES, draw, fitted, namesScale, roundTicks, textWidth} from "./marks.js";
import {measure, opener, sayScore} from "./parts.js";
import {unitOf} from "./data.js";

const {dot, tickX} = libraries;

export const MOST_COMPARED = 4;

export function sideBySide({data, state, width, change, open}) {
  const title = "Side by side";
  const results = state.compare
    .map((uid) => data.results.find((result) => result.uid === uid))
    .filter(Boolean)
    .slice(0, MOST_COMPARED);
  if (!results.length)
    return {title, empty: `Open a result and press "Compare" to put it here, up to ${MOST_COMPARED} of them.`};
  const isOneGroup = new Set(results.map(groupOf)).size === 1;
  const [first, ...others] = results;
  return {
    title,
    drawn: results,
    legend: [],
    controls: [make("button", {type: "button", click: () => change({compare: []})}, "Clear")],
    notes: [
      isOneGroup
        ? others
            .map(
              (other) =>
                `${other.system}: ${formatTimes(timesAsFast(other, first))} times as fast as ${first.system}; derived.`,
            )
            .join(" ")
        : "These are of different benchmarks, editions or divisions: their figures cannot be compared.",
    ].filter(Boolean),
    chart: isOneGroup && results.every(({comparable_runs}) => comparable_runs.length) ? drawRuns(results, width) : null,
    figures: tableOf(data, results, {change, state, open}),
  };
}

/* Runs on the scale of the score, which is the line through each row. */
function drawRuns(results, width) {
  const names = results.map(({system}, place) => fitted(`${place + 1}. ${system}`, width / 2.5 - BESIDE_NAMES));
  const runs = results.flatMap(({comparable_runs}, place) => comparable_runs.map((run) => ({name: names[place], run})));
  const scores = results.map((result, place) => ({name: names[place], score: result.score}));
  const ticks = roundTicks([...runs.map(({run}) => run), ...scores.map(({score}) => score)]);
  const chart = draw(`the runs of ${count(results.length, "result")} on one axis`, {
    width,
    height: 60 + results.length * 34,
    marginLeft: Math.max(...names.map(textWidth)) + BESIDE_NAMES,
    marginTop: 6,
    x: {scale: {domain: [ticks[0], ticks.at(-1)]}, label: `${measure(results[0].edition)}, as the score has them`, ticks},
    y: namesScale(names),
    marks: [
      dot(runs, {x: "run", y: "name", r: 4, fill: "var(--series-0)", fillOpacity: 0.55}),
      tickX(scores, {x: "score", y: "name", stroke: "var(--ink)", strokeWidth: 2}),
    ],
  });
  chart.setAttribute("role", "img");
  return chart;
}

/* A row for each key, those that differ first. */
function tableOf(data, results, {change, state, open}) {
  const entries = results.map(data.entryOf);
  const textOf = (entry, key) =>
    entry[key] === undefined
      ? ""
      : `${typeof entry[key] === "object" ? JSON.stringify(entry[key]) : entry[key]} ${unitOf(data, key, entry)}`.trim();
  const keys = [...new Set(entries.flatMap(Object.keys))];
  const differs = (key) => new Set(entries.map((entry) => textOf(entry, key))).size > 1;
  const rows = [...keys.filter(differs), ...keys.filter((key) => !differs(key))];
  const drop = (uid) =>
    make(
      "button",
      {
        type: "button",
        "aria-label": "Remove from the comparison",
        click: () => change({compare: state.compare.filter((one) => one !== uid)}),
      },
      "×",
    );
  const head = [
    [
      "System",
      ...results.map((result) =>
        make("span", {}, opener(result, `${result.submitter}: ${result.system}`, open), " ", drop(result.uid)),
      ),
    ],
    ["Benchmark", ...results.map(({edition}) => edition.title)],
    ["Score", ...results.map(sayScore)],
    ["Spread of runs, derived", ...results.map(({spread}) => (spread === null ? "" : formatShare(spread)))],
    ["Result ID", ...results.map(() => "not in the repository")],
    ["To know", ...results.map(({signs}) => signs)],
  ];
  const table = makeFigures(
    `Keys that differ (${keys.filter(differs).length}) first`,
    [{title: "Key"}, ...results.map((_, place) => ({title: String(place + 1)}))],
    [...head, ...rows.map((key) => [make("code", {}, key), ...entries.map((entry) => textOf(entry, key))])],
  );
  table.classList.add("even");
  return table;
}
