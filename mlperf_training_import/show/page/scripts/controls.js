/* The bar of filters: built once, and told what is chosen and how many results each value would show. */

import {byId, make} from "./dom.js";
import {collator, count, format} from "./format.js";
import {ANY, FACETS, NOT_GIVEN, TITLES, describeFilters} from "./filters.js";
import {groupBy} from "./compare.js";

const MANY = ["rounds", "availability", "accelerator", "submitter"];
const COMMON_SIZES = ["8", "64", "512"];

export function createControls(data, change) {
  const bar = byId("filters");
  const menus = MANY.map((name) => createMenu(name, groupsOf(data, name), change));
  const size = createChoice("size", sizesOf(data), change);
  const processors = createChoice(
    "processors",
    [
      ["without", "without them"],
      ["only", "only them"],
    ],
    change,
  );
  const words = make("input", {
    type: "search",
    id: "words",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "any word of a result",
    input: () => change({words: words.value}, {quiet: true}),
  });
  const repeats = make("input", {type: "checkbox", change: () => change({repeats: repeats.checked})});
  const clear = make(
    "button",
    {
      type: "button",
      click: () =>
        change({
          rounds: [],
          availability: [],
          accelerator: [],
          submitter: [],
          size: ANY,
          processors: ANY,
          words: "",
          repeats: false,
        }),
    },
    "Clear filters",
  );
  bar.append(
    ...menus.map((menu) => menu.element),
    size.element,
    processors.element,
    make("label", {class: "choice"}, make("span", {}, TITLES.words), words),
    make("label", {class: "switch"}, repeats, make("span", {}, "Runs handed in again")),
    clear,
  );
  closeMenusOutside(bar);
  return (state, counts) => {
    for (const part of [...menus, size, processors]) part.update(state, counts);
    if (words.value !== state.words) words.value = state.words;
    repeats.checked = state.repeats;
    clear.disabled = !describeFilters(state) && !state.repeats;
  };
}

/* Values in groups: accelerators by vendor, the rest in one; rounds as they follow each other, newest first. */
function groupsOf(data, name) {
  const found = new Map(data.results.map((result) => [FACETS[name](result), result]));
  const values = [...found.keys()].sort(collator.compare);
  if (name === "rounds") return [["", [...data.rounds].reverse()]];
  if (name !== "accelerator") return [["", values]];
  return [...groupBy(values, (value) => found.get(value).vendor ?? "")].sort(
    ([a], [b]) => (a === "") - (b === "") || collator.compare(a, b),
  );
}

function sizesOf(data) {
  const sizes = [...new Set(data.results.map(FACETS.size))].sort(
    (a, b) => (a === NOT_GIVEN) - (b === NOT_GIVEN) || Number(a) - Number(b),
  );
  const common = COMMON_SIZES.filter((size) => sizes.includes(size));
  return [...common, ...sizes.filter((size) => !common.includes(size))].map((size) => [
    size,
    size === NOT_GIVEN ? size : format(Number(size)),
  ]);
}

/* A menu in which several values can be checked. */
function createMenu(name, groups, change) {
  const title = TITLES[name];
  const boxes = new Map();
  const chosen = () => [...boxes].filter(([, {box}]) => box.checked).map(([value]) => value);
  const lists = groups.map(([group, values]) =>
    make(
      "fieldset",
      {},
      make("legend", {class: group ? null : "hidden"}, group || title),
      values.map((value) => {
        const box = make("input", {type: "checkbox", value, change: () => change({[name]: chosen()})});
        const number = make("span", {class: "number"});
        const label = make("label", {}, box, make("span", {}, value), number);
        boxes.set(value, {box, number, label});
        return label;
      }),
    ),
  );
  const summary = make("summary");
  const element = make("details", {class: "menu", "data-name": name}, summary, make("div", {class: "menu-body"}, lists));
  return {
    element,
    update(state, counts) {
      for (const [value, {box, number, label}] of boxes) {
        const would = counts[name].get(value) ?? 0;
        box.checked = state[name].includes(value);
        box.disabled = would === 0 && !box.checked;
        label.classList.toggle("nothing", box.disabled);
        number.textContent = format(would);
      }
      const words = state[name].length > 2 ? `${state[name].length} chosen` : state[name].join(", ") || "any";
      summary.replaceChildren(make("span", {class: "name"}, title), make("span", {class: "value"}, words));
    },
  };
}

/* A list of which one value is chosen, or any. */
function createChoice(name, values, change) {
  const any = make("option", {value: ANY}, "any");
  const options = new Map(values.map(([value, text]) => [value, {text, option: make("option", {value})}]));
  const select = make(
    "select",
    {change: () => change({[name]: select.value})},
    any,
    [...options.values()].map(({option}) => option),
  );
  return {
    element: make("label", {class: "choice"}, make("span", {}, TITLES[name]), select),
    update(state, counts) {
      for (const [value, {text, option}] of options) {
        const would = counts[name].get(value) ?? 0;
        option.textContent = `${text} (${count(would, "result")})`;
        option.disabled = would === 0 && state[name] !== value;
      }
      select.value = state[name];
    },
  };
}

/* A click beside a menu, or Escape, closes it; Escape gives the focus back. */
function closeMenusOutside(bar) {
  document.addEventListener("click", (event) => {
    for (const menu of bar.querySelectorAll("details[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  bar.addEventListener("keydown", (event) => {
    const menu = event.target.closest("details[open]");
    if (event.key !== "Escape" || !menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopPropagation();
  });
}
