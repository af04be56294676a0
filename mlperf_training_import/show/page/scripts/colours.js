/* Which colour and shape something has, whatever is drawn beside it: once for all results, and never by what is chosen. */

import {collator} from "./format.js";
import {groupBy} from "./compare.js";

const SHAPE_NAMES = ["circle", "square", "triangle", "diamond", "star", "wye", "cross"];
const OTHERS = "var(--series-others)";
const SERIES = 7; // colours of the style for what the tables have none for

const COLOURS = {
  accelerator: (result) => result.chip,
  rounds: (result) => result.round,
  submitter: (result) => result.submitter,
};

/*
 * A function that gives series of results by accelerator, round or submitter: {series, of}, where a series is
 * {name, colour, shape}, and `of` finds that of a result. Accelerators have the colours of the table, and come newest first.
 */
export function makePalette({colours, results, rounds}) {
  const firstDay = new Map();
  for (const {chip, age} of results) if (!firstDay.has(chip) || age < firstDay.get(chip)) firstDay.set(chip, age);
  const known = Object.keys(colours);
  const unknown = [...firstDay.keys()].filter((name) => !Object.hasOwn(colours, name)).sort(collator.compare);
  const chips = new Map([...known, ...unknown].map((name, place) => [name, place]));
  const submitters = new Map(
    [...groupBy(results, COLOURS.submitter)]
      .sort(([a, left], [b, right]) => right.length - left.length || collator.compare(a, b))
      .map(([name], place) => [name, place]),
  );
  const shape = (place) => SHAPE_NAMES[place % SHAPE_NAMES.length];
  const makers = {
    accelerator: (name) => ({
      colour: Object.hasOwn(colours, name) ? colours[name] : OTHERS,
      shape: shape(chips.get(name)),
      order: [firstDay.get(name) ?? "", chips.get(name)],
    }),
    rounds: (name) => {
      const place = rounds.indexOf(name);
      return {colour: ramp(rounds.length > 1 ? place / (rounds.length - 1) : 1), shape: shape(place), order: ["", place]};
    },
    submitter: (name) => {
      const place = submitters.get(name);
      return {colour: place < SERIES ? `var(--series-${place})` : OTHERS, shape: shape(place), order: ["", -place]};
    },
  };
  return (shown, by) => {
    const wanted = Object.hasOwn(COLOURS, by) ? by : "accelerator";
    const nameOf = COLOURS[wanted];
    const series = [...new Set(shown.map(nameOf))]
      .map((name) => ({name, ...makers[wanted](name)}))
      .sort(({order: [a, left]}, {order: [b, right]}) => (a < b) - (a > b) || right - left);
    if (wanted === "rounds") series.reverse();
    const byName = new Map(series.map((one) => [one.name, one]));
    return {series, of: (result) => byName.get(nameOf(result))};
  };
}

const ramp = (share) => `color-mix(in oklab, var(--ramp-end) ${Math.round(share * 100)}%, var(--ramp-start))`;
