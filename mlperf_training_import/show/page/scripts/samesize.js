/* The best of each accelerator at one size, with its runs, and its ratio to one that was chosen. */

import {formatFigure, formatTimes} from "./format.js";
import {timesAsFast} from "./compare.js";
import {PRESS, bestBars, drawBars, pinChoices, pinnedBar} from "./bars.js";
import {
  atOneSize,
  bought,
  ended,
  figureColumn,
  figureOf,
  figureSelect,
  legendOf,
  makeSelect,
  tableOfResults,
  timesColumn,
} from "./parts.js";
import {explainSigns} from "./trust.js";

export function sameSize({results, state, width, edition, change, open, palette}) {
  const figure = figureOf(state);
  const {said, chosen, note} = atOneSize(results, state, figure);
  const bars = bestBars(chosen, figure);
  const title = `The best of each accelerator on ${said}`;
  const switches = [figureSelect({state, change, edition, results})];
  if (!bars.length) return {title, controls: switches};
  const pinned = pinnedBar(bars, chosen, state);
  const unit = figure.words(edition);
  const hasRuns = figure.name === "score" && bars.some(({result}) => result.range.length && result.runs.length > 1);
  const [fastest] = bars;
  const drawn = bars.map(({result}) => result);
  const notes = [
    note,
    ended(
      `Fastest: ${fastest.kind}, ${formatFigure(figure.of(fastest.result))} ${unit} (${fastest.result.round}, ${fastest.result.submitter}${bought(fastest.result)})`,
    ),
  ];
  if (pinned && fastest !== pinned)
    notes.push(
      `${formatTimes(timesAsFast(fastest.result, pinned.result, figure))} times as fast as ${pinned.kind}, ${formatFigure(figure.of(pinned.result))} ${unit} (${pinned.result.round}${bought(pinned.result)}); derived.`,
    );
  if (hasRuns) notes.push("Lines: from the fastest to the slowest run.");
  notes.push(explainSigns(drawn).join(" "));
  return {
    title,
    notes: notes.filter(Boolean),
    drawn,
    hint: bars.length > 1 ? PRESS : "",
    legend: legendOf([], drawn, "square"),
    controls: [
      ...switches,
      makeSelect("Compare with", [["", "nothing"], ...pinChoices(bars, pinned)], pinned?.result.uid ?? "", (pin) =>
        change({pin}),
      ),
    ],
    chart: drawBars(
      `${bars.length} accelerators as bars, the fastest first; the table below the chart has the same figures`,
      bars,
      {
        ...{width, figure, palette, pinned, pin: (pin) => change({pin}), unit, isLong: width > 600},
      },
    ),
    figures: tableOfResults(
      title,
      [
        "accelerator",
        figureColumn(figure, unit),
        hasRuns && {title: "Fastest to slowest run", number: true, of: ({range}) => range.map(formatFigure).join(" to ")},
        pinned && timesColumn(pinned.kind, () => pinned.result, figure),
        ...["round", "submitter", "system", "availability", "signs"],
      ],
      drawn,
      open,
    ),
  };
}
