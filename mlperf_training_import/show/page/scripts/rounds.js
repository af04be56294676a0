/* One edition over the rounds at one size: what the best of each took, and the line of each accelerator. */

import {formatFigure, formatTimes} from "./format.js";
import {bestOfRounds, timesAsFast} from "./compare.js";
import {drawOverDates} from "./dates.js";
import {
  HEIGHT,
  atOneSize,
  bought,
  ended,
  figureColumn,
  figureOf,
  figureSelect,
  legendOf,
  tableOfResults,
  timesColumn,
} from "./parts.js";
import {explainSigns} from "./trust.js";

/* Runs that were handed in again are part of a round too, and may be the best of it. */
export function overRounds({results, repeats, state, width, edition, change, open, palette}) {
  const figure = figureOf(state);
  const {size, said, chosen: once, note} = atOneSize(results, state, figure);
  const again = atOneSize(repeats, {...state, size}, figure).chosen;
  const chosen = [...once, ...again];
  const steps = bestOfRounds(chosen, figure);
  const title = `The best of each round on ${said}`;
  const controls = [figureSelect({state, change, edition, results})];
  if (!steps.length) return {title, controls};
  const unit = figure.words(edition);
  const [first, last] = [steps[0], steps.at(-1)];
  const who = (result) =>
    `${formatFigure(figure.of(result))} ${unit} in ${result.round} (${result.chip}, ${result.submitter}${bought(result)})`;
  const over = drawOverDates("the best of each accelerator in each round, by date", chosen, {
    ...{width, height: HEIGHT, figure, palette, unit},
  });
  const notes = [
    note,
    first === last
      ? ended(`Only ${who(first)}`)
      : `From ${who(first)} to ${who(last)}: ${formatTimes(timesAsFast(last, first, figure))} times as fast; derived.`,
    over.chart &&
      "A line for each accelerator: what falls along it was gained by software and by faster systems around it. Wide line: the record.",
    explainSigns(over.steps).join(" "),
  ];
  return {
    title,
    controls,
    notes: notes.filter(Boolean),
    drawn: over.steps,
    legend: legendOf(over.series ?? [], over.steps),
    left: [over.undated, "rounds without a day of publication"],
    chart: over.chart,
    figures: tableOfResults(
      title,
      [
        "round",
        {title: "Published", of: ({day}) => day},
        figureColumn(figure, unit),
        timesColumn("the round before", (result) => steps[steps.indexOf(result) - 1], figure),
        ...["accelerator", "submitter", "system", "availability", "signs"],
      ],
      steps,
      open,
    ),
  };
}
