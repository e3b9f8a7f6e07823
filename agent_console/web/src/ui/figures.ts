/** Figures for people. */

const MINUS = "−";

/** A figure with its sign, `+0.42`; a true minus, and no sign for what rounds to zero. */
export function signed(value: number, digits = 2): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? MINUS : "+"}${text}`;
}

/** A figure whose minus is a minus, not a hyphen. */
export const plain = (value: number, digits = 0): string =>
  (Object.is(Number(value.toFixed(digits)), -0) ? 0 : value).toFixed(digits).replace("-", MINUS);

/** A share of one as a whole per cent. */
export const percent = (share: number): number => Math.round(Math.max(0, Math.min(1, share)) * 100);
