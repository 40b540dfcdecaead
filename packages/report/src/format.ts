import type { Maybe } from './page-data.js';

/** The true minus sign, as wide as a plus, so that columns of numbers line up. */
const MINUS = '\u2212';

/** Shown where a number is missing. */
export const NONE = '\u2013';

/** True for a number that can be shown. */
export function present(x: Maybe | undefined): x is number {
  return x !== null && x !== undefined && Number.isFinite(x);
}

/** Fixed decimals with a true minus sign; a dash where missing. */
export function fixed(x: Maybe | undefined, digits: number): string {
  if (!present(x)) return NONE;
  const text = Math.abs(x).toFixed(digits);
  return x < 0 && Number(text) !== 0 ? `${MINUS}${text}` : text;
}

/** Percent of a decimal number with as many decimals as its size deserves. */
export function percent(x: Maybe | undefined): string {
  if (!present(x)) return NONE;
  return fixed(100 * x, digitsFor(100 * x));
}

/** Percent with an explicit sign. */
export function signedPercent(x: Maybe | undefined): string {
  const text = percent(x);
  return present(x) && x > 0 && Number(text) !== 0 ? `+${text}` : text;
}

/** Signed interval in percent: `-1.2 to 0.3`. */
export function intervalPercent(lo: Maybe | undefined, hi: Maybe | undefined): string {
  return present(lo) && present(hi) ? `${percent(lo)} to ${percent(hi)}` : NONE;
}

/** Two decimals, without a zero before the point; very small ones as `<.01`. */
export function probability(p: Maybe | undefined): string {
  if (!present(p)) return NONE;
  if (p < 0.001) return '<.001';
  return p < 0.0995 ? p.toFixed(3).slice(1) : p >= 0.995 ? '1.00' : p.toFixed(2).slice(1);
}

/** Escapes text for HTML content and double-quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function digitsFor(x: number): number {
  const size = Math.abs(x);
  return size >= 100 ? 0 : size >= 10 ? 1 : 2;
}
