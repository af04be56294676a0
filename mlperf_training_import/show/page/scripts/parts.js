/* What several views are made of: words for figures, buttons, choices, and the results at one size. */

import {make, makeFigures} from "./dom.js";
import {capital, count, format, formatFigure, formatTimes} from "./format.js";
import {FIGURES, commonSize, hasFigure, sizeOf, timesAsFast} from "./compare.js";

export const HEIGHT = 430;

/* What the score of a result is called, and in which unit. */
export const measure = (edition) => edition.measure;

/* The score of a result with its unit; a declaration, as columns are made of it before. */
export function sayScore(result) {
  return `${formatFigure(result.score)} ${measure(result.edition)}`;
}

/* A sentence with one full stop, also where a unit ends with one. */
export const ended = (text) => text.replace(/\.*$/, ".");

/* What people must know beside a figure: a category that cannot be bought. */
export const bought = (result) => (result.can_be_bought ? "" : `, ${result.category}`);

/* A button with the name of a result, which opens it. */
export const opener = (result, label, open) =>
  make("button", {type: "button", class: "link", click: (event) => open([result], event.target)}, label);

/* Columns of tables about results: what they are called, and what stands in them. */
const COLUMNS = {
  benchmark: {title: "Benchmark", wide: true, of: (result) => result.edition.title},
  division: {title: "Division", of: (result) => result.division},
  round: {title: "Round", of: (result) => result.round},
  submitter: {title: "Submitter", of: (result) => result.submitter},
  system: {title: "System", of: (result, open) => opener(result, result.system, open)},
  accelerator: {title: "Accelerator", of: (result) => result.chip},
  size: {title: "Accelerators", number: true, of: (result) => format(result.size)},
  minutes: {title: "Minutes", number: true, of: (result) => formatFigure(result.score)},
  score: {title: "Score", number: true, of: sayScore},
  energy: {title: "kWh", number: true, of: (result) => formatFigure(result.energy)},
  batch: {title: "Batch size", number: true, of: (result) => format(result.batch_size)},
  availability: {title: "Availability", of: (result) => result.category},
  signs: {title: "To know", of: (result) => result.signs},
};

/* A table of results; its columns are named as above, or {title, of, number, wide}. What is false among them is left out. */
export function tableOfResults(caption, columns, results, open) {
  const wanted = columns.filter(Boolean).map((column) => COLUMNS[column] ?? column);
  return makeFigures(
    caption,
    wanted,
    results.map((result) => wanted.map(({of}) => of(result, open))),
  );
}

/* A column of the figure that results are compared by, and one of how many times as fast each is as another. */
export const figureColumn = (figure, unit) => ({
  title: capital(unit),
  number: true,
  of: (result) => formatFigure(figure.of(result)),
});

export const timesColumn = (name, otherOf, figure) => ({
  title: `Times as fast${name && ` as ${name}`}, derived`,
  number: true,
  of: (result) => {
    const other = otherOf(result);
    return other ? formatTimes(timesAsFast(result, other, figure)) : "";
  },
});

export function makeSelect(label, options, value, choose) {
  const select = make(
    "select",
    {change: (event) => choose(event.target.value)},
    options.map(([key, name]) => make("option", {value: key, selected: key === value}, name)),
  );
  return make("label", {class: "choice"}, make("span", {}, label), select);
}

const COLOUR_NAMES = {accelerator: "accelerator", rounds: "round", submitter: "submitter"};

export const colourSelect = ({state, change}) =>
  makeSelect("Colour by", Object.entries(COLOUR_NAMES), state.colour || "accelerator", (colour) =>
    change({colour: colour === "accelerator" ? "" : colour}),
  );

const FIGURE_NAMES = {score: "minutes", accelerator_minutes: "accelerator-minutes", energy: "kWh"};

/* A switch between what results are compared by; figures that no result has are left out. */
export function figureSelect({state, change, edition, results}) {
  const there = Object.entries(FIGURE_NAMES).filter(
    ([name]) => name === "score" || results.some((result) => hasFigure(result, FIGURES[name])),
  );
  const names = there.map(([name, words]) => [name, name === "score" ? measure(edition) : words]);
  return makeSelect("Figure", names, figureOf(state).name, (figure) => change({figure: figure === "score" ? "" : figure}));
}

/* The figure that is chosen, with its name. */
export function figureOf(state) {
  const name = Object.hasOwn(FIGURES, state.figure) ? state.figure : "score";
  return {name, ...FIGURES[name]};
}

/* The series of a legend, and what hollow points or bars are where there are some. */
export function legendOf(series, results, shape = "circle") {
  const hollow = {name: "hollow: preview or research, cannot be bought", colour: "currentColor", shape, hollow: true};
  return results.every((result) => result.can_be_bought) ? series : [...series, hollow];
}

/* A size of the address in words. */
export function sizeInWords(size) {
  if (!/^\d/.test(size)) return "a number of accelerators that is not given";
  return /^\d+$/.test(size) ? count(Number(size), "accelerator") : count(parseInt(size), "processor");
}

/* The results at one size, which is the one that was chosen, or else the most common; and words that say which. */
export function atOneSize(results, state, figure = FIGURES.score) {
  const size = state.size === "" ? commonSize(results) : state.size;
  const chosen = results.filter((result) => sizeOf(result) === size && hasFigure(result, figure));
  const said = sizeInWords(size);
  return {
    size,
    said,
    chosen,
    note: state.size === "" ? `${said}, the size that most results have; choose another one above.` : "",
  };
}

/* A result in a sentence: what it took, on what, whose, when, and whether it can be bought. */
export function inWords(result, figure = FIGURES.score) {
  const machine = `${result.size ? `${format(result.size)} × ` : ""}${result.chip}`;
  return `${formatFigure(figure.of(result))} ${figure.words(result.edition)} on ${machine} (${result.submitter}, round ${result.round}, ${result.category})`;
}
