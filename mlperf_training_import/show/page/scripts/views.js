/* The views of one edition and division. Each takes {results, state, width, ...} and gives what to draw, say and list. */

import {make, makeFigures} from "./dom.js";
import {collator, count, format, formatFigure, formatShare, formatTimes} from "./format.js";
import {bestOfEach, bestOfRounds, commonSize, families, hasFigure, order, scaling, timesAsFast} from "./compare.js";
import {
  HOLLOW,
  draw,
  linearScale,
  logScale,
  namesScale,
  pointScale,
  points,
  powersOfTwo,
  seriesOf,
  textWidth,
} from "./marks.js";

const {barX, dot, line, ruleX, text, tickX} = libraries;

const HEIGHT = 430;
const COLOUR_NAMES = {accelerator: "accelerator", rounds: "round", submitter: "submitter"};

/* What the figure of a result is called, and in which unit. */
export const measure = (edition) => (edition.measure);

const nameOf = (result) => result.accelerator || result.processor || "not given";

const bought = (result) => (result.can_be_bought ? "" : `, ${result.availability || "availability not given"}`);

/* A button with the name of a result, which opens it. */
const opener = (result, label, open) =>
  make("button", {type: "button", class: "link", click: (event) => open([result], event.target)}, label);

function makeSelect(label, options, value, choose) {
  const select = make(
    "select",
    {change: (event) => choose(event.target.value)},
    options.map(([key, name]) => make("option", {value: key, selected: key === value}, name)),
  );
  return make("label", {class: "choice"}, make("span", {}, label), select);
}

const colourSelect = ({state, change}) =>
  makeSelect("Colour by", Object.entries(COLOUR_NAMES), state.colour || "accelerator", (colour) =>
    change({colour: colour === "accelerator" ? "" : colour}),
  );

function legendOf(series, results) {
  return results.every((result) => result.can_be_bought) ? series : [...series, HOLLOW];
}

export const saySize = (size) =>
  Number.isFinite(size) ? count(size, "accelerator") : "a number of accelerators that is not given";

/* The results at one size, which is the one that was chosen, or else the most common; and words that say which. */
function atOneSize(results, state) {
  const size = state.size === "" ? commonSize(results) : Number(state.size);
  const chosen = results.filter((result) => result.accelerators === size && hasFigure(result));
  const said = saySize(size);
  return {
    size,
    said,
    chosen,
    note: state.size === "" ? `${said}, the size that most results have; choose another one above.` : "",
  };
}

function sizes({results, state, width, edition, change}) {
  const drawn = results.filter((result) => hasFigure(result) && result.accelerators > 0);
  const {series, of} = seriesOf(drawn, state.colour);
  const shares = {
    title: `${capital(measure(edition))} against accelerators`,
    controls: [colourSelect({state, change})],
    left: [results.length - drawn.length, "without accelerators, or their number is not given; see the table"],
  };
  if (!drawn.length) return shares;
  const x = logScale(
    drawn.map((result) => result.accelerators),
    "accelerators",
    {ticks: powersOfTwo},
  );
  const y = logScale(
    drawn.map((result) => result.score),
    measure(edition),
  );
  return {
    ...shares,
    drawn,
    legend: legendOf(series, drawn),
    notes: [
      `Grey lines: ideal scaling, where twice the accelerators ${edition.higher_is_better ? "train twice as much" : "need half the time"}.`,
    ],
    chart: draw(`${drawn.length} results as points: ${measure(edition)} against accelerators`, {
      width,
      height: HEIGHT,
      x,
      y,
      marks: [...idealLines(x, y, edition), points(drawn, "accelerators", "score", of)],
    }),
  };
}

/* Lines along which minutes times accelerators stay the same, each at eight times the one before. */
function idealLines(x, y, edition) {
  const [[left, right], [low, high]] = [x.scale.domain, y.scale.domain];
  const power = edition.higher_is_better ? 1 : -1;
  const lines = [];
  const bounds = [low / left ** power, low / right ** power, high / left ** power, high / right ** power];
  for (let level = Math.min(...bounds) * 2; level < Math.max(...bounds); level *= 8) {
    const ends = [low, high].map((score) => (score / level) ** (1 / power)).sort((a, b) => a - b);
    const [from, to] = [Math.max(left, ends[0]), Math.min(right, ends[1])];
    if (from < to) lines.push([from, to].map((x) => ({x, y: level * x ** power})));
  }
  return lines.map((ends) => line(ends, {x: "x", y: "y", stroke: "var(--faint)", strokeWidth: 1}));
}

function sameSize({results, state, width, edition, change, open}) {
  const {said, chosen, note} = atOneSize(results, state);
  const bars = bestOfEach(chosen, nameOf).sort((a, b) => order(a.result, b.result));
  const title = `The best of each accelerator on ${said}`;
  if (!bars.length) return {title};
  const pinned = bars.find(({result}) => result.uid === state.pin) ?? null;
  const ratio = (result) => (pinned ? `${formatTimes(timesAsFast(result, pinned.result))} ×` : "");
  const labels = new Map(
    bars.map(({kind, result}) => [kind, `${formatFigure(result.score)}${pinned ? `  ${ratio(result)}` : ""}`]),
  );
  const unit = measure(edition);
  const left = Math.min(width / 2.5, Math.max(...bars.map(({kind}) => textWidth(kind))) + 14);
  const withRuns = bars.filter(({result}) => result.range.length && result.runs.length > 1);
  const ends = withRuns.flatMap(({kind, result}) => [
    [kind, result.range[0]],
    [kind, result.range[1]],
  ]);
  const top = Math.max(...bars.map(({result}) => Math.max(result.score, ...result.range)));
  const [fastest, second] = bars;
  const notes = [
    note,
    `Fastest: ${fastest.kind}, ${formatFigure(fastest.result.score)} ${unit} (${fastest.result.round}, ${fastest.result.submitter}${bought(fastest.result)}).`,
  ];
  if (pinned && fastest !== pinned)
    notes.push(
      `${formatTimes(timesAsFast(fastest.result, pinned.result))} times as fast as ${pinned.kind}, ${formatFigure(pinned.result.score)} ${unit} (${pinned.result.round}); derived.`,
    );
  else if (!pinned && second) notes.push("Choose what to compare with for ratios.");
  notes.push("Lines: from the fastest to the slowest run.");
  return {
    title,
    notes,
    drawn: bars.map(({result}) => result),
    legend: bars.some(({result}) => !result.can_be_bought) ? [{...HOLLOW, shape: "square"}] : [],
    controls: [
      makeSelect(
        "Compare with",
        [["", "nothing"], ...bars.map(({kind, result}) => [result.uid, kind])],
        pinned?.result.uid ?? "",
        (pin) => change({pin}),
      ),
    ],
    chart: draw(`${bars.length} accelerators as bars, the fastest first; the table below the chart has the same figures`, {
      width,
      height: 50 + bars.length * 30,
      marginLeft: left,
      marginTop: 4,
      x: linearScale(top, unit),
      y: namesScale(
        bars.map(({kind}) => kind),
        null,
        {padding: 0.25},
      ),
      marks: [
        barX(bars, {
          y: "kind",
          x: ({result}) => result.score,
          className: "points",
          stroke: "var(--series-0)",
          fill: ({result}) => (result.can_be_bought ? "var(--series-0)" : "var(--paper)"),
          fillOpacity: 0.75,
          strokeWidth: 1.2,
        }),
        ruleX([0], {stroke: "var(--ink)"}),
        line(ends, {x: "1", y: "0", z: "0", stroke: "var(--ink)", strokeWidth: 1.5}),
        tickX(ends, {x: "1", y: "0", stroke: "var(--ink)", strokeWidth: 1.5, inset: 5}),
        text(bars, {
          y: "kind",
          x: ({result}) => Math.max(result.score, ...result.range),
          text: ({kind}) => labels.get(kind),
          textAnchor: "start",
          dx: 8,
          fill: "var(--ink)",
        }),
      ],
    }),
    figures: makeFigures(
      title,
      [
        {title: "Accelerator"},
        {title: capital(unit), number: true},
        {title: "Fastest to slowest run", number: true},
        ...(pinned ? [{title: `Times as fast as ${pinned.kind}, derived`, number: true}] : []),
        {title: "Round"},
        {title: "Submitter"},
        {title: "System"},
        {title: "Availability"},
      ],
      bars.map(({kind, result}) => [
        kind,
        formatFigure(result.score),
        result.range.length ? result.range.map(formatFigure).join(" to ") : "",
        ...(pinned ? [formatTimes(timesAsFast(result, pinned.result))] : []),
        result.round,
        result.submitter,
        opener(result, result.system, open),
        result.availability || "not given",
      ]),
    ),
  };
}

/* Runs that were handed in again are part of a round too, and may be the best of it. */
function overRounds({results, repeats, state, width, edition, change, open}) {
  const {size, said, chosen: once, note} = atOneSize(results, state);
  const again = repeats.filter((result) => result.accelerators === size && hasFigure(result));
  const steps = bestOfRounds([...once, ...again]);
  const chosen = [...once, ...again.filter((result) => steps.includes(result))];
  const title = `The best of each round on ${said}`;
  if (!steps.length) return {title};
  const unit = measure(edition);
  const rounds = [...new Set(chosen.map((result) => result.round_place))].sort((a, b) => a - b);
  const roundNames = rounds.map((place) => chosen.find((result) => result.round_place === place).round);
  const {series, of} = seriesOf(chosen, state.colour);
  const [first, last] = [steps[0], steps.at(-1)];
  const who = (result) =>
    `${formatFigure(result.score)} ${unit} in ${result.round} (${nameOf(result)}, ${result.submitter}${bought(result)})`;
  const notes = [
    note,
    steps.length > 1
      ? `From ${who(first)} to ${who(last)}: ${formatTimes(timesAsFast(last, first))} times as fast; derived.`
      : `${who(first)}.`,
    "The line joins the best of each round.",
    steps.some((result) => again.includes(result)) ? "Some of these were handed in in an earlier round too." : "",
  ];
  return {
    title,
    notes,
    drawn: chosen,
    legend: legendOf(series, chosen),
    controls: [colourSelect({state, change})],
    chart: draw(
      `${chosen.length} results as points over ${count(rounds.length, "round")}; the best of each round is in the table below the chart`,
      {
        width,
        height: HEIGHT,
        x: pointScale(roundNames, "round"),
        y: logScale(
          chosen.map((result) => result.score),
          unit,
        ),
        marks: [
          line(steps, {x: "round", y: "score", stroke: "var(--ink)", strokeWidth: 1.5}),
          points(chosen, "round", "score", of),
          text(steps, {
            x: "round",
            y: "score",
            text: (result) => formatFigure(result.score),
            dy: 16,
            fill: "var(--ink)",
            stroke: "var(--paper)",
            strokeWidth: 4,
          }),
        ],
      },
    ),
    figures: makeFigures(
      title,
      [
        {title: "Round"},
        {title: capital(unit), number: true},
        {title: "Times as fast as the round before, derived", number: true},
        {title: "Accelerator"},
        {title: "Submitter"},
        {title: "System"},
        {title: "Availability"},
      ],
      steps.map((result, place) => [
        result.round,
        formatFigure(result.score),
        place ? formatTimes(timesAsFast(result, steps[place - 1])) : "",
        nameOf(result),
        result.submitter,
        opener(result, result.system, open),
        result.availability || "not given",
      ]),
    ),
  };
}

function scale({results, state, width, change, edition, open}) {
  const found = families(results);
  const title = "How one family of systems scales";
  if (!found.length)
    return {title, empty: "No submitter has results of one round with one accelerator at two sizes or more here."};
  const family = found.find(({id}) => id === state.family) ?? found[0];
  const steps = scaling(family);
  const last = steps.at(-1);
  const range = steps.map(({ideal}) => ideal);
  const [from, to] = [steps[0].result, last.result];
  return {
    title,
    drawn: steps.map(({result}) => result),
    controls: [
      makeSelect(
        "Family",
        found.map(({id, steps: {length}}) => [id, `${id} (${length} sizes)`]),
        family.id,
        (id) => change({family: id}),
      ),
    ],
    notes: [
      `${family.id}: from ${format(from.accelerators)} to ${format(to.accelerators)} accelerators, ${formatFigure(from.score)} to ${formatFigure(to.score)} ${measure(edition)}: ` +
        `${formatTimes(last.speedup)} of ${formatTimes(last.ideal)} times, ${formatShare(last.efficiency)}; derived.`,
      "Grey line: ideal scaling.",
    ],
    legend: [{name: family.id, colour: "var(--series-0)", shape: "circle"}],
    chart: draw(
      `Speed-up of ${family.id} at ${count(steps.length, "size")}; the table below the chart has the same figures`,
      {
        width,
        height: HEIGHT,
        x: logScale(
          steps.map(({result}) => result.accelerators),
          "accelerators",
          {ticks: powersOfTwo},
        ),
        y: logScale([...range, ...steps.map(({speedup}) => speedup)], "times as fast as the smallest"),
        marks: [
          line(steps, {x: ({result}) => result.accelerators, y: "ideal", stroke: "var(--faint)", strokeWidth: 1.5}),
          line(steps, {x: ({result}) => result.accelerators, y: "speedup", stroke: "var(--series-0)", strokeWidth: 2}),
          dot(steps, {
            x: ({result}) => result.accelerators,
            y: "speedup",
            className: "points",
            r: 5,
            fill: "var(--series-0)",
            sort: null,
          }),
          text(steps.slice(1), {
            x: ({result}) => result.accelerators,
            y: "speedup",
            text: ({efficiency}) => formatShare(efficiency),
            dy: 18,
            fill: "var(--ink)",
            stroke: "var(--paper)",
            strokeWidth: 4,
          }),
        ],
      },
    ),
    figures: makeFigures(
      `Scaling of ${family.id}`,
      [
        {title: "Accelerators", number: true},
        {title: capital(measure(edition)), number: true},
        {title: "Times as fast, derived", number: true},
        {title: "Ideal", number: true},
        {title: "Efficiency, derived", number: true},
        {title: "System"},
      ],
      steps.map(({result, speedup, ideal, efficiency}) => [
        format(result.accelerators),
        formatFigure(result.score),
        formatTimes(speedup),
        formatTimes(ideal),
        formatShare(efficiency),
        opener(result, result.system, open),
      ]),
    ),
  };
}

const byEnergy = (a, b) => a.energy - b.energy || a.index - b.index;

function energy({results, state, width, change, open}) {
  const drawn = results.filter((result) => result.energy > 0 && result.accelerators > 0);
  const title = "Energy to train once";
  if (!drawn.length) return {title, empty: "No result with measured energy here."};
  const {series, of} = seriesOf(drawn, state.colour);
  const sorted = [...drawn].sort((a, b) => a.accelerators - b.accelerators || byEnergy(a, b));
  const leaders = bestEnergies(drawn);
  return {
    title,
    drawn,
    legend: legendOf(series, drawn),
    controls: [colourSelect({state, change})],
    notes: [
      `${count(drawn.length, "result")} with measured energy. Least per task trained: ${leaders.map((result) => `${formatFigure(result.energy)} kWh on ${format(result.accelerators)} (${nameOf(result)}, ${result.submitter}, ${result.round})`).join("; ")}.`,
    ],
    left: [results.length - drawn.length, "without a measured energy"],
    chart: draw(
      `${drawn.length} results as points: kilowatt-hours against accelerators; the table below the chart has the same figures`,
      {
        width,
        height: HEIGHT,
        x: logScale(
          drawn.map((result) => result.accelerators),
          "accelerators",
          {ticks: powersOfTwo},
        ),
        y: logScale(
          drawn.map((result) => result.energy),
          "kWh",
        ),
        marks: [points(drawn, "accelerators", "energy", of)],
      },
    ),
    figures: makeFigures(
      `${title}, least first at each size`,
      [
        {title: "Accelerators", number: true},
        {title: "kWh", number: true},
        {title: "Minutes", number: true},
        {title: "Accelerator"},
        {title: "Round"},
        {title: "Submitter"},
        {title: "System"},
      ],
      sorted.map((result) => [
        format(result.accelerators),
        formatFigure(result.energy),
        formatFigure(result.score),
        nameOf(result),
        result.round,
        result.submitter,
        opener(result, result.system, open),
      ]),
    ),
  };
}

/* The result with the least energy at each size. */
export function bestEnergies(results) {
  const least = new Map();
  for (const result of [...results].sort(byEnergy))
    if (!least.has(result.accelerators)) least.set(result.accelerators, result);
  return [...least.values()].sort((a, b) => a.accelerators - b.accelerators);
}

const VERDICTS = new Map(Object.entries({pass: "circle", missing: "diamond", insufficient: "square", fail: "triangle"}));
const NO_VERDICT = "cross";

function convergence({results, state, width, change}) {
  const unit = results.map((result) => result.progress_unit).find(Boolean);
  const drawn = results.filter((result) => result.batch_size > 0 && result.progress > 0 && result.progress_unit === unit);
  const title = "What it takes to converge";
  if (!drawn.length) return {title, empty: "No result here says both its batch size and how long it trained."};
  const {series, of} = seriesOf(drawn, state.colour);
  const verdicts = [...new Set(drawn.map((result) => result.verdict))].filter(Boolean).sort(collator.compare);
  const shapeOf = (verdict) => VERDICTS.get(verdict) ?? NO_VERDICT;
  const shape = verdicts.length ? (result) => shapeOf(result.verdict) : undefined;
  const references = (key) =>
    [...new Map(drawn.filter((result) => result[key] > 0).map((result) => [result.batch_size, result[key]]))]
      .map(([x, y]) => ({x, y}))
      .sort((a, b) => a.x - b.x);
  const [means, least] = [references("reference_mean"), references("reference_least")];
  const values = [...drawn.map((result) => result.progress), ...means.map(({y}) => y), ...least.map(({y}) => y)];
  const notes = [
    means.length && "Line: mean of the reference.",
    least.length && "Broken line: the least that the reference allows.",
  ];
  return {
    title,
    drawn,
    controls: [colourSelect({state, change})],
    notes: notes.filter(Boolean),
    legend: [
      ...(verdicts.length ? series.map((one) => ({...one, shape: "circle"})) : series),
      ...verdicts.map((verdict) => ({name: `verdict: ${verdict}`, colour: "currentColor", shape: shapeOf(verdict)})),
    ],
    left: [results.length - drawn.length, "without a batch size, or without what was trained on"],
    chart: draw(`${drawn.length} results as points: ${unit} to the target against batch size`, {
      width,
      height: HEIGHT,
      marginLeft: 64,
      x: logScale(
        drawn.map((result) => result.batch_size),
        "global batch size",
        {ticks: powersOfTwo},
      ),
      y: logScale(values, `${unit} to the target`),
      marks: [
        line(means, {x: "x", y: "y", stroke: "var(--ink)"}),
        line(least, {x: "x", y: "y", stroke: "var(--ink)", strokeDasharray: "4 3"}),
        points(drawn, "batch_size", "progress", of, {shape}),
      ],
    }),
  };
}

export const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);

/* In the order of their tabs; `describe` adds to a point's tip what its view is about. */
export const VIEWS = {
  sizes: {name: "Against accelerators", show: sizes},
  "same-size": {name: "Same size", show: sameSize},
  rounds: {name: "Over the rounds", show: overRounds},
  scaling: {name: "Scaling", show: scale},
  energy: {name: "Energy", show: energy, needs: (result) => result.energy > 0},
  convergence: {name: "Convergence", show: convergence, needs: (result) => result.progress > 0},
};
