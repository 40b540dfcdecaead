import type { PageData } from '../page-data.js';

/** A term and what it means on this page, with its unit. */
export interface Note {
  readonly term: string;
  readonly text: string;
}

/** Definitions that stand at the foot of the page. */
export function methodNotes(data: PageData, coverage: number): Note[] {
  const interval = `${Math.round(100 * coverage)} %`;
  const notes: Note[] = [
    {
      term: 'Exposure',
      text: 'How much the expected excess return changes when one factor moves and every other input stays put: the partial derivative of the expected return. Shown in % per one standard deviation (SD) of the factor, to compare factors, or in % per one unit, to use it.',
    },
    {
      term: 'Contemporaneous and cumulative',
      text: `Contemporaneous: the response in the factor's own ${data.period}. Cumulative: the sum of the responses over all lags, which is the total return that follows a move of one ${data.period}; exact for a linear method, and at the state observed on the date for the LSTM.`,
    },
    {
      term: 'Lag profile',
      text: 'The exposure to the factor as it stood so many periods before, averaged over the dates. Peak lag: the largest of them in size. Half-life: when half of the cumulative response has come.',
    },
    {
      term: 'Interval',
      text: `Covers ${interval} of the estimation error as the method sees it: coefficient uncertainty with errors robust to heteroskedasticity and autocorrelation for the regressions; the spread of the asset's weights given the data and the spread between networks for the LSTM.`,
    },
    {
      term: 'Partial and total',
      text: 'Partial: the other factors stay put. Total: they move as they usually do when this one is surprised, so that the total exposure is what a holder sees.',
    },
    {
      term: 'q-value and significance',
      text: `Every method shows the same test of the data, not of its own estimate: does the return move with the factor at all, the other factors held fixed? Methods with lags or states are asked about delayed and state-dependent effects too. The q-value is the smallest false-discovery rate at which a pair would be reported, over all assets and factors of a method together. Significant means q at most ${data.level}: among the pairs so marked that share is expected to be false. A pair that is not significant may still have an exposure; these data cannot show it. The sign is another claim, proved by the interval of the method\u2019s mean exposure: a significant pair has an open sign where the effect is delayed or changes with the state, or where the method draws its estimate towards 0.`,
    },
    {
      term: 'Out of sample',
      text: 'The history is cut into folds. Every date of a fold is read with a model that was fitted on earlier dates only. Dates before the first fold are in sample and shaded. Headline exposures use a last fit on the whole span.',
    },
    {
      term: 'Out-of-sample R\u00b2',
      text: `1 minus the squared error over the squared error of the training mean. ${
        data.horizon === 0
          ? 'At horizon 0 it is attribution: the factors of the same period are given, nothing is forecast.'
          : 'The factors are known before the return: it is a forecast.'
      } Below 0 means that the method does worse than assuming no exposure.`,
    },
    {
      term: 'Hedge variance reduction',
      text: 'Share of the variance of returns that goes away when the exposures known before a period are held against the surprises of the factors in it. Below 0 the hedge adds risk.',
    },
    {
      term: 'Diebold-Mariano and Clark-West',
      text: 'Two tests of squared errors against no exposure. The first asks whether the method as fitted was better; the second corrects for the noise of estimated coefficients, and asks whether there is any relation at all.',
    },
    {
      term: 'Chosen method',
      text: 'One method or a mix of several, taken for each asset by what was known before each fold, and scored on that fold only. It may be "no exposure", in part or as a whole; its intervals add how far the methods of a mix, no exposure among them, lie apart. Where most of a mix is no exposure, no pair of the asset is called significant.',
    },
  ];
  return notes;
}
