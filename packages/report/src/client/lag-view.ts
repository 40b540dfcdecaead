import { cumulativeLagOption, lagOption } from '../charts/lags.js';
import { fixed, present } from '../format.js';
import { methodColour, methodName } from '../labels.js';
import type { Maybe, PageData } from '../page-data.js';
import type { Selection } from '../selection.js';
import { assetBands } from './blob.js';
import { MountedChart } from './chart.js';
import { byId, h } from './dom.js';
import type { SelectionStore } from './selection.js';

/** Lag profile of the selected asset and factor: per lag, and added up. */
export function mountLags(data: PageData, selection: SelectionStore): void {
  const method = data.lagMethods.includes('lstm') ? 'lstm' : data.lagMethods.at(-1);
  const reading = byId('lag-reading');
  if (method === undefined || data.lagCount === 0) {
    reading.textContent = 'No method of this run looks at lags.';
    for (const chart of ['lag-chart', 'cumulative-chart']) byId(chart).closest('figure')?.remove();
    return;
  }
  const [lags, cumulative] = [new MountedChart(byId('lag-chart')), new MountedChart(byId('cumulative-chart'))];
  selection.follow((current) => {
    reading.replaceChildren(...sentence(data, current, method));
    void show(data, current, method, lags, cumulative);
  });
}

async function show(
  data: PageData,
  { asset, factor }: Selection,
  method: string,
  lags: MountedChart,
  cumulative: MountedChart,
): Promise<void> {
  const bands = await assetBands(data, asset);
  const band = bands?.lags[data.lagMethods.indexOf(method)]?.[factor];
  const empty = new Float64Array(0);
  const shown = band ?? { value: empty, lo: empty, hi: empty };
  const unit = `% per 1 ${data.factors[factor].unit}`;
  const shared = { band: shown, period: data.period, unit, name: methodName(method) };
  lags.draw((theme) => lagOption({ ...shared, colour: methodColour(method, theme), theme }));
  cumulative.draw((theme) => cumulativeLagOption({ ...shared, colour: methodColour(method, theme), theme }));
}

function sentence(data: PageData, { asset, factor }: Selection, method: string): (Node | string)[] {
  const { name, unit, transform } = data.factors[factor];
  const block = data.summary[method];
  const i = asset * data.factors.length + factor;
  const peak = block?.peakLag[i];
  const half = block?.halfLife[i];
  const parts = [`, ${methodName(method)}, % per 1 ${unit}`];
  const [peakRange, halfRange] = [
    range(block?.peakLagLo[i], block?.peakLagHi[i]),
    range(block?.halfLifeLo[i], block?.halfLifeHi[i]),
  ];
  if (present(peak))
    parts.push(`${peak === 0 ? '; largest at once' : `; largest after ${plural(peak, data.period)}`}${peakRange}`);
  if (present(half))
    parts.push(
      `${half === 0 ? '; half of it at once' : `; half of it within ${plural(half, data.period)}`}${halfRange}`,
    );
  if (transform === 'yoy' || transform === 'yoy_diff') {
    parts.push(
      `. ${name} is a change over a year: neighbouring ${data.period}s share most of it, which blurs the profile`,
    );
  }
  return [h('strong', {}, `${data.assets[asset].name} on ${name}`), ...parts, '.'];
}

/** 90 % interval of a number of periods, in brackets; nothing where there is none. */
function range(lo: Maybe | undefined, hi: Maybe | undefined): string {
  return present(lo) && present(hi) ? ` (90 %: ${fixed(lo, 0)} to ${fixed(hi, 0)})` : '';
}

function plural(n: number, noun: string): string {
  return `${fixed(n, Number.isInteger(n) ? 0 : 1)} ${noun}${n === 1 ? '' : 's'}`;
}
