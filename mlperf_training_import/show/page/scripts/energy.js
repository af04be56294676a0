/* Energy to train once: the results of one edition that were measured. */

import {count, format, formatFigure} from "./format.js";
import {FIGURES, bestOfEach, orderBy} from "./compare.js";
import {draw, logScale, points, powersOfTwo, signs} from "./marks.js";
import {HEIGHT, colourSelect, legendOf, tableOfResults} from "./parts.js";
import {explainSigns} from "./trust.js";

const byEnergy = orderBy(FIGURES.energy);

export const ENERGY_COLUMNS = ["size", "energy", "minutes", "accelerator", "round", "submitter", "system", "signs"];

export const hasEnergy = (result) => result.energy > 0;

/* The result with the least energy at each size. */
export const bestEnergies = (results) =>
  bestOfEach(results, (result) => result.size, FIGURES.energy)
    .map(({result}) => result)
    .sort((a, b) => a.size - b.size);

export function energy({results, state, width, change, open, palette}) {
  const drawn = results.filter((result) => hasEnergy(result) && result.size > 0);
  const title = "Energy to train once";
  if (!drawn.length) return {title, empty: "No result with measured energy here."};
  const {series, of} = palette(drawn, state.colour);
  const sorted = [...drawn].sort((a, b) => a.size - b.size || byEnergy(a, b));
  const leaders = bestEnergies(drawn);
  const doubtful = drawn.filter(({codes}) => codes.length);
  return {
    title,
    drawn,
    legend: legendOf(series, drawn),
    controls: [colourSelect({state, change})],
    notes: [
      `${count(drawn.length, "result")} with measured energy. Least per task trained: ${leaders.map((result) => `${formatFigure(result.energy)} kWh on ${format(result.size)} (${result.chip}, ${result.submitter}, ${result.round}${result.codes.length ? `, ! ${result.codes.join(", ")}` : ""})`).join("; ")}.`,
      doubtful.length ? `${count(doubtful.length, "of them has findings", "of them have findings")}: see To know.` : "",
      explainSigns(drawn).join(" "),
    ].filter(Boolean),
    left: [results.length - drawn.length, "without a measured energy"],
    chart: draw(
      `${drawn.length} results as points: kilowatt-hours against accelerators; the table below the chart has the same figures`,
      {
        width,
        height: HEIGHT,
        drawn,
        x: logScale(
          drawn.map((result) => result.size),
          "accelerators",
          {ticks: powersOfTwo},
        ),
        y: logScale(
          drawn.map((result) => result.energy),
          "kWh",
        ),
        marks: [...signs(drawn, "size", "energy"), points(drawn, "size", "energy", of)],
      },
    ),
    figures: tableOfResults(`${title}, least first at each size`, ENERGY_COLUMNS, sorted, open),
  };
}
