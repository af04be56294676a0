/* The bar of filters: built once, and told what is chosen and how many results each value would show. */

import {byId, make, meaningOf} from "./dom.js";
import {collator, format} from "./format.js";
import {ANY, FACETS, NOT_GIVEN, NO_FILTERS, RANGES, TITLES, describeFilters, limitsOf} from "./filters.js";
import {groupBy} from "./compare.js";

const MANY = ["rounds", "availability", "accelerator", "submitter", "trust"];
export const COMMON_SIZES = ["8", "64", "512"];
const LONG = 12; // values from which on a list has a search field

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
    placeholder: "any word",
    input: () => change({words: words.value}, {quiet: true}),
  });
  const repeats = make("input", {type: "checkbox", change: () => change({repeats: repeats.checked})});
  const clear = make("button", {type: "button", "aria-label": "Clear filters", click: () => change(NO_FILTERS)}, "Clear");
  const ranges = createRanges(change);
  bar.append(
    ...menus.map((menu) => menu.element),
    size.element,
    processors.element,
    ranges.element,
    make("label", {class: "choice"}, make("span", {}, TITLES.words), words),
    make("label", {class: "switch"}, repeats, make("span", {}, "Runs handed in again")),
    clear,
  );
  return (state, counts) => {
    for (const part of [...menus, size, processors, ranges]) part.update(state, counts);
    if (words.value !== state.words) words.value = state.words;
    repeats.checked = state.repeats;
    clear.disabled = !describeFilters(state) && !state.repeats;
  };
}

/* Values in groups: accelerators by vendor and generation, the rest in one; rounds as they follow each other, newest first. */
function groupsOf(data, name) {
  const found = new Map(data.results.flatMap((result) => [FACETS[name](result)].flat().map((value) => [value, result])));
  const values = [...found.keys()].sort(collator.compare);
  const group = (heading, own, parts = []) => ({
    heading,
    own,
    parts,
    values: [...own, ...parts.flatMap(({values}) => values)],
  });
  if (name === "rounds") return [group("", [...data.rounds].reverse())];
  if (name !== "accelerator") return [group("", values)];
  const by = (field, some) =>
    [...groupBy(some, (value) => found.get(value)[field])].sort(
      ([a], [b]) => (a === "") - (b === "") || collator.compare(a, b),
    );
  return by("vendor", values).map(([vendor, of]) =>
    group(
      vendor,
      [],
      by("generation", of).map(([generation, some]) => group(generation, some)),
    ),
  );
}

function sizesOf(data) {
  const isProcessors = (size) => size.endsWith("processors");
  const sizes = [...new Set(data.results.map(FACETS.size))].sort(
    (a, b) =>
      (a === NOT_GIVEN) - (b === NOT_GIVEN) || isProcessors(a) - isProcessors(b) || parseInt(a, 10) - parseInt(b, 10),
  );
  const common = COMMON_SIZES.filter((size) => sizes.includes(size));
  return [...common, ...sizes.filter((size) => !common.includes(size))].map((size) => [
    size,
    size === NOT_GIVEN ? size : size.replace(/^\d+/, (digits) => format(Number(digits))),
  ]);
}

/* A menu in which several values can be checked, and those of a group at once. */
function createMenu(name, groups, change) {
  const title = TITLES[name];
  const boxes = new Map();
  const fieldsets = [];
  const choose = () => change({[name]: [...boxes].filter(([, {box}]) => box.checked).map(([value]) => value)});

  function listOf({heading, own, parts, values}, above = "") {
    const words = `${above} ${heading}`;
    const tick = make("input", {
      type: "checkbox",
      change: () => {
        for (const value of values) boxes.get(value).box.checked = tick.checked;
        choose();
      },
    });
    const labels = own.map((value) => {
      const box = make("input", {type: "checkbox", value, change: choose});
      const number = make("span", {class: "number"});
      const label = make("label", {}, box, make("span", {}, value), number);
      boxes.set(value, {box, number, label, words: `${words} ${value}`.toLowerCase()});
      return label;
    });
    const fieldset = make(
      "fieldset",
      {},
      make(
        "legend",
        {class: heading ? null : "hidden"},
        heading && values.length > 1 ? make("label", {}, tick, make("span", {}, heading)) : heading || title,
      ),
      labels,
      parts.map((part) => listOf(part, words)),
    );
    fieldsets.push({fieldset, tick, members: values.map((value) => boxes.get(value))});
    return fieldset;
  }

  const lists = groups.map((group) => listOf(group));
  const summary = make("summary", {title: meaningOf(title)});
  const element = make(
    "details",
    {class: "menu", "data-name": name},
    summary,
    make("div", {class: "menu-body"}, boxes.size > LONG ? createFinder(boxes, fieldsets, title) : null, lists),
  );
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
      for (const {tick, members} of fieldsets) {
        tick.checked = members.every(({box}) => box.checked);
        tick.indeterminate = !tick.checked && members.some(({box}) => box.checked);
        tick.disabled = members.every(({box}) => box.disabled);
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
    {"aria-label": name === "size" ? "Number of accelerators" : null, change: () => change({[name]: select.value})},
    any,
    [...options.values()].map(({option}) => option),
  );
  return {
    element: make("label", {class: "choice"}, make("span", {}, TITLES[name]), select),
    update(state, counts) {
      for (const [value, {text, option}] of options) {
        const would = counts[name].get(value) ?? 0;
        option.textContent = `${text} (${format(would)})`;
        option.disabled = would === 0 && state[name] !== value;
      }
      select.value = state[name];
    },
  };
}

/* A field that hides what does not have its text in a long list, neither itself nor in a heading above it. */
function createFinder(boxes, fieldsets, title) {
  return make("input", {
    type: "search",
    "aria-label": `Find in ${title}`,
    placeholder: "find",
    autocomplete: "off",
    input: (event) => {
      const wanted = event.target.value.toLowerCase();
      for (const {label, words} of boxes.values()) label.hidden = !words.includes(wanted);
      for (const {fieldset, members} of fieldsets) fieldset.hidden = members.every(({label}) => label.hidden);
    },
  });
}

/* A menu with the least and the most of some figures. */
function createRanges(change) {
  const fields = Object.entries(RANGES).map(([name, {title}]) => {
    const [low, high] = ["from", "to"].map((end) =>
      make("input", {type: "number", min: "0", step: "any", "aria-label": `${title}, ${end}`, change: () => changed()}),
    );
    const changed = () => change({[name]: low.value || high.value ? `${low.value}-${high.value}` : ""});
    return {name, title, low, high};
  });
  const value = make("span", {class: "value"});
  return {
    element: make(
      "details",
      {class: "menu", "data-name": "ranges"},
      make("summary", {}, make("span", {class: "name"}, "Ranges"), value),
      make(
        "div",
        {class: "menu-body ranges"},
        fields.map(({title, low, high}) => make("p", {}, make("span", {}, title), low, " to ", high)),
      ),
    ),
    update(state) {
      for (const {name, low, high} of fields) {
        const [least, most] = limitsOf(state[name]);
        low.value = Number.isFinite(least) ? least : "";
        high.value = Number.isFinite(most) ? most : "";
      }
      value.textContent = fields.some(({name}) => state[name]) ? "chosen" : "any";
    },
  };
}

/* A click beside a menu, or Escape, closes it; Escape gives the focus back. */
export function closeMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = document.querySelector("details.menu[open]");
    if (event.key !== "Escape" || !menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopImmediatePropagation(); // the same key closes a result
  });
}
