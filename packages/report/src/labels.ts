/** Names as a person reads them; an unknown method or status shows as it is written. */

const methodNames: Readonly<Record<string, string>> = {
  zero: 'No exposure',
  ols: 'OLS',
  rolling_ols: 'Rolling OLS',
  ewm_ols: 'Weighted OLS',
  wls: 'Noise-weighted OLS',
  ridge: 'Ridge',
  lasso: 'LASSO',
  elastic_net: 'Elastic net',
  pls: 'Partial least squares',
  fama_macbeth: 'Fama-MacBeth',
  pca: 'PCA',
  var: 'VAR',
  kalman: 'Kalman',
  markov: 'Markov switching',
  threshold: 'Threshold',
  distributed_lag: 'Distributed lag',
  spline: 'Spline',
  lstm: 'LSTM',
  chosen: 'Chosen',
};

/** What each method does, in one line. */
const methodHints: Readonly<Record<string, string>> = {
  zero: 'Predicts the training mean and hedges nothing: the benchmark that every method has to beat.',
  ols: 'Least squares on all data before the fold; one exposure for all dates.',
  rolling_ols: 'Least squares on a moving window of recent data.',
  ewm_ols: 'Least squares with weights that fade into the past, drawn towards the average of all assets.',
  wls: 'Least squares in which turbulent months weigh less.',
  ridge: 'Least squares with exposures drawn towards zero, by as much as pays on left-out years.',
  lasso: 'Least squares that sets exposures which do not pay on left-out years to exactly zero.',
  elastic_net: 'Between ridge and LASSO: factors that move together stay together.',
  pls: 'Least squares on the few directions of the factors that move most with the returns.',
  fama_macbeth: 'Least squares whose mean returns are what the exposures earn across assets.',
  pca: 'Least squares on the main directions in which the factors move together, mapped back to the factors.',
  var: 'Least squares on current and lagged factors, which follow a vector autoregression.',
  markov: 'Least squares whose coefficients and noise switch with a hidden state of the market, asset by asset.',
  threshold: 'Least squares with other coefficients above a threshold of a series, where a test says that they change.',
  lstm: 'Recurrent network over a window of macro history, shared by all assets unless the configuration wants one each; its derivative is the exposure.',
  chosen: 'For each asset the method or mix of methods chosen with what was known before each fold.',
};

const statusNames: Readonly<Record<string, string>> = {
  ok: 'ok',
  too_few_observations: 'too few observations',
  rank_deficient: 'factors not separable',
  not_converged: 'not converged',
  regime_barely_seen: 'regime barely seen',
  no_data: 'no data',
};

/** Okabe and Ito's palette: told apart with every common colour blindness. */
const methodColours: Readonly<Record<string, string>> = {
  zero: '#8a8a8a',
  ols: '#0072b2',
  rolling_ols: '#56b4e9',
  ewm_ols: '#e69f00',
  wls: '#a6761d',
  ridge: '#1b7837',
  lasso: '#7fbf7b',
  elastic_net: '#4d9221',
  pls: '#c51b7d',
  fama_macbeth: '#878787',
  pca: '#b8860b',
  var: '#6a51a3',
  kalman: '#009e73',
  markov: '#117733',
  threshold: '#882255',
  distributed_lag: '#cc79a7',
  spline: '#b0a000',
  lstm: '#d55e00',
};

/** Where the palette is too dark for a dark page. */
const brightColours: Readonly<Record<string, string>> = { ols: '#3b9ad9', lstm: '#f0803c', var: '#a08fd8' };

/** What a method's colour depends on: `text` stands for the chosen mix. */
interface MethodTheme {
  readonly text: string;
  readonly dark: boolean;
}

/** Colour of small marks in running text, on light and dark pages. */
export const markTheme: MethodTheme = { text: 'currentColor', dark: false };

/** Display name of a method. */
export function methodName(method: string): string {
  return methodNames[method] ?? method;
}

/** One line on what a method does, or an empty string. */
export function methodHint(method: string): string {
  return methodHints[method] ?? '';
}

/** Display name of a fit's status. */
export function statusName(status: string): string {
  return statusNames[status] ?? status;
}

/** Colour of a method on every chart; `chosen` takes the text's colour. */
export function methodColour(method: string, theme: MethodTheme): string {
  return (theme.dark ? brightColours[method] : undefined) ?? methodColours[method] ?? theme.text;
}
