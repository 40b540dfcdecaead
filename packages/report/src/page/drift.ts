import type { DriftRecord } from '@macrograd/store';
import { fixed } from '../format.js';
import { methodName } from '../labels.js';

/** How far exposures move when a method is fitted anew, in a sentence; none where a run did not measure it. */
export function driftSentence(records: readonly DriftRecord[], coverage: number): string[] {
  const total = (method: string, kind: DriftRecord['kind']) =>
    records.find((own) => own.method === method && own.kind === kind && own.to === 'all');
  // The method that the page is about, and the plain one beside it.
  const refits = ['lstm', 'ols'].flatMap((method) => {
    const own = total(method, 'refit');
    return own ? [`${percent(own.outside)} of the pairs by ${article(method)}${methodName(method)}`] : [];
  });
  const seeds = total('lstm', 'seed');
  const interval = `${percent(coverage)} interval`;
  const parts = [
    ...(refits.length > 0
      ? [
          `From one refit to the next, read at the same date, the earlier exposure lies outside the later ${interval} for ${refits.join(' and ')}`,
        ]
      : []),
    ...(seeds
      ? [
          `with another seed the LSTM\u2019s exposures change by ${fixed(seeds.change, 2)} of their standard errors (root mean square), and ${percent(seeds.outside)} leave their interval`,
        ]
      : []),
  ];
  return parts.length > 0 ? [`${capital(parts.join('; '))}.`] : [];
}

/** Methods named by an abbreviation of their own go without. */
function article(method: string): string {
  return method === 'lstm' ? 'the ' : '';
}

function percent(share: number): string {
  return `${fixed(100 * share, 0)} %`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
