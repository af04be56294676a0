/* The first screen: who is fastest at one size, how that came about, and the answer as a sentence. */

import {copyButton, make} from "./dom.js";
import {NO_IDS, bibtex, cite, dateOf} from "./cite.js";
import {capital, formatTimes} from "./format.js";
import {groupBy, timesAsFast} from "./compare.js";
import {putTogether} from "./marks.js";
import {PRESS, bestBars, drawBars, pinChoices, pinnedBar} from "./bars.js";
import {drawOverDates} from "./dates.js";
import {
  atOneSize,
  ended,
  figureColumn,
  figureOf,
  figureSelect,
  inWords,
  legendOf,
  makeSelect,
  opener,
  tableOfResults,
  timesColumn,
} from "./parts.js";
import {explainSigns} from "./trust.js";

const MOST_BARS = 12;
const [ROW, LEAST_ROW, HEIGHT] = [24, 17, 236]; // pixels: of a bar, and of a chart
const WIDE = 900; // pixels from which the charts are beside each other

export function answer({results, repeats, state, width, edition, change, open, palette}) {
  const figure = figureOf(state);
  const {said, chosen} = atOneSize(results, state, figure);
  const bars = bestBars(chosen, figure);
  const title = `The best of each accelerator on ${said}`;
  const controls = [figureSelect({state, change, edition, results})];
  if (!bars.length) return {title, controls, empty: `No result on ${said} here. Choose another size or other filters.`};
  const pinned = pinnedBar(bars, chosen, state);
  const other = pinned ?? mostSubmitted(bars, chosen);
  const unit = figure.words(edition);
  const isWide = width >= WIDE;
  const [left, right] = isWide ? [Math.round(width * 0.47), width - Math.round(width * 0.47)] : [width, width];
  const shown = bars.slice(0, MOST_BARS);
  const again = atOneSize(repeats, {...state, size: state.size}, figure).chosen;
  // beside the other chart, many bars are no higher than it, so that the table below stays in sight
  const row = isWide ? Math.max(LEAST_ROW, Math.min(ROW, (HEIGHT - 50) / shown.length)) : ROW;
  const barChart = drawBars(`the best of ${shown.length} accelerators as bars, the fastest first`, shown, {
    ...{width: left, figure, palette, pinned: other, pin: (pin) => change({pin}), isLong: width > 500, row, unit},
  });
  const height = isWide ? Math.max(HEIGHT, Number(barChart.getAttribute("height"))) : HEIGHT;
  const over = drawOverDates("the best of each accelerator in each round, by date", [...chosen, ...again], {
    ...{width: right, height, figure, palette, unit},
  });
  const drawn = shown.map(({result}) => result);
  const charts = [barChart, over.chart].filter(Boolean);
  return {
    title,
    controls: [
      ...controls,
      makeSelect("Times as fast as", pinChoices(bars, other), other?.result.uid ?? "", (pin) => change({pin})),
    ],
    drawn: [...drawn, ...over.steps],
    hint: bars.length > 1 ? PRESS : "",
    legend: legendOf(over.series ?? [], drawn, "square"),
    notes: [
      [
        figure.name === "score" && drawn.some(({range}) => range.length) && "Lines in bars: fastest to slowest run.",
        over.chart && "Wide line: the record.",
        ...explainSigns([...drawn, ...over.steps]),
        bars.length > MOST_BARS && `${bars.length - MOST_BARS} slower accelerators: see Same size.`,
      ]
        .filter(Boolean)
        .join(" "),
    ],
    left: [over.undated, "rounds without a day of publication in the chart of dates"],
    chart: putTogether(`${said}: bars and, by date, lines; the table below has the same figures`, charts, width, isWide),
    lead: leadOf({bars, other, figure, edition, open}),
    figures: make(
      "details",
      {},
      make("summary", {}, "These charts as a table"),
      tableOf({bars, other, over, figure, unit, open}),
    ),
  };
}

/* The accelerator of most results at this size, apart from the fastest: the baseline until people choose one. */
function mostSubmitted(bars, chosen) {
  const numbers = groupBy(chosen, (result) => result.chip);
  const numberOf = ({kind}) => numbers.get(kind).length;
  return bars.slice(1).reduce((found, bar) => (found && numberOf(found) >= numberOf(bar) ? found : bar), null);
}

/* The answer: both results with their counts, rounds and categories, and the ratio. */
function leadOf({bars, other, figure, edition, open}) {
  const today = dateOf(new Date());
  const [fastest] = bars;
  const parts = [`${capital(fastest.kind)}: ${inWords(fastest.result, figure)}`];
  if (other && other !== fastest) {
    const times = formatTimes(timesAsFast(fastest.result, other.result, figure));
    const words =
      figure.name === "energy" ? `${other.kind} needs ${times} times as much` : `${times} times as fast as ${other.kind}`;
    parts.push(`${words}: ${inWords(other.result, figure)}`);
  }
  const compared = [fastest, ...(other && other !== fastest ? [other] : [])];
  const remarks = compared.filter(({result}) => result.signs).map(({kind, result}) => `${kind}: ${result.signs}`);
  return make(
    "div",
    {class: "lead"},
    make(
      "p",
      {},
      make("strong", {}, "Fastest here: "),
      ended(`${parts.join("; ")}`),
      remarks.length ? ` To know: ${ended(remarks.join("; "))}` : "",
      ` Ratios are derived. ${NO_IDS} ${edition.title}.`,
    ),
    make(
      "p",
      {class: "actions"},
      opener(fastest.result, "Open it", open),
      ...compared.flatMap(({kind, result}) => [
        copyButton(`Cite ${kind}`, () => cite(result, today)),
        copyButton(`BibTeX ${kind}`, () => bibtex(result, today)),
      ]),
    ),
  );
}

function tableOf({bars, other, over, figure, unit, open}) {
  const columns = [
    "accelerator",
    figureColumn(figure, unit),
    timesColumn(other?.kind ?? "the best", () => other?.result, figure),
    ...["round", "submitter", "system", "availability", "signs"],
  ];
  const best = bars.map(({result}) => result);
  return make(
    "div",
    {},
    tableOfResults("The best of each accelerator", columns, best, open),
    tableOfResults("The records, as they followed each other", columns, over.records, open),
  );
}
