/* Which results are shown, and how many each further choice would show. */

export const ANY = "";
export const NOT_GIVEN = "not given";

/* What a result says to each filter that has values to choose from. */
export const FACETS = {
  rounds: (result) => result.round,
  availability: (result) => result.availability || NOT_GIVEN,
  accelerator: (result) => result.accelerator || NOT_GIVEN,
  submitter: (result) => result.submitter,
  size: (result) => (result.accelerators === null ? NOT_GIVEN : String(result.accelerators)),
  processors: (result) => (result.is_processor_only ? "only" : "without"),
};

const NAMES = Object.keys(FACETS);

/* What the filters are called. */
export const TITLES = {
  rounds: "Rounds",
  availability: "Availability",
  accelerator: "Accelerator",
  submitter: "Submitter",
  size: "Number of accelerators",
  processors: "Processors only",
  words: "Words",
};

/* What is chosen, in words, for where the filters themselves are not: on paper, in a picture. */
export function describeFilters(state) {
  const chosen = Object.entries(TITLES)
    .map(([name, title]) => [title, [state[name]].flat().join(", ")])
    .filter(([, values]) => values);
  return chosen.map(([title, values]) => `${title}: ${values}`).join("; ");
}

/* Runs that were handed in again are part of what a submitter did, and of what was measured. */
const showsRepeats = (state) => state.repeats || state.submitter.length > 0 || state.view === "energy";

const isChosen = (chosen, value) =>
  Array.isArray(chosen) ? chosen.length === 0 || chosen.includes(value) : chosen === ANY || chosen === value;

/*
 * Of the results that pass, `shown` has each set of runs once: as it was handed in first among them; `repeats` has the others.
 * `counts` has per facet a Map from each value to the number of results that would be shown with just this value. Benchmark
 * and division are no facets: they say what may be compared at all.
 */
export function select(results, state) {
  const words = state.words.toLowerCase().split(/\s+/).filter(Boolean);
  const withRepeats = showsRepeats(state);
  const runsOf = (result) => (withRepeats ? result.uid : (result.repeat_of ?? result.uid));
  const sets = Object.fromEntries(NAMES.map((name) => [name, new Map()]));
  const passed = [];
  for (const result of results) {
    if (state.benchmark !== ANY && result.edition.id !== state.benchmark) continue;
    if (state.division !== ANY && result.division !== state.division) continue;
    if (!words.every((word) => result.words.includes(word))) continue;
    const values = NAMES.map((name) => FACETS[name](result));
    const failed = NAMES.filter((name, place) => !isChosen(state[name], values[place]));
    if (failed.length === 0) passed.push(result);
    if (failed.length > 1) continue;
    NAMES.forEach((name, place) => {
      if (failed.length && failed[0] !== name) return;
      if (!sets[name].has(values[place])) sets[name].set(values[place], new Set());
      sets[name].get(values[place]).add(runsOf(result));
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
