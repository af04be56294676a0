/* The best of each accelerator over the rounds, on an axis of dates: a line for each, and the record as steps. */

import {formatFigure} from "./format.js";
import {bestOfRounds, groupBy, recordsOf} from "./compare.js";
import {draw, logScale, points, signs} from "./marks.js";

const {line, text} = libraries;

const DAY = 86_400_000; // milliseconds
const MONTH = new Intl.DateTimeFormat("en", {month: "short", year: "2-digit", timeZone: "UTC"});
const LABEL = 48; // pixels that the name of a round takes

const dateOf = (result) => new Date(result.day);

/* Days of the rounds that are drawn, with as many of their names as there is room for. */
function dateScale(results, width) {
  const rounds = [...new Map(results.map((result) => [result.day, result.round]))].sort(([a], [b]) => (a < b ? -1 : 1));
  const [first, last] = [new Date(rounds[0][0]), new Date(rounds.at(-1)[0])];
  const room = Math.max((last - first) * 0.06, 40 * DAY);
  const each = Math.ceil((rounds.length * LABEL) / width);
  const named = rounds.filter((_, place) => (rounds.length - 1 - place) % each === 0);
  return {
    scale: {type: "utc", domain: [new Date(first - room), new Date(last - -room)]},
    label: null,
    ticks: named.map(([day]) => new Date(day)),
    names: named.map(([day, round]) => `${round}\n${MONTH.format(new Date(day))}`),
  };
}

/* {chart, lines, records, undated}: `lines` are {chip, steps}; results of rounds without a day are left out. */
export function drawOverDates(label, results, {width, height, figure, palette, unit}) {
  const dated = results.filter(({day}) => day);
  const lines = [...groupBy(dated, (result) => result.chip)].map(([chip, members]) => ({
    chip,
    steps: bestOfRounds(members, figure),
  }));
  const steps = lines.flatMap((one) => one.steps);
  if (!steps.length) return {chart: null, steps, records: [], undated: results.length};
  const y = (result) => figure.of(result);
  const records = recordsOf(bestOfRounds(dated, figure), figure);
  const {series, of} = palette(steps, "accelerator");
  const end = steps.reduce((latest, {day}) => (day > latest ? day : latest), "");
  // of many records of one accelerator the first and the last have room for their names
  const ends = records.filter(({chip}, place) => records[place - 1]?.chip !== chip || records[place + 1]?.chip !== chip);
  const vertical = logScale(steps.map(y), unit);
  const stairs = [...records, {...records.at(-1), day: end}];
  return {
    steps,
    records,
    series,
    undated: results.length - dated.length,
    chart: draw(label, {
      width,
      height,
      drawn: steps,
      marginBottom: 44,
      marginTop: 26,
      x: dateScale(steps, width - 80),
      y: {...vertical, scale: {...vertical.scale, insetBottom: 18}}, // for the name of a record
      marks: [
        line(stairs, {x: dateOf, y, curve: "step-after", stroke: "var(--faint)", strokeWidth: 5}),
        ...lines.map((one) => line(one.steps, {x: dateOf, y, stroke: of(one.steps[0]).colour, strokeWidth: 1.5})),
        points(steps, dateOf, y, of),
        ...signs(steps, dateOf, y),
        text(ends, {
          x: dateOf,
          y,
          text: (result) => `${result.chip} ${formatFigure(y(result))}`,
          dy: 14,
          fill: "var(--ink)",
          stroke: "var(--paper)",
          strokeWidth: 4,
        }),
      ],
    }),
  };
}
