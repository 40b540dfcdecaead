import { column, conditioned, type Effect, inPercent, linearEffect, logistic, softplus } from './effects.js';
import { CREDIT, FACTOR_SD, GROWTH, INFLATION, RATE_CHANGE } from './macro_process.js';

/** Credit x (1 + .9 tanh m_t), m_t = .9 m_{t-1} + .33 z_drate,t: credit matters more after cumulated tightening. */
export function tighteningEffect(z: Float64Array): Effect {
  const credit = column(z, CREDIT);
  let stock = 0;
  const squeezed = column(z, RATE_CHANGE).map((change) => {
    stock = 0.9 * stock + 0.33 * change;
    return Math.tanh(stock);
  });
  return conditioned(linearEffect(z, CREDIT), {
    value: credit.map((x, t) => x * (1 + 0.9 * squeezed[t])),
    slopes: [
      { factor: CREDIT, values: squeezed.map((m) => 1 + 0.9 * m) },
      { factor: RATE_CHANGE, values: credit.map((x, t) => x * 0.9 * 0.33 * (1 - squeezed[t] ** 2)) },
    ],
  });
}

/**
 * Growth x (1 - 2 s_t), where s_t = s_{t-1} + up (1 - s_{t-1}) - down s_{t-1} enters a regime above 5 % inflation and
 * leaves it below 2.5 %: which of the two was crossed last decides in between.
 */
export function hysteresisEffect(z: Float64Array): Effect {
  const growth = column(z, GROWTH);
  const inflation = column(z, INFLATION).map(inPercent);
  const slope = new Float64Array(growth.length);
  let regime = 0;
  const regimes = inflation.map((level, t) => {
    const up = logistic((level - 5) / 0.3);
    const down = logistic((2.5 - level) / 0.3);
    slope[t] = ((up * (1 - up) * (1 - regime) + down * (1 - down) * regime) / 0.3) * FACTOR_SD[INFLATION];
    regime += up * (1 - regime) - down * regime;
    return regime;
  });
  return conditioned(linearEffect(z, GROWTH), {
    value: growth.map((x, t) => x * (1 - 2 * regimes[t])),
    slopes: [
      { factor: GROWTH, values: regimes.map((s) => 1 - 2 * s) },
      { factor: INFLATION, values: growth.map((x, t) => -2 * x * slope[t]) },
    ],
  });
}

/** Rounding of the running peak, and what it forgets a month, in SDs of growth. */
const PEAK_WIDTH = 0.1;
const PEAK_DECAY = 0.05;

/**
 * Credit x (.25 + 1.5 tanh(d_t / 1.5)): credit matters more the further activity lies below its last peak. Activity
 * a_t = .95 a_{t-1} + .3 z_growth,t; drawdown d_t = w log(1 + e^((p_{t-1} - .05 - a_t) / w)), w = .1; peak p_t = a_t + d_t.
 */
export function drawdownEffect(z: Float64Array): Effect {
  const credit = column(z, CREDIT);
  const growth = column(z, GROWTH);
  const slope = new Float64Array(growth.length);
  let activity = 0;
  let peak = 0;
  const factor = growth.map((news, t) => {
    activity = 0.95 * activity + 0.3 * news;
    const below = (peak - PEAK_DECAY - activity) / PEAK_WIDTH;
    const stress = Math.tanh((PEAK_WIDTH * softplus(below)) / 1.5);
    slope[t] = (-0.3 * 1.5 * logistic(below) * (1 - stress ** 2)) / 1.5;
    peak = activity + PEAK_WIDTH * softplus(below);
    return 0.25 + 1.5 * stress;
  });
  return conditioned(linearEffect(z, CREDIT), {
    value: credit.map((x, t) => x * factor[t]),
    slopes: [
      { factor: CREDIT, values: factor },
      { factor: GROWTH, values: credit.map((x, t) => x * slope[t]) },
    ],
  });
}

/**
 * Growth x (1 - .9 tanh((u_t - 1) / .4)), u_t = .9 u_{t-1} + .1 z_drate,t^2: news of growth counts for less while rates have
 * been moving a lot, whichever way.
 */
export function uncertaintyEffect(z: Float64Array): Effect {
  const growth = column(z, GROWTH);
  const slope = new Float64Array(growth.length);
  let moves = 1;
  const factor = column(z, RATE_CHANGE).map((change, t) => {
    moves = 0.9 * moves + 0.1 * change ** 2;
    const calm = Math.tanh((moves - 1) / 0.4);
    slope[t] = (-0.9 * (1 - calm ** 2) * 0.2 * change) / 0.4;
    return 1 - 0.9 * calm;
  });
  return conditioned(linearEffect(z, GROWTH), {
    value: growth.map((x, t) => x * factor[t]),
    slopes: [
      { factor: GROWTH, values: factor },
      { factor: RATE_CHANGE, values: growth.map((x, t) => x * slope[t]) },
    ],
  });
}
