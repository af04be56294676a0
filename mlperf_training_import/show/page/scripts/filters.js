/* Selects the results that are shown, and counts how many each further choice would show. */

import {sizeOf} from "./compare.js";
import {squeeze} from "./format.js";

export const ANY = "";
export const NOT_GIVEN = "not given";

/* What a result says to each filter that has values to choose from: one value, or several. */
export const FACETS = {
  rounds: (result) => result.round,
  availability: (result) => result.availability || NOT_GIVEN,
  accelerator: (result) => result.accelerator || NOT_GIVEN,
  submitter: (result) => result.submitter,
  trust: (result) => result.trust,
  size: (result) => sizeOf(result) || NOT_GIVEN,
  processors: (result) => (result.is_processor_only ? "only" : "without"),
};

const NAMES = Object.keys(FACETS);

/* Filters by the least and the most of a figure; in the address as `8-64`, `8-` or `-64`. */
export const RANGES = {
  minutes: {title: "Minutes", of: (result) => result.score, fits: (result) => !result.edition.higher_is_better},
  accelerators: {title: "Accelerators", of: (result) => result.accelerators, fits: () => true},
  nodes: {title: "Nodes", of: (result) => result.nodes, fits: () => true},
};

/* What the filters are called. */
export const TITLES = {
  rounds: "Rounds",
  availability: "Availability",
  accelerator: "Accelerator",
  submitter: "Submitter",
  trust: "To know",
  size: "Number",
  processors: "Processors only",
  words: "Words",
  minutes: "Minutes, from and to",
  accelerators: "Accelerators, from and to",
  nodes: "Nodes, from and to",
};

/* Everything that filters, as it is when nothing is chosen. */
export const NO_FILTERS = Object.fromEntries([
  ...NAMES.map((name) => [name, ["size", "processors"].includes(name) ? ANY : []]),
  ...["words", ...Object.keys(RANGES)].map((name) => [name, ""]),
  ["repeats", false],
]);

/* What is chosen, in words, for paper and pictures, which do not have the filters. */
export function describeFilters(state) {
  const chosen = Object.entries(TITLES)
    .map(([name, title]) => [title, [state[name]].flat().join(", ")])
    .filter(([, values]) => values);
  return chosen.map(([title, values]) => `${title}: ${values}`).join("; ");
}

/* [least, most] of a range in the address; anything but a number sets no limit. */
export function limitsOf(text) {
  const [, low, high] = /^([\d.]*)-([\d.]*)$/.exec(text) ?? ["", "", ""];
  return [
    low === "" || Number.isNaN(Number(low)) ? -Infinity : Number(low),
    high === "" || Number.isNaN(Number(high)) ? Infinity : Number(high),
  ];
}

/* Runs that were submitted again belong to what a submitter did, and to what was measured. */
const showsRepeats = (state) => state.repeats || state.submitter.length > 0 || state.view === "energy";

function isChosen(chosen, value) {
  if (!Array.isArray(chosen)) return chosen === ANY || chosen === value;
  return chosen.length === 0 || (Array.isArray(value) ? value.some((one) => chosen.includes(one)) : chosen.includes(value));
}

const SHORTEST_NAME = 3;

/* Whether a result matches the words. Those that name a benchmark select only that one; others may be anywhere. */
function wordsFilter(text, results) {
  const wanted = squeeze(text);
  const editions = [...new Set(results.map(({edition}) => edition))];
  const named = new Set(editions.filter(({names}) => wanted.length >= SHORTEST_NAME && ` ${names}`.includes(` ${wanted}`)));
  if (named.size) return (result) => named.has(result.edition);
  const words = text.split(/\s+/).map(squeeze).filter(Boolean);
  return (result) => words.every((word) => result.words.includes(word));
}

function rangeFilter(state) {
  const limits = Object.entries(RANGES)
    .filter(([name]) => state[name])
    .map(([name, range]) => ({...range, limits: limitsOf(state[name])}));
  return (result) =>
    limits.every(({of, fits, limits: [low, high]}) => {
      const value = of(result);
      return fits(result) && value !== null && low <= value && value <= high;
    });
}

/*
 * Of the results that pass, `shown` has each set of runs with one score once: as it was handed in first among them; `repeats`
 * has the others. `counts` has per facet a Map from each value to the number of results that would be shown with just this
 * value. Benchmark and division are no facets: they say what may be compared at all.
 */
export function select(results, state) {
  const hasWords = wordsFilter(state.words, results);
  const isInRange = rangeFilter(state);
  const withRepeats = showsRepeats(state);
  const runsOf = (result) => (withRepeats ? result.uid : (result.repeat_of ?? result.uid));
  const sets = Object.fromEntries(NAMES.map((name) => [name, new Map()]));
  const passed = [];
  for (const result of results) {
    if (state.benchmark !== ANY && result.edition.id !== state.benchmark) continue;
    if (state.division !== ANY && result.division !== state.division) continue;
    if (!hasWords(result) || !isInRange(result)) continue;
    const values = NAMES.map((name) => FACETS[name](result));
    const failed = NAMES.filter((name, place) => !isChosen(state[name], values[place]));
    if (failed.length === 0) passed.push(result);
    if (failed.length > 1) continue;
    NAMES.forEach((name, place) => {
      if (failed.length && failed[0] !== name) return;
      for (const value of [values[place]].flat()) {
        if (!sets[name].has(value)) sets[name].set(value, new Set());
        sets[name].get(value).add(runsOf(result));
      }
    });
  }
  const first = new Map();
  for (const result of passed) {
    const other = first.get(runsOf(result));
    if (!other || isEarlier(result, other)) first.set(runsOf(result), result);
  }
  return {
    shown: passed.filter((result) => first.get(runsOf(result)) === result),
    repeats: passed.filter((result) => first.get(runsOf(result)) !== result),
    counts: Object.fromEntries(
      NAMES.map((name) => [name, new Map([...sets[name]].map(([value, {size}]) => [value, size]))]),
    ),
  };
}

/* The original before what repeats it, then by round. */
const isEarlier = (result, other) =>
  (result.repeat_of !== null) - (other.repeat_of !== null) < 0 ||
  (result.repeat_of !== null && other.repeat_of !== null && result.round_place < other.round_place);
