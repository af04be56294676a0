/* What is shown, as files: rows as CSV and JSON with all keys, a chart as SVG and PNG with title, source and date in it. */

import {make, makeSvg} from "./dom.js";
import {NO_IDS, TRADEMARK, dateOf} from "./cite.js";

/* All rows with all keys that any of them has; lists and objects as JSON. Lines end as RFC 4180 has it. */
export function toCsv(entries) {
  const keys = [...new Set(entries.flatMap(Object.keys))];
  const line = (values) => values.map(quote).join(",");
  return [line(keys), ...entries.map((entry) => line(keys.map((key) => entry[key])))].join("\r\n") + "\r\n";
}

/* A spreadsheet would take a text that begins so for a formula; an apostrophe makes it text, as csv_text.py has it too. */
const FORMULA = /^[=+\-@\t\r]/;

function quote(value) {
  const plain =
    value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  const text = typeof value === "string" && FORMULA.test(value) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const toJson = (entries) => `${JSON.stringify(entries, null, 2)}\n`;

export function save(name, content, type) {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], {type}));
  const link = make("a", {href: address, download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

const [MARGIN, LINE, LONGEST] = [20, 17, 120];

/* The chart as a picture that stands alone: black on white, with its title, notes, legend and source. */
export function toSvg({title, subtitle, notes, legend, chart, source}) {
  const [width, height] = ["width", "height"].map((name) => Number(chart.getAttribute(name)));
  const [lead, end] = [
    wrap([subtitle, ...notes], width),
    wrap([`${source} ${dateOf(new Date())}. ${NO_IDS}`, TRADEMARK], width),
  ];
  const legendHeight = legend ? Number(legend.getAttribute("height")) : 0;
  const tops = {chart: MARGIN + 26 + lead.length * LINE + legendHeight + 8};
  const whole = tops.chart + height + 12 + end.length * LINE + MARGIN;
  const lines = (texts, top, colour) =>
    texts.map((text, place) => makeSvg("text", {x: MARGIN, y: top + place * LINE, "font-size": 12, fill: colour}, text));
  const svg = makeSvg(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      width: width + 2 * MARGIN,
      height: whole,
      viewBox: `0 0 ${width + 2 * MARGIN} ${whole}`,
      "font-family": "system-ui, sans-serif",
      color: "#1b1f24",
    },
    makeSvg("rect", {width: "100%", height: "100%", fill: "#ffffff"}),
    makeSvg("text", {x: MARGIN, y: MARGIN + 14, "font-size": 17, "font-weight": 600, fill: "#1b1f24"}, title),
    lines(lead, MARGIN + 36, "#4b5560"),
    legend ? placed(legend, MARGIN, tops.chart - legendHeight - 4) : null,
    placed(chart, MARGIN, tops.chart),
    lines(end, tops.chart + height + 20, "#4b5560"),
  );
  return inBrightColours(new XMLSerializer().serializeToString(svg));
}

function placed(picture, x, y) {
  const copy = picture.cloneNode(true);
  copy.setAttribute("x", x);
  copy.setAttribute("y", y);
  for (const shape of copy.querySelectorAll("[tabindex]"))
    for (const name of ["tabindex", "role"]) shape.removeAttribute(name);
  return copy;
}

function wrap(texts, width) {
  const longest = Math.min(LONGEST, Math.floor(width / 6.4));
  return texts.filter(Boolean).flatMap((text) =>
    text.split(" ").reduce(
      (lines, word) => {
        if (`${lines.at(-1)} ${word}`.trim().length > longest) lines.push(word);
        else lines[lines.length - 1] = `${lines.at(-1)} ${word}`.trim();
        return lines;
      },
      [""],
    ),
  );
}

/* The names of colours replaced by those of the bright theme, which an element of that theme says. */
function inBrightColours(text) {
  const bright = make("div", {class: "bright", hidden: true});
  document.body.append(bright);
  const style = getComputedStyle(bright);
  const filled = text.replace(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim());
  bright.remove();
  return filled;
}

export async function toPng(svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = make("canvas", {width: image.naturalWidth * 2, height: image.naturalHeight * 2});
  const context = canvas.getContext("2d");
  context.scale(2, 2);
  context.drawImage(image, 0, 0);
  return new Promise((resolve) => {
    canvas.toBlob(resolve, "image/png");
  });
}
