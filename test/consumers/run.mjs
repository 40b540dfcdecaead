/**
 * Runs every consumer on the last window of a finished run and compares what it prints: exposures with the `final` rows
 * of exposures.parquet, TensorFlow.js's returns with the stored model's. `node test/consumers/run.mjs [config] [result
 * directory]`, by default the sample's. docs/consumers.md shows the part of each that stands between `docs` and `end`.
 *
 * A consumer whose language is not there is skipped in words: Python with onnxruntime and pandas (MACROGRAD_PYTHON names
 * the interpreter), Chromium (CHROMIUM), Rust.
 */
import { execFile, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { formatIsoDate } from '@macrograd/core';
import { fromParameters } from '@macrograd/model';
import { exportOnnxModel, exportTfjsModel, loadConfig, run } from '@macrograd/pipeline';
import { readModel, readTable, stringAt } from '@macrograd/store';
import { build } from 'esbuild';

const here = import.meta.dirname;
const workspace = join(here, '..', '..');
const execute = promisify(execFile);
const require = createRequire(import.meta.url);
const [config = join(workspace, 'packages', 'data', 'sample', 'config.yaml'), result = join(workspace, 'out')] =
  process.argv.slice(2);

/** float32 in every runtime against the run's own float64 arithmetic on float32 weights. */
const TOLERANCE = 1e-5;
const TIMEOUT_MS = 300_000;

/** Writes the window of the last date; returns the date. */
function writeWindow(file, { axis, inputs }, lookback) {
  const rows = axis.dates.length;
  const series = inputs.factors.length;
  const lines = [['date', ...inputs.factors.map(({ name }) => name)].join()];
  for (let row = rows - lookback; row < rows; row++) {
    const values = [...inputs.values.subarray(row * series, (row + 1) * series)];
    lines.push([formatIsoDate(axis.dates[row]), ...values.map((x) => (Number.isNaN(x) ? '' : x))].join());
  }
  writeFileSync(file, `${lines.join('\n')}\n`);
  return axis.dates[rows - 1];
}

/** Cumulative exposures of the fit on the whole span at a date, [asset][factor]. */
async function expectedExposures(method, date, { assets, inputs }) {
  const { rows, columns } = await readTable(result, 'exposures');
  const factors = inputs.factors.filter(({ role }) => role === 'factor').map(({ name }) => name);
  const places = new Map(assets.flatMap(({ name }, a) => factors.map((factor, f) => [`${name}\n${factor}`, [a, f]])));
  const out = assets.map(() => factors.map(() => Number.NaN));
  for (let row = 0; row < rows; row++) {
    if (columns.date[row] !== date || stringAt(columns.fit, row) !== 'final') continue;
    if (stringAt(columns.method, row) !== method || stringAt(columns.kind, row) !== 'cumulative') continue;
    const [a, f] = places.get(`${stringAt(columns.asset, row)}\n${stringAt(columns.factor, row)}`);
    out[a][f] = columns.exposure[row];
  }
  return out;
}

/** Compares printed lines of numbers, one line an asset, with as many of the expected ones; throws when they differ. */
function compare(printed, expected) {
  const lines = printed.trim().split('\n');
  const largest = Math.max(...expected.flat().filter(Number.isFinite).map(Math.abs));
  let error = 0;
  let compared = 0;
  lines.forEach((line, asset) => {
    const cells = line.split(',');
    if (cells.length !== expected[asset]?.length) throw new Error(`printed ${line}`);
    cells.forEach((cell, factor) => {
      const wanted = expected[asset][factor];
      const value = cell === '' ? Number.NaN : Number(cell);
      if (Number.isNaN(wanted) && Number.isNaN(value)) return;
      const difference = Math.abs(value - wanted) / largest;
      error = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(error, difference);
      compared++;
    });
  });
  if (!(error <= TOLERANCE) || compared === 0) throw new Error(`differs by ${error} of the largest`);
  return `${compared} numbers, largest difference ${error.toExponential(1)} of the largest`;
}

class Skipped extends Error {}

async function printedBy(folder, command, args, env = {}) {
  const options = { cwd: folder, env: { ...process.env, ...env }, timeout: TIMEOUT_MS, maxBuffer: 1 << 26 };
  return (await execute(command, args, options)).stdout;
}

async function python(folder) {
  const interpreter = process.env.MACROGRAD_PYTHON ?? 'python3';
  try {
    await execute(interpreter, ['-c', 'import onnxruntime, pandas']);
  } catch {
    throw new Skipped(`${interpreter} has no onnxruntime and pandas: set MACROGRAD_PYTHON to one that has`);
  }
  return printedBy(folder, interpreter, [join(here, 'python', 'exposures.py')]);
}

async function rust(folder) {
  // The one that comes with onnxruntime-node serves any program.
  const addon = dirname(require.resolve('onnxruntime-node/package.json'));
  const bin = join(addon, 'bin', 'napi-v6', process.platform, process.arch);
  const library =
    existsSync(bin) && readdirSync(bin).find((name) => /^(lib)?onnxruntime\.(so|dylib|dll|\d)/.test(name));
  if (!library) throw new Skipped(`no ONNX Runtime library for ${process.platform}/${process.arch}`);
  const manifest = join(here, 'rust', 'Cargo.toml');
  try {
    await execute('cargo', ['fetch', '--locked', '--manifest-path', manifest], { timeout: TIMEOUT_MS });
  } catch (error) {
    throw new Skipped(`its crates can't be had: ${error.message.split('\n')[0]}`);
  }
  const args = ['run', '--release', '--quiet', '--locked', '--manifest-path', manifest];
  return printedBy(folder, 'cargo', args, { ORT_DYLIB_PATH: join(bin, library) });
}

const MIME = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/**
 * Sends what a page writes into its #result, or the error that ends it, back to the server: waiting for it leaves time to
 * compile WebAssembly, for which Chromium's own --dump-dom does not wait.
 */
const WATCH = `<script>
  const send = (body) => fetch('result', { method: 'POST', body });
  const element = document.querySelector('#result');
  new MutationObserver(() => send(element.textContent)).observe(element, { childList: true });
  addEventListener('error', ({ message }) => send(message));
  addEventListener('unhandledrejection', ({ reason }) => send(String(reason)));
</script>`;

/** What a page writes into its #result; `files` by the name under which the page fetches them. */
async function pageResult(folder, files) {
  const candidates = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome'];
  const chromium = candidates.find((path) => path && existsSync(path));
  if (!chromium) throw new Skipped('no Chromium: set CHROMIUM to its path');
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    `--user-data-dir=${mkdtempSync(join(folder, 'profile-'))}`,
  ];
  try {
    await execute(chromium, [...flags, '--dump-dom', 'about:blank'], { timeout: TIMEOUT_MS });
  } catch (error) {
    throw new Skipped(`${chromium} does not start: ${error.message.split('\n')[0]}`);
  }
  const result = {};
  result.promise = new Promise((resolve, reject) => Object.assign(result, { resolve, reject }));
  // Its own try reads it: what comes before is no unhandled rejection.
  result.promise.catch(() => {});
  const server = createServer((request, response) => {
    const name = request.url === '/' ? 'index.html' : request.url.slice(1);
    if (request.method === 'POST') {
      text(request).then(result.resolve, result.reject);
      return response.writeHead(204).end();
    }
    if (!Object.hasOwn(files, name)) return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': MIME[extname(name)] ?? 'application/octet-stream' });
    const content = readFileSync(files[name]);
    return response.end(name === 'index.html' ? `${content}`.replace('</pre>', `</pre>${WATCH}`) : content);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${server.address().port}/`;
  // A group of its own, to be ended with all its processes.
  const options = { cwd: folder, stdio: 'ignore', detached: true };
  const page = spawn(chromium, [...flags, '--remote-debugging-port=0', address], options);
  page.once('error', result.reject);
  page.once('exit', () => result.reject(new Error('the browser ended before the page had a result')));
  const late = setTimeout(() => result.reject(new Error('the page shows no result')), TIMEOUT_MS);
  try {
    return await result.promise;
  } finally {
    clearTimeout(late);
    page.removeAllListeners('exit');
    if (page.pid !== undefined && page.exitCode === null) process.kill(-page.pid, 'SIGKILL');
    server.close();
    server.closeAllConnections();
  }
}

/** Files of a folder whose names match, by name. */
function filesOf(folder, pattern) {
  const names = readdirSync(folder).filter((name) => pattern.test(name));
  return Object.fromEntries(names.map((name) => [name, join(folder, name)]));
}

function browser(folder) {
  return pageResult(folder, {
    'index.html': join(here, 'browser', 'index.html'),
    'exposures.onnx': join(folder, 'out', 'onnx', 'exposures.onnx'),
    'window.csv': join(folder, 'window.csv'),
    ...filesOf(dirname(require.resolve('onnxruntime-web')), /^ort(-wasm-simd-threaded|\.wasm\.min)\.(mjs|wasm)$/),
  });
}

/** A page's program, bundled as a web application's would be. */
async function bundled(program, folder) {
  const outfile = join(folder, 'page.js');
  await build({ entryPoints: [program], bundle: true, format: 'esm', target: 'es2022', logLevel: 'error', outfile });
  return outfile;
}

async function tfjsPage(folder) {
  const { files } = await exportTfjsModel(result);
  return pageResult(folder, {
    'index.html': join(here, 'tfjs', 'index.html'),
    'page.js': await bundled(join(here, 'tfjs', 'page.mjs'), folder),
    'window.csv': join(folder, 'window.csv'),
    ...Object.fromEntries(files.map(({ file }) => [`tfjs/${basename(file)}`, file])),
    ...filesOf(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')), /\.wasm$/),
  });
}

/** The kernel itself in a page, against PyTorch: how far it is off, in words; throws where that is too far. */
async function kernelPage(folder) {
  const module = join(workspace, 'packages', 'kernel-wasm', 'macrograd.wasm');
  if (!existsSync(module)) throw new Skipped('the build left macrograd.wasm out; it says why');
  const lines = (
    await pageResult(folder, {
      'index.html': join(here, 'kernel', 'index.html'),
      'page.js': await bundled(join(here, 'kernel', 'page.mjs'), folder),
      'macrograd.wasm': module,
      'golden.txt': join(workspace, 'native', 'crates', 'lstm', 'tests', 'kernel', 'golden.txt'),
    })
  ).split('\n');
  const wrong = lines.find((line) => {
    const [, error, bound] = line.split(',').map(Number);
    return !(error <= bound);
  });
  if (wrong !== undefined) throw new Error(wrong || 'the page shows no result');
  const largest = (kind) =>
    Math.max(...lines.filter((line) => line.includes(kind)).map((line) => Number(line.split(',')[1]))).toExponential(1);
  return `${lines.length} arrays of PyTorch's, off by ${largest('Float32')} in float32, ${largest('Float64')} in float64`;
}

/** Returns of the stored LSTM at the last row, one line an asset. */
async function expectedReturns({ inputs }) {
  const { parameters } = readModel(join(result, 'models', 'lstm'));
  const rows = inputs.axis.dates.length;
  const { values } = await fromParameters(parameters).predict(inputs, { start: rows - 1, end: rows });
  return Array.from(values, (value) => [value]);
}

const node = (folder) => printedBy(folder, process.execPath, [join(here, 'node', 'exposures.mjs')]);

if (!existsSync(join(result, 'run.json'))) await run((await loadConfig(config)).config, { output: result });
const { panel } = await loadConfig(config);
const folder = mkdtempSync(join(tmpdir(), 'macrograd-consumers-'));
// As long as any lookback of the sample's methods; a longer window changes nothing.
const LOOKBACK = 36;
const date = writeWindow(join(folder, 'window.csv'), panel, LOOKBACK);
let failed = false;

/** Runs a consumer and says how it went; without expected numbers it says so itself. */
async function check(name, consume, expected) {
  try {
    const said = await consume(folder);
    console.log(`ok       ${name}: ${expected ? compare(said, expected) : said}`);
  } catch (error) {
    if (!(error instanceof Skipped)) failed = true;
    console.log(`${error instanceof Skipped ? 'skipped ' : 'FAILED  '} ${name}: ${error.message}`);
  }
}

/** Exports a method, puts its file where the consumers look, and gives what they are to print. */
async function served(method) {
  const [exported] = await exportOnnxModel(result, method === undefined ? {} : { method });
  const model = exported.files.find(({ file }) => file.endsWith('exposures.onnx')).file;
  mkdirSync(join(folder, 'out', 'onnx'), { recursive: true });
  copyFileSync(model, join(folder, 'out', 'onnx', 'exposures.onnx'));
  return expectedExposures(exported.method, date, panel);
}

try {
  const expected = await served();
  await check('Node', node, expected);
  await check('Python', python, expected);
  await check('browser', browser, expected);
  await check('Rust', rust, expected);
  // All assets: the first ones may have been given no exposure.
  await check('Rust, the chosen mix', rust, await served('chosen'));
  await check('TensorFlow.js in a browser', tfjsPage, await expectedReturns(panel));
  await check('the kernel in a browser', kernelPage);
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exit(failed ? 1 : 0);
