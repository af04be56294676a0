/* Writes numbers and lists for people. */

/* Made once, because making one takes longer than the rest of a row. */
const fixed = [0, 1, 2, 3, 4].map(
  (digits) => new Intl.NumberFormat("en", {minimumFractionDigits: digits, maximumFractionDigits: digits}),
);
const short = new Intl.NumberFormat("en", {maximumSignificantDigits: 3});
const upTo = [0, 1, 2].map(
  (digits) => new Intl.NumberFormat("en", {minimumFractionDigits: Math.min(digits, 1), maximumFractionDigits: digits}),
);

export function format(value) {
  if (typeof value !== "number") return value ?? "";
  return Number.isInteger(value) ? fixed[0].format(value) : formatFigure(value);
}

/* A measured figure, with as many digits as matter. */
export function formatFigure(value) {
  if (value === null) return "";
  const size = Math.abs(value);
  return fixed[size >= 100 ? 1 : size >= 1 ? 2 : 4].format(value);
}

export const formatTick = (value) =>
  typeof value !== "number" ? value : (Number.isInteger(value) ? fixed[0] : short).format(value);

/* How many of what does the work: 8 accelerators, 1 processor. */
export const saySize = ({size, size_unit}) => (size === null ? `${size_unit}s not given` : count(size, size_unit));

/* How many of which: 8 × H100 SXM 80 GB. */
export const sayMachine = (result) =>
  result.size === null
    ? saySize(result)
    : `${format(result.size)} × ${(result.is_processor_only ? result.processor : result.variant) || result.size_unit}`;

export const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);

/* A text to search in, however people write the words: in lower case, with single blanks between words. */
export const squeeze = (text) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}.]+/gu, " ")
    .trim();

/* A factor of the review, as exact as `remarks.py` and `words.py` say it. */
export const formatFactor = (value) => String(Number(value.toPrecision(4)));

export const formatTimes = (value) => upTo[value < 2 ? 2 : 1].format(value);

export const formatShare = (value) => `${upTo[Math.abs(value) < 0.1 ? 1 : 0].format(value * 100)} %`;

export const count = (number, one, many = `${one}s`) => `${format(number)} ${number === 1 ? one : many}`;

export const collator = new Intl.Collator("en", {numeric: true});

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
