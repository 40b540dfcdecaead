/** Walk-forward of named methods on one panel, as a table of hedge variance reductions: shared by the scripts here. */
import {
  chooseMethods,
  chosenForecasts,
  forecastFold,
  forecastRefreshed,
  sharesWon,
  stackMethods,
  TRIAL,
} from '@macrograd/evaluation';

/**
 * Runs every method over the folds, prints a line each, then what choice and stack per asset make of them, with the trial
 * before the first fold and without.
 *
 * @param walk - folds and trial, of `walkForwardFolds`
 * @param methods - name -> `{ make(fold), every?, span?(fold), hedge? }`; `every`: rows after which it is fitted anew;
 *   `hedge`: how the hedge reads exposures
 */
export async function printHedgeTable(panel, { folds, trial }, methods) {
  const forecasts = [];
  console.log('method                  hedge  assets > 0  r2 pooled  CPU s');
  for (const [name, { make, every, span, hedge }] of Object.entries(methods)) {
    const started = process.cpuUsage();
    const own = [];
    const notes = [];
    for (const fold of trial ? [trial, ...folds] : folds) {
      const forecast = await forecastOf(panel, fold, { make, every, span, hedge, notes });
      own.push({ ...forecast, method: name });
    }
    forecasts.push(...own);
    const { user, system } = process.cpuUsage(started);
    console.log(`${line(name, own.filter(scored))}  ${((user + system) / 1e6).toFixed(0).padStart(5)}${noteOf(notes)}`);
  }
  const rules = {
    stack: (known) => stackMethods(known),
    best: (known) => chooseMethods(known),
    'best where provable': (known) => chooseMethods(known, { confidence: 0.1 }),
  };
  for (const [name, rule] of Object.entries(rules)) {
    console.log(line(name, chosenForecasts(forecasts, rule(forecasts))));
    const known = forecasts.filter(scored);
    console.log(line(' without the trial', chosenForecasts(known, rule(known))));
  }
  const choices = chooseMethods(forecasts);
  const shares = [...sharesWon(choices, 'final')].map(([method, share]) => `${method} ${(100 * share).toFixed(0)} %`);
  console.log(`chosen at the end: ${shares.join(', ')}`);
  return forecasts;
}

/** True for what a table may show: not of the trial. */
function scored({ fold }) {
  return fold.index !== TRIAL;
}

async function forecastOf(panel, fold, { make, every, span, hedge, notes }) {
  const estimator = make(fold);
  if (every) return forecastRefreshed(estimator, panel, fold, every, { seed: 1 });
  const fitted = await estimator.fit(panel, span?.(fold) ?? fold.train, { seed: 1 });
  const kept = fitted.diagnostics.facts.network_kept;
  if (kept !== undefined) notes.push(kept);
  return forecastFold(fitted, panel, fold, hedge);
}

function noteOf(kept) {
  return kept.length ? `  network kept in ${kept.reduce((a, b) => a + b)} of ${kept.length} folds` : '';
}

/** Mean over assets of 1 - Var(hedged) / Var(return) over all test rows, the share above 0, and the pooled r2. */
function line(name, forecasts) {
  const { assets } = forecasts[0];
  const sums = Array.from({ length: assets }, () => ({ n: 0, r: 0, rr: 0, h: 0, hh: 0, m: 0, e: 0 }));
  for (const { realised, hedged, predicted, trainingMean } of forecasts) {
    realised.forEach((r, i) => {
      const h = hedged[i];
      if (Number.isNaN(r) || Number.isNaN(h)) return;
      const sum = sums[i % assets];
      sum.n++;
      sum.r += r;
      sum.rr += r * r;
      sum.h += h;
      sum.hh += h * h;
      sum.m += (r - trainingMean[i % assets]) ** 2;
      sum.e += (r - predicted[i]) ** 2;
    });
  }
  const seen = sums.filter(({ n }) => n > 0);
  const reductions = seen.map(({ n, r, rr, h, hh }) => 1 - (hh / n - (h / n) ** 2) / (rr / n - (r / n) ** 2));
  const mean = reductions.reduce((sum, x) => sum + x, 0) / seen.length;
  const above = reductions.filter((x) => x > 0).length / seen.length;
  // As in the evaluation table: every asset's loss weighs by the inverse of its benchmark loss.
  const r2 = 1 - seen.reduce((sum, { e, m }) => sum + e / m, 0) / seen.length;
  return `${name.padEnd(21)} ${mean.toFixed(4).padStart(7)}  ${(100 * above).toFixed(0).padStart(8)} %  ${r2.toFixed(4).padStart(9)}`;
}
