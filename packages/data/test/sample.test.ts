import { test } from 'vitest';
import { buildPanel, describePanel } from '../src/index.js';
import { sampleSpec } from './sampleSpec.js';
test('x', async () => {
  const t0 = Date.now();
  const { panel, notes, tables } = await buildPanel(sampleSpec);
  console.log(Date.now() - t0, notes, tables.length);
  const d = describePanel(panel);
  console.log(d.rows, d.first, d.last, d.completeRows);
  for (const s of [...d.series, ...d.assets]) console.log(s.name, s.first, s.last, s.observed, s.gaps, s.mean.toFixed(4), s.sd.toFixed(4), s.source, 'unit' in s ? s.unit + s.role : s.labels);
});
