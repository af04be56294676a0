/* The best of each accelerator at one size, as bars. */

import {formatFactor, formatFigure, formatTimes} from "./format.js";
import {bestOfEach, orderBy, timesAsFast} from "./compare.js";
import {BESIDE_NAMES, draw, fitted, linearScale, namesScale, textWidth} from "./marks.js";

const {barX, line, ruleX, text, tickX} = libraries;

/* What the names beside bars are for. */
export const PRESS = "Press a name to compare with it. ";

/* The best of each accelerator, {kind, result}, the best first. */
export function bestBars(results, figure) {
  const compare = orderBy(figure);
  return bestOfEach(results, (result) => result.chip, figure).sort((a, b) => compare(a.result, b.result));
}

/* What the bars are set against: one of them, or any other result at their size, that was pinned; null for nothing. */
export function pinnedBar(bars, results, state) {
  const other = results.find(({uid}) => uid === state.pin);
  return (
    bars.find(({result}) => result === other) ?? (other ? {kind: `${other.chip}: ${other.system}`, result: other} : null)
  );
}

/* A list to choose it from. */
export const pinChoices = (bars, pinned) =>
  (bars.includes(pinned) || !pinned ? bars : [...bars, pinned]).map(({kind, result}) => [result.uid, kind]);

/* What stands beside a bar: figure, ratio, and, where there is room, round, category and signs. */
function labelOf({result}, figure, pinned, isLong) {
  const ratio = pinned ? `${formatTimes(timesAsFast(result, pinned.result, figure))} ×` : "";
  const where = isLong ? `${result.round}, ${result.category}` : "";
  const signs = [result.factor === 1 ? "" : `(× ${formatFactor(result.factor)})`, result.codes.length ? "!" : ""];
  const score = [formatFigure(figure.of(result)), ...signs].filter(Boolean).join(" ");
  return [score, where, ratio].filter(Boolean).join(" · ");
}

/*
 * Whiskers go from the fastest to the slowest run, on the scale of the score, and are drawn of nothing else. `pin` is called
 * with the result of the bar whose name was pressed, or nothing where that was pinned.
 */
export function drawBars(label, bars, {width, figure, palette, pinned, pin, isLong = false, row = 30, unit}) {
  const {of} = palette(
    bars.map(({result}) => result),
    "accelerator",
  );
  const rangeOf = (result) => (figure.name === "score" ? result.range : []);
  const labels = new Map(bars.map((bar) => [bar.kind, labelOf(bar, figure, pinned, isLong)]));
  const names = bars.map(({kind}) => fitted(kind, width / 3 - BESIDE_NAMES));
  const left = Math.max(...names.map(textWidth)) + BESIDE_NAMES;
  const room = Math.min(width * 0.6, Math.max(...[...labels.values()].map(textWidth)) + 14);
  const withRuns = bars.filter(({result}) => rangeOf(result).length && result.runs.length > 1);
  const ends = withRuns.flatMap(({kind, result}) => rangeOf(result).map((run) => [kind, run]));
  const farthest = ({result}) => Math.max(figure.of(result), ...rangeOf(result));
  const chart = draw(label, {
    width,
    height: 50 + bars.length * row,
    marginLeft: left,
    marginTop: 4,
    drawn: bars.map(({result}) => result),
    x: linearScale(Math.max(...bars.map(farthest)), unit, room),
    y: {
      ...namesScale(
        bars.map(({kind}) => kind),
        null,
        {padding: 0.25},
      ),
      names,
    },
    marks: [
      barX(bars, {
        y: "kind",
        x: ({result}) => figure.of(result),
        className: "points",
        stroke: ({result}) => of(result).colour,
        fill: ({result}) => (result.can_be_bought ? of(result).colour : "var(--paper)"),
        fillOpacity: 0.75,
        strokeWidth: 1.2,
      }),
      ruleX([0], {stroke: "var(--ink)"}),
      line(ends, {x: "1", y: "0", z: "0", stroke: "var(--ink)", strokeWidth: 1.5}),
      tickX(ends, {x: "1", y: "0", stroke: "var(--ink)", strokeWidth: 1.5, inset: 5}),
      text(bars, {
        y: "kind",
        x: farthest,
        text: ({kind}) => labels.get(kind),
        textAnchor: "start",
        dx: 8,
        fill: "var(--ink)",
      }),
    ],
  });
  if (bars.length > 1) makePressable(chart.querySelector("[data-mark='y-axis tick label']"), bars, pinned, pin);
  return chart;
}

/* Makes the names beside bars buttons, of which Tab reaches one, and arrow keys the others. */
function makePressable(frame, bars, pinned, pin) {
  const names = [...frame.querySelectorAll("text")];
  const reach = (wanted) => names.forEach((name) => name.setAttribute("tabindex", name === wanted ? "0" : "-1"));
  names.forEach((name, place) => {
    const {kind, result} = bars[place];
    const isPinned = bars[place] === pinned;
    const press = () => pin(isPinned ? "" : result.uid);
    name.setAttribute("role", "button");
    name.setAttribute("aria-label", `Compare the others with ${kind}`);
    name.setAttribute("aria-pressed", String(isPinned));
    name.dataset.bar = result.uid;
    name.addEventListener("click", press);
    name.addEventListener("keydown", (event) => {
      const next = {ArrowDown: names[place + 1], ArrowUp: names[place - 1], Home: names[0], End: names.at(-1)}[event.key];
      if (event.key === "Enter" || event.key === " ") press();
      else if (next) next.focus();
      else return;
      event.preventDefault();
    });
  });
  frame.classList.add("names");
  frame.removeAttribute("aria-hidden");
  frame.addEventListener("focusin", ({target}) => reach(target));
  reach(names[0]);
}
