/* What people must know before they believe a result: as values of a filter, and as signs beside its figure. */

import {formatFactor} from "./format.js";

export const NOTHING_TO_KNOW = "nothing to know";

/* The keys of an entry that say something, as `remarks.py` has them, by the name of the filter's value. */
const REMARKS = {
  scaling_factor: "multiplied by the review",
  rcp_verdict: "convergence not passed",
  runs_counted: "runs that do not count",
  doubts: "findings",
  division: "open division",
  version: "not published",
};

/* Remarks that have no shorter sign than their own words. */
const IN_WORDS = new Set(["runs_counted", "division", "version"]);

/* The values of a result, of which it may have several. */
export function trustOf(result) {
  const said = [
    ...result.remark_keys.map((key) => REMARKS[key] ?? key),
    ...(result.codes.length ? [REMARKS.doubts] : []),
    ...(result.is_listed ? [] : ["not in the table of its round"]),
    ...(result.repeat_of ? ["handed in again"] : []),
    ...(result.same_runs.length && !result.repeat_of ? ["its runs stand in another result"] : []),
  ];
  return said.length ? [...new Set(said)] : [NOTHING_TO_KNOW];
}

/* The same beside a figure, as short as possible. */
export function shortSigns(result) {
  return [
    result.factor === 1 ? "" : `× ${formatFactor(result.factor)}`,
    result.verdict && result.verdict !== "pass" ? `verdict ${result.verdict}` : "",
    ...result.remarks.filter((_, place) => IN_WORDS.has(result.remark_keys[place])),
    ...(result.codes.length ? [`! ${result.codes.join(", ")}`] : []),
    result.is_listed ? "" : "! not in the table of its round",
  ]
    .filter(Boolean)
    .join("; ");
}

/* What the signs in charts mean; only those that are there. */
export const explainSigns = (results) =>
  [
    results.some(({factor}) => factor !== 1) && "×: the review multiplied the score, runs included.",
    results.some(({codes}) => codes.length) && "Ring or !: there are findings about the result; open it to read them.",
  ].filter(Boolean);
