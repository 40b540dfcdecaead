/**
 * What `npm start`, `npm test`, `npm run build`, `test:e2e`, `check`, `bench` and `bench:peers` run. It needs nothing but
 * Node and Rust (the last one Python too): it installs the dependencies when the lock file changed, builds what is stale
 * (nx) and then does the verb.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const workspace = join(import.meta.dirname, '..', '..');
const bin = (name) => join(workspace, 'node_modules', '.bin', name);
const environment = {
  ...process.env,
  NX_NO_CLOUD: 'true',
  NX_DAEMON: 'false',
  NX_TUI: 'false',
  // Its install script would fetch GPU libraries; the CPU ones are in the package.
  ONNXRUNTIME_NODE_INSTALL: 'skip',
};

class SetupError extends Error {}

/** Runs a command in the workspace with its output shown; throws when it fails. */
function show(command, ...args) {
  showOn('inherit', command, ...args);
}

/** As {@link show}, with the command's standard output on the given stream. */
function showOn(stdout, command, ...args) {
  const stdio = ['inherit', stdout, 'inherit'];
  const { status, signal, error } = spawnSync(command, args, { cwd: workspace, stdio, env: environment });
  if (error) throw new SetupError(`${command} could not be started: ${error.message}`);
  if (signal) process.exit(130);
  if (status !== 0) process.exit(status);
}

function requireTools() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new SetupError(
      `macrograd needs Node 20.19 or later, and this is ${process.versions.node}: install it with "nvm install 20"`,
    );
  }
  const cargo = spawnSync('cargo', ['--version'], { cwd: workspace });
  if (cargo.error || cargo.status !== 0) {
    throw new SetupError(
      "macrograd's kernel is built with Rust, which was not found here: install it with " +
        '"curl --proto \'=https\' --tlsv1.2 -sSf https://sh.rustup.rs | sh", open a new shell and repeat this command',
    );
  }
}

function installDependencies() {
  const lock = createHash('sha256')
    .update(readFileSync(join(workspace, 'package-lock.json')))
    .digest('hex');
  const stamp = join(workspace, 'node_modules', '.macrograd-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('Installing the dependencies of package-lock.json');
  // Not on the standard output, which belongs to what was asked for.
  showOn(2, 'npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error');
  writeFileSync(stamp, lock);
}

/** Runs nx with every task's output shown. */
function nx(...args) {
  show(bin('nx'), ...args, '--output-style=static');
}

/** Builds what is stale. nx's output is of interest only on failure; `say` takes the progress line. */
function build(say = (text) => process.stdout.write(text)) {
  const started = Date.now();
  say('Building (the first time takes a few minutes) ... ');
  const result = spawnSync(bin('nx'), ['run-many', '-t', 'build', '--output-style=static'], {
    cwd: workspace,
    env: environment,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (result.status !== 0) {
    console.error(`failed\n${result.stdout ?? ''}${result.stderr ?? ''}`);
    process.exit(result.status ?? 1);
  }
  say(`done in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

const verbs = {
  build: () => build(),
  start: (...args) => {
    build();
    show(
      process.execPath,
      join('packages', 'cli', 'dist', 'main.js'),
      'run',
      join('packages', 'data', 'sample', 'config.yaml'),
      '--output',
      'out',
      ...args,
    );
  },
  test: (...args) => {
    nx('run-many', '-t', 'test', ...args);
    show(process.execPath, join('tools', 'setup', 'count-tests.mjs'));
  },
  'test:e2e': (...args) => {
    build();
    show(process.execPath, join('test', 'consumers', 'run.mjs'), ...args);
  },
  check: () => show(process.execPath, join('tools', 'setup', 'check.mjs')),
  'bench:peers': (...args) => {
    // Rows that were measured before need no addon.
    if (!args.includes('--rows')) build((text) => process.stderr.write(text));
    show('python3', join('tools', 'bench', 'peers', 'run.py'), ...args);
  },
  bench: (...args) => {
    // With --json the standard output holds rows alone.
    build(args.includes('--json') ? () => {} : undefined);
    show(process.execPath, join('tools', 'bench', 'run.mjs'), ...args);
  },
};

const [verb, ...rest] = process.argv.slice(2);
try {
  if (!Object.hasOwn(verbs, verb))
    throw new SetupError(`unknown verb "${verb}": use one of ${Object.keys(verbs).join(', ')}`);
  requireTools();
  installDependencies();
  verbs[verb](...rest);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exit(1);
}
