/* What it takes to converge, against batch size, with the reference points, and the verdict as shape. */

import {collator} from "./format.js";
import {draw, logScale, points, powersOfTwo, signs} from "./marks.js";
import {HEIGHT, colourSelect, tableOfResults} from "./parts.js";

const {line} = libraries;

const VERDICTS = new Map(Object.entries({pass: "circle", missing: "diamond", insufficient: "square", fail: "triangle"}));
const NO_VERDICT = "cross";

export function convergence({results, state, width, change, palette, open}) {
  const unit = results.map((result) => result.progress_unit).find(Boolean);
  const drawn = results.filter((result) => result.batch_size > 0 && result.progress > 0 && result.progress_unit === unit);
  const title = "What it takes to converge";
  if (!drawn.length) return {title, empty: "No result here says both its batch size and how long it trained."};
  const {series, of} = palette(drawn, state.colour);
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
  const read = drawn.filter(({verdict, factor}) => (verdict && verdict !== "pass") || factor !== 1);
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
      drawn,
      x: logScale(
        drawn.map((result) => result.batch_size),
        "global batch size",
        {ticks: powersOfTwo},
      ),
      y: logScale(values, `${unit} to the target`),
      marks: [
        line(means, {x: "x", y: "y", stroke: "var(--ink)"}),
        line(least, {x: "x", y: "y", stroke: "var(--ink)", strokeDasharray: "4 3"}),
        ...signs(drawn, "batch_size", "progress"),
        points(drawn, "batch_size", "progress", of, {shape}),
      ],
    }),
    figures: read.length
      ? tableOfResults(
          "Results that did not pass, or whose score the review multiplied",
          [
            ...["system", "submitter", "round", "batch"],
            {title: "Verdict", of: ({verdict, verdict_said}) => (verdict ? `${verdict}: ${verdict_said}` : "")},
            {title: "Score", of: ({how_scored}) => how_scored},
          ],
          read,
          open,
        )
      : null,
  };
}
