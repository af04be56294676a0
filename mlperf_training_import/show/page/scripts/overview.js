/* All benchmarks at once: a small chart for each edition and division, and what the last round brought. */

import {make, makeFigures} from "./dom.js";
import {collator, count, format, formatFigure, formatShare, formatTimes, median} from "./format.js";
import {bestOfRounds, groupBy, groupOf, hasFigure, timesAsFast} from "./compare.js";
import {draw, pointScale} from "./marks.js";
import {bestEnergies, measure, saySize} from "./views.js";

const {dot, line} = libraries;

/*
 * {edition, division, results, steps}: what may be compared, with the best of each round. Runs that were handed in again count
 * for the round, but are no new results.
 */
function groupsOf(results, repeats) {
  const again = groupBy(repeats.filter(hasFigure), groupOf);
  return [...groupBy(results.filter(hasFigure), groupOf)]
    .map(([group, members]) => ({
      edition: members[0].edition,
      division: members[0].division,
      results: members,
      steps: bestOfRounds([...members, ...(again.get(group) ?? [])]),
    }))
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
      : `All benchmarks: the best of each round on ${saySize(Number(state.size))}`;
  if (!groups.length) return {title};
  const select = (group) => change({benchmark: group.edition.id, division: group.division});
  return {
    title,
    drawn: [],
    legend: [],
    notes: ["Each chart is one benchmark with one data set and one target; none can be compared with another."],
    body: make(
      "div",
      {class: "multiples"},
      groups.map((group) => multipleOf(group, () => select(group))),
    ),
    figures: changesOf(groups, open),
  };
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
      ` ${measure(edition)} · ${last.round} · ${count(results.length, "result")}${division === "closed" ? "" : ` · ${division}`}`,
    ),
    chart,
  );
}

/* Per benchmark, the best of the last round beside the best of the round before it. */
function changesOf(groups, open) {
  const opener = (result) =>
    make("button", {type: "button", class: "link", click: (event) => open([result], event.target)}, result.system);
  return makeFigures(
    "What the last round of each benchmark brought",
    [
      {title: "Benchmark", wide: true},
      {title: "Division"},
      {title: "Last round"},
      {title: "New results", number: true},
      {title: "Best", number: true},
      {title: "Accelerators", number: true},
      {title: "System"},
      {title: "Availability"},
      {title: "Best of the round before", number: true},
      {title: "Times as fast, derived", number: true},
      {title: "Median spread of runs", number: true},
    ],
    groups.map(({edition, division, results, steps}) => {
      const [before, last] = [steps.at(-2), steps.at(-1)];
      return [
        edition.title,
        division,
        last.round,
        format(results.filter((result) => result.round === last.round).length),
        `${formatFigure(last.score)} ${measure(edition)}`,
        format(last.accelerators ?? ""),
        opener(last),
        last.availability || "not given",
        before ? `${formatFigure(before.score)} in ${before.round}` : "",
        before ? formatTimes(timesAsFast(last, before)) : "",
        spreadOf(results),
      ];
    }),
  );
}

export function spreadOf(results) {
  const spreads = results.map((result) => result.spread).filter((spread) => spread !== null);
  return spreads.length ? formatShare(median(spreads)) : "";
}

/* Energy over all benchmarks: for each edition, division and size the least. */
export function showEnergies({results, open}) {
  const measured = results.filter((result) => result.energy > 0);
  const title = "Energy to train once";
  if (!measured.length) return {title, empty: "No result with measured energy here."};
  const rows = [...groupBy(measured, groupOf).values()]
    .sort((a, b) => collator.compare(a[0].edition.title, b[0].edition.title))
    .flatMap((members) =>
      bestEnergies(members).map((result) => [
        result.edition.title,
        result.division,
        format(result.accelerators ?? ""),
        formatFigure(result.energy),
        formatFigure(result.score),
        result.accelerator || "not given",
        result.round,
        result.submitter,
        make("button", {type: "button", class: "link", click: (event) => open([result], event.target)}, result.system),
        format(members.filter((other) => other.accelerators === result.accelerators).length),
      ]),
    );
  return {
    title,
    drawn: [],
    legend: [],
    notes: [
      `${count(measured.length, "result")} with measured energy, from ${count(new Set(measured.map((result) => result.submitter)).size, "submitter")}. Choose a benchmark to see them all; none can be compared with another.`,
    ],
    figures: makeFigures(
      "The least energy of each benchmark and size",
      [
        {title: "Benchmark", wide: true},
        {title: "Division"},
        {title: "Accelerators", number: true},
        {title: "kWh", number: true},
        {title: "Minutes", number: true},
        {title: "Accelerator"},
        {title: "Round"},
        {title: "Submitter"},
        {title: "System"},
        {title: "Measured", number: true},
      ],
      rows,
    ),
  };
}
