/**
 * Builds the native addon of @tensorflow/tfjs-node from the package registries alone, where its own download can't be
 * had: `node tools/tfjs-node/build.mjs <folder>`; then set MACROGRAD_TFJS_NODE to the folder. Linux on x64, Node 22 or
 * older, Python's pip and a C++ compiler. The rest of the workspace does not need it.
 *
 * The sources and the JavaScript come from npm, TensorFlow's libraries and headers from the wheel of the same version.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const ADDON = '@tensorflow/tfjs-node@4.22.0';
const WHEEL = 'tensorflow-cpu==2.15.1';
const PYTHON = process.env.MACROGRAD_PYTHON ?? 'python3';

const [target] = process.argv.slice(2);
const major = Number(process.versions.node.split('.')[0]);
if (target === undefined || process.platform !== 'linux' || process.arch !== 'x64' || major > 22) {
  console.error('usage: node tools/tfjs-node/build.mjs <folder> (Linux on x64, Node 22 or older)');
  process.exit(2);
}
const folder = resolve(target);
const show = (command, args, cwd = folder, env = {}) =>
  execFileSync(command, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } });

mkdirSync(folder, { recursive: true });
if (!existsSync(join(folder, 'package.json'))) writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
show('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ADDON]);

const wheels = join(folder, 'wheel');
const pick = ['--no-deps', '--only-binary=:all:', '--python-version', '3.11', '--platform', 'manylinux2014_x86_64'];
show(PYTHON, ['-m', 'pip', 'download', '--quiet', ...pick, '--dest', wheels, WHEEL]);
const wheel = readdirSync(wheels).find((name) => name.endsWith('.whl'));
show(PYTHON, ['-m', 'zipfile', '-e', join(wheels, wheel), wheels]);

const addon = join(folder, 'node_modules', '@tensorflow', 'tfjs-node');
const [lib, include] = ['lib', 'include'].map((name) => join(addon, 'deps', name));
for (const path of [lib, include]) {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
}
const libraries = {
  'libtensorflow_cc.so.2': 'libtensorflow.so',
  'libtensorflow_framework.so.2': 'libtensorflow_framework.so',
};
for (const [name, link] of Object.entries(libraries)) {
  cpSync(join(wheels, 'tensorflow', name), join(lib, name));
  symlinkSync(name, join(lib, link));
}
for (const name of ['tensorflow', 'tsl']) {
  cpSync(join(wheels, 'tensorflow', 'include', name), join(include, name), { recursive: true });
}
rmSync(wheels, { recursive: true });

// Headers that came with Node, where they did; else node-gyp gets them.
const prefix = dirname(dirname(process.execPath));
const headers = existsSync(join(prefix, 'include', 'node')) ? { npm_config_nodedir: prefix } : {};
show('npx', ['node-pre-gyp', 'install', '--build-from-source'], addon, headers);
console.log(`built; now: export MACROGRAD_TFJS_NODE=${folder}`);
