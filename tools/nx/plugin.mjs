/**
 * The nx targets of the workspace, inferred in one place so that no package.json repeats them.
 *
 * - a folder with `tsconfig.json` under packages/ gets `build` (tsc) and, where it has tests, `test` (vitest)
 * - native/ gets `build` (napi-rs, into packages/kernel/binding), `wasm` (into packages/kernel-wasm) and `test` (cargo)
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const rustInputs = [
  '{workspaceRoot}/native/**/*.{rs,toml,lock,bin,json,safetensors}',
  '!{workspaceRoot}/native/target/**',
  '{workspaceRoot}/rust-toolchain.toml',
  { runtime: 'rustc -vV' },
  { env: 'RUSTFLAGS' },
];

function packageTargets(root, workspaceRoot) {
  const folder = join(workspaceRoot, root);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const builtFrom = { '@macrograd/kernel': ['native:build'], '@macrograd/kernel-wasm': ['native:wasm'] };
  const bundle = existsSync(join(folder, 'bundle.mjs')) ? ` && node ${root}/bundle.mjs` : '';
  const targets = {
    build: {
      command: `tsc -b ${root}${bundle}`,
      dependsOn: ['^build', ...(builtFrom[manifest.name] ?? [])],
      cache: true,
      inputs: ['sources', '!{projectRoot}/test/**', '^sources'],
      outputs: ['{projectRoot}/dist'],
    },
  };
  const tests = join(folder, 'test');
  if (existsSync(tests) && readdirSync(tests).some((name) => name.endsWith('.test.ts'))) {
    targets.test = {
      command: `vitest run --root ${root} --config ${join(workspaceRoot, 'vitest.config.mjs')}`,
      dependsOn: ['build'],
      cache: true,
      inputs: ['sources', '^sources', '{workspaceRoot}/vitest.config.mjs', { env: 'MACROGRAD_DATA' }, ...rustInputs],
      outputs: ['{workspaceRoot}/test-results/{projectName}.json'],
    };
  }
  if (manifest.name === '@macrograd/kernel-wasm') {
    targets.test = {
      command: 'node tools/setup/test-wasm.mjs',
      dependsOn: ['@macrograd/kernel:build', 'build'],
      cache: true,
      inputs: [
        'sources',
        '{workspaceRoot}/packages/{core,kernel}/**/*.{ts,json}',
        '{workspaceRoot}/vitest.config.mjs',
        '{workspaceRoot}/tools/setup/test-wasm.mjs',
        ...rustInputs,
      ],
      outputs: ['{workspaceRoot}/test-results/macrograd-kernel-wasm.json'],
    };
  }
  return { name: manifest.name, targets };
}

function nativeTargets() {
  return {
    name: 'native',
    targets: {
      build: {
        command: 'node tools/setup/build-native.mjs',
        cache: true,
        inputs: [...rustInputs, '{workspaceRoot}/tools/setup/build-native.mjs'],
        outputs: ['{workspaceRoot}/packages/kernel/binding'],
      },
      wasm: {
        command: 'node tools/setup/build-wasm.mjs',
        // One after the other: both would wait for cargo's lock.
        dependsOn: ['build'],
        cache: true,
        inputs: [...rustInputs, '{workspaceRoot}/tools/setup/build-wasm.mjs'],
        outputs: ['{workspaceRoot}/packages/kernel-wasm/macrograd.wasm'],
      },
      test: {
        command: 'node tools/setup/test-native.mjs',
        dependsOn: ['build'],
        cache: true,
        inputs: [...rustInputs, '{workspaceRoot}/tools/setup/test-native.mjs', { env: 'MACROGRAD_ISA' }],
        outputs: ['{workspaceRoot}/test-results/native.json'],
      },
    },
  };
}

export const createNodesV2 = [
  '{packages/*/tsconfig.json,native/Cargo.toml,test/*/tsconfig.json}',
  (files, _options, context) =>
    files.map((file) => {
      const root = dirname(file);
      const { name, targets } = root === 'native' ? nativeTargets() : packageTargets(root, context.workspaceRoot);
      return [file, { projects: { [root]: { name, root, targets } } }];
    }),
];
