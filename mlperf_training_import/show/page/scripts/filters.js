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
 * The results that pass, and per facet a Map from each value to the number of results that would pass with it: those that
 * fail no other filter. Benchmark and division are no facets: they say what may be compared at all.
 */
export function select(results, state) {
  const words = state.words.toLowerCase().split(/\s+/).filter(Boolean);
  const withRepeats = showsRepeats(state);
  const counts = Object.fromEntries(NAMES.map((name) => [name, new Map()]));
  const shown = [];
  let repeats = 0;
  for (const result of results) {
    if (state.benchmark !== ANY && result.edition.id !== state.benchmark) continue;
    if (state.division !== ANY && result.division !== state.division) continue;
    const values = NAMES.map((name) => FACETS[name](result));
    const failed = NAMES.filter((name, place) => !isChosen(state[name], values[place]));
    const hasWords = words.every((word) => result.words.includes(word));
    const isHidden = result.repeat_of !== null && !withRepeats;
    NAMES.forEach((name, place) => {
      const passes = hasWords && !isHidden && failed.every((other) => other === name);
      counts[name].set(values[place], (counts[name].get(values[place]) ?? 0) + (passes ? 1 : 0));
    });
    if (failed.length || !hasWords) continue;
    if (isHidden) repeats += 1;
    else shown.push(result);
  }
  return {shown, counts, repeats};
}
