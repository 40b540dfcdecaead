// Instructions of a workload by kind, and its misses of the caches, counted by valgrind's simulation:
//   cargo build --release --example bench -p macrograd-lstm --manifest-path native/Cargo.toml
//   node tools/bench/instructions.mjs W1a W2 W3t        needs valgrind and objdump
// Small sizes (`--quick`), one thread, the timed calls alone. Caches as of one core of Zen 3: 32 kB, then 512 kB. Minutes each, most of them the peak's.
// cspell:words andn blendv insn movap paddd psll shuf unpck vbroadcast vcvt vdivp vmov vmovd vmovdq vmovq vmovs

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const target = process.env.CARGO_TARGET_DIR ?? 'native/target';
const binary = process.env.MACROGRAD_BENCH ?? join(target, 'release/examples/bench');

const KINDS = [
  ['fused products', /^vfn?m(add|sub)/],
  ['broadcasts', /^vbroadcast/],
  ['moves of vectors', /^vmov[au]p|^vmovdq/],
  ['divisions', /^vdivp/],
  [
    'other vector arithmetic',
    /^v(add|sub|mul|min|max|and|andn|or|xor|cmp|blendv|round|shuf|unpck|perm|insert|extract|psll|paddd|sqrt)/,
  ],
  ['scalar moves and conversions', /^vmovs[sd]|^vcvt|^v?movap|^vmovd|^vmovq/],
  ['jumps', /^j/],
];

const kindOf = (mnemonic) => KINDS.find(([, pattern]) => pattern.test(mnemonic))?.[0] ?? 'addresses, loops, other';

/** Mnemonic of every instruction of the binary, by address. */
function mnemonics() {
  const lines = execFileSync('objdump', ['-d', '--no-show-raw-insn', binary], { maxBuffer: 2 ** 30 })
    .toString()
    .split('\n');
  const found = lines.map((line) => /^\s+([0-9a-f]+):\s+(\S+)/.exec(line)).filter(Boolean);
  return new Map(found.map(([, address, mnemonic]) => [Number.parseInt(address, 16), mnemonic]));
}

/** Events of every address of the binary in a file of callgrind's, `{ Ir, Dr, ... }` each. */
function costs(file) {
  const events = [];
  const all = new Map();
  let own = false;
  let afterCall = false;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line.startsWith('events:')) events.push(...line.slice(7).trim().split(' '));
    if (line.startsWith('ob=')) own = line.endsWith(binary.split('/').at(-1));
    if (line.startsWith('calls=')) afterCall = true;
    if (!line.startsWith('0x')) continue;
    // The line after a call holds what the callee cost.
    if (own && !afterCall) {
      const [address, , ...values] = line.split(' ');
      const at = Number.parseInt(address, 16);
      const sum = all.get(at) ?? new Array(events.length).fill(0);
      values.forEach((value, index) => {
        sum[index] += Number(value);
      });
      all.set(at, sum);
    }
    afterCall = false;
  }
  return { events, all };
}

function report(workload, names, folder) {
  const file = join(folder, workload);
  const simulation = [
    '--tool=callgrind',
    '--dump-instr=yes',
    '--compress-pos=no',
    '--compress-strings=no',
    '--cache-sim=yes',
  ];
  const caches = ['--I1=32768,8,64', '--D1=32768,8,64', '--LL=524288,8,64', '--toggle-collect=bench::time*'];
  const run = [binary, '--quick', '--threads', '1', '--only', workload];
  execFileSync('valgrind', [...simulation, ...caches, `--callgrind-out-file=${file}`, ...run], { stdio: 'ignore' });
  const { events, all } = costs(file);
  const total = (event) => [...all.values()].reduce((sum, values) => sum + (values[events.indexOf(event)] ?? 0), 0);
  const instructions = total('Ir');
  const shares = new Map();
  for (const [address, values] of all) {
    const kind = kindOf(names.get(address) ?? '');
    shares.set(kind, (shares.get(kind) ?? 0) + values[0]);
  }
  const percent = (count) => `${((100 * count) / instructions).toFixed(1)} %`;
  console.log(`${workload}: ${(instructions / 1e6).toFixed(1)} million instructions`);
  const order = [...shares].sort((a, b) => b[1] - a[1]);
  for (const [kind, count] of order) console.log(`  ${kind}: ${percent(count)}`);
  const misses = (level) => (1000 * (total(`${level}mr`) + total(`${level}mw`))) / instructions;
  console.log(
    `  misses a thousand instructions: ${misses('D1').toFixed(2)} of 32 kB, ${misses('DL').toFixed(2)} of 512 kB`,
  );
}

const folder = mkdtempSync(join(tmpdir(), 'instructions-'));
try {
  const names = mnemonics();
  for (const workload of process.argv.slice(2)) report(workload, names, folder);
} finally {
  rmSync(folder, { recursive: true });
}
