/* What the page is about. It stands in the page, or in a file beside it. */

const AVAILABLE = new Set(["available", "available cloud", "available on-premise"]);

/*
 * {results, editions, rounds, keys, columns, findings, sources, version}. A result has the fields that Python's `records.py`
 * lists, and `edition` as the object, which has the title of its suite too; missing values are null. `entryOf` gives all keys
 * of a result, `curvesOf` promises the charts of one that has learning curves.
 */
export async function load(element) {
  const payload = element.dataset.source
    ? await (await fetch(element.dataset.source)).json()
    : JSON.parse(element.textContent);
  const places = new Map(payload.rounds.map((round, place) => [round, place]));
  for (const edition of payload.editions) edition.suite_title = payload.suites[edition.suite] ?? `MLPerf ${edition.suite}`;
  const results = rowsOf(payload.fields).map((result, index) => ({
    ...result,
    index,
    edition: payload.editions[result.edition],
    round_place: places.get(result.round),
    can_be_bought: AVAILABLE.has(result.availability),
    words: [
      result.benchmark,
      result.round,
      result.submitter,
      result.system,
      result.accelerator,
      result.variant,
      result.accelerator_name,
      result.processor,
      result.framework,
      result.notes,
    ]
      .filter(Boolean)
      .join(" ")
      .toLowerCase(),
  }));
  return {
    ...payload,
    results,
    entryOf: (result) => entryAt(payload.entries, result.index),
    curvesOf: async ({uid}) => payload.curves?.[uid] ?? (await fetch(`curves/${uid}.json`)).json(),
  };
}

/* What a key of an entry means, in a sentence; empty for keys that nobody has declared. */
export const textOf = (data, key) => (data.keys[key]?.text ?? "").replaceAll("`", "");

/* The unit of a key, which another key of the entry may name. */
export function unitOf(data, key, entry) {
  const unit = data.keys[key]?.unit ?? "";
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
