/**
 * Time and memory of reading a universe: writes a csv of 7,163 stocks by 600 months (or the numbers given) into a
 * temporary folder, reads it and prints one JSON object. Usage: node tools/data/read-wide.mjs [stocks] [months]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTable } from '../../packages/data/dist/index.js';

const [stocks = 7163, months = 600] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'macrograd-wide-'));
try {
  const file = join(folder, 'prices.csv');
  const names = Array.from({ length: stocks }, (_, i) => `S${i}`);
  const rows = Array.from({ length: months }, (_, t) => {
    const date = new Date(Date.UTC(1970, t + 1, 0)).toISOString().slice(0, 10);
    return `${date},${names.map((_, i) => (50 + 20 * Math.sin(i + t / 7)).toFixed(4)).join(',')}`;
  });
  writeFileSync(file, [`date,${names.join(',')}`, ...rows].join('\n'));
  const [before, started] = [process.cpuUsage(), Date.now()];
  const { series } = await readTable(file);
  const { user, system } = process.cpuUsage(before);
  const figures = {
    stocks: series.size,
    months,
    cpu_s: (user + system) / 1e6,
    wall_s: (Date.now() - started) / 1e3,
    peak_mib: Math.round(process.resourceUsage().maxRSS / 1024),
  };
  console.log(JSON.stringify(figures));
} finally {
  rmSync(folder, { recursive: true });
}
