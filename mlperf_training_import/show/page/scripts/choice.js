/* The question at the top: which benchmark, and on how many accelerators; as chips, and as a list of all. */

import {byId, make, meaningOf} from "./dom.js";
import {count, format} from "./format.js";
import {groupBy, hasFigure, commonSize, sizeOf} from "./compare.js";
import {COMMON_SIZES} from "./controls.js";
import {sizeInWords} from "./parts.js";

export const ALL = "all";
const USUAL = "closed";

/* The editions with results of the newest round of the first suite, those with most results first. */
export function currentEditions(data) {
  const suite = data.editions[0].suite;
  const usual = data.results.filter(({edition, division}) => edition.suite === suite && division === USUAL);
  const own = usual.length ? usual : data.results;
  const newest = Math.max(...own.map(({round_place}) => round_place));
  const numbers = groupBy(
    own.filter(({round_place}) => round_place === newest),
    ({edition}) => edition,
  );
  return [...numbers].sort(([, a], [, b]) => b.length - a.length).map(([edition]) => edition);
}

/* The sizes that an edition and division have, for the chips: the usual ones, the most common one and the largest. */
export function chipSizes(results) {
  const usable = results.filter((result) => hasFigure(result) && result.size > 0);
  if (!usable.length) return {sizes: [], first: ""};
  const there = new Set(usable.map(sizeOf));
  const largest = sizeOf(usable.reduce((found, result) => (found.size >= result.size ? found : result)));
  const common = commonSize(usable);
  const sizes = [...new Set([...COMMON_SIZES.filter((size) => there.has(size)), common, largest])];
  const chips = new Set(usable.filter((result) => sizeOf(result) === COMMON_SIZES[0]).map(({chip}) => chip));
  return {sizes, largest, first: chips.size > 1 ? COMMON_SIZES[0] : common};
}

/* 3,472, or 32 processors. */
const shortSize = (size) => sizeInWords(size).replace(/ accelerators?$/, "");

/* What another benchmark or division leaves behind of what was chosen. */
export const ANOTHER = {families: [], pin: "", result: ""};

/* A function that shows what is chosen: {edition, sizes, largest} and the state. */
export function createChoice(data, change) {
  const chips = currentEditions(data);
  const choose = (benchmark) => change({...ANOTHER, benchmark, size: ""});
  const select = byId("benchmark");
  const suites = groupBy(data.editions, ({suite_title}) => suite_title);
  select.append(
    make("option", {value: ALL}, "All benchmarks"),
    ...[...suites].map(([suite, editions]) =>
      make(
        "optgroup",
        {label: suite},
        editions.map(({id, title}) => make("option", {value: id}, title)),
      ),
    ),
  );
  select.addEventListener("change", () => choose(select.value));
  byId("division").parentElement.title = meaningOf("Division");
  byId("division").addEventListener("change", (event) => change({...ANOTHER, division: event.target.value}));
  byId("choice").addEventListener("submit", (event) => event.preventDefault());
  const radios = chips.map((edition) => {
    const radio = make("input", {type: "radio", name: "chip", value: edition.id, change: () => choose(edition.id)});
    return make("label", {class: "chip", title: edition.title}, radio, make("span", {}, edition.short));
  });
  byId("chips").append(...radios);

  function showSizes({sizes, largest}, state) {
    const box = byId("size-chips");
    const wanted = sizes.includes(state.size) || !state.size ? sizes : [...sizes, state.size];
    const focused = box.contains(document.activeElement);
    box.hidden = !wanted.length;
    box.replaceChildren(
      make("legend", {class: "hidden"}, "Number of accelerators"),
      ...wanted.map((size) =>
        make(
          "label",
          {class: "chip"},
          make("input", {
            type: "radio",
            name: "size-chip",
            value: size,
            checked: size === state.size,
            change: () => change({size}),
          }),
          make(
            "span",
            {},
            size === largest && !COMMON_SIZES.includes(size) ? `largest: ${shortSize(size)}` : `on ${shortSize(size)}`,
          ),
        ),
      ),
    );
    if (focused) box.querySelector(":checked")?.focus();
  }

  return {
    show({edition, division, divisions, ...sizes}, state) {
      select.value = edition ? edition.id : ALL;
      for (const radio of byId("chips").querySelectorAll("input")) radio.checked = radio.value === edition?.id;
      byId("division").replaceChildren(
        ...[...divisions, ...(edition ? [] : [ALL])].map((name) =>
          make("option", {value: name}, name === ALL ? "all divisions" : name),
        ),
      );
      byId("division").value = division || ALL;
      showSizes(edition ? sizes : {sizes: []}, state);
      byId("title").replaceChildren(...(edition ? questionOf(edition, state) : ["All benchmarks"]));
    },
    number: `${count(data.results.length, "result")} of ${data.rounds.length === 1 ? "round" : `${format(data.rounds.length)} rounds`}: ${data.rounds.join(", ")}`,
  };
}

function questionOf(edition, {size}) {
  const model = make("b", {}, edition.short);
  if (edition.higher_is_better) return ["How many models do systems train in a minute: ", model, "?"];
  if (!size) return ["How long do systems need to train ", model, "?"];
  return ["How long do systems need to train ", model, ", and who is fastest on ", make("b", {}, sizeInWords(size)), "?"];
}
