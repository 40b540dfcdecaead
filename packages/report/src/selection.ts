import type { PageData } from './page-data.js';
import { chosenNone, screeningMethod } from './source.js';

/** What the charts through time and by lag show. */
export interface Selection {
  readonly asset: number;
  readonly factor: number;
}

/** The pair to open with: the smallest q-value among the assets that have charts, ties by size. */
export function firstSelection(data: PageData): Selection {
  const block = data.summary[screeningMethod(data)];
  const k = data.factors.length;
  let best = {
    asset: Math.max(
      0,
      data.blobs.findIndex((blob) => blob !== null),
    ),
    factor: 0,
  };
  let least = [Number.POSITIVE_INFINITY, 0];
  block?.q.forEach((q, i) => {
    const size = Math.abs(block.mean[i] ?? 0);
    if (q === null || data.blobs[Math.floor(i / k)] === null) return;
    if (q < least[0] || (q === least[0] && size > least[1])) {
      least = [q, size];
      best = { asset: Math.floor(i / k), factor: i % k };
    }
  });
  return best;
}

/** Methods whose exposure through time is drawn at first: the LSTM, and the chosen one or OLS beside it. */
export function firstMethods(data: PageData, asset: number): string[] {
  const drawn = data.methods.filter((method) => data.seriesKeys.some((key) => key.method === method));
  const chosen = chosenNone(data, asset) ? '' : (data.choices[asset]?.[0]?.method ?? '');
  const main = screeningMethod(data);
  const beside = chosen && chosen !== main ? chosen : 'ols';
  const first = drawn.filter((method) => method === main || method === beside);
  return first.length > 0 ? first : drawn.slice(0, 1);
}
