/* The sentence by which a result is cited, as MLCommons asks for it, and the same for BibTeX. */

import {capital, formatFigure, sayMachine} from "./format.js";

export const TRADEMARK =
  "The MLPerf name and logo are registered and unregistered trademarks of MLCommons Association in the United States and other countries. " +
  "All rights reserved. Unauthorized use strictly prohibited. See www.mlcommons.org for more information.";

/* MLCommons asks for the ID of a result; its repositories have none. */
const NO_ID = "The result's ID is not in the repository.";

/* The same where results are compared. */
export const NO_IDS = "The IDs of results are not in the repositories.";

const suiteOf = (result) =>
  `${isVerified(result) ? "" : "Unverified "}${result.edition.suite_title.replace("MLPerf", "MLPerf®")} v${result.round_in_suite} ${capital(result.division)}`;

/* Whether MLCommons has published the result and its table of the round has it. */
const isVerified = (result) => result.is_published && result.is_listed;

const machineOf = (result) => [result.size ? sayMachine(result) : "", result.system].filter(Boolean).join(", ");

export function cite(result, today) {
  const {edition} = result;
  const source = result.git_url
    ? `Retrieved from ${result.git_url}${result.git_commit ? ` (commit ${result.git_commit})` : ""}, ${today}.`
    : `Retrieved ${today}.`;
  const verified = isVerified(result)
    ? "Result verified by MLCommons Association."
    : `Result not verified by MLCommons Association${result.is_published ? ": its table of the round does not have it" : ""}.`;
  return (
    `${suiteOf(result)}, ${edition.title}, ${result.submitter}, ${machineOf(result)}, ${result.category}: ${formatFigure(result.score)} ${edition.measure.replace(/\.$/, "")}. ` +
    `${NO_ID} ${source} ${verified} ` +
    `Spread, accelerator-minutes, ratios and efficiencies are derived, and not published by MLCommons. ${TRADEMARK}`
  );
}

export function bibtex(result, today) {
  const fields = {
    title: `${suiteOf(result)}, ${result.edition.title}: ${formatFigure(result.score)} ${result.edition.measure} on ${machineOf(result)}`,
    author: result.submitter,
    year: result.day.slice(0, 4),
    howpublished: result.git_url,
    note: `${result.git_commit ? `commit ${result.git_commit}, ` : ""}retrieved ${today}. ${NO_ID}`,
  };
  const lines = Object.entries(fields)
    .filter(([, value]) => value)
    .map(([name, value]) => `  ${name} = {${name === "author" ? `{${plain(value)}}` : plain(value)}}`);
  return `@misc{mlperf-${result.uid},\n${lines.join(",\n")}\n}`;
}

/* Without what would end a field of BibTeX, or begin a command. */
const plain = (text) => text.replace(/[{}\\]/g, "").replace(/[%&#_$]/g, "\\$&");

export const dateOf = (date) => date.toLocaleDateString("en-GB", {day: "numeric", month: "long", year: "numeric"});
