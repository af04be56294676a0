/* Numbers and lists as people read them. */

/* Made once: making one takes longer than the rest of a row. */
const fixed = [0, 1, 2, 3, 4].map(
  (digits) => new Intl.NumberFormat("en", {minimumFractionDigits: digits, maximumFractionDigits: digits}),
);
const short = new Intl.NumberFormat("en", {maximumSignificantDigits: 6});
const upTo = [0, 1, 2].map(
  (digits) => new Intl.NumberFormat("en", {minimumFractionDigits: Math.min(digits, 1), maximumFractionDigits: digits}),
);

export function format(value) {
  if (typeof value !== "number") return value ?? "";
  return Number.isInteger(value) ? fixed[0].format(value) : formatFigure(value);
}

/* A measured figure, with the digits that tell it apart. */
export function formatFigure(value) {
  if (value === null) return "";
  const size = Math.abs(value);
  return fixed[size >= 100 ? 1 : size >= 1 ? 2 : 4].format(value);
}

export const formatTick = (value) => (typeof value === "number" ? short.format(value) : value);

export const formatTimes = (value) => upTo[value < 2 ? 2 : 1].format(value);

export const formatShare = (value) => `${upTo[Math.abs(value) < 0.1 ? 1 : 0].format(value * 100)} %`;

export const count = (number, one, many = `${one}s`) => `${format(number)} ${number === 1 ? one : many}`;

export const collator = new Intl.Collator("en", {numeric: true});

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
