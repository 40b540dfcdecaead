/**
 * W5: the pooled LSTM with closed-form heads as users call it. 600 months, 6 factors, 3 members: 200 assets with lookback 1
 * and the exposures of all assets and dates; 5,000 assets; lookback 36 with 200 assets. GFLOP/s are left out, as a
 * fit ends early once left-out rows are explained no better; the steps that were taken stand in the row.
 */
import { simulateWorld } from '@macrograd/evaluation';
import { lstmEstimator } from '@macrograd/model';

const MEMBERS = 3;
/** Left-out rows are compared every so many steps: a quick fit takes two such spans. */
const QUICK_STEPS = 20;

async function readOut(fitted, panel, span) {
  let sum = 0;
  for await (const block of fitted.jacobian(panel.inputs, span, { form: 'lags' })) sum += block.values.length;
  return sum;
}

function workload(months, assets, lookback, withExposures, threads, steps) {
  const span = { start: 0, end: months };
  const { panel } = simulateWorld({ process: 'threshold', seed: 1, months, assets });
  const estimator = lstmEstimator({ lookback, members: MEMBERS, cell: 'lstm', threads, ...steps });
  let taken = null;
  return {
    workload: withExposures ? 'W5 closed-form heads, exposures' : 'W5 closed-form heads',
    shape: `T${months} F6 M${MEMBERS} N${assets} L${lookback}`,
    run: async () => {
      const fitted = await estimator.fit(panel, span, { seed: 1 });
      taken = fitted.diagnostics.facts.training_steps;
      if (withExposures) await readOut(fitted, panel, span);
    },
    extra: () => ({ steps: taken }),
  };
}

/** The three forms, and the first without exposures. */
export function closedForm(threads, isQuick) {
  const [months, many, steps] = isQuick ? [240, 400, { steps: QUICK_STEPS, longSteps: QUICK_STEPS }] : [600, 5000, {}];
  return [
    workload(months, 200, 1, false, threads, steps),
    workload(months, 200, 1, true, threads, steps),
    workload(months, many, 1, false, threads, steps),
    workload(months, 200, 36, false, threads, steps),
  ];
}
