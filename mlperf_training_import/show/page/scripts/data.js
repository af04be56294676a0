/* Reads the data of the page, from the page itself or from a file beside it. */

import {squeeze} from "./format.js";
import {shortSigns, trustOf} from "./trust.js";

const AVAILABLE = new Set(["available", "available cloud", "available on-premise"]);

/* What people read and search for, besides what the benchmark is called. */
const SEARCHED = [
  ...["round", "submitter", "system", "accelerator", "variant", "accelerator_name", "vendor", "generation"],
  ...["processor", "processor_vendor", "framework", "notes"],
];

/* Why a page has nothing to show, in a sentence for people. */
export const Unreadable = class extends Error {};

async function read(element) {
  const {source} = element.dataset;
  if (!source) return JSON.parse(element.textContent);
  if (location.protocol === "file:")
    throw new Unreadable(
      `This page reads ${source}, which lies beside it. Browsers refuse that for pages that are opened from a disk. Serve the ` +
        "folder with a web server (python -m http.server, then open http://localhost:8000), or write a page with everything " +
        "in it: python run.py report --output report.html",
    );
  const answer = await fetch(source);
  if (!answer.ok) throw new Unreadable(`${source} cannot be read: the server says ${answer.status} ${answer.statusText}`);
  return answer.json();
}

/*
 * {results, editions, rounds, days, keys, columns, findings, sources, version}. A result has the fields that Python's
 * `records.py` and `payload.py` list, and `edition` as the object, which has the title of its suite too; missing values are
 * null. `entryOf` gives all keys of a result, `curvesOf` promises the charts of one that has learning curves.
 */
export async function load(element) {
  const payload = await read(element);
  const places = new Map(payload.rounds.map((round, place) => [round, place]));
  for (const edition of payload.editions) {
    edition.suite_title = payload.suites[edition.suite] ?? `MLPerf ${edition.suite}`;
    edition.names = squeeze([edition.short, ...edition.benchmarks].join(" "));
  }
  const results = rowsOf(payload.fields).map((fields, index) => {
    const result = {...fields, index, edition: payload.editions[fields.edition], round_place: places.get(fields.round)};
    result.day = payload.days[result.round] ?? "";
    result.age = result.day || "not published"; // sorted as a text: the newest last
    result.chip = result.accelerator || result.processor || "not given";
    result.size_unit = result.is_processor_only ? "processor" : "accelerator";
    // runs that were handed in again as available belong to a system that can be bought
    result.can_be_bought = result.availabilities.some((availability) => AVAILABLE.has(availability));
    result.category = result.availabilities.map((availability) => availability || "availability not given").join(", later ");
    result.trust = trustOf(result);
    result.signs = shortSigns(result);
    result.words = `${result.edition.names} ${squeeze(result.edition.title)} ${squeeze(SEARCHED.map((name) => result[name]).join(" "))}`;
    return result;
  });
  return {
    ...payload,
    results,
    entryOf: (result) => entryAt(payload.entries, result.index),
    curvesOf: async ({uid}) => payload.curves?.[uid] ?? (await fetch(`curves/${uid}.json`)).json(),
  };
}

/* What a key of an entry means, in a sentence; empty for undeclared keys. */
export const textOf = (data, key) => (data.keys[key]?.text ?? "").replaceAll("`", "");

/* The unit of a key, which another key of the entry may name; ratios have none. */
export function unitOf(data, key, entry) {
  const unit = (data.keys[key]?.unit ?? "").replace(/^1$/, "");
  const name = /^`(\w+)`$/.exec(unit)?.[1];
  return name ? (entry[name] ?? "") : unit;
}

/* A column is a list with a value for each result, or {values, at}: distinct values and, for each result, which of them. */
const cell = (column, index) => (Array.isArray(column) ? column[index] : column.values[column.at[index]]);

function rowsOf(columns) {
  const names = Object.keys(columns);
  const length = columns.uid.length;
  return Array.from({length}, (_, index) => Object.fromEntries(names.map((name) => [name, cell(columns[name], index)])));
}

/* All keys of an entry, as it is stored. */
function entryAt(columns, index) {
  const pairs = Object.entries(columns).map(([key, column]) => [key, cell(column, index)]);
  return Object.fromEntries(pairs.filter(([, value]) => value !== null));
}
