/* The table: rows of one line that are drawn as they are scrolled. */

import {make, makeLink, narrow} from "./dom.js";
import {collator, format, formatFigure, formatShare} from "./format.js";
import {order} from "./compare.js";
import {measure} from "./parts.js";

const {Virtualizer, elementScroll, observeElementOffset, observeElementRect} = libraries;

/* How a column is read where its value is more than the field of its name: `of` is what is sorted by, `text` what is read. */
const READERS = {
  benchmark: {of: (result) => result.edition.title},
  round: {of: (result) => result.round_place, text: (result) => result.round},
  accelerator: {text: (result) => result.variant || result.accelerator},
  score: {
    text: (result) => formatFigure(result.score) + (result.edition.says_unit ? ` ${measure(result.edition)}` : ""),
  },
  availability: {text: (result) => result.category},
  accelerators: {
    of: (result) => result.size,
    text: (result) => (result.is_processor_only && result.size ? `${format(result.size)} proc.` : result.size),
  },
  spread: {text: (result) => (result.spread === null ? "" : formatShare(result.spread))},
  batch_size: {text: (result) => result.batch_size},
};

/*
 * The columns that the page declares, one of what must be known, and one of links. `key` is the name in the address, `of` what is sorted by, `text`
 * what is read. Columns with `own` figures are only sorted within an edition and a division, as nothing may be ranked
 * across them.
 */
export function makeColumns(declared) {
  const columns = declared.map(({field, type, ...column}) => {
    const of = (result) => result[field];
    const text = type === "number" ? (result) => formatFigure(of(result)) : undefined;
    return {...column, key: field, of, text, number: type !== "text", ...READERS[field]};
  });
  const signs = {key: "signs", title: "To know", width: 13, place: 92, first: true, of: (result) => result.signs};
  const placed = [...columns, signs].sort((a, b) => a.place - b.place);
  return [...placed, {key: "links", title: "Links", width: 9, links: true}];
}

/*
 * The columns that are shown: those that were chosen, or else the first ones and, after the score, where they are in sight, those
 * that the view is about; the benchmark only where there are several, and no spread of throughputs, whose runs have none.
 */
export function columnsOf(columns, state, ofView) {
  const chosen = state.columns.map((key) => columns.find((column) => column.key === key)).filter(Boolean);
  if (chosen.length) return chosen;
  const needless = [...ofView, state.benchmark && "benchmark", state.chips.edition?.higher_is_better && "spread"];
  const usual = columns.filter(({key, first}) => first && !needless.includes(key));
  const place = usual.findIndex(({key}) => key === "score") + 1;
  return [...usual.slice(0, place), ...columns.filter(({key}) => ofView.includes(key)), ...usual.slice(place)];
}

/* Where some scores are no minutes, each stands with its unit. */
export const withUnits = (columns, results) =>
  results.some(({edition}) => edition.says_unit)
    ? columns.map((column) => (column.key === "score" ? {...column, title: "Score", width: 11} : column))
    : columns;

/* Sorts by a column; ties, and all figures of different editions or divisions, stay in order of the results' own figures. */
export function sort(columns, results, state) {
  const find = (key) => columns.find((column) => column.key === key);
  const column = find(state.sort) ?? find("score");
  const within = (a, b) =>
    collator.compare(a.edition.title, b.edition.title) ||
    collator.compare(a.edition.id, b.edition.id) ||
    collator.compare(a.division, b.division);
  const direction = state.descending ? -1 : 1;
  const by = (a, b) => {
    const [left, right] = [column.of(a), column.of(b)];
    const [noLeft, noRight] = [left === null || left === "", right === null || right === ""];
    if (noLeft || noRight) return noLeft - noRight;
    if (column.key === "score" && a.edition.higher_is_better) return direction * (right - left); // the best comes first
    return direction * (typeof left === "number" ? left - right : collator.compare(left, right));
  };
  return [...results].sort((a, b) => (column.own ? within(a, b) || by(a, b) : by(a, b) || within(a, b)) || order(a, b));
}

export function linksOf(result) {
  const name = `${result.submitter}, ${result.system}, ${result.edition.title}, round ${result.round}`;
  return [
    ["logs", result.logs],
    ["system", result.details],
    ["code", result.code],
  ]
    .filter(([, address]) => address)
    .map(([text, address]) => makeLink(address, text, `${text} of ${name}`));
}

/*
 * A table inside an element that scrolls, of the columns that are `declared`. `open` gets the result whose button was pressed, `resort` the key of a column.
 * `meaningOf` says in a sentence what a column is, or null. Returns {show, showAll}: the rows that are in sight, or, to print them, all.
 */
export function createTable(frame, {declared, open, resort, meaningOf}) {
  const head = make("tr", {"aria-rowindex": "1"});
  const body = make("tbody");
  const table = make("table", {}, make("colgroup"), make("thead", {}, head), body);
  frame.append(table);
  let [rows, columns, sorting, isWhole] = [[], [], "", false];
  const initialRect = {width: frame.clientWidth, height: frame.clientHeight};
  const settings = () => ({
    count: rows.length,
    getScrollElement: () => frame,
    estimateSize: () => (narrow.matches ? 112 : 32),
    overscan: 16,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    initialRect,
    onChange: paint,
  });
  const virtual = new Virtualizer(settings());
  virtual._didMount();
  narrow.addEventListener("change", () => {
    virtual.setOptions(settings());
    virtual.measure();
    paint();
  });

  function paint() {
    if (isWhole) return;
    const items = virtual.getVirtualItems();
    const focused = document.activeElement?.dataset?.uid;
    body.replaceChildren(
      space(items[0]?.start ?? 0),
      ...items.map(({index}) => rowOf(index)),
      space(virtual.getTotalSize() - (items.at(-1)?.end ?? 0)),
    );
    if (focused)
      [...body.querySelectorAll("button")].find((button) => button.dataset.uid === focused)?.focus({preventScroll: true});
  }

  const space = (height) => {
    const row = make("tr", {class: "space", "aria-hidden": "true"}, make("td", {colspan: columns.length}));
    row.firstChild.style.height = `${height}px`;
    return row;
  };

  function rowOf(index) {
    const result = rows[index];
    return make(
      "tr",
      {"aria-rowindex": index + 2},
      columns.map((column, place) => {
        const text = column.links ? "" : format((column.text ?? column.of)(result));
        const content = column.links
          ? linksOf(result)
          : column.key === "system"
            ? make(
                "button",
                {type: "button", class: "link", "data-uid": result.uid, click: (event) => open(result, event.currentTarget)},
                text,
              )
            : text;
        return make(
          place === 0 ? "th" : "td",
          {
            scope: place === 0 ? "row" : null,
            class: `${column.number ? "number " : ""}at-${column.key}`,
            title: text || null,
            "data-unit": column.key === "score" && !result.edition.says_unit ? "min" : null,
          },
          content,
        );
      }),
    );
  }

  function makeHead(state) {
    table.querySelector("colgroup").replaceChildren(
      ...columns.map(({width}) => {
        const col = make("col");
        col.style.width = `${width}em`;
        return col;
      }),
    );
    table.style.minWidth = `${columns.reduce((sum, {width}) => sum + width, 0)}em`;
    head.replaceChildren(
      ...columns.map((column) => {
        const isSorted = column.key === (state.sort || "score");
        const direction = state.descending ? "descending" : "ascending";
        return make(
          "th",
          {
            scope: "col",
            class: column.number ? "number" : null,
            "aria-sort": column.links ? null : isSorted ? direction : "none",
          },
          column.links
            ? column.title
            : make(
                "button",
                {
                  type: "button",
                  title: meaningOf(column),
                  "data-key": column.key,
                  click: () => resort(column.key),
                },
                column.title,
              ),
        );
      }),
    );
  }

  return {
    show(sorted, state, ofView) {
      const shown = withUnits(columnsOf(declared, state, ofView), sorted);
      const wanted = JSON.stringify([shown.map(({title}) => title), state.sort, state.descending]);
      const isSame =
        wanted === sorting && sorted.length === rows.length && sorted.every((result, place) => result === rows[place]);
      if (isSame) return; // it stays where it was scrolled to
      if (wanted !== sorting) {
        const focused = head.contains(document.activeElement) ? document.activeElement.dataset.key : null;
        columns = shown;
        makeHead(state);
        head.querySelector(`[data-key="${focused}"]`)?.focus();
        sorting = wanted;
      }
      rows = sorted;
      table.setAttribute("aria-rowcount", rows.length + 1);
      if (virtual.scrollOffset) frame.scrollTop = 0; // else the browser would lay out the page here, and again at the end
      virtual.scrollOffset = 0;
      virtual.setOptions(settings());
      virtual._willUpdate();
      virtual.measure(); // which paints
    },
    showAll(all) {
      isWhole = all;
      if (all) body.replaceChildren(...rows.map((_, index) => rowOf(index)));
      else paint();
    },
  };
}
