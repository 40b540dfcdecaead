// node study.mjs <out dir> <seconds> [workers]: the full simulation study on many cores; resumable.
import { fork } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { runStudyCell, studyCells, summariseStudy, isNewSeed } from '@macrograd/evaluation';
if (process.send) {
  process.on('message', async (cell) => {
    const t = process.cpuUsage();
    try { const rows = await runStudyCell(cell, { threads: 1 }); const c = process.cpuUsage(t);
      process.send({ rows, cpu: (c.user + c.system) / 1e6 }); }
    catch (error) { process.send({ rows: [], error: `${JSON.stringify(cell)}: ${error.stack}` }); }
  });
} else {
  const [out, seconds, workers] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4] ?? availableParallelism())];
  mkdirSync(out, { recursive: true });
  const file = join(out, 'cells-1-of-1.jsonl');
  const key = (c) => [c.process, c.seed, c.r2, c.months, c.assets].join();
  const done = new Set(existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map((l) => key(JSON.parse(l)[0])) : []);
  const main = (c) => c.r2 === 0.3 && (c.months === 600 || c.months === 1000);
  const rank = (c) => (main(c) && isNewSeed(c.seed) ? c.seed - 100 : c.r2 !== 0.3 ? 30 : c.months === 240 ? 31 : main(c) ? 32 : 33);
  const cells = studyCells('full').filter((c) => !done.has(key(c))).sort((a, b) => rank(a) - rank(b));
  const start = Date.now(); let finished = 0, cpu = 0, open = workers;
  console.log(`${cells.length} worlds left, ${workers} workers`);
  const end = () => {
    const rows = readFileSync(file, 'utf8').trim().split('\n').flatMap((l) => JSON.parse(l, (_, v) => (v === null ? NaN : v)));
    for (const s of summariseStudy(rows.filter((r) => isNewSeed(r.seed))))
      console.log([s.process, s.r2, s.months, s.method, s.count, s.score.toFixed(3), s.withinCorrelation.toFixed(3), s.coverage.toFixed(3), s.worst.toFixed(2)].join('\t'));
    process.exit(0);
  };
  for (let w = 0; w < workers; w++) {
    const child = fork(process.argv[1]);
    const next = () => { const left = (Date.now() - start) / 1000 < seconds; if (left && cells.length) child.send(cells.shift()); else { child.kill(); if (--open === 0) end(); } };
    child.on('message', ({ rows, error, cpu: used = 0 }) => {
      if (error) console.error(error); else appendFileSync(file, `${JSON.stringify(rows)}\n`);
      cpu += used; if (++finished % 20 === 0) console.log(`${finished} done, ${cells.length} left, ${((Date.now() - start) / 1000).toFixed(0)} s, ${(cpu / finished).toFixed(1)} s CPU each`);
      next();
    });
    next();
  }
  setTimeout(end, (seconds + 60) * 1000).unref();
}
