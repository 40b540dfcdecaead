import { expect, test } from 'vitest';
import { driftSentence } from '../src/page/drift.js';
import { whatThisSays } from '../src/page/says.js';
import type { Maybe, PageData, PageScores, PageSummary } from '../src/page-data.js';

const block = (mean: Maybe[], selected: (0 | 1)[]): PageSummary => ({
  mean,
  lo: mean,
  hi: mean,
  latest: mean,
  q: selected.map((yes) => (yes ? 0.01 : 0.6)),
  selected,
  peakLag: mean.map(() => null),
  halfLife: mean.map(() => null),
  peakLagLo: [],
  peakLagHi: [],
  halfLifeLo: [],
  halfLifeHi: [],
  status: mean.map(() => 0),
});

const scores = (r2: Maybe[]): PageScores => ({
  r2,
  hedge: r2,
  dmStat: r2,
  dmP: r2,
  cwP: r2,
  pooledR2: null,
});

/** Two assets, two factors, two methods. */
const data: PageData = {
  assets: [
    { name: 'A', labels: [] },
    { name: 'B', labels: ['survivor'] },
  ],
  factors: ['INFL', 'TERM'].map((name) => ({ name, unit: 'pp', transform: 'diff', sd: 1, releaseLag: 0, source: '' })),
  methods: ['zero', 'ols', 'lstm'],
  statuses: ['ok'],
  level: 0.1,
  horizon: 0,
  period: 'month',
  choices: [[{ method: 'lstm', weight: 1 }], [{ method: 'ols', weight: 1 }]],
  reasons: ['', ''],
  summary: {
    ols: block([0.01, 0.002, -0.01, 0.003], [1, 0, 0, 0]),
    lstm: block([-0.01, 0.002, -0.01, 0.003], [1, 0, 1, 0]),
  },
  scores: {
    zero: scores([0, 0]),
    ols: scores([0.02, 0.04]),
    lstm: scores([-0.01, 0.03]),
    chosen: scores([-0.01, 0.04]),
  },
  dates: [],
  regions: [],
  seriesKeys: [],
  lagMethods: [],
  lagCount: 0,
  blobs: [null, null],
};

test('counts significant pairs and says what is not provable', () => {
  const [first, second] = whatThisSays(data);
  expect(first).toContain('2 of 4 asset-factor pairs, in 2 of 2 assets, are significant by the LSTM');
  expect(first).toContain('for the other 2 an exposure is not provable');
  expect(second).toContain('the screen of the data finds 1 linear link within the month');
  expect(second).toContain('INFL: 2 assets, all negative');
});

test('parts what moves from what has a sure sign', () => {
  const wide = { ...data.summary.lstm, lo: [-0.03, 0, -0.02, 0], hi: [0.01, 0.004, -0.001, 0.006] };
  const [first] = whatThisSays({ ...data, summary: { ...data.summary, lstm: wide } });
  expect(first).toContain('Of those that are significant, one has a mean exposure whose interval contains 0');
  expect(whatThisSays(data)[0]).not.toContain('contains 0');
});

test('says that nothing can be told from chance when nothing is selected', () => {
  const nothing = block([0.01, 0.002, -0.01, 0.003], [0, 0, 0, 0]);
  const [first, second] = whatThisSays({ ...data, summary: { ols: nothing, lstm: nothing } });
  expect(first).toContain('None of the 4 asset-factor pairs');
  expect(second).not.toContain('most significant links');
});

test('says that the LSTM loses where it loses', () => {
  const text = whatThisSays(data).join('\n');
  expect(text).toContain('the LSTM loses to OLS, its hardest traditional rival: better in 0 of 2 assets');
  expect(text).toContain('In 1 it does no better than claiming no exposure');
});

test('calls horizon 0 attribution and a positive horizon a forecast', () => {
  expect(whatThisSays(data).join('\n')).toContain('attribution');
  expect(whatThisSays({ ...data, horizon: 3 }).join('\n')).toContain('a forecast 3 months ahead');
});

test('admits a negative median', () => {
  const worse = { ...data, scores: { ...data.scores, chosen: scores([-0.05, -0.01]) } };
  expect(whatThisSays(worse).join('\n')).toContain('explain nothing beyond the mean return');
});

test('leaves computed assets out of the counts and says so', () => {
  const assets = [data.assets[0], { name: 'Bond', labels: ['computed'] }];
  const text = whatThisSays({ ...data, assets }).join('\n');
  expect(text).toContain('1 of 2 asset-factor pairs, in 1 of 1 asset, are significant by the LSTM');
  expect(text).toContain('1 computed asset, whose exposures are known beforehand, is left out');
});

test('drift is told of the LSTM beside least squares, and of another seed; without records nothing is said', () => {
  const record = { from: 'all', to: 'all', pairs: 100 };
  const refit = (method: string, outside: number) => ({
    ...record,
    method,
    kind: 'refit' as const,
    outside,
    change: 1,
  });
  const seed = { ...record, method: 'lstm', kind: 'seed' as const, outside: 0.02, change: 0.31 };
  const single = { ...refit('lstm', 0.9), from: '0', to: '1' };
  const [said, ...rest] = driftSentence([single, refit('lstm', 0.04), refit('ols', 0.12), seed], 0.9);
  expect(rest).toEqual([]);
  expect(said).toBe(
    'From one refit to the next, read at the same date, the earlier exposure lies outside the later 90 % interval for 4 % of the pairs by the LSTM and 12 % of the pairs by OLS; with another seed the LSTM\u2019s exposures change by 0.31 of their standard errors (root mean square), and 2 % leave their interval.',
  );
  expect(driftSentence([seed], 0.9)[0]).toMatch(/^With another seed/);
  expect(driftSentence([single], 0.9)).toEqual([]);
  expect(driftSentence([], 0.9)).toEqual([]);
});
