import type { Headline } from '@macrograd/pipeline';
import { expect, it } from 'vitest';
import { summaryText } from '../src/summary.js';

const record = {
  name: 'small',
  horizon: 0,
  assets: [{ name: 'A0' }],
  span: { start: '2000-01-31', end: '2010-12-31' },
  folds: 2,
  screening_level: 0.1,
  interval_coverage: 0.9,
  checks: [],
  warnings: [],
} as unknown as Headline['record'];

it('says that selected exposures have open signs, and prints no empty table', () => {
  const text = summaryText({ record, methods: [], selected: 6, screened: 48, strongest: [] });
  expect(text).toContain('6 of 48 selected');
  expect(text).toContain('no mean exposure has a sure sign: every 90 % interval holds 0');
  expect(text).not.toMatch(/asset +factor/);
});
