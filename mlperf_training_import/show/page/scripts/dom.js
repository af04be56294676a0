/* Makes elements. Texts are always set as text, never as markup. */

const SVG = "http://www.w3.org/2000/svg";

/* An element with attributes (those that are functions become listeners, null and false are left out) and children. */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function makeSvg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/* Puts other children into an element; what stands where the focus was gets it. */
export function replaceChildren(element, children) {
  const usable = () => [...element.querySelectorAll("button, select, input")];
  const place = usable().indexOf(document.activeElement);
  element.replaceChildren(...children);
  if (place >= 0) usable()[place]?.focus();
}

/* A button that copies a text, and says so. */
export function copyButton(label, text) {
  const said = make("span", {role: "status"});
  const copy = () =>
    navigator.clipboard.writeText(typeof text === "function" ? text() : text).then(
      () => {
        said.textContent = " copied";
      },
      () => {
        said.textContent = " cannot be copied here";
      },
    );
  return make("span", {}, make("button", {type: "button", click: copy}, label), said);
}

/* Whether the page is as narrow as a phone; the style says the same. */
export const narrow = window.matchMedia("screen and (max-width: 40rem)");

export const byId = (id) => document.getElementById(id);

/* What a label is about, as the footer explains its words; null for a label that needs no words. */
export function meaningOf(label) {
  const terms = [...document.querySelectorAll("#words-of-mlperf dt")];
  const term = terms.find(({dataset, textContent}) => [textContent, ...(dataset.at ?? "").split("; ")].includes(label));
  return term?.nextElementSibling.textContent ?? null;
}

/* A label; where it needs words, a button that shows them. */
export function termOf(label) {
  const title = meaningOf(label);
  return title ? make("button", {type: "button", class: "term", title}, label) : label;
}

/* A link to an address on the web, opened beside the page. */
export function makeLink(address, text, label) {
  return make("a", {href: address, target: "_blank", rel: "noopener noreferrer", "aria-label": label}, text);
}

const classOf = ({number, wide}) => (number ? "number" : wide ? "wide" : null);

/* A table of figures: columns are {title, number, wide}, cells are texts or elements. */
export function makeFigures(caption, columns, rows) {
  const heads = columns.map((column) => make("th", {scope: "col", class: classOf(column)}, termOf(column.title)));
  const lines = rows.map((cells) =>
    make(
      "tr",
      {},
      cells.map((cell, place) =>
        make(place === 0 ? "th" : "td", {scope: place === 0 ? "row" : null, class: classOf(columns[place])}, cell),
      ),
    ),
  );
  return make(
    "div",
    {class: "figures", tabindex: "0", role: "region", "aria-label": caption},
    make("table", {}, make("caption", {}, caption), make("thead", {}, make("tr", {}, heads)), make("tbody", {}, lines)),
  );
}
