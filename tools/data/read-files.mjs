/**
 * What reading files costs: prints one JSON object a file, each read in a process of its own. Usage:
 * node tools/data/read-files.mjs FILE...
 */
import { execFileSync } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatIsoDate } from '../../packages/core/dist/index.js';
import { readTable } from '../../packages/data/dist/index.js';

const [first, ...files] = process.argv.slice(2);
if (first === '--one') console.log(JSON.stringify(await figures(files[0])));
else {
  for (const file of [first, ...files]) {
    process.stdout.write(execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--one', file]));
  }
}

async function figures(file) {
  const before = process.cpuUsage();
  const { format, series } = await readTable(file);
  const { user, system } = process.cpuUsage(before);
  const columns = [...series.values()];
  const dates = columns.flatMap((one) => [one.dates[0], one.dates.at(-1)]);
  return {
    file: basename(file),
    format,
    series: columns.length,
    dates: Math.max(...columns.map((one) => one.dates.length)),
    values: columns.reduce((sum, { values }) => sum + values.reduce((n, x) => n + !Number.isNaN(x), 0), 0),
    first: formatIsoDate(dates.reduce((a, b) => Math.min(a, b))),
    last: formatIsoDate(dates.reduce((a, b) => Math.max(a, b))),
    cpu_s: Number(((user + system) / 1e6).toFixed(2)),
    peak_mib: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}
