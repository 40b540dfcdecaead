import type { PageData } from './page-data.js';
import { judgedAssets, screeningMethod } from './source.js';

/** What the charts through time and by lag show. */
export interface Selection {
  readonly asset: number;
  readonly factor: number;
}

/** The pair to open with: the smallest q-value among the judged assets that have charts, ties by size. */
export function firstSelection(data: PageData): Selection {
  const block = data.summary[screeningMethod(data)];
  const k = data.factors.length;
  const drawn = judgedAssets(data).filter((asset) => data.blobs[asset] !== null);
  const pairs = drawn.flatMap((asset) => data.factors.map((_, factor) => ({ asset, factor })));
  const q = ({ asset, factor }: Selection) => block?.q[asset * k + factor] ?? 2;
  const size = ({ asset, factor }: Selection) => Math.abs(block?.mean[asset * k + factor] ?? 0);
  return pairs.sort((a, b) => q(a) - q(b) || size(b) - size(a))[0] ?? { asset: 0, factor: 0 };
}

/** Methods whose exposure through time is drawn at first: the LSTM, and the chosen one or OLS beside it. */
export function firstMethods(data: PageData, asset: number): string[] {
  const drawn = data.methods.filter((method) => data.seriesKeys.some((key) => key.method === method));
  const chosen = data.choices[asset]?.find(({ method }) => method !== 'zero')?.method ?? '';
  const main = screeningMethod(data);
  const beside = chosen && chosen !== main ? chosen : 'ols';
  const first = drawn.filter((method) => method === main || method === beside);
  return first.length > 0 ? first : drawn.slice(0, 1);
}
