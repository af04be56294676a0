/* Shapes and scales, signs of what must be known, and the frame in which each chart is drawn. */

import {makeSvg, make} from "./dom.js";
import {formatTick} from "./format.js";
import {groupBy, order} from "./compare.js";

const {
  axisX,
  axisY,
  dot,
  gridX,
  gridY,
  plot,
  symbol,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTriangle,
  symbolWye,
  text,
} = libraries;

const SHAPES = {
  circle: symbolCircle,
  square: symbolSquare,
  triangle: symbolTriangle,
  diamond: symbolDiamond,
  star: symbolStar,
  wye: symbolWye,
  cross: symbolCross,
};

/* Round numbers between two others, as sparse as they can be with at least three of them. */
export function roundNumbers(low, high) {
  const decades = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power += 1) decades.push(10 ** power);
  const choices = [[1], [1, 2, 5], [1, 1.5, 2, 3, 5, 7]].map((leading) =>
    decades.flatMap((decade) => leading.map((digit) => digit * decade)).filter((value) => value >= low && value <= high),
  );
  const step = roundStep((high - low) / 4);
  return choices.find((values) => values.length >= 3) ?? steps(Math.ceil(low / step), Math.floor(high / step), step);
}

/* Multiples of a step, without the noise of binary fractions. */
const steps = (first, last, step) =>
  Array.from({length: last - first + 1}, (_, place) => Number(((first + place) * step).toPrecision(12)));

/* Powers of two between two numbers, each one, or every second, third ... so that they fit. */
export function powersOfTwo(low, high, most) {
  const [first, last] = [Math.ceil(Math.log2(low)), Math.floor(Math.log2(high))];
  const step = Math.max(1, Math.ceil((last - first + 1) / most));
  const powers = [];
  for (let power = first; power <= last; power += step) powers.push(2 ** power);
  return powers.length ? powers : roundNumbers(low, high);
}

/* A scale, with the ticks that `draw` labels. One value alone stands in the middle. */
export function logScale(values, label, {ticks = roundNumbers} = {}) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = least === most ? 2 : 1.2;
  const [low, high] = [least / room, most * room];
  return {scale: {type: "log", domain: [low, high]}, label, ticks: least === most ? [least] : ticks(low, high, 8)};
}

/* From zero, with room at the end for what is written beside a bar, in pixels. */
export function linearScale(most, label, room = 90) {
  const step = roundStep(most / 6);
  const ticks = steps(0, Math.floor(most / step), step);
  return {scale: {domain: [0, most], insetRight: room}, label, ticks, anchor: "left"};
}

/* A few round numbers around all values. */
export function roundTicks(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const step = roundStep((high - low || high || 1) / 4);
  const [first, last] = [Math.floor(low / step), Math.ceil(high / step)];
  return steps(first, last, step);
}

function roundStep(least) {
  const decade = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((digit) => digit * decade).find((step) => step >= least);
}

export const namesScale = (domain, label = null, scale = {}) => ({
  scale: {type: "band", domain, ...scale},
  label,
  ticks: domain,
});
export const pointScale = (domain, label = null) => namesScale(domain, label, {type: "point", padding: 0.5});

/*
 * A chart in the colours of the page, without the style element that the page's policy would refuse. The axes are marks of
 * their own, as those of a logarithmic scale leave out labels that they find too many.
 */
export function draw(label, {x, y, marks, drawn = [], ...options}) {
  const texts = (ticks, names) => names ?? ticks.map(formatTick);
  const axes = [
    ...(y && y.ticks !== null
      ? [axisY(y.ticks, {text: texts(y.ticks, y.names), label: y.label, labelArrow: "none", tickSize: 0})]
      : []),
    ...(x && x.ticks !== null
      ? [
          axisX(x.ticks, {
            text: texts(x.ticks, x.names),
            label: x.label,
            labelAnchor: x.anchor,
            labelArrow: "none",
            tickSize: 0,
          }),
        ]
      : []),
    ...(y && y.scale.type === "log" && y.ticks !== null ? [gridY(y.ticks)] : []),
    ...(x && x.scale.type !== "point" && x.ticks !== null ? [gridX(x.ticks)] : []),
  ];
  const chart = plot({
    marginLeft: 56,
    marginBottom: 40,
    marginTop: 30,
    marginRight: 24,
    className: "plot",
    color: {type: "identity"},
    symbol: {type: "identity"},
    ...options,
    x: {...x?.scale, axis: null},
    y: {...y?.scale, axis: null},
    marks: [...axes, ...marks],
    style: {background: "transparent", overflow: "visible"},
  });
  chart.querySelectorAll("style").forEach((style) => style.remove());
  for (const group of chart.querySelectorAll("g[aria-label]")) {
    group.dataset.mark = group.getAttribute("aria-label");
    group.removeAttribute("aria-label");
    if (!group.classList.contains("points")) group.setAttribute("aria-hidden", "true");
  }
  for (const shape of chart.querySelectorAll(".points > *")) shape.result = drawn[shape.__data__];
  chart.setAttribute("role", "group");
  chart.setAttribute("aria-label", label);
  return chart;
}

const BETWEEN = 16; // pixels between charts below each other

/* Two charts as one: beside each other where there is room, else below each other. */
export function putTogether(label, charts, width, isWide) {
  const sizes = charts.map((chart) => ["width", "height"].map((name) => Number(chart.getAttribute(name))));
  let [x, y] = [0, 0];
  charts.forEach((chart, place) => {
    chart.setAttribute("x", x);
    chart.setAttribute("y", y);
    if (isWide) x += sizes[place][0];
    else y += sizes[place][1] + BETWEEN;
  });
  const height = isWide ? Math.max(...sizes.map(([, high]) => high)) : y - BETWEEN;
  return makeSvg(
    "svg",
    {class: "together", width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": label},
    charts,
  );
}

/* Signs at points: a ring for findings, a × for a factor of the review. They are separate marks, which nobody can click. */
export function signs(results, x, y) {
  const [found, multiplied] = [results.filter(({codes}) => codes.length), results.filter(({factor}) => factor !== 1)];
  const shared = {x, y, className: "signs"};
  return [
    dot(found, {...shared, r: 8.5, stroke: "var(--ink)", strokeWidth: 1.2}),
    text(multiplied, {...shared, text: () => "×", dx: 9, dy: -5, fontSize: 11, fill: "var(--ink)"}),
  ];
}

/* Results as points: the shape and colour of their series, hollow where it cannot be bought. */
export function points(results, x, y, of, {size = 4.5, shape} = {}) {
  const shapeOf = shape ?? ((result) => of(result).shape);
  return dot(results, {
    x,
    y,
    r: size,
    className: "points",
    symbol: shapeOf,
    stroke: (result) => of(result).colour,
    fill: (result) => (result.can_be_bought ? of(result).colour : "var(--paper)"),
    fillOpacity: 0.75,
    strokeWidth: 1.5,
    sort: null,
  });
}

/*
 * Lets people walk through the points of a chart: a click or Enter opens a result, arrow keys go from left to right, and a
 * point says what it is. Points on the same spot are one stop, which lists them all. Returns a function that puts the focus
 * on a result.
 */
export function makeWalkable(chart, describe, open, tip) {
  const stops = stopsOf([...chart.querySelectorAll(".points > *")]);
  const places = new Map();
  stops.forEach((stop, place) => {
    for (const shape of stop.shapes) places.set(shape, place);
  });
  let current = null;
  /* Makes a stop the one that Tab reaches; only then does it need its words. */
  function reach(stop) {
    const many = stop.results.length > 1 ? `${stop.results.length} results on this spot. ` : "";
    current?.setAttribute("tabindex", "-1");
    [current] = stop.shapes;
    current.setAttribute("tabindex", "0");
    current.setAttribute("role", "button");
    current.setAttribute(
      "aria-label",
      many +
        stop.results
          .slice(0, LISTED)
          .map((result) => describe(result).join(", "))
          .join(". "),
    );
    current.dataset.uid = stop.results[0].uid;
    return current;
  }
  if (stops.length) reach(stops[0]);
  chart.setAttribute("aria-label", `${chart.getAttribute("aria-label")}; arrow keys go from one to the next`);
  const on = (name, act) =>
    chart.addEventListener(name, (event) => {
      const place = places.get(event.target);
      if (place !== undefined) act(stops[place], event, place);
    });
  for (const name of ["mouseover", "focusin"]) on(name, (stop, event) => tip.show(stop, event.target));
  for (const name of ["mouseout", "focusout"]) on(name, tip.hide);
  on("click", (stop) => open(stop.results, stop.shapes[0]));
  on("keydown", (stop, event, place) => {
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
    const next = step ? stops[place + step] : {Home: stops[0], End: stops.at(-1)}[event.key];
    if (event.key === "Enter" || event.key === " ") open(stop.results, stop.shapes[0]);
    else if (!next) return;
    else reach(next).focus();
    event.preventDefault();
  });
  return (uid) => {
    const wanted = stops.find((stop) => stop.results.some((result) => result.uid === uid));
    if (wanted) reach(wanted).focus();
  };
}

const SPOT = 4; // pixels
const LISTED = 3;

/* Where a shape is: a path is moved there, a circle and a bar say it themselves; one of two charts is moved as a whole. */
function spotOf(shape) {
  const moved = /translate\(([^,]+),([^)]+)\)/.exec(shape.getAttribute("transform"));
  const own = moved
    ? moved.slice(1)
    : [shape.getAttribute("cx") ?? shape.getAttribute("x"), shape.getAttribute("cy") ?? shape.getAttribute("y")];
  return own.map((place, axis) => Number(place) + Number(shape.ownerSVGElement.getAttribute("xy"[axis]) ?? 0));
}

/* Shapes whose middles are closer than the eye can tell are one stop; stops go from left to right, then downwards. */
function stopsOf(shapes) {
  const placed = shapes.map((shape) => {
    const [x, y] = spotOf(shape);
    return {shape, x, y, result: shape.result};
  });
  const spots = groupBy(placed, ({x, y}) => `${Math.round(x / SPOT)} ${Math.round(y / SPOT)}`);
  return [...spots.values()]
    .map((members) => ({
      x: members[0].x,
      y: members[0].y,
      shapes: members.map(({shape}) => shape),
      results: members.map(({result}) => result).sort(order),
    }))
    .sort((a, b) => a.x - b.x || a.y - b.y);
}

/* The box that appears beside a point: the first results on the spot, and how many there are. */
export function makeTip(frame, describe) {
  const box = make("div", {class: "tip", hidden: true, "aria-hidden": "true"});
  frame.append(box);
  return {
    show(stop, shape) {
      const many = stop.results.length;
      const parts = stop.results.slice(0, LISTED).map((result) => {
        const [head, ...rest] = describe(result);
        return make("p", {}, make("strong", {}, head), ...rest.flatMap((line) => [make("br"), line]));
      });
      box.replaceChildren(
        ...(many > 1 ? [make("p", {class: "many"}, `${many} results on this spot`)] : []),
        ...parts,
        ...(many > LISTED ? [make("p", {class: "many"}, `and ${many - LISTED} more: click to list them`)] : []),
      );
      box.hidden = false;
      const [outer, inner] = [frame.getBoundingClientRect(), shape.getBoundingClientRect()];
      const left = Math.min(inner.right - outer.left + 8, outer.width - box.offsetWidth - 4);
      const above = inner.top - outer.top - box.offsetHeight - 8;
      box.style.left = `${Math.max(0, left)}px`;
      box.style.top = `${above > 0 ? above : inner.bottom - outer.top + 8}px`;
    },
    hide() {
      box.hidden = true;
    },
  };
}

const ROW = 20; // pixels

/* The legend as a picture, so that it goes along when the chart is taken out of the page. */
export function makeLegend(items, width) {
  let [x, y] = [0, 0];
  const parts = items.map(({name, colour, shape, hollow}) => {
    const length = 26 + textWidth(name);
    if (x && x + length > width) [x, y] = [0, y + ROW];
    const part = makeSvg(
      "g",
      {transform: `translate(${x + 8},${y + ROW / 2})`},
      makeSvg("path", {
        d: symbol(SHAPES[shape], 64)(),
        fill: hollow ? "var(--paper)" : colour,
        stroke: colour,
        "stroke-width": 1.5,
      }),
      makeSvg("text", {x: 12, dy: "0.32em", fill: "currentColor"}, name),
    );
    x += length;
    return part;
  });
  return makeSvg(
    "svg",
    {
      class: "legend",
      width,
      height: y + ROW,
      viewBox: `0 0 ${width} ${y + ROW}`,
      role: "img",
      "aria-label": `Legend: ${items.map(({name}) => name).join(", ")}`,
      "font-size": 12,
      "font-family": "system-ui, sans-serif",
    },
    parts,
  );
}

const measure = document.createElement("canvas").getContext("2d");

export function textWidth(text) {
  measure.font = "12px system-ui, sans-serif";
  return measure.measureText(text).width;
}

/* Between the names beside a chart and the edge of the picture, in pixels. */
export const BESIDE_NAMES = 14;

/* A text that ends with dots where it would be wider than so many pixels. */
export function fitted(text, room) {
  if (textWidth(text) <= room) return text;
  let {length} = text;
  while (length > 0 && textWidth(`${text.slice(0, length)}…`) > room) length -= 1;
  return `${text.slice(0, length)}…`;
}
