/* All results of an edition: minutes against how many accelerators they took. */

import {capital, count} from "./format.js";
import {draw, logScale, points, powersOfTwo, signs} from "./marks.js";
import {HEIGHT, colourSelect, figureOf, figureSelect, legendOf} from "./parts.js";
import {hasFigure} from "./compare.js";
import {explainSigns} from "./trust.js";

const {line} = libraries;

export function sizes({results, state, width, edition, change, palette}) {
  const figure = figureOf(state);
  const usable = results.filter((result) => hasFigure(result, figure) && result.size > 0);
  // the two are never on one axis: processors are drawn where nothing else is there
  const unit = usable.some((result) => result.size_unit === "accelerator") ? "accelerator" : "processor";
  const drawn = usable.filter((result) => result.size_unit === unit);
  const {series, of} = palette(drawn, state.colour);
  const words = figure.words(edition);
  const shares = {
    title: `${capital(words)} against ${unit}s`,
    controls: [figureSelect({state, change, edition, results}), colourSelect({state, change})],
    left: [results.length - drawn.length, `without ${unit}s, or their number is not given; see the table`],
  };
  if (!drawn.length) return shares;
  const x = logScale(
    drawn.map((result) => result.size),
    `${unit}s`,
    {ticks: powersOfTwo},
  );
  const y = logScale(drawn.map(figure.of), words);
  const isHigherBetter = figure.isHigherBetter(edition);
  return {
    ...shares,
    drawn,
    legend: legendOf(series, drawn),
    notes: [
      [
        figure.name === "score" &&
          `Grey lines: ideal scaling, where twice the ${unit}s ${isHigherBetter ? "train twice as much" : "need half the time"}.`,
        ...explainSigns(drawn),
      ]
        .filter(Boolean)
        .join(" "),
    ].filter(Boolean),
    chart: draw(`${count(drawn.length, "result")} as points: ${words} against ${unit}s`, {
      width,
      height: HEIGHT,
      x,
      y,
      drawn,
      marks: [
        ...(figure.name === "score" ? idealLines(x, y, isHigherBetter) : []),
        ...signs(drawn, "size", figure.of),
        points(drawn, "size", figure.of, of),
      ],
    }),
  };
}

/* Lines along which minutes times accelerators stay the same, each at eight times the one before. */
function idealLines(x, y, isHigherBetter) {
  const [[left, right], [low, high]] = [x.scale.domain, y.scale.domain];
  const power = isHigherBetter ? 1 : -1;
  const lines = [];
  const bounds = [low / left ** power, low / right ** power, high / left ** power, high / right ** power];
  for (let level = Math.min(...bounds) * 2; level < Math.max(...bounds); level *= 8) {
    const ends = [low, high].map((score) => (score / level) ** (1 / power)).sort((a, b) => a - b);
    const [from, to] = [Math.max(left, ends[0]), Math.min(right, ends[1])];
    if (from < to) lines.push([from, to].map((x) => ({x, y: level * x ** power})));
  }
  return lines.map((ends) => line(ends, {x: "x", y: "y", stroke: "var(--faint)", strokeWidth: 1}));
}
