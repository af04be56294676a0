/* Lists the results to read with care, and why. */

import {capital, count, format} from "./format.js";
import {groupBy} from "./compare.js";
import {tableOfResults} from "./parts.js";
import {NOTHING_TO_KNOW} from "./trust.js";

export function care({results, findings, open}) {
  const doubtful = results.filter(({trust}) => trust[0] !== NOTHING_TO_KNOW);
  const title = "Results to read with care, and why";
  if (!doubtful.length) return {title, empty: "There is nothing to know about these results beside their figures."};
  const kinds = [
    ...groupBy(
      doubtful.flatMap(({trust}) => trust),
      (kind) => kind,
    ),
  ]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([kind, {length}]) => `${kind} ${format(length)}`);
  return {
    title,
    notes: [
      `${count(doubtful.length, "result")} of ${format(results.length)}: ${kinds.join(", ")}. "To know" above filters by them.`,
    ],
    legend: [],
    figures: tableOfResults(
      title,
      [
        ...["system", "submitter"],
        {title: "Benchmark", of: ({edition}) => edition.short},
        ...["round", "size", "score"],
        {title: "Why", wide: true, of: (result) => reasonsOf(result, findings)},
      ],
      doubtful,
      open,
    ),
  };
}

function reasonsOf(result, findings) {
  const listed = (findings[result.identity] ?? []).map(({code, what}) => `${code}: ${what}`);
  const others = result.codes.filter((code) => !listed.some((text) => text.startsWith(`${code}:`)));
  const said = [
    result.how_scored,
    result.verdict && result.verdict !== "pass" ? `verdict ${result.verdict}: ${result.verdict_said}` : "",
    ...listed,
    ...others,
    ...result.trust.filter((kind) => /^(runs|open|not|handed|its)/.test(kind)),
  ];
  return capital(said.filter(Boolean).join(". "));
}
