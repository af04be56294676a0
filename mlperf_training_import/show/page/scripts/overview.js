/* All benchmarks at once: a small chart for each edition and division, and what the last round brought. */

import {make} from "./dom.js";
import {NO_IDS} from "./cite.js";
import {collator, count, format, formatFigure, formatShare, median, sayMachine} from "./format.js";
import {best, bestOfRounds, groupBy, groupOf, hasFigure, recordsOf, sizeOf} from "./compare.js";
import {ENERGY_COLUMNS, bestEnergies, hasEnergy} from "./energy.js";
import {draw, pointScale} from "./marks.js";
import {measure, opener, sayScore, sizeInWords, tableOfResults, timesColumn} from "./parts.js";

const {dot, line} = libraries;

/*
 * {edition, division, results, steps, all}: what may be compared, with the best of each round. Runs that were handed in again count
 * for the round, but are no new results.
 */
function groupsOf(results, repeats) {
  const again = groupBy(
    repeats.filter((result) => hasFigure(result)),
    groupOf,
  );
  return [
    ...groupBy(
      results.filter((result) => hasFigure(result)),
      groupOf,
    ),
  ]
    .map(([group, members]) => {
      const all = [...members, ...(again.get(group) ?? [])];
      return {
        edition: members[0].edition,
        division: members[0].division,
        results: members,
        all,
        steps: bestOfRounds(all),
      };
    })
    .sort(
      (a, b) =>
        (a.edition.suite !== "training") - (b.edition.suite !== "training") ||
        b.steps.at(-1).round_place - a.steps.at(-1).round_place ||
        b.results.length - a.results.length ||
        collator.compare(a.edition.title, b.edition.title) ||
        collator.compare(a.division, b.division),
    );
}

export function showOverview({results, repeats, state, change, open}) {
  const groups = groupsOf(results, repeats);
  const title =
    state.size === ""
      ? "All benchmarks: the best of each round, on any number of accelerators"
      : `All benchmarks: the best of each round on ${sizeInWords(state.size)}`;
  if (!groups.length) return {title};
  const select = (group) => change({benchmark: group.edition.id, division: group.division});
  return {
    title,
    drawn: [],
    legend: [],
    notes: ["Each chart is one benchmark with one data set and one target; none can be compared with another. " + NO_IDS],
    body: make(
      "div",
      {class: "multiples"},
      groups.map((group) => keptMultipleOf(group, () => select(group))),
    ),
    figures: changesOf(groups, open),
  };
}

const MOST_KEPT = 1000;
const kept = new Map();

/* As it was drawn before, where nothing on it has changed: while somebody types, a filter changes few of them. */
function keptMultipleOf(group, select) {
  const key = JSON.stringify([groupOf(group.all[0]), group.results.length, group.steps.map(({uid}) => uid)]);
  if (kept.size >= MOST_KEPT) kept.clear();
  if (!kept.has(key)) kept.set(key, multipleOf(group, select));
  return kept.get(key);
}

function multipleOf({edition, division, results, steps}, select) {
  const last = steps.at(-1);
  const [low, high] = [Math.min(...steps.map((step) => step.score)), Math.max(...steps.map((step) => step.score))];
  const chart =
    steps.length < 2
      ? make("p", {class: "note"}, `only ${last.round} here`)
      : draw(`the best of ${count(steps.length, "round")}`, {
          width: 230,
          height: 92,
          marginLeft: 12,
          marginRight: 12,
          marginTop: 10,
          marginBottom: 22,
          x: pointScale(steps.map((step) => step.round)),
          y: {scale: {type: "log", domain: [low / 1.15, high * 1.15]}, ticks: null},
          marks: [
            line(steps, {x: "round", y: "score", stroke: "var(--series-0)", strokeWidth: 2}),
            dot(steps, {
              x: "round",
              y: "score",
              r: 3.5,
              stroke: "var(--series-0)",
              fill: (result) => (result.can_be_bought ? "var(--series-0)" : "var(--paper)"),
            }),
          ],
        });
  if (steps.length > 1) chart.setAttribute("role", "img");
  return make(
    "article",
    {class: "multiple"},
    make("h3", {}, make("button", {type: "button", class: "link", click: select}, edition.title)),
    make(
      "p",
      {class: "figure"},
      make("strong", {}, formatFigure(last.score)),
      ` ${measure(edition)} in ${last.round} on ${sayMachine(last)}, ${last.category}${sayRecord(steps)} · ${count(results.length, "result")}${division === "closed" ? "" : ` · ${division}`}`,
    ),
    chart,
  );
}

/* The record, where the last round did not bring it. */
function sayRecord(steps) {
  const record = recordsOf(steps).at(-1);
  const last = steps.at(-1);
  if (record === last) return ", the record";
  // the same runs, handed in again
  return record.score === last.score
    ? `, the record since ${record.round}`
    : `; record: ${sayRound(record)} on ${sayMachine(record)}, ${record.category}`;
}

/* The best of the round before with as many accelerators as the best of the last one: other sizes say nothing about progress. */
function sameSizeBefore({all, steps}) {
  const [before, last] = [steps.at(-2), steps.at(-1)];
  return best(all.filter((result) => result.round === before?.round && sizeOf(result) === sizeOf(last)));
}

/* Per benchmark, the best of the last round beside the best of the round before it. */
function changesOf(groups, open) {
  const groupOfLast = new Map(groups.map((group) => [group.steps.at(-1), group]));
  const ofGroup = (title, say, others = {number: true}) => ({title, of: (last) => say(groupOfLast.get(last)), ...others});
  return tableOfResults(
    "What the last round of each benchmark brought",
    [
      "benchmark",
      "division",
      {title: "Last round", of: ({round}) => round},
      ofGroup("New results", ({results, steps}) => format(results.filter(({round}) => round === steps.at(-1).round).length)),
      {title: "Best", number: true, of: sayScore},
      {title: "On", of: sayMachine},
      "submitter",
      "system",
      "availability",
      ofGroup("Best of the round before on as many", (group) => sayBefore(sameSizeBefore(group))),
      timesColumn("", (last) => sameSizeBefore(groupOfLast.get(last))),
      ofGroup(
        "Record",
        ({steps}) => {
          const record = recordsOf(steps).at(-1);
          return opener(record, `${sayRound(record)} on ${sayMachine(record)}, ${record.category}`, open);
        },
        {wide: true},
      ),
      ofGroup("Median spread of runs", ({results}) => spreadOf(results)),
    ],
    [...groupOfLast.keys()],
    open,
  );
}

const sayRound = ({score, round}) => `${formatFigure(score)} in ${round}`;
const sayBefore = (other) => (other ? `${sayRound(other)} (${other.chip})` : "");

export function spreadOf(results) {
  const spreads = results.map((result) => result.spread).filter((spread) => spread !== null);
  return spreads.length ? formatShare(median(spreads)) : "";
}

/* Energy over all benchmarks: for each edition, division and size the least. */
export function showEnergies({results, open}) {
  const measured = results.filter(hasEnergy);
  const title = "Energy to train once";
  if (!measured.length) return {title, empty: "No result with measured energy here."};
  const doubtful = measured.filter(({codes}) => codes.length);
  const sameSize = groupBy(measured, (result) => `${groupOf(result)}\n${result.size}`);
  const least = [...groupBy(measured, groupOf).values()]
    .sort((a, b) => collator.compare(a[0].edition.title, b[0].edition.title))
    .flatMap(bestEnergies);
  return {
    title,
    drawn: [],
    legend: [],
    notes: [
      `${count(measured.length, "result")} with measured energy, from ${count(new Set(measured.map((result) => result.submitter)).size, "submitter")}. Choose a benchmark to see them all; none can be compared with another.`,
      doubtful.length > 0 &&
        `${count(doubtful.length, "of them has findings", "of them have findings")}: see To know, here and in the table of all of them below.`,
    ].filter(Boolean),
    figures: tableOfResults(
      "The least energy of each benchmark and size",
      [
        "benchmark",
        "division",
        ...ENERGY_COLUMNS.slice(0, -1),
        {
          title: "Measured",
          number: true,
          of: (result) => format(sameSize.get(`${groupOf(result)}\n${result.size}`).length),
        },
        "signs",
      ],
      least,
      open,
    ),
  };
}
