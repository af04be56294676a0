/* The only module that compares results: within one edition, one division and one unit, or not at all. */

/* What a result may be compared with: an edition is of one suite and one unit. */
export const groupOf = (result) => `${result.edition.id}\n${result.division}`;

function check(results) {
  const group = results.length && groupOf(results[0]);
  if (results.some((result) => groupOf(result) !== group)) throw new Error("results of different groups are not comparable");
}

/*
 * What results are compared by: the figure, whether more of it is better, and what it is called. Only the score may be one of
 * which more is better.
 */
export const FIGURES = {
  score: {
    of: (result) => result.score,
    isHigherBetter: (edition) => edition.higher_is_better,
    words: (edition) => edition.measure,
  },
  accelerator_minutes: {
    of: (result) => result.accelerator_minutes,
    isHigherBetter: () => false,
    words: () => "accelerator-minutes, derived",
  },
  energy: {of: (result) => result.energy, isHigherBetter: () => false, words: () => "kWh"},
};

export const hasFigure = (result, figure = FIGURES.score) => figure.of(result) > 0;

/* Below 0 if the first is better, by the direction of what it is compared by. */
export const orderBy = (figure) => (a, b) =>
  (figure.isHigherBetter(a.edition) ? figure.of(b) - figure.of(a) : figure.of(a) - figure.of(b)) || a.index - b.index;

export const order = orderBy(FIGURES.score);

export function best(results, figure = FIGURES.score) {
  check(results);
  const compare = orderBy(figure);
  return results.reduce((found, result) => (found && compare(found, result) <= 0 ? found : result), null);
}

/* The best result of each kind, in the order of the kinds; results without the figure are left out. */
export function bestOfEach(results, kindOf, figure = FIGURES.score) {
  check(results);
  const usable = results.filter((result) => hasFigure(result, figure));
  return [...groupBy(usable, kindOf)].map(([kind, members]) => ({kind, result: best(members, figure)}));
}

/* The best result of each round, oldest round first. */
export const bestOfRounds = (results, figure = FIGURES.score) =>
  bestOfEach(results, (result) => result.round_place, figure)
    .sort((a, b) => a.kind - b.kind)
    .map((step) => step.result);

/* The records among the best results of each round: those that beat all earlier ones. */
export function recordsOf(steps, figure = FIGURES.score) {
  check(steps);
  return steps.filter((step, place) => best(steps.slice(0, place + 1), figure) === step);
}

/* How many times as fast the first is as the second; of energy, with how much less of it. */
export function timesAsFast(result, other, figure = FIGURES.score) {
  check([result, other]);
  const [own, its] = [figure.of(result), figure.of(other)];
  return figure.isHigherBetter(result.edition) ? own / its : its / own;
}

export function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(item);
  }
  return groups;
}

/* How many of what does the work: a result on processors is not a result on 0 accelerators. */
export const sizeOf = ({size, size_unit}) =>
  size > 0 ? (size_unit === "accelerator" ? String(size) : `${size} ${size_unit}s`) : "";

/* Systems of one submitter with one accelerator in one round and one benchmark, at two sizes or more; most sizes first. */
export function families(results) {
  const usable = results.filter((result) => hasFigure(result) && result.size > 0);
  return [
    ...groupBy(usable, (result) =>
      JSON.stringify([groupOf(result), result.round, result.submitter, result.chip, result.size_unit]),
    ),
  ]
    .map(([, members]) => familyOf([members[0].submitter, members[0].chip, members[0].round].join(" · "), members))
    .filter(({steps}) => steps.length > 1)
    .sort(
      (a, b) => b.steps.length - a.steps.length || b.steps[0].round_place - a.steps[0].round_place || (a.id < b.id ? -1 : 1),
    );
}

/* The best at each size, the smallest first. */
export function familyOf(id, results) {
  const usable = results.filter((result) => result.size > 0);
  const steps = bestOfEach(usable, (result) => result.size).map((step) => step.result);
  return {id, steps: steps.sort((a, b) => a.size - b.size)};
}

/* The steps of a family, each set against the first, the smallest: how many times as fast, of how many at best, and the share of that. */
export function scaling(steps) {
  const [first] = steps;
  return steps.map((result) => {
    const speedup = timesAsFast(result, first);
    const ideal = result.size / first.size;
    return {...result, speedup, ideal, efficiency: speedup / ideal};
  });
}

/* The size that most results have; of two, the smaller. */
export function commonSize(results) {
  const sizes = [
    ...groupBy(
      results.filter((result) => result.size > 0),
      sizeOf,
    ),
  ];
  return sizes.sort(([a, left], [b, right]) => right.length - left.length || parseInt(a) - parseInt(b))[0]?.[0] ?? "";
}
