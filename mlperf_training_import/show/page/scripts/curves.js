/* The learning curves of one result: what its runs reached, and when, against each of its targets. */

import {byId, make, makeFigures} from "./dom.js";
import {count, format, formatFigure} from "./format.js";
import {draw, roundTicks} from "./marks.js";

const {dot, line} = libraries;

/* A frame that fills itself when the curves are there: they may be in a file beside the page. */
export function curvesOf(data, result) {
  const frame = make("div", {class: "curves", "aria-busy": "true"}, make("p", {class: "note"}, "They are being read."));
  data
    .curvesOf(result)
    .then((charts) => charts.flatMap(showTarget))
    .catch(() => [make("p", {class: "note"}, "They cannot be read.")])
    .then((parts) => {
      frame.replaceChildren(...parts);
      frame.removeAttribute("aria-busy");
    });
  return frame;
}

/*
 * A target: {metric, target, unit, runs}; a run: {log, is_kept, evaluations, at, quality}, with how many there were, and how
 * far it was in the unit at those that are drawn.
 */
function showTarget({metric, target, unit, runs}) {
  const points = runs.flatMap(({log, is_kept, at, quality}) => at.map((x, place) => ({log, is_kept, x, y: quality[place]})));
  const [xTicks, yTicks] = [roundTicks([0, ...points.map(({x}) => x)]), roundTicks([target, ...points.map(({y}) => y)])];
  const [kept, others] = [true, false].map((wanted) => points.filter(({is_kept}) => is_kept === wanted));
  const label = `${metric} of ${count(runs.length, "run")} over ${unit}, target ${formatFigure(target)}`;
  const chart = draw(label, {
    width: Math.max(260, byId("panel").clientWidth - 34 || 340),
    height: 220,
    marginRight: 32,
    x: {scale: {domain: [xTicks[0], xTicks.at(-1)]}, label: unit, ticks: xTicks},
    y: {scale: {domain: [yTicks[0], yTicks.at(-1)]}, label: metric, ticks: yTicks},
    marks: [
      line([xTicks[0], xTicks.at(-1)], {x: (x) => x, y: () => target, stroke: "var(--ink)", strokeWidth: 1.5}),
      ...marksOf(others, "var(--series-others)", "3 3"),
      ...marksOf(kept, "var(--series-0)"),
    ],
  });
  chart.setAttribute("role", "img");
  const columns = ["Run", "Evaluations", `Last, ${unit}`, metric].map((title, place) => ({title, number: place > 0}));
  const rows = runs.map(({log, is_kept, evaluations, at, quality}) => [
    is_kept ? log : `${log} (not in the score)`,
    format(evaluations),
    format(at.at(-1)),
    formatFigure(quality.at(-1)),
  ]);
  const notes = [`${metric} over ${unit}; the line across is the target.`];
  if (others.length)
    notes.push(`Dashed: ${count(runs.filter(({is_kept}) => !is_kept).length, "run")} whose time is not in the score.`);
  if (unit !== "minutes") notes.push("The model was evaluated when the run was over, so that there are no minutes to tell.");
  return [
    chart,
    make("p", {class: "note"}, notes.join(" ")),
    make("details", {}, make("summary", {}, "As a table"), makeFigures("Last evaluation of each run", columns, rows)),
  ];
}

const marksOf = (points, colour, dashes) => [
  line(points, {x: "x", y: "y", z: "log", stroke: colour, strokeOpacity: 0.7, strokeDasharray: dashes}),
  dot(points, {x: "x", y: "y", r: 1.8, fill: colour}),
];
