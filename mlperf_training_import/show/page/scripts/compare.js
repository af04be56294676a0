/* The only place where results are set against each other: within one edition, one division and one unit, or not at all. */

/* What a result may be compared with: an edition is of one suite and one unit. */
export const groupOf = (result) => `${result.edition.id}\n${result.division}`;

function check(results) {
  const group = results.length && groupOf(results[0]);
  if (results.some((result) => groupOf(result) !== group)) throw new Error("results of different groups are not comparable");
}

/* Below 0 if the first is better, by the direction of its unit. */
export const order = (a, b) => (a.edition.higher_is_better ? b.score - a.score : a.score - b.score) || a.index - b.index;

export function best(results) {
  check(results);
  return results.reduce((found, result) => (found && order(found, result) <= 0 ? found : result), null);
}

/* The best of each kind, in the order of `compareKinds`; results without a figure are left out. */
export function bestOfEach(results, kindOf) {
  check(results);
  return [...groupBy(results.filter(hasFigure), kindOf)].map(([kind, members]) => ({kind, result: best(members)}));
}

/* The best of each round, as the rounds follow each other. */
export const bestOfRounds = (results) =>
  bestOfEach(results, (result) => result.round_place)
    .sort((a, b) => a.kind - b.kind)
    .map((step) => step.result);

export const hasFigure = (result) => result.score > 0;

/* How many times as fast the first is as the second. */
export function timesAsFast(result, other) {
  check([result, other]);
  return result.edition.higher_is_better ? result.score / other.score : other.score / result.score;
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

/* Systems of one submitter with one accelerator in one round and one benchmark, at two sizes or more; most sizes first. */
export function families(results) {
  const usable = results.filter((result) => hasFigure(result) && result.accelerators > 0);
  return [
    ...groupBy(usable, (result) => JSON.stringify([groupOf(result), result.round, result.submitter, result.accelerator])),
  ]
    .map(([, members]) => ({
      id: [members[0].submitter, members[0].accelerator, members[0].round].join(" · "),
      steps: bestOfEach(members, (result) => result.accelerators)
        .map((step) => step.result)
        .sort((a, b) => a.accelerators - b.accelerators),
    }))
    .filter(({steps}) => steps.length > 1)
    .sort(
      (a, b) => b.steps.length - a.steps.length || b.steps[0].round_place - a.steps[0].round_place || (a.id < b.id ? -1 : 1),
    );
}

/* Each size of a family against its smallest: how many times as fast, of how many at best, and the share of that. */
export function scaling({steps}) {
  const [first] = steps;
  return steps.map((result) => {
    const speedup = timesAsFast(result, first);
    const ideal = result.accelerators / first.accelerators;
    return {result, speedup, ideal, efficiency: speedup / ideal};
  });
}

/* The number of accelerators that most results have; the smaller of two. */
export function commonSize(results) {
  const sizes = [
    ...groupBy(
      results.filter((result) => result.accelerators > 0),
      (result) => result.accelerators,
    ),
  ];
  return sizes.sort(([a, left], [b, right]) => right.length - left.length || a - b)[0]?.[0] ?? null;
}
