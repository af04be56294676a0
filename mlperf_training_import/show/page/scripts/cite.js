/* The sentence by which a result is cited, as MLCommons asks for it. */

import {format, formatFigure} from "./format.js";

export const TRADEMARK =
  "The MLPerf name and logo are registered and unregistered trademarks of MLCommons Association in the United States and other countries. " +
  "All rights reserved. Unauthorized use strictly prohibited. See www.mlcommons.org for more information.";

export function cite(result, today) {
  const {edition} = result;
  const suite = `${result.is_published ? "" : "Unverified "}${edition.suite_title.replace("MLPerf", "MLPerf®")} v${result.round_in_suite} ${capital(result.division)}`;
  const machine = [
    result.accelerators ? `${format(result.accelerators)} × ${result.variant || "accelerator"}` : "",
    result.system,
  ]
    .filter(Boolean)
    .join(", ");
  const source = result.git_url
    ? `Retrieved from ${result.git_url}${result.git_commit ? ` (commit ${result.git_commit})` : ""}, ${today}.`
    : `Retrieved ${today}.`;
  const verified = result.is_published
    ? "Result verified by MLCommons Association."
    : "Result not verified by MLCommons Association.";
  return (
    `${suite}, ${edition.title}, ${result.submitter}, ${machine}: ${formatFigure(result.score)} ${edition.measure}. ${source} ${verified} ` +
    `Spread, accelerator-minutes, ratios and efficiencies are derived, and not published by MLCommons. ${TRADEMARK}`
  );
}

export const dateOf = (date) => date.toLocaleDateString("en-GB", {day: "numeric", month: "long", year: "numeric"});

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
