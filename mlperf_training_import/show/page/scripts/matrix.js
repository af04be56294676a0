/* Systems by benchmarks, as the tables of MLCommons show a round. */

import {makeFigures} from "./dom.js";
import {collator, count, format, formatFigure} from "./format.js";
import {groupBy, order} from "./compare.js";
import {measure, opener} from "./parts.js";

export function matrix({results, open}) {
  const newest = results.reduce((found, result) => (found && found.age >= result.age ? found : result), null);
  const chosen = results.filter(({round}) => round === newest.round);
  const title = newest ? `Systems by benchmarks, round ${newest.round}` : "Systems by benchmarks";
  if (!chosen.length) return {title};
  const editions = [...new Set(chosen.map(({edition}) => edition))].sort((a, b) => collator.compare(a.short, b.short));
  const systems = [
    ...groupBy(chosen, (result) => JSON.stringify([result.submitter, result.system, result.division, result.size])),
  ].sort(([a], [b]) => collator.compare(a, b));
  return {
    title,
    notes: [
      `${count(systems.length, "system")} of the newest round that the filters let pass; choose another under Rounds. Figures of different columns cannot be compared.`,
      ...(chosen.some(({signs}) => signs) ? ["*: there is something to know about the result; open it to read what."] : []),
    ],
    legend: [],
    figures: makeFigures(
      title,
      [
        {title: "Submitter"},
        {title: "System", wide: true},
        {title: "Division"},
        {title: "Availability"},
        {title: "Accelerator"},
        {title: "Number", number: true},
        ...editions.map((edition) => ({title: `${edition.short}, ${measure(edition)}`, number: true})),
      ],
      systems.map(([, members]) => [
        members[0].submitter,
        members[0].system,
        members[0].division,
        members[0].category,
        members[0].chip,
        format(members[0].size),
        ...editions.map((edition) => {
          const [result] = members.filter((member) => member.edition === edition).sort(order);
          return result ? opener(result, `${formatFigure(result.score)}${result.signs ? " *" : ""}`, open) : "";
        }),
      ]),
    ),
  };
}
