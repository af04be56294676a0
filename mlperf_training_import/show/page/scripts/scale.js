/* How systems scale: families of one submitter, accelerator and round, or all submitters together, in one chart. */

import {make} from "./dom.js";
import {capital, count, format, formatFactor, formatFigure, formatShare, formatTimes} from "./format.js";
import {FIGURES, families, familyOf, groupBy, hasFigure, scaling} from "./compare.js";
import {draw, logScale, points, powersOfTwo, roundTicks, signs} from "./marks.js";
import {HEIGHT, figureColumn, makeSelect, measure, tableOfResults} from "./parts.js";

const {line, text} = libraries;

const ACROSS = "all submitters";
const MOST = 4;
const COLOURS = ["var(--series-0)", "var(--series-1)", "var(--series-2)", "var(--series-3)"];
const SHAPES = ["circle", "square", "triangle", "diamond"];

/* From the smallest to the largest number across submitters, per accelerator in one round; each step may be another's. */
function acrossSubmitters(results) {
  const usable = results.filter((result) => hasFigure(result) && result.size > 0);
  return [...groupBy(usable, (result) => JSON.stringify([result.chip, result.round, result.size_unit]))]
    .map(([, members]) => familyOf([ACROSS, members[0].chip, members[0].round].join(" · "), members))
    .filter(({steps}) => steps.length > 1 && new Set(steps.map(({submitter}) => submitter)).size > 1)
    .sort((a, b) => b.steps.length - a.steps.length || b.steps[0].round_place - a.steps[0].round_place);
}

export function scale({results, state, width, change, edition, open}) {
  const found = [...families(results), ...acrossSubmitters(results)];
  const title = "How families of systems scale";
  if (!found.length)
    return {title, empty: "No submitter has results of one round with one accelerator at two sizes or more here."};
  const wanted = found.filter(({id}) => state.families.includes(id)).slice(0, MOST);
  const shown = (wanted.length ? wanted : found.slice(0, 1)).map(({id, steps}, place) => {
    const family = {id, colour: COLOURS[place], shape: SHAPES[place]};
    // a result may be a step of two families, in which it is as fast as something else
    return {...family, steps: scaling(steps).map((step) => ({...step, family}))};
  });
  const drawn = shown.flatMap(({steps}) => steps);
  const unit = shown.some(({steps}) => steps[0].size_unit === "accelerator") ? "accelerators" : "processors";
  const isEfficiency = state.figure === "efficiency";
  const of = isEfficiency ? "efficiency" : "speedup";
  const efficiencies = roundTicks([0, ...drawn.map(({efficiency}) => efficiency)]);
  const y = isEfficiency
    ? {
        scale: {domain: [0, efficiencies.at(-1)]},
        label: "efficiency",
        ticks: efficiencies,
        names: efficiencies.map(formatShare),
      }
    : logScale([...drawn.map(({ideal}) => ideal), ...drawn.map(({speedup}) => speedup)], "times as fast as the smallest");
  const options = (without) =>
    found.filter(({id}) => !without.includes(id)).map(({id, steps: {length}}) => [id, `${id} (${length} sizes)`]);
  const ids = shown.map(({id}) => id);
  return {
    title,
    drawn,
    controls: [
      makeSelect("Family", options(ids.slice(1)), ids[0], (id) => change({families: [id, ...ids.slice(1)]})),
      ...(ids.length < MOST && found.length > ids.length
        ? [makeSelect("Add", [["", "another family"], ...options(ids)], "", (id) => change({families: [...ids, id]}))]
        : []),
      ...(ids.length > 1
        ? [make("button", {type: "button", click: () => change({families: [ids[0]]})}, "Only the first")]
        : []),
      makeSelect(
        "Axis",
        [
          ["", "speed-up"],
          ["efficiency", "efficiency"],
        ],
        isEfficiency ? "efficiency" : "",
        (figure) => change({figure}),
      ),
    ],
    notes: [...shown.map((family) => sayFamily(family, edition)), "Grey line: ideal scaling."],
    legend: shown.map(({id, colour, shape}) => ({name: id, colour, shape})),
    chart: draw(
      `${capital(of)} of ${shown.map(({id}) => id).join(", ")} at ${count(drawn.length, "size")}; the table below the chart has the same figures`,
      {
        width,
        height: HEIGHT,
        drawn,
        x: logScale(
          drawn.map(({size}) => size),
          unit,
          {ticks: powersOfTwo},
        ),
        y,
        marks: [
          ...shown.flatMap(({steps, colour}) => [
            line(steps, {x: "size", y: isEfficiency ? () => 1 : "ideal", stroke: "var(--faint)", strokeWidth: 1.5}),
            line(steps, {x: "size", y: of, stroke: colour, strokeWidth: 2}),
          ]),
          points(drawn, "size", of, ({family}) => family),
          ...signs(drawn, "size", of),
          text(
            shown.flatMap(({steps}) => steps.slice(1)),
            {
              x: "size",
              y: of,
              text: ({efficiency, submitter, family}) =>
                formatShare(efficiency) + (family.id.startsWith(ACROSS) ? ` ${submitter}` : ""),
              dy: 18,
              fill: "var(--ink)",
              stroke: "var(--paper)",
              strokeWidth: 4,
            },
          ),
        ],
      },
    ),
    figures: tableOfResults(
      `Scaling of ${shown.map(({id}) => id).join(", ")}`,
      [
        {title: "Family", of: ({family}) => family.id},
        {title: capital(unit), number: true, of: ({size}) => format(size)},
        figureColumn(FIGURES.score, measure(edition)),
        {title: "Times as fast, derived", number: true, of: ({speedup}) => formatTimes(speedup)},
        {title: "Ideal", number: true, of: ({ideal}) => formatTimes(ideal)},
        {title: "Efficiency, derived", number: true, of: ({efficiency}) => formatShare(efficiency)},
        "batch",
        {title: "Factor of the review", number: true, of: ({factor}) => (factor === 1 ? "" : formatFactor(factor))},
        ...["submitter", "system"],
      ],
      drawn,
      open,
    ),
  };
}

function sayFamily({id, steps}, edition) {
  const [from, last] = [steps[0], steps.at(-1)];
  return (
    `${id}: from ${format(from.size)} to ${format(last.size)} ${from.size_unit}s, ${formatFigure(from.score)} to ${formatFigure(last.score)} ${measure(edition)}: ` +
    `${formatTimes(last.speedup)} of ${formatTimes(last.ideal)} times, ${formatShare(last.efficiency)}; derived.`
  );
}
