import type { PageData, PageSummary } from './page-data.js';

/** The method whose screen the headline counts: the LSTM where it ran, else the last method that tests. */
export function screeningMethod(data: PageData): string {
  const tested = data.methods.filter((method) => data.summary[method]?.q.some((q) => q !== null));
  return tested.includes('lstm') ? 'lstm' : (tested.at(-1) ?? '');
}

/** The method that headlines count: the chosen mix where it is summarised, else the screening method. */
export function headlineMethod(data: PageData): string {
  return data.summary.chosen ? 'chosen' : screeningMethod(data);
}

/** Whether the choice for an asset is to claim no exposure at all: no method beside it has a weight. */
export function chosenNone(data: PageData, asset: number): boolean {
  const choices = data.choices[asset] ?? [];
  return choices.length > 0 && choices.every(({ method }) => method === 'zero');
}

/**
 * The method whose numbers stand for `method` at an asset: itself, or for `chosen` the mix, or the method of most
 * weight. Where no exposure was chosen it is the screening method, whose estimates are shown as not relied upon.
 */
export function sourceMethod(data: PageData, asset: number, method: string): string {
  if (method !== 'chosen') return method;
  if (chosenNone(data, asset)) return screeningMethod(data);
  if (data.summary.chosen) return 'chosen';
  const heaviest = data.choices[asset]?.[0]?.method;
  return heaviest && data.summary[heaviest] ? heaviest : screeningMethod(data);
}

/** Summary block that stands for `method` at an asset, or undefined where there is none. */
export function sourceBlock(data: PageData, asset: number, method: string): PageSummary | undefined {
  return data.summary[sourceMethod(data, asset, method)];
}

/** Whether an exposure counts as significant: selected, and by a method that was chosen where the choice is shown. */
export function isSignificant(data: PageData, asset: number, factor: number, method: string): boolean {
  if (method === 'chosen' && chosenNone(data, asset)) return false;
  return sourceBlock(data, asset, method)?.selected[asset * data.factors.length + factor] === 1;
}

/**
 * Indexes of the assets that counts and scores are taken over: all but those computed from the factors themselves,
 * whose exposures are known beforehand and would flatter every method.
 */
export function judgedAssets(data: PageData): number[] {
  const all = data.assets.map((_, asset) => asset);
  const judged = all.filter((asset) => !data.assets[asset].labels.includes('computed'));
  return judged.length > 0 ? judged : all;
}

/** The method that pictures of all assets start with: the chosen one, unless that is mostly no exposure. */
export function overviewMethod(data: PageData): string {
  const none = data.assets.filter((_, asset) => chosenNone(data, asset)).length;
  return 2 * none > data.assets.length ? screeningMethod(data) : 'chosen';
}
